"""The rules that a counted line must keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
from shapely import LineString

from calibration.findings import Code, Finding, Severity
from calibration.geometry import to_pixels
from calibration.types import Calibration, Line

_SHORTEST_PX = 16.0
"""A shorter line in the picture it was drawn on crosses no lane in which a vehicle can be told."""
_LOWEST_NORM = 0.96
"""Below it boxes end at the picture's edge: where a vehicle stands on the ground is not seen."""

_error = partial(Finding, Severity.ERROR)


def check_lines(calibration: Calibration) -> Iterator[Finding]:
    """Look for everything that is wrong or doubtful with the counted lines."""
    for name, count in Counter(line.id for line in calibration.lines).items():
        if count > 1:
            what = f"counted line '{name}': expected one of this id, but got {count}"
            yield _error(Code.DUPLICATE_ID, None, what, "give each an id of its own", line=name)
    for line in calibration.lines:
        yield from _check_line(line, calibration)


def _check_line(line: Line, calibration: Calibration) -> Iterator[Finding]:
    start, what = f"counted line '{line.id}': expected", line.id
    outside = [point for point in line.points if not all(0 <= side <= 1 for side in point)]
    at = line.points[0] if not outside else None
    if outside:
        x, y = outside[0]
        said = f"{start} points between 0 and 1, but got {len(outside)} outside, first ({x}, {y})"
        place = (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        yield _error(Code.OUTSIDE, None, said, "move them into the picture", place, line=what)
    path = LineString(to_pixels(line.points, calibration.image_wh))
    if path.length < _SHORTEST_PX:
        said = f"{start} at least {_SHORTEST_PX:g} px, but got {path.length:.1f} px"
        yield _error(Code.TINY, None, said, "draw it across the whole lane", at, line=what)
    elif not path.is_simple:
        said = f"{start} a line that does not cross itself, but got one that does"
        yield _error(Code.SELF_CROSSING, None, said, "put its points in order", at, line=what)
    if line.level is not None and line.level not in calibration.lot.levels and line.lot is None:
        known = ", ".join(sorted(calibration.lot.levels)) or "none given"
        said = f"{start} one of the lot's levels ({known}), but got '{line.level}'"
        yield _error(
            Code.UNKNOWN_LEVEL, None, said, "add the level to the lot, or correct it", line=what
        )
    lowest = float(np.asarray(line.points)[:, 1].min())
    if lowest > _LOWEST_NORM:
        said = f"{start} a part above {_LOWEST_NORM:g} of the height, but got {lowest:.2f} at best"
        remedy = "draw it higher: at the lower edge vehicles are cut off, and pass it unseen"
        yield Finding(Severity.WARNING, Code.CUT_OFF, None, said, remedy, at, line=what)
