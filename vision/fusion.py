"""One judgement of a bay from all that a pass says of it: the bay head, and the vehicles' boxes.

On lots that the network never saw, the bay head errs on bays whose car the boxes of the same pass
show plainly, and the boxes miss cars that the head sees. A logistic model over a few cues weighs
the two. No weight is negative and no cue falls when a bay looks more occupied, so a surer head,
more overlap or a surer box never makes a bay look freer. The weights come with the network, in its
manifest; `benchmarks/vision_fit_fusion.py` fits them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.assignment import assign_vehicles, footprint_overlap, overlap_prob
from vision.bay_head import head_prob
from vision.contradiction import contradicts
from vision.evidence import to_log_odds
from vision.fusion_weights import FusionWeights
from vision.geometry import to_pixels
from vision.types import BayEvidence, Detections, Floats, NetworkOutput, as_floats

Doubles = npt.NDArray[np.float64]

MIN_OVERLAP = 0.15
"""Of a vehicle with its bay, as in `vision.assignment.OverlapSettings`."""
MIN_CONFIDENCE = 0.1
"""Of a box that counts; what `vision.detector.DetectorSettings` leaves out by default."""
HEAD_LIMIT = 6.0
"""Log-odds beyond which a surer head says nothing more: on new lots it is wrong more often."""
USUAL_SHARPNESS, USUAL_BAYS = 4.5, 4
"""What an image's other bays are taken to be, and for how many bays that counts."""


@dataclass(frozen=True, slots=True)
class Cues:
    """What a pass says of M bays, all arrays of shape (M,).

    Attributes:
        head: log-odds of the bay head, within HEAD_LIMIT.
        sharpness: mean of the other bays' |head|: low where the network does not know its way, in a
            dark or blurred image or an unusual view.
        overlap: of the assigned vehicle's footprint with the bay, 0 to 1; 0 without one.
        confidence: of that vehicle, 0 to 1; 0 without one.
        covered: largest product of overlap and confidence over all boxes, also those that were
            assigned to a neighbour.
    """

    head: Doubles
    sharpness: Doubles
    overlap: Doubles
    confidence: Doubles
    covered: Doubles

    def columns(self) -> Doubles:
        """The terms that `FusionWeights` weighs, in its order, shape (M, K)."""
        firm = _ramp(self.overlap, 0.3, 0.5) * _ramp(self.confidence, 0.3, 0.7)
        return np.stack(
            [
                self.head,
                self.head * np.maximum(self.sharpness / HEAD_LIMIT - 0.5, 0.0),
                firm,
                self.covered,
            ],
            1,
        )


def cues_of(bay_prob: Floats, detections: Detections, polygons_px: Sequence[Floats]) -> Cues:
    """What the bay head and the boxes say.

    Args:
        bay_prob: the head's probability of "occupied", shape (M,).
        detections: vehicles, pixels.
        polygons_px: M outlines, each (K, 2), pixels.
    """
    head = np.clip(to_log_odds(bay_prob), -HEAD_LIMIT, HEAD_LIMIT)
    sure = detections.confidence >= MIN_CONFIDENCE
    confidence = detections.confidence[sure].astype(np.float64)
    overlap = footprint_overlap(detections.xyxy_px[sure], polygons_px)
    given = assign_vehicles(overlap, MIN_OVERLAP)
    size = np.abs(head)
    others = size.sum() - size + USUAL_BAYS * USUAL_SHARPNESS
    return Cues(
        head=head,
        sharpness=others / (len(head) - 1 + USUAL_BAYS),
        overlap=given.overlap.astype(np.float64),
        confidence=np.append(confidence, 0.0)[given.vehicle],
        covered=(overlap * confidence[:, None]).max(0, initial=0.0),
    )


class FusionRule:
    """Evidence from the bay head and the boxes together.

    Args:
        weights: of the network that judges.
    """

    def __init__(self, weights: FusionWeights) -> None:
        self._terms = np.array(weights.terms())
        self._bias = weights.bias

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame.

        Args:
            output: of a network with a bay head.
            polygons_norm: M polygons, each (K, 2) with K >= 3, fractions of width and height.
            image_wh: the image's width and height, pixels.

        Raises:
            ValueError: the network gave no bay probabilities, or not one for each bay.
        """
        bay_prob = head_prob(output, len(polygons_norm))
        polygons_px = [to_pixels(polygon, image_wh) for polygon in polygons_norm]
        cues = cues_of(bay_prob, output.detections, polygons_px)
        columns = cues.columns()
        logit = columns @ self._terms + self._bias
        prob = as_floats(1 / (1 + np.exp(-logit)))
        boxes = overlap_prob(cues.overlap, cues.confidence)
        contradicted = contradicts(bay_prob, boxes, prob)
        return BayEvidence(prob, np.ones(len(prob), np.float32), contradicted=contradicted)


def _ramp(values: Doubles, low: float, high: float) -> Doubles:
    return np.clip((values - low) / (high - low), 0.0, 1.0)
