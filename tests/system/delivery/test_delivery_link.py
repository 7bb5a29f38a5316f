"""The link against a real broker: birth, will, good-bye, order, refusals, faults of the network."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_app.delivery import Protocol, Release
from edge_app.delivery.agents.base import QuietAgent
from telemetry import TopicKind
from telemetry.rules import DELIVERY_RULES
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from tests.system.delivery.conftest import MakeBox, MakeConsumer
from tests.system.delivery.consumer import verify
from tests.system.delivery.edge import TOPICS, Box
from tests.system.delivery.faults import FaultProxy

pytestmark = pytest.mark.mosquitto


@pytest.mark.conformance("QoS/retain/expiry table holds")
def test_each_kind_goes_out_as_the_table_says(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    live = make_consumer(broker.port)
    box: Box = make_box(broker.port)
    box.change(3)
    eventually(lambda: live.watermark(box.store.epoch) == 3, "the events")
    late = make_consumer(broker.port, client_id="late")
    eventually(lambda: bool(late.snapshots), "the retained snapshot")
    retained = {
        message.topic.removeprefix(f"{TOPICS.base}/"): message
        for message in late.messages
        if message.retain
    }
    assert set(retained) == {"status", "layout", "snapshot"}
    expiry = getattr(retained["snapshot"].properties, "MessageExpiryInterval", 0)
    assert 86_390 <= expiry <= 86_400
    assert not hasattr(retained["layout"].properties, "MessageExpiryInterval")
    for message in live.messages:
        rule = DELIVERY_RULES[TopicKind(message.topic.removeprefix(f"{TOPICS.base}/"))]
        assert message.qos == rule.qos


@pytest.mark.conformance("birth retained, will after socket kill, none inside the delay")
def test_a_will_comes_after_its_delay_and_never_inside_it(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    consumer = make_consumer(broker.port)
    with FaultProxy(broker.port) as proxy:
        box: Box = make_box(proxy.port)
        eventually(lambda: bool(consumer.statuses), "the birth")
        proxy.cut()
        eventually(lambda: len(consumer.statuses) == 2, "the second birth")
        time.sleep(2.5)  # the will would come within its delay of 2 s
        assert [status.online for status in consumer.statuses] == [True, True]
        proxy.refuse(on=True)
        proxy.cut()
        waited_s = eventually(lambda: len(consumer.statuses) == 3, "the will")
        will = consumer.statuses[-1]
        assert (will.online, will.conn, will.epoch, will.reason) == (
            False, consumer.statuses[1].conn, box.store.epoch, None,
        )  # fmt: skip
        assert waited_s > 1.5
        box.link.stop(reason=None)
    births = [status.conn for status in consumer.statuses if status.online]
    assert births == sorted(set(births))


@pytest.mark.conformance("offline first on a graceful stop")
def test_a_graceful_stop_says_so_and_no_will_follows(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port)
    eventually(lambda: bool(consumer.snapshots), "the snapshot")
    box.close()
    eventually(lambda: len(consumer.statuses) == 2, "the good-bye")
    assert consumer.statuses[-1].reason is not None
    assert consumer.statuses[-1].reason.value == "shutdown"
    time.sleep(2.5)  # a will would come within its delay of 2 s
    assert len(consumer.statuses) == 2
    late = make_consumer(broker.port, client_id="late")
    eventually(lambda: bool(late.statuses), "the retained good-bye")
    assert not late.statuses[0].online


def test_after_a_connect_come_status_layout_snapshot_then_the_backlog_in_order(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port, start=False, backlog_rate_hz=50.0)
    box.change(120)
    box.start()
    eventually(lambda: len(consumer.events(box.store.epoch)) == 120, "the backlog")
    kinds = [message.topic.rsplit("/", 1)[1] for message in consumer.messages]
    assert [kind for kind in kinds if kind != "ack"][:3] == ["status", "layout", "snapshot"]
    assert [seq for _, seq in consumer.arrivals] == list(range(1, 121))
    assert consumer.snapshots[0].seq == 120
    first_s, last_s = consumer.arrivals[0][0], consumer.arrivals[-1][0]
    # 20 may go at once, the other 100 at 50 a second: 2 s; more would drown a consumer.
    assert 1.4 < last_s - first_s < 6.0


def test_a_broker_that_is_down_at_the_start_is_waited_for(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    broker.stop()
    box: Box = make_box(broker.port)
    box.change(5)
    eventually(lambda: box.link.info.failures > 1, "two attempts")
    assert not box.link.info.connected
    assert "refused" in (box.link.info.last_error or "")
    broker.start()
    consumer = make_consumer(broker.port)
    eventually(lambda: consumer.watermark(box.store.epoch) == 5, "the events")
    assert verify(consumer, box.store)["events"] == 5


@pytest.mark.conformance("0x87 and 0x10 keep the row")
def test_refused_events_stay_and_go_out_when_the_access_list_is_mended(
    mosquitto: Path, tmp_path: Path, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    access = tmp_path / "acl"
    rest = "".join(
        f"topic readwrite {TOPICS.base}/{tail}\n"
        for tail in ("status", "snapshot", "layout", "ack", "event")
    )
    access.write_text(rest.replace(f"readwrite {TOPICS.base}/event", f"read {TOPICS.base}/event"))
    broker = Mosquitto(mosquitto, tmp_path, f"allow_anonymous true\nacl_file {access}")
    broker.start()
    try:
        consumer = make_consumer(broker.port)
        box: Box = make_box(broker.port, quarantine_retry_s=3.0)
        box.change(7)
        eventually(lambda: box.store.health().quarantined == 7, "the refusals")
        assert box.store.health().rows == 7
        eventually(lambda: box.link.info.refused >= 7, "the count")
        eventually(lambda: "0x87 Not authorized" in "".join(box.link.info.alarms), "the alarm")
        access.write_text(rest)
        broker.reload()
        eventually(lambda: consumer.watermark(box.store.epoch) == 7, "the events after the mend")
        eventually(lambda: box.store.acked == 7, "their release")
        verify(consumer, box.store)
    finally:
        broker.stop()


@pytest.mark.conformance("0x87 and 0x10 keep the row")
@pytest.mark.parametrize("release", list(Release))
def test_events_that_nobody_hears_are_kept(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer, release: Release
) -> None:
    box: Box = make_box(broker.port, release=release)
    box.change(4)
    eventually(lambda: box.link.info.sent >= 4, "the events to be sent")
    time.sleep(0.5)
    assert box.store.health().rows == 4
    consumer = make_consumer(broker.port)
    eventually(lambda: len(consumer.events(box.store.epoch)) == 4, "the events once somebody hears")
    eventually(lambda: box.store.health().rows == 0, "their release")


@pytest.mark.parametrize("protocol", [Protocol.MQTT_311, Protocol.AUTO])
def test_mqtt_3_1_1_works_with_what_it_lacks_switched_off(
    mosquitto: Path,
    tmp_path: Path,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    protocol: Protocol,
) -> None:
    broker = Mosquitto(mosquitto, tmp_path)
    broker.start()
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port, protocol=protocol)
    box.change(30)
    eventually(lambda: box.store.acked == 30, "the acknowledgement")
    assert box.link.info.protocol == ("5" if protocol is Protocol.AUTO else "3.1.1")
    verify(consumer, box.store)
    box.close()
    eventually(lambda: not consumer.statuses[-1].online, "the good-bye")
    broker.stop()


@pytest.mark.slow
@pytest.mark.conformance("duplicates and shuffles")
def test_a_network_full_of_faults_loses_nothing(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    record_property: Callable[[str, object], None],
) -> None:
    rng = random.Random(5)
    consumer = make_consumer(broker.port)
    with FaultProxy(broker.port) as proxy:
        box: Box = make_box(proxy.port)
        for _ in range(25):
            box.change(rng.randint(1, 12))
            proxy.delay(rng.choice([0.0, 0.0, 0.05]))
            time.sleep(rng.uniform(0.0, 0.25))
            proxy.cut()
        proxy.stall(on=True)  # half-open: only the keep-alive notices
        box.change(10)
        eventually(lambda: not box.link.info.connected, "the keep-alive to notice", 15.0)
        proxy.cut()
        proxy.stall(on=False)
        proxy.delay(0.0)
        eventually(
            lambda: box.store.acked == box.store.last_seq, "everything to be acknowledged", 60
        )
        counts = verify(consumer, box.store)
        record_property("counts", {**counts, "cuts": proxy.cuts, "repeats": consumer.duplicates})
        box.link.stop()


def test_a_message_that_is_larger_than_the_broker_takes_does_not_stop_the_others(
    mosquitto: Path, tmp_path: Path, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    broker = Mosquitto(mosquitto, tmp_path, "allow_anonymous true\nmax_packet_size 20000")
    broker.start()
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port, bays=400)
    box.change(5)
    eventually(lambda: box.store.acked == 5, "the events")
    eventually(lambda: "snapshot" in "".join(box.link.info.alarms), "the alarm")
    assert box.link.info.connects == 1
    assert consumer.snapshots == []
    box.close()
    broker.stop()


class BrokenAgent(QuietAgent):
    """Fails wherever it can."""

    def tick(self, now_s: float) -> None:
        msg = f"broken at {now_s >= 0}"
        raise KeyError(msg)


def test_a_broken_agent_stops_neither_link_nor_start(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    broker.stop()
    box: Box = make_box(broker.port, agents=[BrokenAgent()])
    box.change(5)
    eventually(lambda: "BrokenAgent" in "".join(box.link.info.alarms), "the alarm")
    broker.start()
    consumer = make_consumer(broker.port)
    eventually(lambda: box.store.acked == 5, "the events")
    verify(consumer, box.store)


def test_a_box_that_is_still_dialling_stops_at_once(make_box: MakeBox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes calls and never answers
        box: Box = make_box(mute.getsockname()[1], connect_timeout_s=30.0, protocol=Protocol.MQTT_5)
        peer, _ = mute.accept()
        started_s = time.monotonic()
        box.close()
        assert time.monotonic() - started_s < 3.0
        peer.close()
