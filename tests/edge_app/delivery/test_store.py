from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_app.delivery import Store, StoreError
from telemetry import (
    BayChangedEvent,
    Layout,
    LayoutBay,
    ManualClock,
    UnknownReason,
)
from tests.edge_app.delivery.kit import change, events, layout_of, open_store, stamp


def test_a_change_becomes_a_state_and_an_event(store: Store) -> None:
    store.record([change(3, True)])
    (event,) = events(store)
    assert isinstance(event, BayChangedEvent)
    assert (event.seq, event.subject, event.data.occ, event.data.calibration) == (1, "b3", True, 3)
    assert store.layout is not None
    assert event.data.layout == store.layout.hash
    assert store.states()[3].occ is True
    snapshot = store.snapshot()
    assert snapshot is not None
    assert (snapshot.seq, snapshot.bays[3].occ, snapshot.bays[0].reason) == (
        1, True, UnknownReason.STARTING,
    )  # fmt: skip


def test_everything_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    first = open_store(path, clock)
    first.set_layout(layout_of(3))
    first.record([change(0, True), change(1, None)])
    first.set_closed("b2", True)
    first.acknowledge(1)
    kept = (first.epoch, first.last_seq, first.acked, first.states(), first.closed_bays())
    waiting = events(first)
    first.close()
    second = open_store(path, clock)
    assert (
        second.epoch, second.last_seq, second.acked, second.states(), second.closed_bays(),
    ) == kept  # fmt: skip
    assert events(second) == waiting
    assert second.layout == layout_of(3)
    second.record([change(0, False)])
    assert second.last_seq == 4
    second.close()


def test_numbers_go_on_after_everything_was_released(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    store = open_store(path, clock)
    store.set_layout(layout_of(1))
    store.record([change(0, True)])
    store.acknowledge(1)
    store.close()
    store = open_store(path, clock)
    store.record([change(0, False)])
    assert [event.seq for event in events(store)] == [2]
    store.close()


def test_closing_a_bay_is_an_event_and_leaves_its_occupancy(store: Store) -> None:
    store.record([change(0, True)])
    assert store.set_closed("b0", True)
    assert not store.set_closed("b0", True)
    event = events(store)[-1]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.occ, event.data.closed, event.data.cause.value) == (True, True, "manual")
    store.record([change(0, False)])
    event = events(store)[-1]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.occ, event.data.closed) == (False, True)
    with pytest.raises(StoreError, match="b99"):
        store.set_closed("b99", True)


def test_a_new_layout_keeps_bays_and_touches_no_waiting_event(store: Store) -> None:
    store.record([change(0, True), change(9, False)])
    old = store.layout
    assert old is not None
    bays = [LayoutBay(bay=name, camera="gate") for name in ("b9", "new", "b0")]
    store.set_layout(Layout.of(bays))
    assert [(state.bay, state.occ) for state in store.states()] == [
        ("b9", False), ("new", None), ("b0", True),
    ]  # fmt: skip
    hashes = {event.data.layout for event in events(store) if isinstance(event, BayChangedEvent)}
    assert hashes == {old.hash}
    store.record([change(5, True), change("new", True)])
    assert [getattr(event, "subject", None) for event in events(store, after=2)] == ["new"]


def test_no_change_before_a_layout(tmp_path: Path, clock: ManualClock) -> None:
    store = open_store(tmp_path / "store.db", clock)
    assert store.snapshot() is None
    with pytest.raises(StoreError, match="layout"):
        store.record([change(0, True)])
    store.close()


def test_releasing_is_cumulative_and_never_goes_back(store: Store) -> None:
    store.record([change(i, True) for i in range(5)])
    store.acknowledge(3)
    store.acknowledge(2)
    assert store.acked == 3
    assert [event.seq for event in events(store)] == [4, 5]
    store.acknowledge(99)
    assert (store.acked, events(store)) == (5, [])


def test_release_by_the_broker_follows_the_lowest_that_is_left(store: Store) -> None:
    store.record([change(i, True) for i in range(5)])
    store.release([2, 3])
    assert store.acked == 0
    store.release([1])
    assert store.acked == 3
    store.release([4, 5])
    assert store.acked == 5


def test_refused_events_are_kept_and_passed_over(store: Store) -> None:
    store.record([change(i, True) for i in range(3)])
    store.refuse(2, 0x87)
    assert [row.seq for row in store.pending(0, 10)] == [1, 3]
    assert store.health().quarantined == 1
    assert store.release_quarantined() == 1
    assert [row.seq for row in store.pending(0, 10)] == [1, 2, 3]


@pytest.mark.parametrize("shift", [timedelta(days=-1), timedelta(days=1)])
def test_a_deleted_store_has_a_higher_epoch_whatever_the_clock_says(
    tmp_path: Path, shift: timedelta
) -> None:
    path = tmp_path / "store.db"
    first = Store.open(path, ManualClock(epoch_utc=datetime(2026, 6, 1, tzinfo=UTC)), stamp=stamp)
    first.close()
    for each in tmp_path.glob("store.db*"):
        if not each.name.endswith(".epoch"):
            each.unlink()
    second = Store.open(
        path, ManualClock(epoch_utc=datetime(2026, 6, 1, tzinfo=UTC) + shift), stamp=stamp
    )
    assert second.epoch > first.epoch
    second.close()


def test_the_epoch_stays_when_only_its_mark_is_deleted(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    first = open_store(path, clock)
    first.close()
    path.with_name("store.db.epoch").unlink()
    clock.advance(1000)
    second = open_store(path, clock)
    assert second.epoch == first.epoch
    assert path.with_name("store.db.epoch").read_text() == f"{second.epoch}\n"
    second.close()


def test_renewing_the_epoch_numbers_waiting_events_anew(store: Store) -> None:
    store.record([change(i, True) for i in range(5)])
    store.acknowledge(2)
    before = [event.time for event in events(store)]
    store.renew_epoch(store.epoch + 10)
    assert [event.seq for event in events(store)] == [1, 2, 3]
    assert [event.time for event in events(store)] == before
    assert (store.last_seq, store.acked) == (3, 0)


def test_a_damaged_store_is_put_aside(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    first = open_store(path, clock)
    first.set_layout(layout_of(2))
    first.close()
    path.write_bytes(b"this is no database at all, " * 400)
    second = open_store(path, clock)
    assert second.epoch > first.epoch
    assert second.layout is None
    assert (tmp_path / "store.db.damaged-1").exists()
    second.close()


def test_one_process_owns_the_store(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    first = open_store(path, clock)
    with pytest.raises(StoreError, match="another process"):
        open_store(path, clock)
    first.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store\.db"):
        open_store(tmp_path / "file" / "store.db", clock)


def test_connections_are_numbered_across_restarts(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "store.db"
    store = open_store(path, clock)
    assert [store.begin_connection(), store.begin_connection()] == [1, 2]
    store.close()
    store = open_store(path, clock)
    assert store.begin_connection() == 3
    store.close()


def test_listeners_hear_of_changes(store: Store) -> None:
    heard: list[int] = []
    store.add_listener(lambda: heard.append(store.last_seq))
    store.record([change(0, True)])
    store.set_closed("b0", True)
    assert heard == [1, 2]


def test_many_threads_leave_no_gap(store: Store) -> None:
    def record() -> None:
        for turn in range(25):
            store.record([change(turn % 10, bool(turn % 2))])

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in events(store)] == list(range(1, 101))
