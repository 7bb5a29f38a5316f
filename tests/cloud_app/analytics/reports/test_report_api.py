"""Reports and plans over the API: typed, walled by site, as files."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pyarrow.parquet as pq
import pypdf

from cloud_app.storage.database import Database
from tests.cloud_app.analytics.reports.test_making import a_week
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.registry.places import say

WEEK = {"from": "2026-03-23", "to": "2026-03-29"}
HALL = {"site": "north", "lot": "p1", **WEEK}


def test_reports_come_as_figures_and_as_files(database: Database) -> None:
    box = a_week(database)
    hub = Hub(database, TOKENS)
    hub.clock.epoch_utc = box.now
    with hub.client("north-only") as http:
        told = http.get("/api/v1/reports", params=HALL | {"compared": "before"}).json()
        assert told["total"]["occupancy"]["mark"] == "whole"
        assert told["compared"]["total"]["occupancy"]["value"] is None
        assert len(told["heat"]) == 168
        files = {
            kind: http.get("/api/v1/reports", params=HALL | {"format": kind, "language": "de"})
            for kind in ("pdf", "xlsx", "csv")
        }
        assert (
            'filename="lotsight_p1_2026-03-23_2026-03-29.pdf"'
            in (files["pdf"].headers["Content-Disposition"])
        )
        text = pypdf.PdfReader(io.BytesIO(files["pdf"].content)).pages[0].extract_text()
        assert "Belegung nach Stunde und Wochentag" in text
        book = openpyxl.load_workbook(io.BytesIO(files["xlsx"].content))
        assert book["days"]["B2"].value == told["days"][0]["occupancy"]["value"]
        rows = list(csv.DictReader(io.StringIO(files["csv"].text)))
        assert {row["of"] for row in rows} == {"total", "lot", "zone", "kind"}
        assert float(rows[0]["occupancy"]) == told["total"]["occupancy"]["value"]
        usual = http.get("/api/v1/reports").json()
        assert usual["last"] == "2026-03-29", "yesterday in the site's time zone"
        for wrong, code in (
            ({"site": "south"}, 404),
            ({"lot": "p1"}, 422),
            ({"from": "2026-04-02", "to": "2026-04-01"}, 422),
            ({"from": "1970-01-01"}, 422),
            ({"site": "north", "lot": "nowhere"}, 404),
        ):
            assert http.get("/api/v1/reports", params=wrong).status_code == code, wrong


def test_plans_say_what_they_rest_on_and_go_to_a_gis(database: Database) -> None:
    box = a_week(database)
    with database.write() as session:
        say(session, "lot", "north/p1", location={"lat": 48.1, "lon": 11.5})
    hub = Hub(database, TOKENS)
    hub.clock.epoch_utc = box.now
    with hub.client("north-only") as http:
        plan = http.get("/api/v1/planning/plan", params=HALL | {"bays": 2}).json()
        assert (plan["now"]["bays"], plan["planned"]["bays"]) == (3, 5)
        assert plan["now"]["full_share"] > plan["planned"]["full_share"] == 0
        assert plan["assumptions"]["full_quarters"] == 7 * 8
        few = HALL | {"from": "2026-01-01"}
        refused = http.get("/api/v1/planning/plan", params=few)
        assert (refused.status_code, "observed" in refused.text) == (422, True)
        assert http.get("/api/v1/planning/plan", params=WEEK).status_code == 422
        [lot] = http.get("/api/v1/planning/unmet", params=WEEK).json()["lots"]
        assert lot["unmet_bay_hours_a_day"] > 0
        found = http.get("/api/v1/planning/unmet", params=WEEK | {"format": "geojson"})
        [feature] = json.loads(found.content)["features"]
        assert feature["geometry"] == {"type": "Point", "coordinates": [11.5, 48.1]}
        file = http.get("/api/v1/planning/unmet", params=WEEK | {"format": "geoparquet"})
        table = pq.read_table(io.BytesIO(file.content))
        about = json.loads(table.schema.metadata[b"geo"])
        assert about["columns"]["geometry"]["bbox"] == [11.5, 48.1, 11.5, 48.1]
        assert table["geometry"][0].as_py()[:5] == b"\x01\x01\x00\x00\x00"
        assert table["lot"].to_pylist() == ["p1"]
