"""Group splits: nothing on two sides, shares as near as groups allow, the same for one seed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import DatasetError
from datasets.frames import LotFrame
from datasets.splitting import Shares, SplitBy, group_of, split_by

START = datetime(2026, 5, 1, 8)  # noqa: DTZ001 - sets give no zone


def frame(number: int, camera: str = "", lot: str = "", day: int | None = None) -> LotFrame:
    time = None if day is None else START + timedelta(days=day)
    return LotFrame("made", "", Path(f"{number}.jpg"), (), (), (), camera, lot, time_local=time)


@given(
    st.lists(st.integers(0, 9), min_size=12, max_size=80),
    st.sampled_from(["a=0.8,b=0.2", "a=0.6,b=0.2,c=0.2"]),
    st.integers(0, 5),
)
def test_no_group_is_on_two_sides(cameras: list[int], text: str, seed: int) -> None:
    frames = [frame(number, f"cam{camera}") for number, camera in enumerate(cameras)]
    shares = Shares.parse(text)
    if len(set(cameras)) < len(shares.by_split):
        with pytest.raises(DatasetError, match="expected at least one camera for each of"):
            split_by(frames, SplitBy.CAMERA, shares, seed)
        return
    done = split_by(frames, SplitBy.CAMERA, shares, seed)
    assert [one.path for one in done] == [one.path for one in frames]
    sides = defaultdict(set)
    for one in done:
        sides[group_of(one, SplitBy.CAMERA)].add(one.split)
    assert all(len(found) == 1 for found in sides.values())
    assert {one.split for one in done} == set(shares.by_split)
    assert done[0].split == split_by(frames, SplitBy.CAMERA, shares, seed)[0].split


def test_shares_are_met_where_groups_allow() -> None:
    frames = [frame(number, f"cam{number // 10}") for number in range(200)]
    done = split_by(frames, SplitBy.CAMERA, Shares.parse("train=0.7,valid=0.2,test=0.1"), seed=3)
    counts = {name: sum(one.split == name for one in done) for name in ("train", "valid", "test")}
    assert counts == {"train": 140, "valid": 40, "test": 20}


def test_seeds_deal_differently() -> None:
    frames = [frame(number, f"cam{number}") for number in range(30)]
    shares = Shares.parse("train=0.5,valid=0.5")
    dealt = [tuple(f.split for f in split_by(frames, SplitBy.CAMERA, shares, s)) for s in range(4)]
    assert len(set(dealt)) > 1


def test_a_day_is_one_group_on_all_cameras_of_a_lot_and_a_lot_holds_its_cameras() -> None:
    one, two = frame(1, "north", "yard", 0), frame(2, "south", "yard", 0)
    assert group_of(one, SplitBy.DAY) == group_of(two, SplitBy.DAY) == ("yard", "2026-05-01")
    assert group_of(one, SplitBy.LOT) == group_of(two, SplitBy.LOT)
    assert group_of(one, SplitBy.CAMERA) != group_of(two, SplitBy.CAMERA)


@pytest.mark.parametrize("by", list(SplitBy))
def test_what_the_set_does_not_say_is_named(by: SplitBy) -> None:
    with pytest.raises(DatasetError, match=rf"7\.jpg: expected its {by}, to split by it"):
        split_by([frame(7)], by, Shares.parse("a=0.5,b=0.5"))


@pytest.mark.parametrize(
    "text", ["a=0.5", "a=0.5,b=0.6", "a=1.5,b=-0.5", "a", "a=x,b=1", "a=1,a=1"]
)
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="shares: expected"):
        Shares.parse(text)
