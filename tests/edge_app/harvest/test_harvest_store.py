"""The budget: what makes way, what is too old, what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edge_app.config import HarvestConfig
from edge_app.harvest import HarvestStore, Limit, Selection
from harvest import HarvestedFrame, HarvestError
from tests.edge_app.harvest.bench import START, Bench

MakeBench = Callable[..., Bench]
PICTURE = b"j" * 300_000


@pytest.fixture
def frame(make_bench: MakeBench) -> HarvestedFrame:
    bench = make_bench()
    bench.show(bench.look((0.55, 0.01)))
    (found,) = bench.store.frames()
    bench.store.purge()
    return found


def variant(
    frame: HarvestedFrame, minute: int, score: float, camera: str = "north"
) -> HarvestedFrame:
    return frame.model_copy(
        update={
            "file": f"frames/{camera}-{minute}.jpg",
            "camera": camera,
            "score": score,
            "captured_utc": START + timedelta(minutes=minute),
        }
    )


def store_of(tmp_path: Path, **settings: object) -> HarvestStore:
    given = {"enabled": True, **settings}
    return HarvestStore(tmp_path / "harvest", HarvestConfig.model_validate(given))


def scores(store: HarvestStore) -> list[float]:
    return sorted(frame.score for frame in store.frames())


def test_the_least_valuable_frames_make_way(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path, max_bytes=1024 * 1024)
    for minute, score in enumerate((0.5, 0.9, 0.4)):
        assert store.add(variant(frame, minute, score), PICTURE)
    assert store.add(variant(frame, 10, 0.7), PICTURE)
    assert scores(store) == [0.5, 0.7, 0.9]
    assert not store.add(variant(frame, 11, 0.3), PICTURE), "worth less than all the others"
    assert scores(store) == [0.5, 0.7, 0.9]
    assert store.size_bytes <= 1024 * 1024
    figures = store.stats()
    assert (figures.kept, figures.evicted[Limit.ROOM], figures.refused[Limit.ROOM]) == (4, 1, 1)
    assert len(list((tmp_path / "harvest/frames").iterdir())) == 6


def test_a_camera_has_its_number_of_frames_a_day(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path, frames_per_day=2)
    for minute, score in enumerate((0.5, 0.6)):
        store.add(variant(frame, minute, score), PICTURE)
    assert not store.wants("north", 0.5, START)
    assert store.wants("north", 0.8, START)
    assert store.wants("south", 0.1, START)
    assert store.wants("north", 0.1, START + timedelta(days=1))
    assert store.add(variant(frame, 5, 0.8), PICTURE)
    assert not store.add(variant(frame, 6, 0.5), PICTURE)
    assert scores(store) == [0.6, 0.8]
    figures = store.stats()
    assert (figures.evicted[Limit.DAY], figures.refused[Limit.DAY]) == (1, 1)


def test_what_is_too_old_is_deleted(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path, keep_days=2)
    store.add(variant(frame, 0, 0.9), PICTURE)
    store.add(variant(frame, 60 * 24, 0.5), PICTURE)
    assert store.expire(START + timedelta(days=1, hours=23)) == 0
    assert store.expire(START + timedelta(days=2, minutes=1)) == 1
    assert scores(store) == [0.5]
    assert store.stats().evicted[Limit.AGE] == 1
    assert len(list((tmp_path / "harvest/frames").iterdir())) == 2


def test_frames_are_there_after_a_restart_and_halves_are_not(
    tmp_path: Path, frame: HarvestedFrame
) -> None:
    store_of(tmp_path).add(variant(frame, 0, 0.9), PICTURE)
    folder = tmp_path / "harvest/frames"
    (folder / "north-7.jpg").write_bytes(b"a crash came between")
    (folder / ".north-8.jpg.abc.tmp").write_bytes(b"here too")
    (folder / "north-9.json").write_text("{}")
    store = store_of(tmp_path)
    assert scores(store) == [0.9]
    assert sorted(path.name for path in folder.iterdir()) == ["north-0.jpg", "north-0.json"]


def test_a_bundle_takes_the_most_valuable_frames_that_fit(
    tmp_path: Path, make_bench: MakeBench
) -> None:
    bench = make_bench()
    for prob in (0.55, 0.7, 0.6):
        bench.show(bench.look((prob, 0.01)))
    size = bench.store.size_bytes
    best = bench.store.frames(Selection(max_bytes=size // 2))
    assert [frame.bays[0].prob for frame in best] == [0.55]
    assert len(bench.store.frames(Selection(since=START + timedelta(seconds=150)))) == 1
    assert bench.store.frames(Selection(camera="south")) == ()


def test_purging_deletes_what_was_chosen(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path)
    store.add(variant(frame, 0, 0.9), PICTURE)
    store.add(variant(frame, 0, 0.9, camera="south"), PICTURE)
    assert store.stats().frames == {"north": 1, "south": 1}
    assert store.purge(Selection(camera="south")) == 1
    assert store.purge() == 1
    assert store.size_bytes == 0
    assert store.stats().evicted[Limit.PURGE] == 2


def test_figures_follow_what_the_command_deletes(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path, max_bytes=1024 * 1024)
    for minute in range(3):
        store.add(variant(frame, minute, 0.9), PICTURE)
    store.expire(START)
    store_of(tmp_path).purge()  # as `lotsight harvest purge` does beside the service
    store.expire(START)
    figures = store.stats()
    assert (figures.frames, figures.size_bytes) == ({}, 0)
    assert figures.evicted[Limit.PURGE] == 3
    assert store.add(variant(frame, 9, 0.1), PICTURE), "their room is free at once"


def test_a_frame_that_went_meanwhile_is_told(tmp_path: Path, frame: HarvestedFrame) -> None:
    store = store_of(tmp_path)
    with pytest.raises(HarvestError, match="cannot read this frame"):
        store.picture(frame)
