"""The page of boxes in real Chromium tells how often a camera's states are upheld."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock, TopicKind
from telemetry.health import CameraAudit, CameraHealth, Health, OutboxHealth
from tests.cloud_app.hub import Hub, feeding, serving
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

pytestmark = [pytest.mark.chromium]


def test_a_cameras_audit_shows_as_a_range(tmp_path: Path, browser: Browser) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub, edge = Hub(database), ScriptedEdge(now=SystemClock().utc())
    hub.clock.epoch_utc = edge.now
    audit = CameraAudit(since=START, looks=430, bays=900, accuracy=0.995, low=0.987, high=0.9996)
    cameras = (
        CameraHealth(camera="gate", up=True, audit=audit),
        CameraHealth(camera="yard", up=True),
    )
    health = Health(
        at=edge.now, uptime_s=60.0, outbox=OutboxHealth(rows=0, bytes=0), cameras=cameras
    )
    take(database, [*edge.hello(), edge.inbound(TopicKind.HEALTH, health)])
    page = browser.new_page(viewport={"width": 1200, "height": 500}, locale="en-GB")
    with feeding(hub.feed), serving(hub.app) as url:
        page.goto(url)
        page.get_by_role("link", name="Edges").click()
        row = page.locator("main tbody tr")
        expect(row).to_contain_text("2 of 2 up")
        expect(row).to_contain_text("gate: 98.7–99.9 % right")
        expect(row).not_to_contain_text("yard")
        page.close()
    database.close()
