"""What a few answers of a person teach about one bay: an offset of its log-odds.

A bay that is judged wrongly again and again looks to the network a little too free or too occupied,
always in the same direction. One number takes that back: the most likely offset under the answers
given, held small by a normal prior and a bound, so that a surely seen car is never argued away.
`benchmarks/bay_bias.py` says what one to five answers bring, on every set with several pictures
of a bay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vision.evidence import to_log_odds
from vision.types import BayEvidence, as_floats

PRIOR_SD = 2.0
"""Of the offset, in log-odds."""
MAX_BIAS = 2.0
"""From even odds to 88 %; a network that gives 95 % is never overruled."""
MAX_ANSWERS = 5
"""The newest of each bay that are used."""
_HALVINGS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of a bay.

    Attributes:
        log_odds: of "occupied", that the network gave the same bay at the same moment.
        occ: whether a vehicle was in it.
    """

    log_odds: float
    occ: bool

    def __post_init__(self) -> None:
        """Reject what is no number."""
        if not math.isfinite(self.log_odds):
            msg = f"log_odds must be finite, but got {self.log_odds}"
            raise ValueError(msg)


def fit_bias(answers: Iterable[Answer]) -> float:
    """The most likely offset of a bay's log-odds, within plus and minus MAX_BIAS; 0 of none."""
    known = list(answers)
    if not known:
        return 0.0
    low, high = -MAX_BIAS, MAX_BIAS
    for _ in range(_HALVINGS):  # the slope of the loss rises with the offset
        middle = (low + high) / 2
        slope = middle / PRIOR_SD**2 + sum(
            1 / (1 + math.exp(-(each.log_odds + middle))) - each.occ for each in known
        )
        low, high = (middle, high) if slope < 0 else (low, middle)
    return (low + high) / 2


def biased(evidence: BayEvidence, bay_ids: Sequence[str], bias: Mapping[str, float]) -> BayEvidence:
    """The evidence with each bay's offset.

    Args:
        evidence: of all bays.
        bay_ids: in its order.
        bias: log-odds by bay; 0 where none is given.
    """
    if not bias:
        return evidence
    offset = np.array([bias.get(bay, 0.0) for bay in bay_ids])
    moved = 1 / (1 + np.exp(-(to_log_odds(evidence.prob) + offset)))
    prob = np.where(offset == 0, evidence.prob, moved)
    return replace(evidence, prob=as_floats(prob))
