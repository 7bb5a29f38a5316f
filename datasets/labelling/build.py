"""From a judged pool to a queue: by single bays, or by whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import numpy as np

from datasets.errors import DatasetError
from datasets.labelling.pool import Judged
from datasets.labelling.queue import Made, Queue, QueueItem
from datasets.labelling.scoring import Weights, Worth, reasons_of, value_bays
from datasets.labelling.selection import Budget, Picks, pick_diverse, select
from telemetry.messages import ModelRef
from vision.types import Floats, Ints, NetworkSpec, as_floats


class Unit(StrEnum):
    """What is chosen."""

    BAY = "bay"
    """Single bays: the most for each answer."""
    FRAME = "frame"
    """Whole images with all their bays: complete labels, as some trainers ask for."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a queue is made.

    Attributes:
        budget: how many bays, and which of them by chance.
        weights: of the signs.
        unit: bays or images.
        sources: as they were given, for the record.
    """

    budget: Budget = field(default_factory=Budget)
    weights: Weights = field(default_factory=Weights)
    unit: Unit = Unit.BAY
    sources: tuple[str, ...] = ()

    def settings(self) -> dict[str, float | int | str]:
        """For the record."""
        weights = {f"weight_{name}": value for name, value in asdict(self.weights).items()}
        return {"by": str(self.unit), **asdict(self.budget), **weights}


@dataclass(frozen=True, slots=True)
class RankedFrame:
    """An image and what its bays are worth together."""

    judged: Judged = field(repr=False)
    value: float


def rank_frames(pool: Sequence[Judged], weights: Weights) -> list[RankedFrame]:
    """Images by the sum of what their bays are worth, best first.

    With calibrated probabilities that sum grows with the number of bays that are judged or
    labelled wrong.
    """
    ranked = [RankedFrame(one, float(value_bays(one.signs, weights).total().sum())) for one in pool]
    return sorted(ranked, key=lambda one: -one.value)


def make_queue(
    pool: Sequence[Judged], spec: NetworkSpec, recipe: Recipe, folder: Path, now: datetime
) -> Queue:
    """Choose what is asked.

    Args:
        pool: judged images.
        spec: the network that judged them.
        recipe: how.
        folder: of the queue, to which the paths of images are relative.
        now: for the record.

    Raises:
        DatasetError: there is no bay to ask about.
    """
    counts = np.array([len(one.prob) for one in pool], np.int64)
    if counts.sum() == 0:
        msg = f"sources {', '.join(recipe.sources)}: expected bays to label, but got none"
        raise DatasetError(msg)
    frame = np.repeat(np.arange(len(pool)), counts)
    bay = np.concatenate([np.arange(count) for count in counts])
    worth = Worth.joined([value_bays(one.signs, recipe.weights) for one in pool])
    value = worth.total()
    if recipe.unit is Unit.BAY:
        picks = select(worth, np.concatenate([one.looks for one in pool]), recipe.budget)
    else:
        picks = _whole_frames(pool, value, frame, recipe.budget)
    used = np.unique(frame[picks.index])
    place = {int(index): number for number, index in enumerate(used)}
    items = tuple(
        QueueItem(
            frame=place[int(frame[i])],
            bay=int(bay[i]),
            value=round(float(value[i]), 4),
            reasons=reasons_of(pool[frame[i]].signs, int(bay[i])),
            random=bool(random),
            twice=bool(twice),
        )
        for i, random, twice in zip(picks.index, picks.random, picks.twice, strict=True)
    )
    made = Made(
        time=now,
        model=ModelRef.of(spec).model_dump(),
        sources=recipe.sources,
        settings=recipe.settings(),
        pool_frames=len(pool),
        pool_bays=int(counts.sum()),
    )
    return Queue(made=made, frames=tuple(pool[i].queued(folder) for i in used), items=items)


def _whole_frames(pool: Sequence[Judged], value: Floats, frame: Ints, budget: Budget) -> Picks:
    """All bays of the best images, after a random sample of single bays."""
    rng = np.random.default_rng(budget.seed)
    count = min(budget.count, len(value))
    by_chance = rng.choice(len(value), round(budget.random_share * count), replace=False)
    total = np.bincount(frame, weights=value, minlength=len(pool))
    share = as_floats(total / max(float(total.max()), 1e-9))
    worth = Worth(share, np.zeros_like(share))
    looks = as_floats([one.look for one in pool])
    chosen = list(by_chance)
    sampled = set(chosen)
    for number in pick_diverse(worth, looks, len(pool), budget.near, rng):
        if len(chosen) >= count:
            break
        chosen += [i for i in np.nonzero(frame == number)[0] if i not in sampled]
    index = np.asarray(chosen, np.int64)
    random = np.zeros(len(index), np.bool)
    random[: len(by_chance)] = True
    # By image, so that a person stays in one view.
    order = np.argsort(frame[index], kind="stable")
    twice = np.zeros(len(index), np.bool)
    twice[rng.choice(len(index), round(budget.twice_share * len(index)), replace=False)] = True
    return Picks(index[order], random[order], twice)
