"""Putting right what has one right form: direction, points given twice, a hair outside."""

from __future__ import annotations

import numpy as np

from calibration.findings import Code, Finding, Severity
from calibration.geometry import as_points, is_simple, signed_area, to_pixels
from calibration.types import Bay, Calibration, Point, RegionT

# Points nearer than this (fractions) are one point: importers repeat the first at the end.
_SAME_NORM = 1e-6
# How far outside the picture a point may lie to be moved onto its edge: tools that round to whole
# pixels, and hands that draw to the rim, overshoot by a little. More is a bay of another view.
CLIP_NORM = 0.02


def normalise_calibration(calibration: Calibration) -> tuple[Calibration, tuple[Finding, ...]]:
    """Tidy every bay, mask and watched area.

    Returns:
        The calibration, and what was put right (severity `info`).
    """
    bays: list[Bay] = []
    findings: list[Finding] = []
    for bay in calibration.bays:
        tidied, said = normalise_bay(bay)
        bays.append(tidied)
        findings.extend(said)
    masks = tuple(_tidy_region(mask) for mask in calibration.masks)
    areas = tuple(_tidy_region(area) for area in calibration.areas)
    tidied_all = {"bays": tuple(bays), "masks": masks, "areas": areas}
    return calibration.model_copy(update=tidied_all), tuple(findings)


def normalise_bay(bay: Bay) -> tuple[Bay, tuple[Finding, ...]]:
    """Drop repeated points, move points a hair outside onto the edge, turn it clockwise.

    A crossing outline has no direction and is left as it is, to be reported by the checks.
    """
    findings: list[Finding] = []
    points = _without_repeats(bay.polygon)
    clipped = _clipped(points)
    if clipped != points:
        findings.append(_said(bay, Code.CLIPPED, "points just outside the image", "its edge"))
        points = clipped
    array = to_pixels(points, (1, 1))
    if is_simple(array) and signed_area(array) < 0:
        findings.append(_said(bay, Code.COUNTER_CLOCKWISE, "counter-clockwise points", "clockwise"))
        # The first point stays first, so that the editor's handles keep their place.
        points = as_points(np.roll(array[::-1], 1, axis=0))
    if points == bay.polygon:
        return bay, ()
    return bay.model_copy(update={"polygon": points}), tuple(findings)


def _tidy_region(region: RegionT) -> RegionT:
    """As for a bay, but a mask or an area has no direction, and its first point says nothing."""
    points = _clipped(_without_repeats(region.polygon))
    return region if points == region.polygon else region.model_copy(update={"polygon": points})


def _said(bay: Bay, code: Code, was: str, became: str) -> Finding:
    return Finding(Severity.INFO, code, bay.id, f"{was} became {became}", "nothing to do")


def _without_repeats(points: tuple[Point, ...]) -> tuple[Point, ...]:
    kept: list[Point] = []
    for point in points:
        if not kept or not _same(point, kept[-1]):
            kept.append(point)
    while len(kept) > 1 and _same(kept[0], kept[-1]):
        kept.pop()
    # Fewer than three points are no polygon: leave the fault to be reported as it was drawn.
    return tuple(kept) if len(kept) >= 3 else points  # noqa: PLR2004 - a triangle is the least


def _same(first: Point, second: Point) -> bool:
    return max(abs(first[0] - second[0]), abs(first[1] - second[1])) <= _SAME_NORM


def _clipped(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if any(not -CLIP_NORM <= value <= 1 + CLIP_NORM for point in points for value in point):
        return points
    return tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in points)
