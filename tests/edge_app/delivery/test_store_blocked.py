from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.delivery import Store, StoreError
from edge_app.delivery.agents.shadow import bays_report
from edge_app.delivery.blocks import block_by_hand
from telemetry import BayChangedEvent, Blocked, BlockKind, BlockSource, Cause, ManualClock
from tests.edge_app.delivery.kit import change, events, layout_of, open_store

OVER_THE_LINE = Blocked(kind=BlockKind.NEIGHBOUR, conf=0.93, by=BlockSource.CAMERA, share=0.27)


def test_blocking_a_bay_is_an_event_and_leaves_its_occupancy(store: Store) -> None:
    store.record([change(0, False)])
    assert store.set_blocked("b0", OVER_THE_LINE, BlockSource.CAMERA, Cause.DETECTION)
    assert not store.set_blocked("b0", OVER_THE_LINE, BlockSource.CAMERA, Cause.DETECTION)
    event = events(store)[-1]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.occ, event.data.blocked, event.data.cause) == (
        False, OVER_THE_LINE, Cause.DETECTION,
    )  # fmt: skip
    store.record([change(0, True)])
    event = events(store)[-1]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.occ, event.data.blocked) == (True, OVER_THE_LINE), "a fact of its own"
    snapshot = store.snapshot()
    assert snapshot is not None
    assert [bay.blocked for bay in snapshot.bays[:2]] == [OVER_THE_LINE, None]
    assert b'"blocked"' not in events(store)[0].encode(), "others do not grow"
    with pytest.raises(StoreError, match="b99"):
        store.set_blocked("b99", None, BlockSource.PERSON)


def test_a_camera_does_not_take_back_what_a_person_said(store: Store) -> None:
    assert block_by_hand(store, "b1", BlockKind.SNOW)
    assert not store.set_blocked("b1", None, BlockSource.CAMERA)
    assert not store.set_blocked("b1", OVER_THE_LINE, BlockSource.CAMERA)
    assert store.blocked_bays()["b1"].kind is BlockKind.SNOW
    assert block_by_hand(store, "b1", None)
    assert store.set_blocked("b1", OVER_THE_LINE, BlockSource.CAMERA)
    assert block_by_hand(store, "b1", None), "nor does a camera stand against a person"


def test_a_block_survives_a_restart_and_is_in_the_shadow(
    tmp_path: Path, clock: ManualClock
) -> None:
    first = open_store(tmp_path / "store.db", clock)
    first.set_layout(layout_of(3))
    first.set_blocked("b2", OVER_THE_LINE, BlockSource.CAMERA)
    block_by_hand(first, "b0", BlockKind.OBSTACLE)
    first.close()
    second = open_store(tmp_path / "store.db", clock)
    assert second.blocked_bays()["b2"] == OVER_THE_LINE
    assert bays_report(second)()["blocked"] == "0o2n"
    second.close()
