"""Temperature and abstain band, so that a probability means what it says.

Both are fitted on frames of places that the judging network has not seen (out of fold), never on
the sets that the model card reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from datasets.frames import Bools
from vision.types import Floats, as_floats

UNSURE_BELOW = 0.75
"""A bay is `unsure` where the calibrated confidence is lower: more than one such answer in four
would be wrong, and the next frame or a person knows better."""

LEAST_DOUBT = 1e-7


@dataclass(frozen=True, slots=True)
class Confidence:
    """How logits become probabilities and answers.

    Attributes:
        temperature: logits are divided by it before the sigmoid.
        abstain_low: a probability of "occupied" above this ...
        abstain_high: ... and below this says nothing.
    """

    temperature: float
    abstain_low: float = 1 - UNSURE_BELOW
    abstain_high: float = UNSURE_BELOW

    def probability(self, logits: Floats) -> Floats:
        """Calibrated probability of "occupied", the shape of the logits."""
        scaled = logits.astype(np.float64) / self.temperature
        return np.asarray(1 / (1 + np.exp(-scaled)), np.float32)


def logits_of(prob: Floats) -> Floats:
    """Logits of probabilities, the same shape; those of certainty are as large as float32 tells."""
    doubtful = np.clip(prob.astype(np.float64), LEAST_DOUBT, 1 - LEAST_DOUBT)
    return as_floats(np.log(doubtful / (1 - doubtful)))


def fit_temperature(logits: Floats, occupied: Bools) -> float:
    """Temperature of least cross entropy.

    Args:
        logits: of "occupied", shape `(M,)`.
        occupied: the truth, shape `(M,)`.
    """
    signed = np.where(occupied, logits, -logits).astype(np.float64)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))
