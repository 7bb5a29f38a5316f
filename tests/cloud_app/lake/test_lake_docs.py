"""What docs/lake.md says is so, and the commands that it shows work."""

from __future__ import annotations

import json
import re
from datetime import UTC, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cloud_app.accounts.audit import AuditFilter, lines
from cloud_app.cli import app
from cloud_app.lake.schema import EVENTS, VERSION
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import ConfigError, LotsightError
from tests.cloud_app.lake.kit import Lake, lake_at, old_part, passage
from tests.cloud_app.scripted_edge import START, ScriptedEdge

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "lake.md").read_text()
SQL = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = lake_at(SqliteDatabase(tmp_path / "cloud.db"), tmp_path)
    (tmp_path / "cloud.toml").write_text(
        "[database]\nurl = 'sqlite:cloud.db'\n[lake]\nfolder = 'lake'\n"
    )
    edge = ScriptedEdge()
    edge.now = START.replace(minute=0) - timedelta(seconds=1)
    # a1 is occupied from 8:00 to 9:30, then free until 10:00, then unknown until 11:00.
    made.take(*edge.hello(), edge.change("a1", True))
    made.take(edge.change("a1", False, 5400), edge.change("a1", None, 1800))
    made.take(edge.change("a1", True, 3600))
    made.worker.seal()
    return made


def run(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(
        app, ["lake", words[0], "-c", str(folder / "cloud.toml"), *words[1:]]
    )
    if isinstance(result.exception, LotsightError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_the_columns_are_those_of_the_files() -> None:
    table = PAGE.split("## Schema, version 1")[1].split("## DuckDB")[0]
    named = [name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in row.split(", ")]
    assert [name.strip("`") for name in named] != []
    assert {name.strip("`") for name in named} == set(EVENTS.names)
    assert VERSION == 1


def test_duckdb_reads_the_lake_as_the_page_says(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lake.store.name)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    view, occupancy = SQL
    connection.execute(view)
    rows = connection.execute(occupancy).fetchall()
    eight = START.replace(minute=0).astimezone(UTC)
    assert [(row[0].astimezone(UTC), *row[1:]) for row in rows] == [
        (eight, 1.0, 1.0),
        (eight + timedelta(hours=1), 0.5, 1.0),
        (eight + timedelta(hours=2), None, 0.0),
    ]


def test_the_command_answers_in_every_form(lake: Lake, tmp_path: Path) -> None:
    del lake
    sql = "SELECT time, bay, occ FROM events ORDER BY seq LIMIT 2"
    shown = [line.split() for line in run(tmp_path, "query", sql).output.splitlines()]
    assert shown == [
        ["time", "bay", "occ"],
        ["2026-03-01", "08:00:00+00:00", "a1", "True"],
        ["2026-03-01", "09:30:00+00:00", "a1", "False"],
        ["2", "rows"],
    ]
    assert run(tmp_path, "query", "--format", "csv", sql).output == (
        "time,bay,occ\n2026-03-01T08:00:00+00:00,a1,true\n2026-03-01T09:30:00+00:00,a1,false\n"
    )
    told = run(tmp_path, "query", "--format", "json", sql).output.splitlines()
    assert json.loads(told[1]) == {"time": "2026-03-01T09:30:00+00:00", "bay": "a1", "occ": False}
    out = tmp_path / "answer.parquet"
    run(tmp_path, "query", "--format", "parquet", "--out", str(out), sql)
    assert pq.read_table(out)["occ"].to_pylist() == [True, False]
    with pytest.raises(ConfigError, match="expected --out FILE"):
        run(tmp_path, "query", "--format", "parquet", sql)
    with pytest.raises(LotsightError, match=r"lake query: .*syntax error"):
        run(tmp_path, "query", "SELEC 1")


def test_an_export_is_of_a_span(lake: Lake, tmp_path: Path) -> None:
    del lake
    out = tmp_path / "all.ndjson"
    assert run(tmp_path, "export", str(out), "--from", "2026-03-01").output.endswith("4 events\n")
    assert [json.loads(line)["seq"] for line in out.read_text().splitlines()] == [1, 2, 3, 4]
    for words in (("--from", "2026-03-02"), ("--to", "2026-02-28"), ("--site", "south")):
        assert run(tmp_path, "export", str(tmp_path / "none.csv"), *words).output.endswith(
            "0 events\n"
        )
    with pytest.raises(
        ConfigError, match=r"ends in \.parquet, \.csv or \.ndjson, but got 'x\.txt'"
    ):
        run(tmp_path, "export", "x.txt")
    with pytest.raises(ConfigError, match="--from 2026-03-02 at or before --to 2026-03-01"):
        run(tmp_path, "export", str(out), "--from", "2026-03-02", "--to", "2026-03-01")


def test_seal_compact_take_over_and_an_erasure_that_is_audited(lake: Lake, tmp_path: Path) -> None:
    edge = ScriptedEdge(edge="gate-1")
    lake.take(passage(edge, "a" * 64), passage(edge, "b" * 64))
    lake.worker.seal()
    assert "0 events written" in run(tmp_path, "seal").output
    former = ScriptedEdge(edge="box-9")
    old_part(tmp_path / "former", "date=2026-03-01/x-1.ndjson", [former.change("a1", True)])
    taken = run(tmp_path, "take-over", str(tmp_path / "former")).output
    assert taken == "1 parts: 1 events, 0 that were there, 0 unreadable lines\n"

    assert "1 events changed" in run(tmp_path, "erase", "--hash", "a" * 64).output
    assert lake.ask("SELECT vehicle_hash FROM events WHERE vehicle_hash NOT NULL") == [("b" * 64,)]
    assert "1 events changed" in run(tmp_path, "erase", "--site", "north").output
    assert "0 events changed" in run(tmp_path, "erase").output
    with lake.database.read() as session:
        log = lines(session, AuditFilter(action="lake.erase"), 10)
    assert [(row.actor_kind, row.after) for row in log] == [("command line", '{"events": 1}')] * 2

    assert "3 files are 1 now" in run(tmp_path, "compact").output
    assert lake.ask("SELECT count(*) FROM events") == [(7,)]


def test_without_a_lake_the_command_says_so(tmp_path: Path) -> None:
    (tmp_path / "cloud.toml").write_text("")
    with pytest.raises(ConfigError, match=r"no \[lake\]"):
        run(tmp_path, "query", "SELECT 1")
