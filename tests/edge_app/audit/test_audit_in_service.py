"""A running service, its own network and a simulated camera: the audit's figures come out of it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge_app.assembly import assemble
from edge_app.config import parse_config
from edge_app.http.metrics import registry_of
from edge_app.service import EdgeService
from telemetry import Health, decode
from telemetry.health import OutboxHealth
from tests.kit.forks import Fork

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
    box = assemble(parse_config(BOX, tmp_path / "box.toml"))
    service = EdgeService(box.parts)
    service.start()
    try:
        end_s = time.monotonic() + 200
        while (audit := box.status.camera_health()[0].audit) is None:
            assert time.monotonic() < end_s, "no second opinion"
            time.sleep(0.2)
        registry = registry_of(box.live_state, box.status)
        names = {"camera": "north", "bound": "accuracy"}
        shown = registry.get_sample_value("lotsight_audit_accuracy", names)
        health = Health(
            at=box.clock.utc(),
            uptime_s=1.0,
            outbox=OutboxHealth(rows=0, bytes=0),
            cameras=box.status.camera_health(),
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


@contextmanager
def running(folder: Path, port: int, ends_by: signal.Signals) -> Iterator[Callable[[], Any]]:
    """`lotsight run`; gives a function that asks it for the audit of the camera."""
    arguments = ["run", "--config", str(folder / "box.toml")]
    process = Fork("edge_app.cli", arguments, folder / "log.txt")
    end_s = time.monotonic() + 200

    def audit() -> Any:
        while True:
            assert process.poll() is None, (folder / "log.txt").read_text()
            assert time.monotonic() < end_s, "no response from the service"
            try:
                status = httpx.get(f"http://127.0.0.1:{port}/api/v1/status", timeout=20).json()
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            return status["audits"].get("north")

    try:
        yield audit
    finally:
        process.send_signal(ends_by)
        process.wait(30)


def wait_for_looks(audit: Callable[[], Any], count: int) -> Any:
    while (found := audit()) is None or found["looks"] < count:
        time.sleep(0.1)
    return found


@pytest.mark.slow
def test_the_interval_goes_on_after_a_kill_and_a_restart(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    (tmp_path / "box.toml").write_text(f"{BOX}\n[http]\nport = {port}\n")
    with running(tmp_path, port, signal.SIGKILL) as audit:
        killed = wait_for_looks(audit, 3)
    kept = (tmp_path / "state/audit.jsonl").read_text().splitlines()
    assert json.loads(kept[0])["version"] == 1
    assert len(kept) > killed["looks"]
    with running(tmp_path, port, signal.SIGTERM) as audit:
        first = audit()
        assert first["looks"] >= killed["looks"], "at its first answer, before anything was seen"
        assert first["since"] == killed["since"]
        stopped = wait_for_looks(audit, first["looks"] + 2)
        assert stopped["since"] == killed["since"]
    (tmp_path / "state/audit.jsonl").write_bytes(b"\0" * 4096)
    with running(tmp_path, port, signal.SIGTERM) as audit:
        anew = wait_for_looks(audit, 1)
    assert datetime.fromisoformat(anew["since"]) > datetime.fromisoformat(stopped["since"])
    assert "starting a new history" in (tmp_path / "log.txt").read_text()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
