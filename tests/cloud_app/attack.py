"""Sends recorded attacks to a real service over a real broker, and looks at it after each one."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud_app.ingest.decode import Inbound
from tests.cloud_app.processes import Consumer
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import running_broker

RECORDED = Path(__file__).resolve().parents[2] / "scripts" / "attacks.toml"
LOT_NAME = "Hall"
ARRIVES_WITHIN_S = 15.0


@dataclass(frozen=True)
class Attack:
    """One message that somebody sends."""

    name: str
    topic: str
    payload: bytes
    retain: bool = False


@dataclass
class Outcome:
    """How the service was after an attack; `wrong` is empty where it should be."""

    attack: str
    good_event_s: float = 0.0
    unreadable: int = 0
    wrong: list[str] = field(default_factory=list)


def recorded_attacks(path: Path = RECORDED) -> list[Attack]:
    """The attacks of a file, in order."""
    attacks = []
    for each in tomllib.loads(path.read_text(encoding="utf-8"))["attack"]:
        text = each["payload"].replace("{part}", each.get("part", "") * each.get("times", 1))
        attacks.append(
            Attack(each["name"], each["topic"], text.encode(), each.get("retain", False))
        )
    return attacks


class Target:
    """A service with a good edge, watched through its own API."""

    def __init__(self, port: int, service: Consumer) -> None:
        self._service = service
        self._good = ScriptedEdge(edge="good", site="north")
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        for message in self._good.hello():
            self._publish(message, retain=True)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def attack(self, attack: Attack) -> Outcome:
        """Send it, then look at everything."""
        before = self._unreadable()
        self._client.publish(
            attack.topic, attack.payload, qos=1, retain=attack.retain
        ).wait_for_publish(30)
        return self._look(attack.name, before)

    def restart(self) -> Outcome:
        """End the service and start it: what it met before and what is retained comes again."""
        code = self._service.stop()
        self._service.start()
        outcome = self._look("restart", 0)
        if code != 0:
            outcome.wrong.append(f"it ended with {code}")
        return outcome

    def _look(self, name: str, unreadable_before: int) -> Outcome:
        outcome = Outcome(name)
        outcome.good_event_s = self._good_event_arrives(outcome)
        for path in ("/health/live", "/health/ready", "/metrics", "/api/v1/edges",
                     "/api/v1/lots", "/api/v1/events", "/api/v1/alerts"):  # fmt: skip
            answer = self._get(path)
            if answer is None or answer.status_code != 200:
                outcome.wrong.append(f"{path}: {answer.status_code if answer else 'no answer'}")
        self._check_places(outcome)
        outcome.unreadable = self._unreadable() - unreadable_before
        return outcome

    def _good_event_arrives(self, outcome: Outcome) -> float:
        self._publish(self._good.change("a1", bool(self._good.seq % 2)))
        start_s = time.monotonic()
        while time.monotonic() - start_s < ARRIVES_WITHIN_S:
            answer = self._get("/api/v1/edges/good")
            stream = answer.json().get("stream") if answer and answer.status_code == 200 else None
            if stream and stream["upto"] == self._good.seq:
                return time.monotonic() - start_s
            time.sleep(0.05)
        outcome.wrong.append("the good edge's event did not arrive")
        return ARRIVES_WITHIN_S

    def _check_places(self, outcome: Outcome) -> None:
        """Nobody moved the good edge or renamed its lot."""
        edge, lot = self._get("/api/v1/edges/good"), self._get("/api/v1/lots/north/p1")
        if edge is None or edge.json().get("site") != "north":
            outcome.wrong.append("the good edge is at another site")
        if lot is None or (lot.json().get("name"), lot.json()["counts"]["bays"]) != (LOT_NAME, 3):
            outcome.wrong.append("the good edge's lot is another one")

    def _unreadable(self) -> int:
        answer = self._get("/metrics")
        found = re.search(
            r"^lotsight_cloud_unreadable_total (\S+)", answer.text if answer else "", re.M
        )
        return int(float(found[1])) if found else 0

    def _get(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(self._service.url + path, timeout=10)
        except httpx.HTTPError:
            return None

    def _publish(self, message: Inbound, *, retain: bool = False) -> None:
        self._client.publish(message.topic, message.payload, 1, retain=retain).wait_for_publish(10)


@contextmanager
def a_target(mosquitto: Path, folder: Path, url: str) -> Iterator[Target]:
    """A broker, a service on `url` and a good edge, all on loopback."""
    with running_broker(mosquitto, folder) as broker:
        service = Consumer("attacked", folder, broker.port, url)
        target = Target(broker.port, service)
        try:
            yield target
        finally:
            target.close()
            service.kill()


def attack_all(
    target: Target, attacks: Sequence[Attack], tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Send all of them, restart, and look after each step."""
    outcomes = []
    for step in (*(lambda a=each: target.attack(a) for each in attacks), target.restart):
        outcomes.append(step())
        tell(outcomes[-1])
    return outcomes
