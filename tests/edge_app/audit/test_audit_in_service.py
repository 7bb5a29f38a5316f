"""A running service, its own network and a simulated camera: the audit's figures come out of it."""

from __future__ import annotations

import time
from pathlib import Path

from edge_app.config import parse_config
from edge_app.http.metrics import registry_of
from edge_app.http.wiring import ServiceBox
from edge_app.remote import camera_health
from edge_app.service import EdgeService
from telemetry import Health, decode
from telemetry.health import OutboxHealth

BOX = """
[edge]
site = "north-bank"
edge = "box-1"
state_dir = "state"

[model]
threads = 1

[gate]
enabled = false

[audit]
every_s = 0.5
settle_s = 0.5
budget_share = 0.5

[[camera]]
id = "north"
source = "sim:@7"
calibration_file = "north.json"
rate_hz = 2.0
"""


def test_a_service_tells_how_often_it_is_right(tmp_path: Path) -> None:
    service = EdgeService(parse_config(BOX, tmp_path / "box.toml"))
    service.start()
    try:
        end_s = time.monotonic() + 60
        while (audit := camera_health(service)[0].audit) is None:
            assert time.monotonic() < end_s, "no second opinion within a minute"
            time.sleep(0.2)
        registry = registry_of(service.board, ServiceBox(service))
        names = {"camera": "north", "bound": "accuracy"}
        shown = registry.get_sample_value("lotsight_audit_accuracy", names)
        health = Health(
            at=service.clock.utc(),
            uptime_s=1.0,
            outbox=OutboxHealth(rows=0, bytes=0),
            cameras=camera_health(service),
        )
    finally:
        service.stop()
    assert audit.looks >= 1
    assert audit.low < audit.accuracy <= audit.high
    assert shown is not None
    assert 0.8 < shown <= 1.0, "the simulated lot is seen well"
    heard = decode(Health, health.encode(), "health").cameras[0].audit
    assert heard is not None
    assert heard.bays >= heard.looks
