"""What docs/cloud.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from cloud_app.api.incident_routes import router as incident_router
from cloud_app.api.routes import router
from cloud_app.api.shadow_routes import router as shadow_router
from cloud_app.config import CloudConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cloud.md"


def test_every_path_of_the_api_is_in_the_docs_and_no_other() -> None:
    real = {
        route.path.removeprefix("/api/v1/")
        for each in (router, incident_router, shadow_router)
        for route in each.routes
        if hasattr(route, "path")
    }
    table = PAGE.read_text().split("path below `/api/v1`")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.count("|") > 2]
    told = {name.split("?")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert told == real


def test_every_key_the_docs_name_exists() -> None:
    keys = {
        key
        for section in CloudConfig.model_fields.values()
        if section.annotation
        for key in getattr(section.annotation, "model_fields", {})
    }
    text = PAGE.read_text()
    for name in re.findall(r"`([a-z]+_[a-z_]+)`", text):
        tables = {"bay_state", "bay_count", "event_other", "not_held", "edge_offline",
                  "camera_lost", "lot_full", "events_lost",
                  "not_told", "incident_list", "edge_fault", "edge_wrong_site",
                  "edge_not_registered", "edge_lot_disputed", "edge_flooding",
                  "lotsight_cloud_misplaced_total", "lotsight_cloud_shed_total"}  # fmt: skip
        assert name in keys | tables, name
