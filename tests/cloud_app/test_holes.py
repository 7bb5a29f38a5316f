"""When a replay is asked for, and when it is given up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from cloud_app.ingest.holes import Ask, Closed, GiveUp, HoleWatch
from cloud_app.stream import Hole
from telemetry import ManualClock

HOLE = Hole("north", "box", 1, upto=10, top=20, online=True, is_current=True)


def watch_asked_once() -> tuple[ManualClock, HoleWatch]:
    clock = ManualClock()
    watch = HoleWatch(clock, patience_s=5.0)
    watch.poll([HOLE])
    clock.advance(5.0)
    assert watch.poll([HOLE]) == [Ask(HOLE)]
    return clock, watch


def test_a_short_hole_is_only_disorder() -> None:
    clock = ManualClock()
    watch = HoleWatch(clock, patience_s=5.0)
    assert watch.poll([HOLE]) == []
    clock.advance(4.9)
    assert watch.poll([HOLE]) == []
    assert watch.poll([]) == []


def test_progress_renews_the_patience() -> None:
    clock, watch = watch_asked_once()
    clock.advance(4.0)
    moved = replace(HOLE, upto=12)
    assert watch.poll([moved]) == []
    clock.advance(4.0)
    assert watch.poll([moved]) == []
    clock.advance(1.0)
    assert watch.poll([moved]) == [Ask(moved)]


def test_requests_grow_rarer() -> None:
    clock, watch = watch_asked_once()
    asked_at = [clock.mono_s()]
    for _ in range(200):
        clock.advance(1.0)
        if watch.poll([HOLE]):
            asked_at.append(clock.mono_s())
    waits = [later - earlier for earlier, later in pairwise(asked_at)]
    assert waits[:5] == [5.0, 10.0, 20.0, 40.0, 60.0]


def test_an_offline_edge_is_neither_asked_nor_given_up() -> None:
    clock = ManualClock()
    watch = HoleWatch(clock, patience_s=5.0)
    away = replace(HOLE, online=False)
    for _ in range(1000):
        assert watch.poll([away]) == []
        clock.advance(10.0)


def test_silence_is_no_answer() -> None:
    clock, watch = watch_asked_once()
    for _ in range(2000):
        clock.advance(10.0)
        assert all(isinstance(action, Ask) for action in watch.poll([HOLE]))


def test_an_edge_that_answers_without_the_hole_has_lost_it() -> None:
    clock, watch = watch_asked_once()
    actions = []
    for _ in range(400):
        watch.saw("box", 1, 11 + 5)
        clock.advance(1.0)
        actions += watch.poll([HOLE])
        if actions and isinstance(actions[-1], GiveUp):
            break
    assert actions == [Ask(HOLE)] * 4 + [GiveUp(HOLE)]


def test_an_empty_outbox_is_an_answer_too() -> None:
    clock, watch = watch_asked_once()
    actions = []
    for _ in range(400):
        watch.saw_empty_outbox("box")
        clock.advance(1.0)
        actions += watch.poll([HOLE])
    assert GiveUp(HOLE) in actions


def test_events_below_the_hole_are_no_answer() -> None:
    clock, watch = watch_asked_once()
    for _ in range(400):
        watch.saw("box", 1, 10)
        clock.advance(1.0)
        assert GiveUp(HOLE) not in watch.poll([HOLE])


def test_a_filled_hole_ends_the_subscription() -> None:
    _, watch = watch_asked_once()
    assert watch.poll([]) == [Closed("north", "box")]


def test_a_store_that_is_gone_is_given_up_after_a_while() -> None:
    clock = ManualClock()
    watch = HoleWatch(clock, patience_s=5.0)
    old = replace(HOLE, is_current=False)
    watch.poll([old])
    clock.advance(59.0)
    assert watch.poll([old]) == []
    clock.advance(1.0)
    assert watch.poll([old]) == [GiveUp(old)]
