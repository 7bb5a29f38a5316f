"""What a box publishes fits the contract's bounds, and nothing that comes down ends its link."""

from __future__ import annotations

import json
import logging
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from edge_app.delivery import IncidentChange, MqttLink, Store
from edge_app.delivery.agents import AgentParts, build_agents
from edge_app.delivery.agents.aggregates import Window
from edge_app.delivery.agents.health import HealthAgent
from edge_app.delivery.announcer import Announcer
from edge_app.delivery.connection import Incoming
from edge_app.delivery.outbox import gaps
from edge_app.delivery.session import Session
from edge_app.host_metrics import temperature_c
from telemetry import (
    Ack,
    Aggregate,
    EdgeTopics,
    GapReason,
    Health,
    IncidentChangedEvent,
    IncidentKind,
    JobTopics,
    Layout,
    LayoutBay,
    ManualClock,
    ShadowName,
    ShadowTopics,
    Snapshot,
    StreamGapEvent,
    TelemetryError,
    decode,
)
from telemetry.bounds import EARLIEST, MAX_NUMBER
from telemetry.messages import BayTopicState
from tests.cloud_app.wild import WILD
from tests.edge_app.delivery.kit import change, config, events, layout_of, open_store, stamp
from vision.incidents import Incident

OLD = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


def incident(name: str, began: datetime, bays: int = 1) -> IncidentChange:
    found = Incident(
        id=name, kind=IncidentKind.DOUBLE_PARKING, camera="gate", began=began,
        last_seen=began + timedelta(seconds=60), stood_s=60.0, vehicle="car", conf=0.8,
        bays=tuple(f"b{n}" for n in range(bays)), box_norm=(0.1, 0.2, 0.3, 0.4),
    )  # fmt: skip
    return IncidentChange(found, None, 3)


def test_states_from_a_clock_that_began_in_1970_are_published(
    tmp_path: Path, clock: ManualClock
) -> None:
    """A store may hold such times from before the box knew better."""
    path = tmp_path / "store.db"
    store = open_store(path, clock)
    store.set_layout(layout_of(2))
    store.record([change(0, True, OLD)])
    store.record_incidents([incident("i-1", OLD)])
    store.close()
    store = open_store(path, clock)
    changed, begun = events(store)
    assert changed.time == EARLIEST
    assert isinstance(begun, IncidentChangedEvent)
    assert begun.data.began == EARLIEST
    snapshot = store.snapshot()
    assert snapshot is not None
    assert snapshot.bays[0].since == EARLIEST
    [state] = [state for state in store.states() if state.bay == "b0"]
    assert BayTopicState.of(state, closed=False).since == EARLIEST
    assert Window(600, OLD, observed_s=5.0).aggregate(layout_of(2)).start == EARLIEST
    store.close()


def test_losses_that_lie_very_scattered_are_told_in_several_gap_events() -> None:
    numbers = list(range(1, 5001, 2))
    told = gaps(numbers, GapReason.ROWS, stamp())
    assert [len(each.ranges) for each in told] == [1000, 1000, 500]
    assert [
        number
        for each in told
        for part in each.ranges
        for number in range(part.first, part.last + 1)
    ] == numbers
    assert sum(each.lost for each in told) == len(numbers)


def test_scattered_rows_over_the_bound_are_all_named(quick_path: Path, clock: ManualClock) -> None:
    """The broker's answers release one event here, one there; then the rest is given up."""
    store = open_store(quick_path / "s.db", clock, max_rows=1500)
    store.set_layout(layout_of(3000))
    for first in range(0, 3000, 100):
        store.record([change(number, True) for number in range(first, first + 100)])
        waiting = [row.seq for row in store.pending(0, 10_000)]
        store.release([seq for seq in waiting if seq % 2 == 0])
    store._stream.evict_old()
    clock.advance(90 * 86_400)
    store.tick()
    found = [each for each in events(store) if isinstance(each, StreamGapEvent)]
    assert len(found) >= 2
    assert all(len(each.data.ranges) <= 1000 for each in found)
    store.close()


def test_more_incidents_than_a_snapshot_holds_are_no_list_at_all(store: Store) -> None:
    store.record_incidents([incident(f"i-{n:016x}", EARLIEST) for n in range(2000)])
    snapshot = store.snapshot()
    assert snapshot is not None
    assert snapshot.incidents is not None
    assert len(snapshot.incidents) == 2000
    decode(Snapshot, snapshot.encode(), "snapshot")
    store.record_incidents([incident("i-one-more", EARLIEST)])
    snapshot = store.snapshot()
    assert snapshot is not None
    assert snapshot.incidents is None


def test_an_incident_before_many_bays_names_the_first_of_them(store: Store) -> None:
    store.record_incidents([incident("i-1", EARLIEST, bays=400)])
    [event] = events(store)
    assert isinstance(event, IncidentChangedEvent)
    assert (len(event.data.bays), event.data.bays[0]) == (256, "b0")


def test_health_is_published_whatever_alarms_and_sensors_say(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    alarms = [f"{n} " + "x" * 5000 + "\0" for n in range(500)]
    agent = HealthAgent(EdgeTopics("north", "edge-7"), store, clock, 60, alarms=lambda: alarms)
    health = decode(Health, agent.health().encode(), "health")
    assert (len(health.alarms), len(health.alarms[0])) == (200, 1024)
    for zone, text in enumerate(("-274000", "99999999999", "51500", "no number")):
        folder = tmp_path / f"thermal_zone{zone}"
        folder.mkdir()
        (folder / "temp").write_text(text)
    assert temperature_c(tmp_path) == 51.5


def test_a_window_that_saw_many_layouts_names_the_zones_of_the_last(clock: ManualClock) -> None:
    window = Window(600, clock.utc(), observed_s=600.0)
    for number in range(3000):
        window.zone(f"old-{number}")
    layout = Layout.of([LayoutBay(bay="b", camera="c", zone="zone-of-today")])
    window.zone("zone-of-today").occupied_s = 5.0
    aggregate = decode(Aggregate, window.aggregate(layout).encode(), "aggregate")
    assert len(aggregate.zones) == 2000
    assert aggregate.zones[0].zone == "zone-of-today"


def test_a_kept_layout_that_is_too_large_today_is_passed_over(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "store.db"
    store = open_store(path, clock)
    store.set_layout(layout_of(3))
    body = json.loads(store.documents.get("layout") or "")
    body["bays"][0]["level"] = "x" * 33
    store.documents.put("layout", json.dumps(body))
    store.close()
    store = open_store(path, clock)
    assert store.layout is None
    assert "stored layout skipped: not a layout: bays.0.level" in caplog.text
    store.set_layout(layout_of(3))
    assert len(store.states()) == 3
    store.close()


# What comes down


@pytest.fixture
def link(store: Store, clock: ManualClock) -> MqttLink:
    settings = config()
    agents = build_agents(settings, store, clock, AgentParts())
    return MqttLink(settings, store, clock, agents, random.Random(1))


def receive(link: MqttLink, topic: str, payload: bytes) -> None:
    link._received(cast("Session", None), Incoming(topic, payload))


TOPICS = EdgeTopics("north", "edge-7")
DOWN = [
    f"{TOPICS.base}/ack",
    str(TOPICS.command("c1")),
    str(ShadowTopics("edge-7", ShadowName.CONFIG).delta),
    str(ShadowTopics("edge-7", ShadowName.BAYS).of("get", "accepted")),
    str(ShadowTopics("edge-7", ShadowName.BAYS).of("update", "rejected")),
    str(JobTopics("edge-7").notify_next),
    str(JobTopics("edge-7").start_next_accepted),
    str(JobTopics("edge-7").update_rejected("j1")),
]
BODIES: list[dict[str, Any]] = [
    {"epoch": 1, "upto": 0},
    {"id": "c1", "name": "recalibrate", "args": {"camera": "x"},
     "issued": "2026-05-04T03:00:00Z", "expires": "2026-05-04T03:01:00Z"},
    {"state": {"delta": {"a": 1}}, "metadata": {}, "version": 1},
    {"execution": {"jobId": "j1", "status": "QUEUED", "versionNumber": 1,
                   "jobDocument": {"kind": "model", "target": "x", "version": "1"}}},
]  # fmt: skip


@pytest.mark.parametrize("topic", DOWN)
def test_a_hostile_broker_does_not_end_the_link(
    link: MqttLink, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    for wild in WILD:
        receive(link, topic, wild.encode())
        for body in BODIES:
            for key in body:
                text = json.dumps({**body, key: "@"}).replace('"@"', wild)
                receive(link, topic, text.encode())
    receive(link, topic, b"\xff\xfe" * 5_000_000)
    assert "unexpected failure of" not in caplog.text


def test_an_acknowledgement_cannot_push_the_epoch_out_of_its_range(store: Store) -> None:
    link = MqttLink(config(), store, ManualClock(), (), random.Random(1))
    epoch = store.epoch
    receive(link, f"{TOPICS.base}/ack", json.dumps({"epoch": MAX_NUMBER, "upto": 9}).encode())
    assert store.epoch == epoch
    with pytest.raises(TelemetryError):
        link._pump.acknowledged(Ack(epoch=MAX_NUMBER, upto=0))
    # The last one that another can follow is still believed.
    assert link._pump.acknowledged(Ack(epoch=MAX_NUMBER - 1, upto=0))
    assert store.epoch == MAX_NUMBER
    Announcer(TOPICS, store, ManualClock(), 60.0).birth(1, is_mqtt5=True)
