"""The consumer's session on a real broker: certificates, passwords, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import trustme
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

from cloud_app.config import BrokerConfig, BrokerProtocol, TlsConfig
from cloud_app.errors import BrokerError
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.inbox import FairInbox
from cloud_app.ingest.link import CloudLink
from edge_app.demo.broker import EmbeddedBroker
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import Broker, running_broker, wait_until

pytestmark = [pytest.mark.mosquitto]


@contextmanager
def linked(config: BrokerConfig) -> Iterator[tuple[CloudLink, FairInbox]]:
    link, inbox = CloudLink(config, SystemClock()), FairInbox(SystemClock(), budget_hz=1000)
    link.deliver_to(inbox, lambda *_: None)
    link.start()
    try:
        yield link, inbox
    finally:
        link.stop()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, str]:
    """An authority, and the settings of a broker that wants its certificates from everybody."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server.private_key_pem.write_to_path(str(tmp_path / "server.key"))
    for pem in server.cert_chain_pems:
        pem.write_to_path(str(tmp_path / "server.pem"), append=True)
    return authority, (
        f"cafile {tmp_path}/ca.pem\ncertfile {tmp_path}/server.pem\n"
        f"keyfile {tmp_path}/server.key\nrequire_certificate true\n"
    )


def test_certificates_on_both_sides(
    mosquitto: Path, tmp_path: Path, authority: tuple[trustme.CA, str]
) -> None:
    ca, settings = authority
    ours = ca.issue_cert("cloud.example", common_name="cloud")
    ours.private_key_pem.write_to_path(str(tmp_path / "our.key"))
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "our.pem"))
    ca_file = tmp_path / "ca.pem"
    whole = TlsConfig(
        ca_file=ca_file, cert_file=tmp_path / "our.pem", key_file=tmp_path / "our.key"
    )
    with running_broker(mosquitto, tmp_path, settings) as broker:
        with linked(BrokerConfig(port=broker.port, tls=whole)) as (link, _):
            wait_until(lambda: link.state.connected, 20, "a connection with our certificate")
        nameless = BrokerConfig(port=broker.port, tls=TlsConfig(ca_file=ca_file), client_id="x")
        with linked(nameless) as (link, _):
            wait_until(lambda: link.state.problem is not None, 20, "a refusal without one")
            assert not link.state.connected


def test_a_key_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    tls = TlsConfig(ca_file=tmp_path / "none.pem")
    with pytest.raises(BrokerError, match="expected readable PEM files"):
        CloudLink(BrokerConfig(tls=tls), SystemClock())


def test_a_broker_that_is_not_there_is_told_and_waited_for(mosquitto: Path, tmp_path: Path) -> None:
    with running_broker(mosquitto, tmp_path) as broker:
        broker.stop()
        with linked(BrokerConfig(port=broker.port)) as (link, _):
            wait_until(lambda: link.state.problem is not None, 20, "a complaint")
            assert "cannot be reached" in (link.state.problem or "")
            broker.start()
            wait_until(lambda: link.state.connected, 20, "a connection")


def test_a_wrong_password_is_told(mosquitto: Path, tmp_path: Path) -> None:
    # mosquitto_passwd's format 7, PBKDF2-SHA512: the password "right" is nowhere in here.
    (tmp_path / "passwords").write_text("cloud:$7$101$AAAAAAAAAAAAAAAA$" + "A" * 86 + "==\n")
    (tmp_path / "passwords").chmod(0o600)
    settings = f"allow_anonymous false\npassword_file {tmp_path}/passwords\n"
    with running_broker(mosquitto, tmp_path, settings) as broker:
        config = BrokerConfig(port=broker.port, username="cloud", password=SecretStr("wrong"))
        with linked(config) as (link, _):
            wait_until(lambda: link.state.problem is not None, 20, "a refusal")
            assert "refused the connection" in (link.state.problem or "")
            assert "wrong" not in (link.state.problem or "")


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Iterator[Broker]:
    with running_broker(mosquitto, tmp_path) as running:
        yield running


def publish(broker: Broker, messages: list[Inbound], *, retain: bool) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for message in messages:
        client.publish(message.topic, message.payload, 1, retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("protocol", list(BrokerProtocol))
def test_what_is_not_confirmed_comes_again_and_what_is_does_not(
    broker: Broker, protocol: BrokerProtocol
) -> None:
    edge = ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(2)]
    config = BrokerConfig(port=broker.port, protocol=protocol)
    with linked(config) as (link, inbox):
        wait_until(lambda: link.state.connected, 20, "a connection")
        publish(broker, events, retain=False)
        first = inbox.get(timeout_s=10)
        second = inbox.get(timeout_s=10)
        assert (first.payload, second.payload) == (events[0].payload, events[1].payload)
        link.confirm([first])
    with linked(config) as (link, inbox):
        assert inbox.get(timeout_s=10).payload == events[1].payload
        link.confirm([second])
        wait_until(lambda: link.state.connected, 20, "a connection")
        assert inbox.qsize() == 0


@pytest.mark.parametrize("protocol", list(BrokerProtocol))
def test_retained_messages_come_again_when_asked_for(
    broker: Broker, protocol: BrokerProtocol
) -> None:
    edge = ScriptedEdge()
    publish(broker, edge.hello(), retain=True)
    with linked(BrokerConfig(port=broker.port, protocol=protocol)) as (link, inbox):
        first = {inbox.get(timeout_s=10).topic for _ in range(3)}
        link.reread(edge.site, edge.edge)
        second = [inbox.get(timeout_s=10) for _ in range(3)]
        assert {message.topic for message in second} == first
        assert all(message.retained for message in second)


def test_a_broker_without_mqtt_5_delivers_over_3_1_1() -> None:
    pytest.importorskip("amqtt", reason="the embedded broker comes with the extra lotsight[demo]")
    edge = ScriptedEdge()
    event = edge.change("a1", True)
    with EmbeddedBroker() as broker:
        config = BrokerConfig(port=broker.port, protocol=BrokerProtocol.MQTT_311)
        with linked(config) as (link, inbox):
            wait_until(lambda: link.state.connected, 20, "a connection")
            client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
            client.connect("127.0.0.1", broker.port)
            client.loop_start()
            client.publish(event.topic, event.payload, 1).wait_for_publish(10)
            assert inbox.get(timeout_s=10).payload == event.payload
            client.disconnect()
            client.loop_stop()
