"""Splits by group: all images of a lot, a camera or a day stand on one side.

Images of one fixed camera are nearly the same image: cut at random, a model is judged on what
it has seen. So groups are dealt, never images.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from datasets.errors import DatasetError
from datasets.frames import LotFrame

Group = tuple[str, ...]


class SplitBy(StrEnum):
    """What stays together."""

    LOT = "lot"
    """All cameras of a car park: measures how a model does on a new one."""
    CAMERA = "camera"
    """All images of a camera: how it does on a new view."""
    DAY = "day"
    """A day of a lot, on all its cameras: how it does on another day in a known view."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the images, by split.

    Attributes:
        by_split: positive; they add up to 1.
    """

    by_split: Mapping[str, float]

    def __post_init__(self) -> None:
        """Reject invalid shares.

        Raises:
            DatasetError: they do not add up to 1, or are fewer than two.
        """
        values = list(self.by_split.values())
        if len(values) < 2 or min(values) <= 0 or abs(sum(values) - 1) > 1e-6:  # noqa: PLR2004
            got = ", ".join(f"{name}={value:g}" for name, value in self.by_split.items())
            msg = f"shares: expected two or more above 0 that add up to 1, but got {got or 'none'}"
            raise DatasetError(msg)

    @classmethod
    def parse(cls, text: str) -> Shares:
        """Read `train=0.8,valid=0.2`.

        Raises:
            DatasetError: it is not of this form.
        """
        shares: dict[str, float] = {}
        for part in text.split(","):
            name, _, value = (piece.strip() for piece in part.partition("="))
            try:
                number = float(value)
            except ValueError:
                number = 0.0
            if not name.isidentifier() or not number or name in shares:
                msg = f"shares: expected NAME=SHARE, e.g. train=0.8,valid=0.2, but got '{part}'"
                raise DatasetError(msg)
            shares[name] = number
        return cls(shares)


def group_of(frame: LotFrame, by: SplitBy) -> Group:
    """What an image belongs to.

    Raises:
        DatasetError: the set does not say.
    """
    group: Group | None = None
    if by is SplitBy.LOT and frame.lot:
        group = (frame.lot,)
    elif by is SplitBy.CAMERA and frame.camera:
        group = (frame.lot or frame.set_name, frame.camera)
    elif by is SplitBy.DAY and frame.time_local is not None:
        group = (frame.lot or frame.set_name, frame.time_local.date().isoformat())
    if group is None:
        msg = f"{frame.path}: expected its {by}, to split by it, but the set does not state it"
        raise DatasetError(msg)
    return group


def split_by(
    frames: Sequence[LotFrame], by: SplitBy, shares: Shares, seed: int = 0
) -> list[LotFrame]:
    """Deal whole groups to splits, so that each comes near its share of the images.

    The largest groups go first, each to the split that lacks most; groups of one size in an order
    drawn by `seed`. Every split gets a group at least.

    Returns:
        The same images in the same order, with their new splits.

    Raises:
        DatasetError: there are fewer groups than splits, or an image's group is not known.
    """
    members: dict[Group, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        members[group_of(frame, by)].append(index)
    wanted = shares.by_split
    if len(members) < len(wanted):
        msg = (
            f"split by {by}: expected at least one {by} for each of {len(wanted)} splits, but got "
            f"{len(members)} in all"
        )
        raise DatasetError(msg)
    rng = np.random.default_rng(seed)
    names = sorted(members)
    drawn = [names[i] for i in rng.permutation(len(names))]
    drawn.sort(key=lambda name: -len(members[name]))
    lacking = {name: share * len(frames) for name, share in wanted.items()}
    empty = set(wanted)
    result = list(frames)
    for done, group in enumerate(drawn):
        must_fill = len(drawn) - done <= len(empty)
        candidates = empty if must_fill else set(wanted)
        split = max(sorted(candidates), key=lambda name: lacking[name])
        empty.discard(split)
        lacking[split] -= len(members[group])
        for index in members[group]:
            result[index] = replace(frames[index], split=split)
    return result
