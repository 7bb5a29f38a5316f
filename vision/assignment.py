"""Which vehicle stands in which bay: footprints, overlap, one vehicle to one bay.

The rule for networks that give boxes only. A box holds a car's roof as well as its wheels, and only
the wheels stand in the bay, so each vehicle is compared by its footprint: the lowest part of its
box, as tall as the bay appears. Seen from straight above the bay is as tall as the car and the
footprint is the whole box; seen obliquely it is the strip on the ground.

Every vehicle is given to one bay at most and every bay gets one vehicle at most, with the largest
total overlap over the whole image (Kuhn 1955; Jonker and Volgenant 1987, by SciPy). Deciding bay
by bay lets one large car fill three bays, and deciding first come first served depends on order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from vision.geometry import extents, to_pixels
from vision.pairing import best_pairs
from vision.types import BayEvidence, Detections, Floats, Ints, NetworkOutput

NO_VEHICLE = -1


@dataclass(frozen=True, slots=True)
class OverlapSettings:
    """How overlap becomes a probability.

    A bay with an assigned vehicle is occupied with log-odds
    `bias + overlap_gain * overlap + confidence_gain * confidence`; a bay without one with log-odds
    `no_vehicle`. The defaults were fitted by logistic regression on the acpds train split with
    yolo11n-vehicles (see benchmarks/vision_fit_overlap.py), so that the probability is one.

    Attributes:
        min_overlap: pairs that overlap by less are never assigned.
        bias: log-odds.
        overlap_gain: log-odds for full overlap.
        confidence_gain: log-odds for full confidence.
        no_vehicle: log-odds of a bay without a vehicle: what share of cars the network misses.
    """

    min_overlap: float = 0.15
    bias: float = -3.06
    overlap_gain: float = 13.64
    confidence_gain: float = 2.78
    no_vehicle: float = -2.63


@dataclass(frozen=True, slots=True)
class Assignment:
    """Vehicles given to bays.

    Attributes:
        vehicle: index of the vehicle in each bay or NO_VEHICLE, shape (M,), int64.
        overlap: share of overlap in each bay, 0 where there is none, shape (M,), float32.
    """

    vehicle: Ints
    overlap: Floats


def footprint_overlap(xyxy_px: Floats, polygons_px: Sequence[Floats]) -> Floats:
    """Overlap of every vehicle's footprint with every bay.

    Args:
        xyxy_px: boxes of vehicles, shape (N, 4), pixels.
        polygons_px: M polygons, each (K, 2), pixels; one that crosses itself counts by its area.

    Returns:
        Shape (N, M), float32, 0 to 1: intersection over union of footprint and bay.
    """
    overlap = np.zeros((len(xyxy_px), len(polygons_px)), np.float32)
    bays = extents(polygons_px)
    # Only pairs whose bounding boxes meet are worth a polygon intersection.
    meet = (xyxy_px[:, None, :2] < bays[None, :, 2:]).all(2)
    meet &= (xyxy_px[:, None, 2:] > bays[None, :, :2]).all(2)
    vehicle, bay = np.nonzero(meet)
    if len(vehicle) == 0:
        return overlap
    left, top, right, bottom = xyxy_px[vehicle].T
    ground_top = np.maximum(top, bottom - (bays[bay, 3] - bays[bay, 1]))
    footprints = shapely.box(left, ground_top, right, bottom)
    shapes = _shapes(polygons_px)
    shared = shapely.area(shapely.intersection(footprints, shapes[bay]))
    union = shapely.area(footprints) + shapely.area(shapes[bay]) - shared
    overlap[vehicle, bay] = shared / np.maximum(union, 1e-9)
    return overlap


def _shapes(polygons_px: Sequence[Floats]) -> npt.NDArray[np.object_]:
    corners = np.concatenate(polygons_px)
    owner = np.repeat(np.arange(len(polygons_px)), [len(polygon) for polygon in polygons_px])
    outlines = shapely.linearrings(corners, indices=owner)
    shapes = np.asarray(shapely.polygons(outlines), np.object_)
    crossed = ~shapely.is_valid(shapes)  # foreign outlines may cross themselves
    shapes[crossed] = shapely.make_valid(shapes[crossed])
    return shapes


def assign_vehicles(overlap: Floats, min_overlap: float) -> Assignment:
    """Give vehicles to bays one to one, with the largest total overlap.

    Args:
        overlap: shape (N, M), see `footprint_overlap`.
        min_overlap: pairs below are never assigned.
    """
    bays = overlap.shape[1]
    vehicle = np.full(bays, NO_VEHICLE, np.int64)
    share = np.zeros(bays, np.float32)
    rows, columns = best_pairs(overlap)
    real = overlap[rows, columns] >= max(min_overlap, 1e-6)
    vehicle[columns[real]] = rows[real]
    share[columns[real]] = overlap[rows[real], columns[real]]
    return Assignment(vehicle, share)


class OverlapRule:
    """Evidence from vehicle boxes: footprint overlap and one-to-one assignment."""

    def __init__(self, settings: OverlapSettings | None = None) -> None:
        self._settings = settings or OverlapSettings()

    def assign(self, detections: Detections, polygons_px: Sequence[Floats]) -> Assignment:
        """Which vehicle stands in which bay."""
        overlap = footprint_overlap(detections.xyxy_px, polygons_px)
        return assign_vehicles(overlap, self._settings.min_overlap)

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame.

        Args:
            output: of any network; only its boxes count.
            polygons_norm: M polygons, each (K, 2) with K >= 3, fractions of width and height.
            image_wh: the image's width and height, pixels.
        """
        settings = self._settings
        polygons_px = [to_pixels(polygon, image_wh) for polygon in polygons_norm]
        assigned = self.assign(output.detections, polygons_px)
        confidence = np.append(output.detections.confidence, 0.0)[assigned.vehicle]
        logit = (
            settings.bias
            + settings.overlap_gain * assigned.overlap
            + settings.confidence_gain * confidence
        )
        logit = np.where(assigned.vehicle == NO_VEHICLE, settings.no_vehicle, logit)
        prob = (1 / (1 + np.exp(-logit))).astype(np.float32)
        return BayEvidence(prob, np.ones(len(prob), np.float32))
