"""Files in and out: every fault with its place, a dry run, a round trip that changes nothing."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cloud_app.registry.edits import Edit, remove
from cloud_app.registry.errors import FactsError
from cloud_app.registry.files import (
    Reading,
    read_csv,
    read_file,
    read_geojson,
    write_csv,
    write_geojson,
)
from cloud_app.registry.imports import Import, Plan, dry_run, run, summary
from cloud_app.registry.kinds import BAY, KINDS, Ref
from cloud_app.registry.queries import Filter, every_thing
from cloud_app.registry.things import Action
from cloud_app.storage.database import Database, Session
from tests.cloud_app.registry.places import (
    MUNICH,
    NOW_MS,
    small_city,
    square,
    swapped,
    thing,
    unnoted,
)
from tests.cloud_app.registry.test_layouts import Box
from tests.cloud_app.test_intake import take

LON, LAT = MUNICH


def told(reading: Reading) -> list[str]:
    return [str(fault) for fault in reading.faults]


def wkt(outline: dict[str, Any]) -> str:
    return "POLYGON ((" + ", ".join(f"{x} {y}" for x, y in outline["coordinates"][0]) + "))"


def given(reading: Reading, *, remove_missing: bool = False) -> Import:
    reading.refuse_if_wrong()
    return Import(reading.rows, "cli:ann", reading.name, remove_missing)


def faults_of(plan: Plan) -> list[str]:
    return [str(fault) for fault in plan.faults]


def test_every_fault_of_a_table_is_told_with_line_and_column() -> None:
    crossing = wkt(square(LON, LAT, 3)).replace("))", "))")
    bow = "POLYGON ((11.5 48.1, 11.50002 48.10002, 11.50002 48.1, 11.5 48.10002, 11.5 48.1))"
    table = (
        "site,lot,bay,kind,widht_m,length_m,outline\n"
        f"north,p1,a1,standard,2.5,5,\"{crossing}\"\n"
        "north,p1,a2,vip,2.5,5,\n"
        "north,p1,a3,ev,2.5,fife,\n"
        f"north,p1,a4,ev,2.5,5,\"{bow}\"\n"
        "north,p1,,ev,2.5,5,\n"
        "north,p1,a6,ev,2.5\n"
        "north,p1,a1,ev,2.5,5,\n"
        "north,p1,a8,ev,2.5,5,\"CIRCLE (1 2)\"\n"
        "north,p1,a9,ev,2.5,5,\"LINESTRING (1 2, 3 4)\"\n"
    )  # fmt: skip
    reading = read_csv(table, "bays.csv")
    found = told(reading)
    assert found[0].startswith("line 1, column widht_m: expected one of site, lot, bay, name, zone")
    assert found[0].endswith("but got 'widht_m'; did you mean width_m?")
    assert found[1].startswith("line 3, column kind: expected 'standard', 'disabled'")
    assert found[1].endswith("but got 'vip'")
    assert found[2].startswith("line 4, column length_m: expected a valid number")
    assert found[2].endswith("but got 'fife'")
    assert found[3] == (
        "line 5, column outline: expected an outline that does not cross itself, but it does at"
        " [11.50001, 48.10001]"
    )
    assert found[4].startswith("line 6, column bay: expected letters, digits")
    assert found[5] == "line 7: expected 7 cells as in the header, but got 5"
    assert found[6] == "line 8: expected each bay once, but north/p1/a1 stands at line 2 too"
    assert found[7].startswith("line 9, column outline: expected a POLYGON or MULTIPOLYGON as WKT")
    assert found[8].startswith("line 10, column outline: expected a Polygon or MultiPolygon, but")
    assert len(found) == 9
    with pytest.raises(FactsError, match=r"bays\.csv: line 10, column outline"):
        reading.refuse_if_wrong()


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", "line 1: expected a column that says what each line is"),
        ("id,name\n1,x\n", "expected a column that says what each line is (council, operator"),
        ("bay,kind\na,ev\n", "line 1, column site: expected this column, but it is missing"),
        ("site,site\na,b\n", "line 1, column site: expected each column once"),
        ('site,name\na,"x', "expected CSV, but got"),
        ("site,lat,lon\na,48.1,\n", "line 2, column lat: expected lat and lon together"),
        ("site,lat,lon\na,148.1,11\n", "line 2, column lat, lon: expected less than or equal"),
        ("site,time_zone\na,CEST\n", "line 2, column time_zone: expected an IANA time zone"),
        ("site,lot,opening_hours\na,b,8-18 Uhr\n", "column opening_hours: expected opening hours"),
        ("site,country\na,Germany\n", "line 2, column country:"),
    ],
)
def test_wrong_tables(table: str, fault: str) -> None:
    assert any(fault in each for each in told(read_csv(table, "f.csv"))), told(
        read_csv(table, "f.csv")
    )


def test_tables_as_spreadsheets_write_them() -> None:
    table = 'site;lot;name;levels\r\nnorth;p1;"Hall; ""P1""";0;1\r\n'
    assert told(read_csv(table, "f.csv")) == [
        "line 2: expected 4 cells as in the header, but got 5"
    ]
    table = 'site;lot;name;levels\r\n\r\nnorth;p1;"Hall;\nP1";"0;1"\r\n;;;\r\n'
    reading = read_csv(table, "f.csv")
    # A name holds no line break.
    assert told(reading)[0].startswith("line 3, column name")
    [row] = read_csv(table.replace("Hall;\nP1", "Hall; P1"), "f.csv").rows
    assert row.given == {"name": "Hall; P1", "levels": ["0", "1"]}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content, fault in (
        ("a.txt", b"x", "expected a name that ends in .csv, .geojson or .json"),
        ("a.csv", "site,name\nn,M\xfcnchen".encode("latin-1"), "expected UTF-8, but got byte 0xfc"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FactsError, match=fault):
            read_file(path)
    with pytest.raises(FactsError, match="No such file"):
        read_file(tmp_path / "none.csv")
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbfsite,name\nn,x\n")
    assert len(read_file(path).rows) == 1


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "expected JSON, but got"),
        ("[]", "expected a GeoJSON FeatureCollection"),
        ({"type": "FeatureCollection", "features": [7]}, "feature 1: expected a Feature"),
        (
            {"type": "FeatureCollection", "features": [], "crs": {"properties": "EPSG:25832"}},
            "save the layer as EPSG:4326",
        ),
        (
            [({"site": "n", "lot": "p"}, {"type": "LineString", "coordinates": [[1, 2], [3, 4]]})],
            "feature 1, column geometry: expected Polygon or MultiPolygon or Point for a lot",
        ),
        ([({"site": "n", "colour": 1}, None)], "feature 1, column colour: expected one of"),
        ([({"name": "n"}, None)], "feature 1, column type: expected properties that name a thing"),
        (
            [({"site": "n"}, {"type": "Point", "coordinates": [48.1, 111.0]})],
            "feature 1, column lat, lon: expected less than or equal to 90",
        ),
        ([({"site": "n"}, {"type": "Point", "coordinates": []})], "expected a Point with"),
        ([({"site": 7}, None)], "feature 1, column site: expected letters"),
    ],
)  # fmt: skip
def test_wrong_geojson(document: Any, fault: str) -> None:
    if isinstance(document, list):
        document = {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "properties": p, "geometry": g} for p, g in document],
        }
    text = document if isinstance(document, str) else json.dumps(document)
    assert any(fault in each for each in told(read_geojson(text, "f.geojson"))), told(
        read_geojson(text, "f.geojson")
    )


def test_altitudes_are_left_out_and_two_levels_of_precision_kept() -> None:
    outline = square(LON, LAT, 50)
    high = {
        "type": "Polygon",
        "coordinates": [[[x + 1e-9, y, 512.0] for x, y in outline["coordinates"][0]]],
    }
    feature = {"type": "Feature", "properties": {"site": "n", "lot": "p"}, "geometry": high}
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    [row] = read_geojson(text, "f.geojson").rows
    assert row.given["outline"] == outline


def test_what_does_not_fit_the_registry_is_told_for_all_lines(database: Database) -> None:
    small_city(database)
    table = (
        "site,lot,bay,zone,level,outline\n"
        "north,p1,b1,z9,,\n"
        "north,p7,b2,,,\n"
        f"north,p1,b3,,7,\"{wkt(swapped(square(LON, LAT, 3)))}\"\n"
        f"north,p1,b4,z1,0,\"{wkt(square(LON, LAT, 3))}\"\n"
    )  # fmt: skip
    plan = dry_run(database, given(read_csv(table, "bays.csv")))
    found = faults_of(plan)
    assert found[0] == (
        "line 2, column zone: expected a zone of lot north/p1 (z1, z2), but got 'z9'"
    )
    assert found[1] == (
        "line 3, column lot: expected a lot that is known, but there is no lot north/p7"
    )
    assert found[2].startswith("line 4, column level: expected a level of lot north/p1 (0, 1)")
    assert found[3].startswith("line 4, column outline")
    assert "longitude and latitude look swapped" in found[3]
    assert len(found) == 4
    with pytest.raises(FactsError):
        run(database, given(read_csv(table, "bays.csv")), NOW_MS, unnoted)
    with database.read() as session:
        # All or nothing.
        assert len(list(every_thing(session, Filter(BAY)))) == 3


def test_a_dry_run_tells_what_the_import_then_does(database: Database) -> None:
    small_city(database)
    table = "site,lot,bay,kind,zone\nnorth,p1,a0,standard,z1\nnorth,p1,a1,ev,z1\nnorth,p1,b1,,z2\n"
    for remove_missing in (False, True):
        wanted = given(read_csv(table, "bays.csv"), remove_missing=remove_missing)
        plan = dry_run(database, wanted)
        assert [summary(each) for each in plan.of(Action.CREATED)] == ["+ bay north/p1/b1"]
        assert [summary(each) for each in plan.of(Action.CHANGED)] == [
            "~ bay north/p1/a1  kind: standard -> ev"
        ]
        removed = ["- bay north/p1/a2"] if remove_missing else []
        assert [summary(each) for each in plan.of(Action.DELETED)] == removed
        assert [ref.key for ref in plan.missing] == ([] if remove_missing else ["north/p1/a2"])
        assert plan.untouched == 1
    with database.read() as session:
        assert {t.ids["bay"] for t in every_thing(session, Filter(BAY))} == {"a0", "a1", "a2"}
    assert run(database, wanted, NOW_MS, unnoted).changes == plan.changes
    with database.read() as session:
        assert {t.ids["bay"] for t in every_thing(session, Filter(BAY))} == {"a0", "a1", "b1"}
    again = dry_run(database, wanted)
    assert (list(again.changes), again.untouched) == ([], 3)


def test_what_is_in_use_is_not_removed_by_a_file(database: Database) -> None:
    take(database, Box().hello())
    wanted = given(read_csv("site,lot,bay\nnorth,p1,a1\n", "f.csv"), remove_missing=True)
    found = faults_of(dry_run(database, wanted))
    assert len(found) == 2
    assert "the layout of edge box-1 has it" in found[0]


def test_a_file_that_agrees_with_the_layout_leaves_the_facts_to_it(database: Database) -> None:
    take(database, Box().hello())
    table = "site,lot,bay,kind,width_m\nnorth,p1,a1,standard,2.5\nnorth,p1,a2,ev,\n"
    run(database, given(read_csv(table, "f.csv")), NOW_MS, unnoted)
    with database.read() as session:
        assert thing(session, "bay", "north/p1/a1").person == {"width_m": 2.5}
        assert thing(session, "bay", "north/p1/a2").person == {"kind": "ev"}


def export(database: Database, kind: str | None) -> str:
    out = StringIO()
    with database.read() as session:
        if kind is not None:
            write_csv(KINDS[kind], every_thing(session, Filter(KINDS[kind])), out)
        else:
            every = (t for k in KINDS.values() for t in every_thing(session, Filter(k)))
            write_geojson(every, out)
    return out.getvalue()


def test_exported_tables_and_features_come_back_as_they_were(database: Database) -> None:
    small_city(database)
    for kind in KINDS:
        reading = read_csv(export(database, kind), f"{kind}.csv")
        plan = dry_run(database, given(reading))
        assert (list(plan.changes), plan.faults) == ([], [])
        assert plan.untouched == len(reading.rows) > 0
    reading = read_geojson(export(database, None), "all.geojson")
    plan = dry_run(database, given(reading))
    assert ([summary(each) for each in plan.changes], plan.untouched) == ([], 10)


def test_an_export_fills_an_empty_registry(database: Database, tmp_path: Path) -> None:
    from cloud_app.storage.sqlite import SqliteDatabase

    small_city(database)
    exported = export(database, None)
    other = SqliteDatabase(tmp_path / "other.db")
    plan = run(other, given(read_geojson(exported, "all.geojson")), NOW_MS, unnoted)
    assert len(plan.of(Action.CREATED)) == 10
    assert export(other, None) == exported
    for kind in KINDS:
        assert export(other, kind) == export(database, kind)
    other.close()


def test_an_edit_while_a_file_is_compared_is_not_overwritten(database: Database) -> None:
    """The file said nothing of the name; the zone that it names went meanwhile."""
    small_city(database)
    rows = given(read_csv("site,lot,bay,zone\nnorth,p1,a0,z2\n", "f.csv"))

    class Slow:
        """A database in which somebody deletes the zone between comparing and writing."""

        def read(self) -> AbstractContextManager[Session]:
            return database.read()

        def write(self) -> AbstractContextManager[Session]:
            with database.write() as session:
                remove(session, Edit(Ref("zone", "north/p1/z2"), "bob", NOW_MS, 1))
            return database.write()

    with pytest.raises(FactsError, match=r"expected a zone of lot north/p1 \(z1\), but got 'z2'"):
        run(Slow(), rows, NOW_MS, unnoted)  # type: ignore[arg-type]
