"""A line drawn across a lane, and how often a path passed over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from telemetry.gates import PassageDirection
from vision.types import Floats

Doubles = npt.NDArray[np.float64]

NOT_COUNTED = frozenset({"person", "pedestrian", "bicycle"})
"""Classes that a line counts only where it names them: they take no place of the lot's."""


class LineSide(StrEnum):
    """A side of a line, for somebody who walks from its first point to its last."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A line that vehicles are counted over.

    Attributes:
        id: of the gate that it stands for.
        points_norm: shape (K, 2) with K >= 2, float32, fractions of the picture, on the ground.
        in_side: on which side the lot lies, as seen in the picture.
        classes: counted classes of vehicle; empty counts all but `NOT_COUNTED`.
    """

    id: str
    points_norm: Floats = field(repr=False)
    in_side: LineSide = LineSide.LEFT
    classes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what is no line."""
        shape = self.points_norm.shape
        if len(shape) != 2 or shape[0] < 2 or shape[1] != 2:  # noqa: PLR2004 - pairs, two or more
            msg = f"line '{self.id}': expected points of shape (2 or more, 2), but got {shape}"
            raise ValueError(msg)

    def counts(self, vehicle: str) -> bool:
        """Whether vehicles of a class are counted."""
        return vehicle in self.classes if self.classes else vehicle not in NOT_COUNTED

    def direction(self, to_left: bool) -> PassageDirection:
        """Which way a passage to the left or to the right of the line leads."""
        is_in = to_left is (self.in_side is LineSide.LEFT)
        return PassageDirection.IN if is_in else PassageDirection.OUT


def crossings(line: Doubles, start: Doubles, end: Doubles) -> tuple[int, float]:
    """How a straight step passes over a line.

    Args:
        line: points, shape (K, 2), y down.
        start: where the step begins, shape (2,).
        end: where it ends, shape (2,).

    Returns:
        Passages to the left less passages to the right of the line, and the share of the step, 0
        to 1, at which the first of them happens. A step that goes round the line's end passes
        nothing. A point on the line counts as right of it, so that no passage is counted by both
        the step that reaches the line and the one that leaves it.
    """
    net, share = 0, 1.0
    for first, second in pairwise(line):
        before, after = _left_of(first, second, start), _left_of(first, second, end)
        if (before > 0) == (after > 0):
            continue
        # Of a joint only the segment that begins there has it, so it is not passed twice.
        near, far = _left_of(start, end, first), _left_of(start, end, second)
        if (near > 0) == (far > 0):
            continue
        net += 1 if after > 0 else -1
        share = min(share, before / (before - after))
    return net, share


def distance_to(line: Doubles, point: Doubles) -> float:
    """Distance of a point, shape (2,), from the nearest place of a line, shape (K, 2)."""
    first, along = line[:-1], np.diff(line, axis=0)
    length2 = np.maximum((along**2).sum(1), 1e-12)
    share = np.clip(((point - first) * along).sum(1) / length2, 0.0, 1.0)
    return float(np.linalg.norm(first + share[:, None] * along - point, axis=1).min())


def _left_of(first: Doubles, second: Doubles, point: Doubles) -> float:
    """Positive where `point` lies left of the way from `first` to `second`, as seen, y down."""
    along, to = second - first, point - first
    return float(along[1] * to[0] - along[0] * to[1])
