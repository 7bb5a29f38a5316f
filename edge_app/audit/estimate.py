"""From second opinions to an accuracy with an interval.

Opinions are not the truth, so the accuracy is only identified within bounds, as in surveys with
missing answers (Manski 2003). Of the bays judged again

- a bay is *confirmed* when every other opinion agrees with its state,
- *outvoted* when every other opinion contradicts it,
- *doubted* when they differ among themselves.

Were doubted bays all wrong, the confirmed share would be the accuracy; were they all right, one
minus the outvoted share. The figure in between counts a bay right when the mean of all log-odds
upholds its state. The bounds get a sampling margin each: the Jeffreys interval (Brown, Cai and
DasGupta 2001) on the effective sample size of Korn and Graubard (1998), since the bays of one
image share its light and err together.

What it cannot see: bays on which all opinions are wrong together. So it is a smoke detector, not a
measurement: `benchmarks/audit.py` says how far the two are apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from vision.second_opinion import SecondOpinion
from vision.types import Floats

TAIL = 0.025
"""On each side of a 95 % interval."""
Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LookTally:
    """What the other opinions said of the bays of one image.

    Attributes:
        bays: judged again.
        confirmed: by every other opinion.
        upheld: by the mean of all opinions.
        outvoted: contradicted by every other opinion.
    """

    bays: int
    confirmed: int
    upheld: int
    outvoted: int

    def __post_init__(self) -> None:
        """Reject counts that contradict each other."""
        if not (0 <= self.confirmed <= self.bays and 0 <= self.upheld <= self.bays) or not (
            0 <= self.outvoted <= self.bays - self.confirmed
        ):
            msg = f"expected consistent bay counts, but got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """How often states are right.

    Attributes:
        looks: images looked at again.
        bays: bays judged again in them.
        accuracy: share of states that the mean of all opinions upholds.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    looks: int
    bays: int
    accuracy: float
    low: float
    high: float


def tally_look(opinion: SecondOpinion, prob: Floats, counted: Bools | None = None) -> LookTally:
    """Count what the others say of one image's bays.

    Args:
        opinion: of the others, on M bays.
        prob: probability of "occupied" that the state (or the first pass) stands for, shape (M,).
        counted: which bays count, shape (M,); all by default.
    """
    occupied = prob >= 0.5  # noqa: PLR2004 - even odds
    agrees = (opinion.log_odds > 0) == occupied
    upheld = (opinion.consensus(prob) > 0) == occupied
    keep = np.ones(len(prob), np.bool_) if counted is None else counted
    return LookTally(
        bays=int(keep.sum()),
        confirmed=int((agrees.all(0) & keep).sum()),
        upheld=int((upheld & keep).sum()),
        outvoted=int((~agrees.any(0) & keep).sum()),
    )


def estimate_accuracy(tallies: Sequence[LookTally]) -> AccuracyEstimate | None:
    """Put the tallies of many images together; None without any bay."""
    kept = [tally for tally in tallies if tally.bays]
    if not kept:
        return None
    bays = np.array([tally.bays for tally in kept], np.float64)
    confirmed = np.array([tally.confirmed for tally in kept], np.float64)
    not_outvoted = bays - np.array([tally.outvoted for tally in kept])
    accuracy = float(sum(tally.upheld for tally in kept) / bays.sum())
    low, high = _end(confirmed, bays, TAIL), _end(not_outvoted, bays, 1 - TAIL)
    return AccuracyEstimate(
        looks=len(kept),
        bays=int(bays.sum()),
        accuracy=accuracy,
        low=min(low, accuracy),
        high=max(high, accuracy),
    )


def _end(hits: Doubles, bays: Doubles, quantile: float) -> float:
    """One end of the Jeffreys interval of a share, `hits` of `bays` in each image."""
    share = hits.sum() / bays.sum()
    count = effective_bays(hits, bays)
    end = betaincinv(share * count + 0.5, (1 - share) * count + 0.5, quantile)
    return float(end)


def effective_bays(hits: Doubles, bays: Doubles) -> float:
    """How many independent bays tell as much as these, which stand together in images.

    From the variance of the share between images; as many as there are images where all agree,
    because then the dependence between the bays of an image is unknown.
    """
    looks, total = len(bays), bays.sum()
    share = hits.sum() / total
    spread = float(np.square(hits - share * bays).sum())
    if looks < 2 or spread == 0:  # noqa: PLR2004 - no variance from one
        return float(looks)
    variance = spread * looks / (looks - 1) / total**2
    return float(np.clip(share * (1 - share) / variance, looks, total))
