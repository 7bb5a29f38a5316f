"""The link to the local broker: nothing is taken before it is handled, nothing is sent late."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.config import LocalBrokerConfig
from edge_app.field_io import FieldError, LocalLink
from telemetry import SystemClock
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(mosquitto, tmp_path, "allow_anonymous true\npersistence true\n"
                     f"persistence_location {tmp_path}/\nautosave_interval 1")  # fmt: skip
    made.start()
    yield made
    made.stop()


def link_to(broker: Mosquitto, use: str = "test") -> LocalLink:
    config = LocalBrokerConfig(port=broker.port, retry_longest_s=0.2)
    return LocalLink(config.link("s", "e", use), SystemClock())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_message_that_was_not_handled_to_its_end_comes_again(
    broker: Mosquitto, mosquitto_sub: Path
) -> None:
    """As when the power fails while it is stored: the box is another one afterwards."""
    first = link_to(broker)
    seen: list[bytes] = []

    def fail(_topic: str, payload: bytes) -> None:
        seen.append(payload)
        raise KeyboardInterrupt  # what no handler's own fault is

    first.listen("sensors/+", fail)
    first.start()
    eventually(lambda: first.info.connected, "the broker")
    pub = mosquitto_sub.with_name("mosquitto_pub")
    command = [str(pub), "-p", str(broker.port), "-t", "sensors/a", "-q", "1", "-m", "occupied"]
    subprocess.run(command, check=True, timeout=20)
    eventually(lambda: seen == [b"occupied"], "the message")
    first.stop()
    second = link_to(broker)
    again: list[bytes] = []
    second.listen("sensors/+", lambda _topic, payload: again.append(payload))
    second.start()
    eventually(lambda: again == [b"occupied"], "the message once more")
    second.stop()


def test_an_order_that_cannot_be_sent_now_is_not_sent_later(
    broker: Mosquitto, mosquitto_sub: Path
) -> None:
    link = link_to(broker)
    link.start()
    eventually(lambda: link.info.connected, "the broker")
    link.publish("relays/exit", b"ON")
    broker.kill()
    eventually(lambda: not link.info.connected, "the broker to be missed")
    with pytest.raises(FieldError, match=f"local broker 127.0.0.1:{broker.port}"):
        link.publish("relays/exit", b"late", retain=True)
    broker.start()
    eventually(lambda: link.info.connected, "the broker")
    link.publish("relays/exit", b"OFF", retain=True)
    listen = ["-p", str(broker.port), "-t", "relays/exit", "-C", "1", "-W", "10"]
    done = subprocess.run([str(mosquitto_sub), *listen], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "OFF"
    link.stop()


def test_a_topic_that_the_broker_refuses_is_told(mosquitto: Path, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read sensors/#\n")
    broker = Mosquitto(mosquitto, tmp_path, f"allow_anonymous true\nacl_file {tmp_path}/acl")
    broker.start()
    link = link_to(broker)
    link.start()
    eventually(lambda: link.info.connected, "the broker")
    with pytest.raises(FieldError, match="relays/exit: refused: 0x87 Not authorized"):
        link.publish("relays/exit", b"ON")
    link.stop()
    broker.stop()
