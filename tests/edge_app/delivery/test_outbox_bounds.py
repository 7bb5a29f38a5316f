"""Bounds of the outbox and a full disk: what is given up is named exactly, and nothing stops."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_app.delivery import Store, outbox
from edge_app.delivery.outbox import to_ranges
from telemetry import BayChangedEvent, GapReason, ManualClock, StreamGapEvent
from tests.edge_app.delivery.kit import change, events, layout_of, open_store


def named_numbers(store: Store) -> set[int]:
    return {
        number
        for event in events(store)
        if isinstance(event, StreamGapEvent)
        for part in event.data.ranges
        for number in range(part.first, part.last + 1)
    }


def check_exact(store: Store, acked: int = 0) -> None:
    """Every number above the watermark either waits or is named by a gap event, never both."""
    waiting = {event.seq for event in events(store)}
    # A gap event may be older than the watermark and name what lies below it.
    named = {number for number in named_numbers(store) if number > acked}
    assert not waiting & named
    assert waiting | named == set(range(acked + 1, store.last_seq + 1))
    usage, counted = store._stream.usage, outbox.measure(store._database)
    assert usage == counted, "what is kept beside the table must agree with it"


def test_too_many_rows_superseded_first(quick_path: Path, clock: ManualClock) -> None:
    store = open_store(quick_path / "s.db", clock, max_rows=100)
    store.set_layout(layout_of(60))
    store.record([change(i, True) for i in range(50)])
    for turn in range(51):
        store.record([change(50, bool(turn % 2))])
    check_exact(store)
    states = {e.subject: e.data.occ for e in events(store) if isinstance(e, BayChangedEvent)}
    # The fifty bays that changed once are the newest of their bay: they are all still there.
    assert {f"b{i}" for i in range(50)} <= states.keys()
    assert states["b50"] is False
    (gap,) = [event for event in events(store) if isinstance(event, StreamGapEvent)]
    assert gap.data.reason is GapReason.ROWS
    assert [(part.first, part.last) for part in gap.data.ranges] == [(51, 61)]
    assert store.health().evicted == 11
    store.close()


def test_too_many_bytes(quick_path: Path, clock: ManualClock) -> None:
    store = open_store(quick_path / "s.db", clock, max_bytes=65_536)
    store.set_layout(layout_of(500))
    for i in range(500):
        store.record([change(i, True)])
    check_exact(store)
    assert store.health().bytes <= 65_536 + 4096
    assert min(event.seq for event in events(store)) > 1
    store.close()


def test_too_old_counts_only_hours_in_which_the_box_ran(
    quick_path: Path, clock: ManualClock
) -> None:
    path = quick_path / "s.db"
    store = open_store(path, clock, max_age_s=3600)
    store.set_layout(layout_of(5))
    store.record([change(0, True), change(1, True)])
    clock.advance(1800)
    store.tick()
    store.record([change(2, True)])
    store.close()
    clock.advance(10 * 86_400)  # the box is off
    store = open_store(path, clock, max_age_s=3600)
    store.tick()
    assert [event.seq for event in events(store)] == [1, 2, 3]
    clock.advance(2000)
    store.tick()
    check_exact(store)
    assert named_numbers(store) == {1, 2}
    assert store.health().evicted == 2
    store.close()


def test_a_jump_of_the_wall_clock_gives_up_nothing(quick_path: Path, clock: ManualClock) -> None:
    from datetime import timedelta

    store = open_store(quick_path / "s.db", clock, max_age_s=3600)
    store.set_layout(layout_of(5))
    store.record([change(0, True)])
    for jump in (timedelta(days=1), timedelta(days=-2)):
        clock.epoch_utc += jump
        store.tick()
    assert [event.seq for event in events(store)] == [1]
    store.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 40), st.integers(0, 30)),
        min_size=1,
        max_size=40,
    )
)
def test_gaps_are_exact_whatever_happens(
    quick_path: Path, steps: list[tuple[int, int, int]]
) -> None:
    for old in quick_path.iterdir():
        old.unlink()
    store = open_store(quick_path / "s.db", ManualClock(), max_rows=100)
    store.set_layout(layout_of(31))
    for bay, repeat, release in steps:
        for turn in range(repeat):
            store.record([change((bay + turn) % 31, bool(turn % 2))])
        store.acknowledge(store.acked + release)
    assert store.health().rows <= 101
    check_exact(store, store.acked)
    store.close()


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_the_numbers(numbers: set[int]) -> None:
    ranges = to_ranges(numbers)
    assert {n for part in ranges for n in range(part.first, part.last + 1)} == numbers
    assert all(b.first > a.last + 1 for a, b in pairwise(ranges))


def test_a_full_disk_stops_nothing_and_loses_nothing_while_memory_lasts(
    quick_path: Path, clock: ManualClock
) -> None:
    store = open_store(quick_path / "s.db", clock, max_pages=60)
    store.set_layout(layout_of(40))
    turn = 0
    while not store.degraded:
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        turn += 1
        assert turn < 5000
    full_at = store.last_seq
    for _ in range(20):
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        turn += 1
    snapshot = store.snapshot()
    assert snapshot is not None
    assert snapshot.degraded
    assert store.health().buffered >= 20
    assert store.last_seq == full_at
    store.acknowledge(full_at)  # the cloud takes what was written: there is room again
    clock.advance(2)
    store.tick()
    assert not store.degraded
    assert store.last_seq == turn
    check_exact(store, full_at)
    assert store.health().lost == 0
    store.close()


def test_a_disk_that_stays_full_gives_up_the_oldest(quick_path: Path, clock: ManualClock) -> None:
    store = open_store(quick_path / "s.db", clock, max_pages=60, max_buffered=20)
    store.set_layout(layout_of(40))
    for turn in range(2000):
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        clock.advance(0.3)
    clock.advance(2)
    store.tick()
    assert not store.degraded
    check_exact(store)
    assert store.health().evicted > 0
    newest = {event.subject for event in events(store) if isinstance(event, BayChangedEvent)}
    assert len(newest) == 40
    store.close()


def test_what_memory_cannot_hold_is_numbered_and_told(quick_path: Path, clock: ManualClock) -> None:
    store = open_store(quick_path / "s.db", clock, max_pages=60, max_buffered=10)
    store.set_layout(layout_of(40))
    turn = 0
    while not store.degraded:
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        turn += 1
    written = store.last_seq
    for _ in range(30):  # the clock stands still: the disk is not tried again
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        turn += 1
    lost = store.health().lost
    assert lost == turn - written - 10
    store.acknowledge(written)
    clock.advance(2)
    store.tick()
    (gap,) = [event for event in events(store) if isinstance(event, StreamGapEvent)]
    assert gap.data.reason is GapReason.DISK_FULL
    assert [(p.first, p.last) for p in gap.data.ranges] == [(written + 1, written + lost)]
    check_exact(store, written)
    store.close()
