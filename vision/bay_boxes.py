"""The occupancy rule of networks that find bays: boxes of occupied and of empty bays.

Such networks are trained on the bays of particular lots, as boxes around them. A box belongs to the
bay that it covers, one to one, with the largest total overlap over the image; a bay that no box
covers is one that the network does not know, and says nothing: it is never free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vision.assignment import NO_VEHICLE, assign_vehicles
from vision.boxes import pairwise_iou
from vision.geometry import extents, to_pixels
from vision.types import BayEvidence, Floats, NetworkOutput, as_floats

EVEN_ODDS = 0.5


@dataclass(frozen=True, slots=True)
class BayBoxSettings:
    """How boxes of bays become probabilities.

    Attributes:
        min_overlap: intersection over union of a box and the box around a bay below which they are
            not the same bay. Bays drawn on the ground and boxes around parked cars overlap by half.
        doubt: added to both confidences before their share is taken, so that one faint box says
            less than one sure box: 0.1 against nothing gives 67 %, 0.9 against nothing 91 %.
    """

    min_overlap: float = 0.3
    doubt: float = 0.1


class BayBoxRule:
    """Evidence from boxes of occupied and free bays."""

    def __init__(self, settings: BayBoxSettings | None = None) -> None:
        self._settings = settings or BayBoxSettings()

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame; a bay without a box has even odds.

        Args:
            output: of a network that finds bays.
            polygons_norm: M polygons, each (K, 2) with K >= 3, fractions of width and height.
            image_wh: the image's width and height, pixels.

        Raises:
            ValueError: the network finds no bays.
        """
        found = output.bay_boxes
        if found is None:
            msg = "expected boxes of bays, but the network detects vehicles only"
            raise ValueError(msg)
        bays = extents([to_pixels(polygon, image_wh) for polygon in polygons_norm])
        overlap = pairwise_iou(found.xyxy_px, bays)
        box = assign_vehicles(overlap, self._settings.min_overlap).vehicle
        occupied = np.append(found.occupied, 0.0)[box] + self._settings.doubt
        free = np.append(found.free, 0.0)[box] + self._settings.doubt
        prob = np.where(box == NO_VEHICLE, EVEN_ODDS, occupied / (occupied + free))
        return BayEvidence(as_floats(prob), np.ones(len(prob), np.float32))
