"""What docs/cloud.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

from cloud_app.api.forecast_routes import router as forecast_router
from cloud_app.api.incident_routes import router as incident_router
from cloud_app.api.live_routes import router as live_router
from cloud_app.api.map_routes import router as map_router
from cloud_app.api.routes import router
from cloud_app.api.shadow_routes import router as shadow_router
from cloud_app.api.source_routes import router as source_router
from cloud_app.config import CloudConfig
from cloud_app.storage.migrate import every_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cloud.md"


def test_every_path_of_the_api_is_in_the_docs_and_no_other() -> None:
    real = {
        route.path.removeprefix("/api/v1/")
        for each in (
            router,
            forecast_router,
            incident_router,
            live_router,
            map_router,
            shadow_router,
            source_router,
        )
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
    metadata = every_table()
    tables = set(metadata.tables) | {
        column.name for table in metadata.tables.values() for column in table.columns
    }
    text = PAGE.read_text()
    for name in re.findall(r"`([a-z]+_[a-z_]+)`", text):
        others = {"counts_free", "edge_flooding", "edge_lot_disputed", "edge_wrong_site",
                  "event_other", "lotsight_cloud_misplaced_total", "lotsight_cloud_shed_total",
                  "no_record", "not_held"}  # fmt: skip
        assert name in keys | others | tables, name
