"""Gates beyond HTTP: events of boxes, a broker, counters of a sensor network, and alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from cloud_app.config import GatesConfig, NetworkConfig, NetworkKind, RulesConfig
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.ingest.gates.worker import GateWorker
from cloud_app.ingest.sensors.intake import Counted
from cloud_app.occupancy.balances import Lot, Truth, last_zeroing, set_count
from cloud_app.occupancy.counting import LotCounter
from cloud_app.occupancy.tables import gate, lot_count, passage
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.facts import DeviceFacts
from cloud_app.registry.kinds import Ref
from cloud_app.rules.builtin import judge
from cloud_app.storage.alerts import AlertFilter, alerts
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import quarantine
from cloud_app.storage.times import to_ms
from sensors.counting import ZeroCause
from sensors.readings import Decoded, IntervalCounts, RunningTotal
from telemetry import ManualClock, PassageDirection, PassageMethod, SystemClock
from telemetry.cloudevents import GatePassedEvent, LotCountEvent, event_id
from telemetry.gates import CountCause, GatePassed, LotCounted
from telemetry.messages import ClockStamp
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.servers import Broker, wait_until
from tests.cloud_app.test_intake import take
from tests.sensors.gates.messages import AXIS, PLATE, encoded

LOT = Lot("north", "garage")
CLOCK = ClockStamp(synced=True, mono_ms=1, boot_id="b")


def register(database: Database, **devices: dict[str, Any]) -> None:
    things: dict[Ref, dict[str, Any]] = {
        Ref("site", "north"): {"time_zone": "Europe/Berlin"},
        Ref("lot", "north/garage"): {"capacity": 100},
    }
    for name, said in devices.items():
        at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
        things[Ref("device", name)] = {**at, **said}
    with database.write() as session:
        for ref, facts in things.items():
            state(session, Edit(ref, "test", 0), facts)


def shown(database: Database, now_ms: int) -> int | None:
    clock = ManualClock(epoch_utc=START)
    clock.now_s = (now_ms - to_ms(START)) / 1000
    LotCounter(database, GatesConfig(), 180.0, clock).tick()
    with database.read() as session:
        [row] = session.rows(select(lot_count.c.shown))
    count: int | None = row.shown
    return count


# -- Boxes --------------------------------------------------------------------------------------


class Box(ScriptedEdge):
    """A box that counts a lane, and now and then says how many are in the lot."""

    def passed(self, direction: str, count: int = 1, name: str = "lane-1") -> Inbound:
        self.now += timedelta(seconds=10)
        self.seq += 1
        event = GatePassedEvent(
            id=event_id(self.epoch, self.seq), source=self.topics.base, subject=name,
            time=self.now,
            data=GatePassed(
                lot="garage", direction=PassageDirection(direction), count=count,
                method=PassageMethod.LINE, clock=CLOCK,
            ),
        )  # fmt: skip
        return self.inbound(TopicKind.EVENT, event)

    def counted(self, count: int, cause: CountCause) -> Inbound:
        self.now += timedelta(seconds=10)
        self.seq += 1
        event = LotCountEvent(
            id=event_id(self.epoch, self.seq), source=self.topics.base, subject="garage",
            time=self.now, data=LotCounted(count=count, cause=cause, clock=CLOCK),
        )  # fmt: skip
        return self.inbound(TopicKind.EVENT, event)


def test_boxes_feed_the_same_counts_whatever_comes_twice_or_late(database: Database) -> None:
    register(database)
    box = Box(bay_ids=())
    take(database, box.hello())
    events = [
        box.counted(7, CountCause.ZEROED),
        box.passed("in", 3),
        box.passed("out"),
        # On its way: no truth, since one is known.
        box.counted(99, CountCause.COUNTED),
        box.passed("in"),
    ]
    take(database, [events[3], events[1], events[4]])
    take(database, [*events, *reversed(events)])
    assert shown(database, to_ms(box.now)) == 10
    with database.read() as session:
        assert len(session.rows(select(passage))) == 3
        [row] = session.rows(select(gate))
    # Under the box's name: it speaks for no gate of the registry.
    assert (row.gate, row.edge) == ("box-1/lane-1", "box-1")


def test_a_box_that_corrects_its_count_corrects_ours(database: Database) -> None:
    register(database)
    box = Box(bay_ids=())
    take(database, box.hello())
    take(database, [box.counted(5, CountCause.ZEROED), box.passed("in", 4)])
    assert shown(database, to_ms(box.now)) == 9
    take(database, [box.counted(6, CountCause.CORRECTED)])
    assert shown(database, to_ms(box.now)) == 6
    with database.read() as session:
        last = last_zeroing(session, LOT)
    assert last is not None
    assert (last.truth.cause, last.drift) == (ZeroCause.BOX, 3)


# -- Counters of a sensor network ---------------------------------------------------------------


def test_counters_of_a_sensor_network_are_gates(database: Database) -> None:
    register(database, ncc={"wiring": "in"}, tcr={})
    intake = GateIntake(GatesConfig(), ManualClock(epoch_utc=START))
    start_ms = to_ms(START)

    def counted(device: str, minute: int, reading: RunningTotal | IntervalCounts) -> Counted:
        decoded = Decoded(count=reading)
        return Counted(
            "north", device, DeviceFacts(), f"{minute}", start_ms + 60_000 * minute, decoded
        )

    said = [
        counted("ncc", 0, RunningTotal(65_530, 65_536)),
        counted("ncc", 10, RunningTotal(4, 65_536)),
        counted("tcr", 10, IntervalCounts(left=2, right=5)),
        counted("tcr", 10, IntervalCounts(left=2, right=5)),
    ]
    with database.write() as session:
        set_count(session, LOT, Truth(START, 20, ZeroCause.MANUAL))
        intake.take_counts(session, said)
    assert shown(database, start_ms + 700_000) == 20 + 10 + 2 - 5


# -- A broker -----------------------------------------------------------------------------------


@contextmanager
def working(worker: GateWorker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: all(link.state.connected for link in worker.links), 20, "the links")
        yield
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.mosquitto
def test_gates_over_a_real_broker(database: Database, broker: Broker) -> None:
    register(database, **{"gate-1": {}, "axis-1": {"serial": "B8A44F000001"}})
    clock = SystemClock()
    networks = [
        NetworkConfig(name="pulses", kind=NetworkKind.GATES, port=broker.port),
        NetworkConfig(name="readers", kind=NetworkKind.AXIS, port=broker.port),
    ]
    worker = GateWorker(database, networks, clock, intake=GateIntake(GatesConfig(), clock))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gate-1")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    pulse = json.dumps({"gate": "gate-1", "direction": "in", "id": "a"}).encode()
    now_ms = str(to_ms(clock.utc()))
    with working(worker):
        for topic, payload in (
            ("gates/gate-1", pulse),
            ("gates/gate-1", pulse),
            ("axis/gate", encoded(AXIS, capture_timestamp=now_ms, carMoveDirection="out")),
            ("axis/gate", encoded(AXIS)[:90]),
        ):
            client.publish(topic, payload, 1).wait_for_publish(10)
        wait_until(lambda: worker.counts.total() == 4, 20, "four messages")
    client.loop_stop()
    client.disconnect()
    assert worker.counts == {"taken": 3, "unusable": 1}
    with database.read() as session:
        rows = session.rows(select(passage).order_by(passage.c.gate))
        kept = session.rows(select(quarantine))
    assert [(row.gate, row.direction) for row in rows] == [("axis-1", "out"), ("gate-1", "in")]
    assert PLATE not in repr(rows) + repr(kept)


# -- Alerts -------------------------------------------------------------------------------------


def _open(database: Database, now_ms: int, config: GatesConfig) -> dict[str, str]:
    with database.write() as session:
        judge(session, Now(now_ms, 180_000), RulesConfig(), 0, config)
        found = alerts(session, now_ms, AlertFilter(), 50)
    return {each.rule: each.text for each in found if each.closed is None}


def test_a_silent_gate_and_a_drift_are_told(database: Database) -> None:
    register(database, **{"gate-1": {"name": "North ramp"}})
    intake = GateIntake(GatesConfig(), ManualClock(epoch_utc=START))
    config = GatesConfig(silent_after_s=600.0)
    start_ms = to_ms(START)
    from sensors.gates import read_pulses

    def hear(minute: int, count: int) -> None:
        at = START + timedelta(minutes=minute)
        body = json.dumps({"gate": "gate-1", "direction": "in", "count": count}).encode()
        with database.write() as session:
            intake.take(session, read_pulses(body, at), None, to_ms(at))

    with database.write() as session:
        set_count(session, LOT, Truth(START, 0, ZeroCause.MANUAL))
    hear(1, 30)
    shown(database, start_ms + 60_000)
    assert _open(database, start_ms + 60_000, config) == {}
    with database.write() as session:
        set_count(session, LOT, Truth(START + timedelta(minutes=2), 12, ZeroCause.MANUAL))
    found = _open(database, start_ms + 120_000, config)
    assert "it was 18 vehicles above it" in found["count_drift"]
    silent = _open(database, start_ms + 60_000 + 600_000, config)
    assert "Gate North ramp of lot garage" in silent["gate_silent"]
    # It is heard again, and more comes than can be.
    hear(12, 120)
    shown(database, start_ms + 720_000)
    found = _open(database, start_ms + 720_000, config)
    assert set(found) == {"count_drift", "lot_full"}
    with database.write() as session:
        set_count(session, LOT, Truth(START + timedelta(minutes=13), 130, ZeroCause.MANUAL))
        set_count(session, LOT, Truth(START + timedelta(minutes=14), 96, ZeroCause.MANUAL))
        set_count(session, LOT, Truth(START + timedelta(minutes=15), 96, ZeroCause.MANUAL))
    shown(database, start_ms + 900_000)
    assert "count_drift" not in _open(database, start_ms + 900_000, config)
