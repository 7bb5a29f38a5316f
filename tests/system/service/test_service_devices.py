"""A lot of sensors and gates, with no camera, through the real box into the real cloud.

The cloud is away for hours of the sensors' time, and the box is killed again and again meanwhile.
"""

from __future__ import annotations

import base64
import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.cloud_app.processes import Consumer
from tests.kit.mosquitto import Mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.service.conftest import Box, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]
BAYS, ROUNDS, KILLS = 12, 12, 3
HOURS = 6


@dataclass
class Lot:
    """What happens at the lot, and what its devices say of it to the local broker."""

    client: paho.Client
    rng: random.Random = field(default_factory=lambda: random.Random(16))
    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=HOURS))
    said: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    frames: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    passed: int = 0

    def live(self, rounds: int) -> None:
        """Let so many rounds pass: cars come and go, each sensor says so, some of it twice."""
        for _ in range(rounds):
            self.now += timedelta(hours=HOURS) / (ROUNDS + 1)
            for number in self.rng.sample(range(BAYS), BAYS // 2):
                self._uplink(number)
            self.passed += 1
            pulse = {"gate": "ramp", "direction": "in", "id": str(self.passed),
                     "time": self.now.isoformat()}  # fmt: skip
            self._publish("gates/ramp", pulse)

    def _uplink(self, number: int) -> None:
        device, bay = f"70b3d5e75e00{number:04x}", f"B-{number:02d}"
        occupied = not self.said[bay][-1] if self.said[bay] else self.rng.random() < 0.5
        self.said[bay].append(occupied)
        body = {
            "deduplicationId": f"{device}-{self.frames[device]}",
            "time": (self.now + timedelta(seconds=number)).isoformat(),
            "deviceInfo": {"devEui": device},
            "fCnt": self.frames[device],
            "fPort": 1,
            "data": base64.b64encode(bytes([0x94 | occupied])).decode(),
        }
        self.frames[device] += 1
        for _ in range(self.rng.choice((1, 1, 2))):
            self._publish(f"application/1/device/{device}/event/up", body)

    def _publish(self, topic: str, body: Mapping[str, object]) -> None:
        self.client.publish(topic, json.dumps(body), 1).wait_for_publish(20)


def devices(local_port: int) -> str:
    text = (
        f"[local_broker]\nport = {local_port}\n"
        '[[sensor_network]]\nkind = "chirpstack"\ntopic = "application/+/device/+/event/+"\n'
        '[[vehicle_gate]]\nid = "ramp"\nlot = "garage"\ntopic = "gates/ramp"\n'
        '[[counted_lot]]\nid = "garage"\ncapacity = 50\n'
    )
    for number in range(BAYS):
        text += (
            f'[[sensor]]\nid = "70b3d5e75e00{number:04x}"\nbay = "B-{number:02d}"\n'
            'profile = "nwave-nps405"\nlot = "north"\n'
        )
    return text


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Whatever the test starts ends with it."""
    with ExitStack() as stack:
        yield stack


def test_a_lot_without_a_camera_reaches_the_cloud_whole(
    make_box: Callable[..., Box],
    mosquitto: Path,
    tmp_path: Path,
    ends: ExitStack,
    wait_for: WaitFor,
) -> None:
    brokers = []
    for name in ("local", "cloud"):
        (tmp_path / name).mkdir()
        brokers.append(Mosquitto(mosquitto, tmp_path / name))
        ends.callback(brokers[-1].stop)
    local, cloud = brokers
    local.start()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", local.port)
    client.loop_start()
    ends.callback(client.loop_stop)
    ends.callback(client.disconnect)
    box = make_box(cloud.port)  # whose broker is not there yet
    box.sections["outbox"] = "max_rows = 5000"
    box.cameras.append(devices(local.port))
    box.start()
    ours = ("box-1-sensors", "box-1-outputs")
    wait_for(lambda: all(each in local.log() for each in ours), "the box at its broker", 120)
    wait_for(lambda: local.log().count("Sending SUBACK to box-1-sensors") > 0, "its ears", 120)
    lot = Lot(client)
    for kill in range(KILLS):
        lot.live(ROUNDS // (KILLS + 1))
        box.stop(SIGKILL)
        if kill == 1:
            lot.live(1)  # nobody listens; the local broker keeps it
        box.start()
    lot.live(ROUNDS // (KILLS + 1))

    cloud.start()
    database = tmp_path / "cloud.db"
    consumer = Consumer("cloud", tmp_path, cloud.port, f"sqlite:{database}")
    ends.callback(consumer.stop)
    changes = sum(map(len, lot.said.values()))

    def rows(query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    wait_for(lambda: rows("SELECT count(*) FROM event WHERE kind = 'changed'") == [(changes,)]
             and rows("SELECT count(*) FROM event WHERE kind = 'gate'") == [(lot.passed,)],
             "everything that happened to be in the cloud", 120)  # fmt: skip
    told: dict[str, list[bool]] = defaultdict(list)
    for bay, occ in rows("SELECT bay, occ FROM event WHERE kind = 'changed' ORDER BY seq"):
        told[str(bay)].append(bool(occ))
    assert told == lot.said, "each change once, and in its order"
    known = rows("SELECT bay, occ FROM bay_state WHERE occ IS NOT NULL")
    assert {str(bay): bool(occ) for bay, occ in known} == {b: s[-1] for b, s in lot.said.items()}
    health = rows("SELECT count(*) FROM event WHERE kind = 'sensor'")
    assert health == [(len(lot.said),)], "each sensor said once that it is well"
    assert rows("SELECT count(*) FROM gap") == [(0,)]
