"""What docs/registry.md says is so: its examples are imported, its names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloud_app.registry.columns import columns_of
from cloud_app.registry.errors import FactsError
from cloud_app.registry.files import read_csv, read_geojson
from cloud_app.registry.imports import Import, run
from cloud_app.registry.kinds import KINDS
from cloud_app.storage.database import Database
from tests.cloud_app.registry.places import NOW_MS, thing, unnoted

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "registry.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_fill_a_registry(database: Database) -> None:
    readings = [read_csv(each, "example.csv") for each in blocks("csv")]
    readings += [read_geojson(each, "example.geojson") for each in blocks("geojson")]
    assert len(readings) == 4
    for reading in readings:
        reading.refuse_if_wrong()
        run(database, Import(reading.rows, "ann", reading.name), NOW_MS, unnoted)
    with database.read() as session:
        assert thing(session, "lot", "north/p1").said["levels"] == ["0", "1"]
        assert thing(session, "bay", "north/p1/a2").said["kind"] == "disabled"
        assert "outline" in thing(session, "bay", "north/p1/a3").said


def test_the_faults_are_told_as_the_page_shows_them() -> None:
    [table] = blocks("faults")
    shown = [line.strip() for line in PAGE.splitlines() if line.startswith("    bays.csv: line")]
    with pytest.raises(FactsError) as refused:
        read_csv(table, "bays.csv").refuse_if_wrong()
    assert str(refused.value).splitlines() == shown


def test_the_table_of_things_names_all_facts_and_no_other() -> None:
    rows = {}
    for line in PAGE.split("| thing |")[1].split("\n\n")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 5 and cells[1] in KINDS:
            rows[cells[1]] = set(re.findall(r"`([a-z_]+)`", line))
    contacts = {"name", "contact", "email", "phone", "website"}
    address = {"street", "postcode", "city", "country", "location"}
    rows["operator"] |= contacts
    rows["site"] |= contacts
    rows["lot"] |= contacts | address
    for name, kind in KINDS.items():
        known = set(columns_of(kind)) | set(kind.facts.model_fields)
        assert rows[name] == known - {"lat", "lon"}, name
