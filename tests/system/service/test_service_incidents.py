"""Vehicles that stand badly: from the running service by a real broker into the cloud."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from pydantic import SecretStr

from calibration import Bay
from cloud_app.config import DatabaseConfig
from cloud_app.storage.database import Database
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.open import open_database
from cloud_app.storage.queries import Now
from cloud_app.storage.times import to_ms
from cloud_app.views import IncidentItem
from simulator import Activity, SimulatedLot, demo_scene
from simulator.cars import SHAPES, Car
from simulator.misplaced import before, straddling
from telemetry import IncidentKind, SystemClock
from tests.cloud_app.processes import Consumer
from vision.types import ImageBgr

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

WH = (960, 544)
ALWAYS = (-1.0, 1e9)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def scenes() -> tuple[ImageBgr, ImageBgr, tuple[Bay, ...]]:
    """The demo's lot with two cars that stand badly, the same without them, and its bays."""
    plain = replace(demo_scene(image_wh=WH), activity=Activity(initial_share=0.5, interval_s=1e9))
    shapes = {shape.name: shape for shape in SHAPES}
    bad = (
        straddling(plain.layout, "B09", "B10", Car(shapes["suv"], (0.4, 0.2, 0.05)), ALWAYS),
        before(plain.layout, "B05", Car(shapes["sedan"], (0.5, 0.5, 0.5)), ALWAYS),
    )
    with_them = SimulatedLot(replace(plain, misplaced=bad), seed=3, detail=1)
    without = SimulatedLot(plain, seed=3, detail=1)
    bays = tuple(
        Bay(id=bay, polygon=tuple((float(x), float(y)) for x, y in quad))
        for bay, quad in zip(with_them.bay_ids, with_them.quads_norm(), strict=True)
    )
    # Where they straddled nobody parks in the one picture and somebody may in the other: so be it.
    return with_them.frame(1.0), without.frame(1.0), bays


def known(database: Database, **wanted: bool) -> list[IncidentItem]:
    now = Now(to_ms(SystemClock().utc()), 180_000)
    with database.read() as session:
        return incidents(session, now, IncidentFilter(**wanted), 100)  # type: ignore[arg-type]


def test_incidents_reach_the_cloud_and_outlive_a_killed_box(
    make_box: Callable[..., Box], broker: Broker, wait_for: WaitFor, tmp_path: Path, ends: ExitStack
) -> None:
    bad, good, bays = scenes()
    picture = tmp_path / "scene.png"
    cv2.imwrite(str(picture), bad)
    url = f"sqlite:{tmp_path / 'cloud.db'}"
    consumer = Consumer("one", tmp_path, broker.port, url)
    ends.callback(consumer.stop)
    box = make_box(broker.port)
    box.add_camera("north", str(picture), bays, "rate_hz = 4")
    box.sections = {
        "gate": "heartbeat_s = 0.5",
        "incidents": "hold_s = 3\nclear_s = 3",
        "mqtt": f'host = "127.0.0.1"\nport = {broker.port}\nack_grace_s = 0.1\n'
        "backoff_min_s = 0.2\nbackoff_max_s = 0.5\nsnapshot_period_s = 1",
    }
    box.start()
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    ends.callback(database.close)

    wait_for(lambda: len(known(database, is_open=True)) == 2, "two incidents in the cloud")
    told = {item.kind: item for item in known(database)}
    assert set(told[IncidentKind.STRADDLING].bays) == {"north-B09", "north-B10"}
    assert told[IncidentKind.DOUBLE_PARKING].bays[0] == "north-B05"

    box.stop(signal.SIGKILL)
    cv2.imwrite(str(picture), good)
    box.start()
    wait_for(lambda: len(known(database, is_open=False)) == 2, "both incidents over")
    assert {item.incident for item in known(database)} == {i.incident for i in told.values()}
    assert {item.end for item in known(database)} == {"left"}
    assert box.stop() == 0
    assert broker.seqs() == list(range(1, max(broker.seqs()) + 1))
    assert "Traceback" not in box.log
