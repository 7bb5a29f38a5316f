"""Who may do what: certificates, access list, rotation, sockets; commands and a whole fleet."""

from __future__ import annotations

import gc
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest
from pydantic import JsonValue

from edge_app.delivery import MqttConfig, MqttLink, TlsConfig
from edge_app.delivery.agents import AgentParts, CommandHandlers, build_agents
from edge_app.delivery.tls import tls_context
from telemetry import Command, CommandResult, EdgeTopics, TopicKind, decode
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from tests.system.delivery.access import ACCESS_LIST, Authority
from tests.system.delivery.conftest import MakeBox, MakeConsumer
from tests.system.delivery.consumer import Consumer, verify
from tests.system.delivery.edge import QUICK, SITE, TOPICS, Box

pytestmark = [
    pytest.mark.mosquitto,
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
RecordProperty = Callable[[str, object], None]


@dataclass
class Secured:
    broker: Mosquitto
    authority: Authority

    def config(self, edge: str = "edge-7", cert: str = "edge-7", **more: object) -> MqttConfig:
        pem, key = self.authority.issue(cert)
        tls = TlsConfig(
            ca_file=self.authority.ca_file, cert_file=pem, key_file=key, check_period_s=0.2
        )
        settings = {"host": "localhost", "port": self.broker.port, "site": SITE, "edge": edge}
        return MqttConfig.model_validate({**settings, **QUICK, "tls": tls, **more})

    def consumer(self, make: MakeConsumer, **more: object) -> Consumer:
        pem, key = self.authority.issue("consumer")
        tls = TlsConfig(ca_file=self.authority.ca_file, cert_file=pem, key_file=key)
        return make(self.broker.port, host="localhost", context=tls_context(tls), **more)


@pytest.fixture
def secured(mosquitto: Path, tmp_path: Path) -> Iterator[Secured]:
    authority = Authority(tmp_path)
    access = tmp_path / "acl"
    access.write_text(ACCESS_LIST)
    broker = Mosquitto(mosquitto, tmp_path, authority.tls_settings(access))
    broker.start()
    yield Secured(broker, authority)
    broker.stop()
    gc.collect()


@pytest.mark.conformance("no client certificate refused")
def test_without_a_certificate_nobody_comes_in(
    secured: Secured, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    bare = secured.config(tls=TlsConfig(ca_file=secured.authority.ca_file))
    box: Box = make_box(0, config=bare)
    box.change(3)
    eventually(lambda: box.link.info.failures >= 2, "two refusals")
    assert box.link.info.connects == 0 or box.link.info.sent == 0
    assert box.store.health().rows == 3
    box.close()


def test_a_broker_that_another_authority_vouches_for_is_not_believed(
    secured: Secured, make_box: MakeBox, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    config = secured.config()
    assert config.tls is not None
    tls = config.tls.model_copy(update={"ca_file": Authority(foreign).ca_file})
    box: Box = make_box(0, config=config.model_copy(update={"tls": tls}))
    eventually(lambda: box.link.info.failures >= 1, "the refusal")
    assert "TLS failed" in (box.link.info.last_error or "")
    box.close()


@pytest.mark.conformance("another edge's topics denied")
def test_a_box_reaches_only_its_own_topics(
    secured: Secured, make_box: MakeBox, make_consumer: MakeConsumer, tmp_path: Path
) -> None:
    victim = secured.consumer(make_consumer, topics=EdgeTopics(SITE, "edge-8"))
    # The certificate says edge-7, the configuration claims to be edge-8.
    thief: Box = make_box(0, config=secured.config(edge="edge-8"), folder=tmp_path / "thief")
    thief.change(3)
    eventually(lambda: thief.store.health().quarantined == 3, "the refusals")
    eventually(lambda: len(thief.link.info.alarms) >= 3, "alarms for status, layout and snapshot")
    assert victim.messages == []
    own = secured.consumer(make_consumer, client_id="own")
    box: Box = make_box(0, config=secured.config(), folder=tmp_path / "own")
    box.change(3)
    eventually(lambda: box.store.acked == 3, "the honest box's events")
    verify(own, box.store)


def _has_refused(box: Box, count: int) -> bool:
    return box.store.health().quarantined == count


@pytest.mark.conformance("another edge's topics denied")
def test_a_box_cannot_speak_for_another_site(
    secured: Secured, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    """The access list of the page names the site; with `+` in its place this box came through."""
    for site in ("south", "nowhere"):
        heard = secured.consumer(make_consumer, topics=EdgeTopics(site, "edge-7"), client_id=site)
        box: Box = make_box(0, config=secured.config(site=site))
        box.change(2)
        eventually(partial(_has_refused, box, 2), "the refusals")
        assert heard.messages == []
        box.close()


@pytest.mark.conformance("certificate rotation")
def test_certificates_are_replaced_while_it_runs(
    secured: Secured, make_box: MakeBox, make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:  # fmt: skip
    consumer = secured.consumer(make_consumer)
    config = secured.config()
    box: Box = make_box(0, config=config)
    box.change(10)
    eventually(lambda: box.store.acked == 10, "the first events")
    assert config.tls is not None
    assert config.tls.key_file is not None
    kept = config.tls.key_file.read_bytes()
    config.tls.key_file.write_text("half a file")  # as an unlucky copy would leave it
    eventually(
        lambda: "cannot use the new certificates" in "".join(box.link.info.alarms), "the alarm"
    )
    box.change(10)
    eventually(lambda: box.store.acked == 20, "events over the old connection")
    assert box.link.info.connects == 1
    config.tls.key_file.write_bytes(kept)
    secured.authority.issue("edge-7")
    eventually(lambda: box.link.info.connects >= 2, "the new connection")
    box.change(10)
    eventually(lambda: box.store.acked == 30, "events over the new connection")
    time.sleep(2.5)  # a will would come within its delay of 2 s
    assert all(status.online for status in consumer.statuses), "a rotation is no death"
    record_property("counts", verify(consumer, box.store))


@pytest.mark.conformance("no listening socket beyond loopback")
def test_the_link_opens_no_port(broker: Mosquitto, make_box: MakeBox) -> None:
    before = listening()
    box: Box = make_box(broker.port)
    eventually(lambda: box.link.info.connected, "the link")
    assert listening() == before


def listening() -> set[tuple[str, int]]:
    found = psutil.Process().net_connections("inet")
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}


class Orders:
    """A box that takes commands, and somebody who gives them and reads the answers."""

    def __init__(self, box: Box, consumer: Consumer) -> None:
        self.box, self.consumer = box, consumer
        self.done: list[str] = []
        self.sent: set[str] = set()

    def run(self) -> MqttLink:
        """A service that starts on the box's store."""
        handlers = CommandHandlers()

        def restart(camera: str) -> dict[str, JsonValue]:
            self.done.append(camera)
            return {}

        handlers.on_restart_camera(restart)
        box = self.box
        agents = build_agents(box.config, box.store, box.clock, AgentParts(handlers=handlers))
        link = MqttLink(box.config, box.store, box.clock, agents)
        link.start()
        eventually(lambda: link.info.connected, "the link")
        return link

    def command(self, name: str, key: str, seconds: float = 30, **args: object) -> Command:
        now = self.box.clock.utc()
        raw = {"id": key, "name": name, "args": args, "issued": now}
        return Command.model_validate({**raw, "expires": now + timedelta(seconds=seconds)})

    def send(self, order: Command) -> None:
        self.sent.add(order.id)
        self.consumer.publish(TOPICS.command(order.id), order.encode())

    def answers(self, key: str) -> list[CommandResult]:
        """The final ones; that it is received and runs is told before."""
        topic = str(TOPICS.command_result(key))
        said = [
            decode(CommandResult, bytes(message.payload), topic)
            for message in tuple(self.consumer.messages)
            if message.topic == topic
        ]
        return [each for each in said if each.status.is_final]

    def status(self, order: Command, count: int = 1) -> str:
        self.send(order)
        eventually(lambda: len(self.answers(order.id)) >= count, f"the answer to {order.id}")
        return self.answers(order.id)[-1].status.value


@pytest.fixture
def orders(broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer) -> Orders:
    return Orders(make_box(broker.port, start=False), make_consumer(broker.port))


@pytest.mark.conformance("command duplicate, expired, unknown, late")
def test_commands_are_done_once_and_always_answered(
    orders: Orders, record_property: RecordProperty
) -> None:
    link = orders.run()
    once = orders.command("restart_camera", "once", camera="gate")
    assert orders.status(once) == "done"
    assert orders.status(once, count=2) == "done"
    assert orders.done == ["gate"], "a duplicate is answered, not done"
    assert orders.answers("once")[0] == orders.answers("once")[1]
    for order, status in (
        (orders.command("set_bay_closed", "shut", bay="b3", closed=True), "done"),
        (orders.command("restart_camera", "late", seconds=-1, camera="gate"), "expired"),
        (orders.command("self_destruct", "odd"), "rejected"),
        (orders.command("restart_camera", "args", camera="gate", speed=3), "rejected"),
        (orders.command("recalibrate", "none", camera="gate"), "rejected"),
    ):
        assert orders.status(order) == status
    assert "b3" in orders.box.store.closed_bays()
    orders.consumer.publish(TOPICS.command("junk"), b"{not json")
    assert orders.status(orders.command("restart_camera", "more", camera="exit")) == "done"
    assert orders.done == ["gate", "exit"]
    link.stop()
    record_property("counts", {"commands": len(orders.sent)})


@pytest.mark.conformance("command duplicate, expired, unknown, late")
def test_commands_that_waited_at_the_broker(
    orders: Orders, record_property: RecordProperty
) -> None:
    link = orders.run()
    once = orders.command("restart_camera", "once", camera="gate")
    assert orders.status(once) == "done"
    link.stop()
    orders.send(orders.command("restart_camera", "slow", seconds=0.6, camera="gate"))
    orders.send(orders.command("restart_camera", "wait", camera="exit"))
    time.sleep(0.8)
    link = orders.run()  # the broker kept both for the session
    eventually(lambda: bool(orders.answers("slow") and orders.answers("wait")), "the answers")
    assert orders.answers("slow")[0].status.value == "expired"
    assert orders.answers("wait")[0].status.value == "done"
    assert orders.status(once, count=2) == "done", "known also after a restart"
    assert orders.done == ["gate", "exit"]
    link.stop()
    record_property("counts", {"commands": len(orders.sent)})


@pytest.mark.slow
@pytest.mark.conformance("storm of 200 edges reconnecting is spread")
def test_two_hundred_boxes_that_lost_their_broker_come_back_spread(
    broker: Mosquitto, make_box: MakeBox, tmp_path: Path, record_property: RecordProperty
) -> None:
    template: Box = make_box(broker.port, start=False, folder=tmp_path / "template")
    template.close()
    links: list[MqttLink] = []
    boxes: list[Box] = []
    for number in range(200):
        folder = tmp_path / f"box-{number}"
        shutil.copytree(tmp_path / "template", folder)
        config = template.config.model_copy(
            update={"edge": f"e{number}", "backoff_min_s": 8.0, "backoff_max_s": 60.0}
        )
        box = Box(folder, config, seed=random.Random(number).randint(0, 1 << 30))
        boxes.append(box.start())
        links.append(box.link)
    try:
        eventually(lambda: all(link.info.connected for link in links), "all boxes", 60)
        broker.kill()
        eventually(lambda: not any(link.info.connected for link in links), "all to notice", 30)
        broker.start()
        back: list[float] = []
        started_s = time.monotonic()
        while len(back) < 200 and time.monotonic() - started_s < 90:
            count = sum(link.info.connected for link in links)
            back += [time.monotonic() - started_s] * (count - len(back))
            time.sleep(0.05)
        assert len(back) == 200
        busiest = max(sum(at <= t < at + 1.0 for t in back) for at in back)
        # 200 over 8 s is 25 a second on average; all at once would be 200.
        assert busiest <= 80
        record_property(
            "counts", {"boxes": 200, "busiest_second": busiest, "last_s": round(back[-1], 1)}
        )
    finally:
        for link in links:
            link.wake()
        for box in boxes:
            box.crash()


def test_the_consumer_may_not_speak_for_a_box(
    secured: Secured, make_box: MakeBox, make_consumer: MakeConsumer
) -> None:
    consumer = secured.consumer(make_consumer)
    forged = TOPICS.of(TopicKind.STATUS)
    consumer.publish(forged, b'{"online":false,"epoch":1,"conn":1}')
    time.sleep(0.3)
    assert consumer.statuses == []
