"""Occupancy rules of other projects, to measure ours against; never used in the product.

Read from their sources: Ultralytics `solutions/parking_management.py` (the centre of a box lies in
the polygon) and Frigate's zones (the middle of a box's bottom edge does). Both decide each bay by
itself, so that one vehicle may fill several bays, and both know no probability: here a bay is
occupied as surely as the surest box in it, and free with the certainty of the missing box.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import shapely

from vision.assignment import OverlapRule
from vision.bay_head import BayHeadRule
from vision.geometry import to_pixels
from vision.rules import rule_for
from vision.types import (
    BayEvidence,
    Floats,
    NetworkOutput,
    NetworkSpec,
    OccupancyRule,
    as_floats,
)

MIN_CONFIDENCE = 0.25
"""Both projects' default; our rules see fainter boxes too."""


class RuleName(StrEnum):
    """Rules that `lotsight eval` can judge."""

    AUTO = "auto"
    BAY_HEAD = "bay_head"
    OVERLAP = "overlap"
    CENTRE = "centre"
    BOTTOM_CENTRE = "bottom_centre"


class PointRule:
    """A bay is occupied if one certain point of a vehicle's box lies in it."""

    def __init__(self, height_share: float) -> None:
        """`height_share`: of the box's height at which the point lies, 0.5 centre, 1 bottom."""
        self._height_share = height_share

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame; see `vision.types.OccupancyRule`."""
        sure = output.detections.confidence >= MIN_CONFIDENCE
        confidence = output.detections.confidence[sure]
        left, top, right, bottom = output.detections.xyxy_px[sure].T
        points = shapely.points((left + right) / 2, top + self._height_share * (bottom - top))
        bays = [shapely.Polygon(to_pixels(polygon, image_wh)) for polygon in polygons_norm]
        inside = np.array([shapely.contains(bay, points) for bay in bays]).reshape(len(bays), -1)
        best = (inside * confidence).max(1, initial=0.0)
        prob = np.where(best > 0, np.maximum(best, 0.5), 0.0)
        return BayEvidence(as_floats(prob), np.ones(len(bays), np.float32))


def make_rule(name: RuleName, spec: NetworkSpec) -> OccupancyRule:
    """The rule of a name."""
    rules: dict[RuleName, OccupancyRule] = {
        RuleName.AUTO: rule_for(spec),
        RuleName.BAY_HEAD: BayHeadRule(),
        RuleName.OVERLAP: OverlapRule(),
        RuleName.CENTRE: PointRule(0.5),
        RuleName.BOTTOM_CENTRE: PointRule(1.0),
    }
    return rules[name]
