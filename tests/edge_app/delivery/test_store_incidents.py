"""Incidents in the store: one transaction with their events, alive over restarts and full disks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge_app.delivery import IncidentChange, Store
from telemetry import (
    IncidentChangedEvent,
    IncidentEnd,
    IncidentKind,
    ManualClock,
    StreamGapEvent,
)
from tests.edge_app.delivery.kit import MODEL, T0, change, events, layout_of, open_store
from vision.incidents import Incident


def incident(name: str = "i-1", kind: IncidentKind = IncidentKind.STRADDLING) -> Incident:
    return Incident(
        id=name, kind=kind, camera="gate", bays=("b0", "b1"), began=T0,
        last_seen=T0 + timedelta(seconds=60), stood_s=60.0, vehicle="car", conf=0.8,
        box_norm=(-0.001, 0.2, 0.3, 0.4),
    )  # fmt: skip


def told(each: Incident) -> IncidentChange:
    return IncidentChange(each, MODEL, 3)


def over(each: Incident) -> Incident:
    return each.over(IncidentEnd.LEFT, T0 + timedelta(seconds=200))


def test_an_incident_is_an_event_of_the_same_stream(store: Store) -> None:
    store.record([change(0, True)])
    store.record_incidents([told(incident())])
    store.record([change(0, False)])
    store.record_incidents([told(over(incident()))])
    first, begun, second, ended = events(store)
    assert [first.seq, begun.seq, second.seq, ended.seq] == [1, 2, 3, 4]
    assert isinstance(begun, IncidentChangedEvent)
    assert isinstance(ended, IncidentChangedEvent)
    assert (begun.subject, begun.data.open, begun.data.box) == ("i-1", True, (0.0, 0.2, 0.3, 0.4))
    assert (begun.data.layout, begun.data.model) == (first.data.layout, MODEL)  # type: ignore[union-attr]
    assert (ended.data.open, ended.data.end, ended.data.began) == (False, IncidentEnd.LEFT, T0)
    assert store.states()[0].occ is False


def test_the_snapshot_lists_what_lasts(store: Store) -> None:
    store.record_incidents([told(incident("i-1")), told(incident("i-2"))])
    store.record_incidents([told(over(incident("i-1")))])
    snapshot = store.snapshot()
    assert snapshot is not None
    assert (snapshot.incidents, snapshot.seq) == (("i-2",), 3)


def test_open_incidents_survive_a_restart_and_ended_ones_do_not(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "store.db"
    first = open_store(path, clock)
    first.set_layout(layout_of(3))
    first.record_incidents([told(incident("i-1")), told(incident("i-2"))])
    first.record_incidents([told(over(incident("i-2")))])
    first.close()
    second = open_store(path, clock)
    assert second.incidents() == (incident("i-1"),)
    second.record_incidents([told(over(incident("i-1")))])
    second.close()
    third = open_store(path, clock)
    assert third.incidents() == ()
    assert [event.seq for event in events(third)] == [1, 2, 3, 4]
    third.close()


def test_a_bay_and_an_incident_of_one_name_do_not_supersede_each_other(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(tmp_path / "store.db", clock, max_rows=100)
    store.set_layout(layout_of(100))
    store.record([change(bay, True) for bay in range(1, 50)])
    store.record([change(0, True)])
    store.record_incidents([told(incident("b0"))])
    store.record([change(bay, True) for bay in range(50, 100)])
    (gap,) = [each for each in events(store) if isinstance(each, StreamGapEvent)]
    # Nothing was superseded, so the oldest went and nothing else.
    (given_up,) = gap.data.ranges
    assert (given_up.first, given_up.last) == (1, gap.data.lost)
    store.close()


def test_an_end_supersedes_its_beginning_when_room_is_short(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(tmp_path / "store.db", clock, max_rows=100)
    store.set_layout(layout_of(100))
    store.record([change(bay, True) for bay in range(50)])
    store.record_incidents([told(incident())])
    store.record_incidents([told(over(incident()))])
    store.record([change(bay, True) for bay in range(50, 99)])
    kept = events(store)
    (ended,) = [each for each in kept if isinstance(each, IncidentChangedEvent)]
    assert not ended.data.open
    (gap,) = [each for each in kept if isinstance(each, StreamGapEvent)]
    assert gap.data.ranges[-1].first == 51
    store.close()


def test_incidents_wait_in_memory_for_a_full_disk(tmp_path: Path, clock: ManualClock) -> None:
    store = open_store(tmp_path / "store.db", clock, max_pages=40)
    store.set_layout(layout_of(2))
    count = 0
    while not store.degraded:
        count += 1
        assert count < 2000
        long = replace(incident(f"i-{count}"), area="x" * 190)
        store.record_incidents([told(long)])
    assert len(store.incidents()) == count
    clock.advance(2.0)
    store.acknowledge(store.last_seq)
    store.tick()
    clock.advance(2.0)
    store.tick()
    if store.degraded:
        pytest.fail("the disk has room again, but incidents still wait")
    assert store.last_seq == count
    store.close()
