"""Golden images: what a network that was rolled out must get right before it is used.

They are rendered on the box: a new network costs no download of images, the truth is exact, no
lot's data lies on a box, and the same seed always gives the same image.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator import render_sample
from telemetry import ModelError
from vision.judge import BayShapes, Detector, judge_bays

IMAGE_WH = (960, 544)
_SEEDS = (3, 5, 9)
"""Two lots under clouds and one in the sun: 61 bays, 38 of them taken."""
_LEAST_SHARE = 0.9
"""The networks that come with lotsight get 95 % (boxes alone) to 100 % of these bays right."""


@dataclass(frozen=True, slots=True)
class GoldenScore:
    """How many bays of the golden images were judged right."""

    right: int
    bays: int

    @property
    def is_good_enough(self) -> bool:
        """Whether a network with this score may be used."""
        return self.right >= _LEAST_SHARE * self.bays


def score_golden(detector: Detector) -> GoldenScore:
    """Judge all golden images as the pipeline would."""
    right = bays = 0
    for seed in _SEEDS:
        image_bgr, quads_norm, occupied = render_sample(seed, IMAGE_WH)
        evidence = judge_bays(detector, image_bgr, BayShapes(list(quads_norm), quads_norm)).evidence
        # Half is no answer: a network that says nothing is as wrong as one that says the opposite.
        judged_right = (evidence.prob > 0.5) & occupied | (evidence.prob < 0.5) & ~occupied  # noqa: PLR2004
        right += int(judged_right.sum())
        bays += len(occupied)
    return GoldenScore(right, bays)


def require_golden(detector: Detector) -> None:
    """Judge the golden images before a network is used.

    Raises:
        ModelError: it gets too many bays wrong.
    """
    score = score_golden(detector)
    if not score.is_good_enough:
        spec = detector.spec
        msg = (
            f"model {spec.name} {spec.version}: expected at least {_LEAST_SHARE:.0%} of the "
            f"{score.bays} bays of the golden images right, but got {score.right}"
        )
        raise ModelError(msg)
