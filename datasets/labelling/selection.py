"""Which bays to ask about: the most valuable ones that are not repeats, and a random sample.

Greedy k-centre (Gonzalez 1985; Sener and Savarese 2018) weighted by worth: the next pick is the one
with the most worth, where what it teaches counts by its distance to what was picked. Distance
counts up to `near`: what differs by that much is another case, however far it is. So a hundred
nearly equal crops of one parked car cost one question, not a hundred.

The random sample is drawn first and from all bays alike, whatever they are worth: only it tells
without bias how often the labels are wrong, and it keeps the new training data from holding nothing
but odd cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.labelling.scoring import Worth
from vision.types import Floats, Ints, as_floats

CONSIDERED = 20_000
"""Picks are made among this many of the highest worth; a larger table would take minutes."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bays are asked about.

    Attributes:
        count: bays in all.
        random_share: of them, drawn at random.
        twice_share: of all of them, shown to every reviewer, to measure how far they agree.
        near: distance of looks below which a pick counts as a repeat, see `datasets.crops`.
        seed: of the random sample, of ties and of the order.
    """

    count: int = 400
    random_share: float = 0.2
    twice_share: float = 0.1
    near: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject what is no number or share."""
        if self.count < 1:
            msg = f"count: expected at least one bay, but got {self.count}"
            raise ValueError(msg)
        for name in ("random_share", "twice_share"):
            if not 0 <= getattr(self, name) <= 1:
                msg = f"{name}: expected a fraction from 0 to 1, but got {getattr(self, name)}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Picks:
    """What was picked.

    Attributes:
        index: into the bays, in the order of asking.
        random: which of them belong to the random sample.
        twice: which of them every reviewer gets.
    """

    index: Ints
    random: np.ndarray[tuple[int], np.dtype[np.bool]]
    twice: np.ndarray[tuple[int], np.dtype[np.bool]]


def select(worth: Worth, look: Floats, budget: Budget) -> Picks:
    """Pick bays to ask about.

    Args:
        worth: of an answer about each of N bays.
        look: looks of each bay, shape (N, D).
        budget: how many.
    """
    rng = np.random.default_rng(budget.seed)
    count = min(budget.count, len(look))
    by_chance = rng.choice(len(look), round(budget.random_share * count), replace=False)
    open_ = np.ones(len(look), np.bool)
    open_[by_chance] = False
    rest = np.nonzero(open_)[0]
    best = rest[pick_diverse(worth[rest], look[rest], count - len(by_chance), budget.near, rng)]
    # The sample is interleaved, so that it is neither recognisable nor affected by fatigue.
    places = np.sort(rng.choice(count, len(by_chance), replace=False))
    random = np.zeros(count, np.bool)
    random[places] = True
    index = np.zeros(count, np.int64)
    index[random], index[~random] = by_chance, best
    twice = np.zeros(count, np.bool)
    twice[rng.choice(count, round(budget.twice_share * count), replace=False)] = True
    return Picks(index, random, twice)


def pick_diverse(
    worth: Worth, look: Floats, count: int, near: float, rng: np.random.Generator
) -> Ints:
    """Weighted k-centre greedy.

    Args:
        worth: of N bays.
        look: shape (N, D).
        count: how many to pick; all of N at most.
        near: distance from which on two looks are different cases.
        rng: decides between equals.

    Returns:
        Indices in the order of picking, shape (min(count, N),), int64.
    """
    order = rng.permutation(len(look))
    best_first = np.argsort(-worth.total()[order], kind="stable")
    order = order[best_first][: max(CONSIDERED, count)]
    left, looks = worth[order], look[order]
    # Nothing is worth nothing: where a sign is missing, what differs most is asked about.
    left = Worth(np.maximum(left.learning, 1e-3), left.mending)
    news = np.ones(len(order), np.float32)
    picked: list[int] = []
    for _ in range(min(count, len(order))):
        gain = left.total(news)
        gain[picked] = -1
        best = int(gain.argmax())
        picked.append(best)
        if near > 0:
            distance = np.sqrt(np.square(as_floats(looks - looks[best])).sum(1))
            np.minimum(news, distance / near, out=news)
    return np.asarray(order[picked], np.int64)
