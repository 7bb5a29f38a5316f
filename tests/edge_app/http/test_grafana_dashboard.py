"""The Grafana dashboard asks for metrics that a box really has."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge_app.alarms import Alarm, AlarmKind
from telemetry import IncidentKind
from telemetry.health import CameraAudit
from tests.edge_app.http.test_http_harvest import FIGURES
from vision.incidents import Incident

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve, Served

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DOCS = Path(__file__).resolve().parents[3] / "docs"
DASHBOARD = DOCS / "grafana" / "lotsight.json"


def exposed_by(served: Served) -> set[str]:
    """All metrics of a box that has everything."""
    served.box.change(
        alarms=(Alarm(AlarmKind.DISK, "the disk is full"),),
        disk_free_bytes=1,
        memory_bytes=2,
        temperature_c=40.0,
    )
    audit = CameraAudit(since=NOW, looks=3, bays=30, accuracy=0.9, low=0.8, high=0.95)
    served.box.change(audits={"north": audit}, harvest=FIGURES)
    bad = Incident("i-1", IncidentKind.OUTSIDE_BAY, "north", (), NOW, NOW, 60.0)
    served.live_state.set_incidents("north", [bad], [bad])
    return set(re.findall(r"^(lotsight_\w+)", served.client.get("/metrics").text, re.M))


def test_every_metric_is_documented_and_no_other(serve: Serve) -> None:
    told = set(re.findall(r"lotsight_\w+", (DOCS / "http.md").read_text(encoding="utf-8")))
    assert told == exposed_by(serve())


def test_every_metric_of_the_dashboard_is_exposed(serve: Serve) -> None:
    exposed = exposed_by(serve())
    live_state = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = {
        name
        for panel in live_state["panels"]
        for target in panel["targets"]
        for name in re.findall(r"lotsight_\w+", target["expr"])
    }
    assert asked
    assert asked <= exposed
    fields = [
        (x, y)
        for place in (panel["gridPos"] for panel in live_state["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(fields)) == len(fields), "no panel lies on another"
    assert max(x for x, _ in fields) < 24
    assert len({panel["id"] for panel in live_state["panels"]}) == len(live_state["panels"])
