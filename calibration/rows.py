"""The row tool: one quadrilateral over a row becomes its bays, in true perspective.

A row is a rectangle (or parallelogram) on the ground. The homography from the unit square to its
image is fixed by its four corners, and equal steps along the square are equal metres along the
row, so the bays come out as wide as they are painted, near and far. The same homography covers all
of the ground plane, which is why a row can be copied along the lot with one point.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from calibration.geometry import Doubles, as_points, signed_area, to_norm, to_pixels
from calibration.homography import (
    UNIT_SQUARE,
    apply_homography,
    inverse_of,
    square_to_quad,
)
from calibration.types import Bay, Point, Quad
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayAngle, BayKind, Identifier, ZoneId

MOST_BAYS = 200


class RowPlan(BaseModel):
    """What the installer says of a row. Its first side, corner 1 to corner 2, runs along it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quad: Quad = Field(
        title="Corners", description="Around the row, fractions of the image; 1 to 2 is the front."
    )
    count: int = Field(ge=1, le=MOST_BAYS, title="Bays", description="In each row.")
    dividers: tuple[float, ...] = Field(
        (),
        title="Dividers",
        description="Positions of the count - 1 dividers, fractions of the true length; empty: "
        "evenly spaced.",
    )
    skew: float = Field(
        0.0,
        gt=-1,
        lt=1,
        title="Skew",
        description="Angled bays: offset of the backs against the fronts, as a fraction of the "
        "row's true length.",
    )
    rows: Literal[1, 2] = Field(1, title="Rows", description="2: back to back within the depth.")
    split: float = Field(
        0.5,
        gt=0,
        lt=1,
        title="Split",
        description="Depth of the front row of two, as a fraction of the whole.",
    )
    herringbone: bool = Field(
        False, title="Herringbone", description="The second row slants the other way."
    )

    @model_validator(mode="after")
    def _dividers_in_order(self) -> Self:
        if not self.dividers:
            return self
        if len(self.dividers) != self.count - 1:
            msg = f"dividers: expected {self.count - 1}, but got {len(self.dividers)}"
            raise ValueError(msg)
        marks = (0.0, *self.dividers, 1.0)
        if any(second <= first for first, second in pairwise(marks)):
            msg = (
                f"dividers: expected increasing fractions between 0 and 1, but got {self.dividers}"
            )
            raise ValueError(msg)
        return self

    @property
    def marks(self) -> tuple[float, ...]:
        """Where bays begin and end along the row: count + 1 shares of its true length."""
        inner = self.dividers or tuple(i / self.count for i in range(1, self.count))
        return (0.0, *inner, 1.0)


class BayTraits(BaseModel):
    """What all bays of a row have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: BayKind = BayKind.STANDARD
    angle: BayAngle | None = Field(None, description="None: angled when skewed, else perpendicular")
    zone: ZoneId | None = None
    level: Identifier | None = None


def row_quads(plan: RowPlan, image_wh: tuple[int, int]) -> list[Quad]:
    """The bays of a row: along the front row first, then along the second one.

    Args:
        plan: the row.
        image_wh: the image's width and height, pixels.

    Returns:
        `plan.count * plan.rows` quads, clockwise as seen, fractions of the image.

    Raises:
        CalibrationError: the four corners are not those of a convex quadrilateral.
    """
    matrix = square_to_quad(to_pixels(plan.quad, image_wh))
    quads: list[Quad] = []
    depths = [(0.0, 1.0)] if plan.rows == 1 else [(0.0, plan.split), (plan.split, 1.0)]
    for index, depth in enumerate(depths):
        skew = -plan.skew if plan.herringbone and index == 1 else plan.skew
        for first, last in pairwise(plan.marks):
            cell = _cell((first, last), depth, skew)
            quad_px = apply_homography(matrix, cell)
            if signed_area(quad_px) < 0:
                quad_px = np.roll(quad_px[::-1], 1, axis=0)
            quads.append(as_points(to_norm(quad_px, image_wh)))
    return quads


def _cell(marks: tuple[float, float], depth: tuple[float, float], skew: float) -> Doubles:
    """A bay's corners in the unit square; slanted ones share the length that the slant leaves."""
    room = 1.0 - abs(skew)
    front = np.asarray(marks) * room + max(-skew, 0.0)
    back = front + skew
    return np.array(
        [
            [front[0], depth[0]],
            [front[1], depth[0]],
            [back[1], depth[1]],
            [back[0], depth[1]],
        ]
    )


def row_bays(
    plan: RowPlan, ids: tuple[str, ...], image_wh: tuple[int, int], traits: BayTraits | None = None
) -> tuple[Bay, ...]:
    """The bays of a row with their ids; see `row_quads` for the order.

    Raises:
        CalibrationError: another number of ids than of bays, or corners of no convex quad.
    """
    quads = row_quads(plan, image_wh)
    if len(ids) != len(quads):
        msg = f"expected {len(quads)} ids for {len(quads)} bays, but got {len(ids)}"
        raise CalibrationError(msg)
    traits = traits or BayTraits()
    slanted = BayAngle.ANGLED if plan.skew else BayAngle.PERPENDICULAR
    return tuple(
        Bay(
            id=bay_id,
            polygon=quad,
            kind=traits.kind,
            angle=traits.angle or slanted,
            zone=traits.zone,
            level=traits.level,
        )
        for bay_id, quad in zip(ids, quads, strict=True)
    )


def _on_row(plan: RowPlan, point: Point, image_wh: tuple[int, int]) -> tuple[float, float]:
    inverse = inverse_of(square_to_quad(to_pixels(plan.quad, image_wh)))
    u, v = apply_homography(inverse, to_pixels([point], image_wh))[0]
    return float(u), float(v)


def copy_row(plan: RowPlan, to: Point, image_wh: tuple[int, int]) -> RowPlan:
    """The same row elsewhere on the ground, its first corner at `to`; as large in metres.

    Raises:
        CalibrationError: the copy would reach beyond the horizon.
    """
    quad_px = to_pixels(plan.quad, image_wh)
    matrix = square_to_quad(quad_px)
    moved = apply_homography(matrix, UNIT_SQUARE + np.asarray(_on_row(plan, to, image_wh)))
    if np.sign(signed_area(moved)) != np.sign(signed_area(quad_px)):
        msg = f"expected a point below the horizon, but got ({to[0]:.3f}, {to[1]:.3f})"
        raise CalibrationError(msg)
    return plan.model_copy(update={"quad": as_points(to_norm(moved, image_wh))})
