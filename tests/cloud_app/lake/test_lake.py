"""The lake holds what was acknowledged, each event once, whatever happens on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from cloud_app.errors import LakeError
from cloud_app.lake.store import LakeStore
from cloud_app.lake.upkeep import Erasure, compact, erase, places_to_compact
from cloud_app.storage.database import Database, Session
from cloud_app.storage.events import prune
from cloud_app.storage.lake_queries import kept_for_lake, pending
from cloud_app.storage.lake_records import LakeRecord, put_records
from cloud_app.storage.times import to_ms
from telemetry import TelemetryError
from tests.cloud_app.lake.kit import Lake, lake_at, old_part, passage, rewritten, spaced
from tests.cloud_app.scripted_edge import START, ScriptedEdge


@pytest.fixture
def lake(database: Database, tmp_path: Path) -> Lake:
    return lake_at(database, tmp_path)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Lake:
    from cloud_app.storage.sqlite import SqliteDatabase

    return lake_at(SqliteDatabase(tmp_path / "cloud.db"), tmp_path)


def test_events_lie_by_date_and_site_as_they_came(lake: Lake) -> None:
    north, south = ScriptedEdge(), ScriptedEdge(edge="box-2", site="south", lot="p9")
    messages = [*north.hello(), north.change("a1", True), *south.hello(), south.change("a2", None)]
    north.now += timedelta(days=1)
    messages += [spaced(north.change("a1", False)), north.incident("i1"), north.gap((90, 99))]
    lake.take(*messages)

    assert lake.worker.seal() == 5
    assert lake.worker.seal() == 0

    found = lake.ask(
        "SELECT date, site, lot, zone, bay, camera, occ, reason, method, type, edge_kind, carried"
        " FROM events ORDER BY time, site, seq"
    )
    changed = "pk.bay.changed.v1"
    first, second = START.date(), (START + timedelta(days=1)).date()
    known = ("bay_head", changed, "box", False)
    assert found[:3] == [
        (first, "north", "p1", "z1", "a1", "cam-1", True, None, *known),
        (first, "south", "p9", "z1", "a2", "cam-1", None, "camera_lost", *known),
        (second, "north", "p1", "z1", "a1", "cam-1", False, None, *known),
    ]
    assert [row[9] for row in found[3:]] == ["pk.incident.changed.v1", "pk.stream.gap.v1"]
    bodies = {row[0] for row in lake.ask("SELECT body FROM events")}
    assert bodies == {each.payload.decode() for each in messages if each.topic.endswith("/event")}
    assert [path.rsplit("/", 1)[0] for path in lake.files()] == [
        f"events/date={first}/site=north",
        f"events/date={first}/site=south",
        f"events/date={second}/site=north",
    ]


def test_only_what_is_acknowledged_goes_in_and_late_events_follow(lake: Lake) -> None:
    edge = ScriptedEdge()
    one, two, three, four = (edge.change("a1", bool(n % 2)) for n in range(4))
    lake.take(one, four)
    lake.worker.seal()
    assert lake.event_keys() == [("box-1", 1)], "2 and 3 are missing, so 4 is not acknowledged"

    lake.take(edge.gap((2, 3)))
    lake.worker.seal()
    assert lake.event_keys() == [("box-1", 1), ("box-1", 4), ("box-1", 5)]

    lake.take(three)
    lake.take(three, two, one)
    lake.worker.seal()
    lake.worker.seal()
    assert lake.event_keys() == [("box-1", n) for n in range(1, 6)]


def test_an_event_of_an_unknown_type_is_kept_whatever_its_fields_are(on_sqlite: Lake) -> None:
    edge = ScriptedEdge()
    first = edge.change("a1", True)
    told = json.loads(edge.change("a1", False).payload)
    told |= {"type": "pk.weather.v1", "data": {"camera": [1], "count": "many", "lot": {"a": 2}}}
    on_sqlite.take(first, rewritten(first, json.dumps(told)))
    on_sqlite.worker.seal()
    assert on_sqlite.ask("SELECT type, camera, lot FROM events ORDER BY seq") == [
        ("pk.bay.changed.v1", "cam-1", None),
        ("pk.weather.v1", None, None),
    ]


def fail_at(lake: Lake, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def away(*_: object) -> None:
        msg = "the store is away"
        raise LakeError(msg)

    monkeypatch.setattr(LakeStore, method, away)
    with pytest.raises(LakeError, match="away"):
        lake.worker.seal()
    monkeypatch.undo()


@pytest.mark.parametrize("method", ["create", "replace"])
def test_a_store_that_fails_leaves_nothing_out_and_nothing_twice(
    on_sqlite: Lake, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    lake.take(edge.change("a1", True))
    fail_at(lake, monkeypatch, method)
    lake.take(edge.change("a1", False))
    lake.new_worker().seal()
    assert lake.event_keys() == [("box-1", 1), ("box-1", 2)]


def test_what_a_crash_left_half_done_is_never_read_and_deleted_in_time(
    on_sqlite: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    lake.take(edge.change("a1", True))
    create = LakeStore.create

    def dies_after(store: LakeStore, path: str, content: bytes) -> None:
        create(store, path, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(LakeStore, "create", dies_after)
    with pytest.raises(KeyboardInterrupt):
        lake.worker.seal()
    monkeypatch.undo()
    lake.new_worker().seal()
    assert len(lake.files()) == 2
    assert lake.event_keys() == [("box-1", 1)]
    lake.clock.advance(3601)
    lake.new_worker().tick()
    assert len(lake.files()) == 1


def test_of_two_that_write_the_same_one_gives_up(
    on_sqlite: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    lake.take(edge.change("a1", True))
    create, other = LakeStore.create, lake.new_worker()

    def other_is_faster(store: LakeStore, path: str, content: bytes) -> None:
        monkeypatch.setattr(LakeStore, "create", create)
        other.seal()
        create(store, path, content)

    monkeypatch.setattr(LakeStore, "create", other_is_faster)
    with pytest.raises(LakeError, match="another process wrote the same events"):
        lake.worker.seal()
    assert lake.worker.seal() == 0
    assert lake.event_keys() == [("box-1", 1)]


def test_small_files_become_one_and_readers_under_way_keep_theirs(lake: Lake) -> None:
    edge = ScriptedEdge()
    lake.take(*edge.hello())
    for n in range(3):
        lake.take(edge.change("a1", bool(n % 2)))
        lake.worker.seal()
    before = lake.files()
    with lake.database.read() as session:
        assert places_to_compact(session, 2, START.date()) == [], "the date is not over"

    lake.clock.advance(86_400)
    lake.worker.tick()

    [new] = set(lake.files()) - set(before)
    assert set(before) < set(lake.files()), "whoever reads by the manifest before may go on"
    assert lake.ask("SELECT path, rows FROM files") == [(new, 3)]
    assert lake.event_keys() == [("box-1", 1), ("box-1", 2), ("box-1", 3)]
    lake.clock.advance(3601)
    lake.worker.tick()
    assert lake.files() == [new]


def test_a_compaction_that_another_one_overtook_changes_nothing(
    on_sqlite: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    for _ in range(2):
        lake.take(edge.change("a1", True))
        lake.worker.seal()
    catalogue = lake.worker.opened()
    with lake.database.read() as session:
        [place] = places_to_compact(session, 2, lake.clock.utc().date() + timedelta(days=1))
    publish = type(catalogue).publish

    def overtaken(*given: object, **more: object) -> object:
        monkeypatch.undo()
        compact(lake.new_worker().opened(), place)
        return publish(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(catalogue), "publish", overtaken)
    with pytest.raises(LakeError, match="another process changed the same files"):
        compact(catalogue, place)
    catalogue.write_manifest()
    assert lake.event_keys() == [("box-1", 1), ("box-1", 2)]


def test_hashes_of_plates_go_and_the_passages_stay(on_sqlite: Lake) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    lake.take(*edge.hello(), passage(edge, "a" * 64), passage(edge, "b" * 64), passage(edge, None))
    lake.worker.seal()
    catalogue = lake.worker.opened()
    told: list[int] = []

    erased = erase(catalogue, Erasure(hashes=["a" * 64]), lambda _s, _f, count: told.append(count))
    catalogue.write_manifest()

    assert (erased, told) == (1, [1])
    rows = lake.ask("SELECT seq, vehicle_hash, body FROM events ORDER BY seq")
    assert [row[1] for row in rows] == [None, "b" * 64, None]
    assert "hash" not in json.loads(str(rows[0][2]))["data"]
    assert json.loads(str(rows[1][2]))["data"]["hash"] == "b" * 64
    assert erase(catalogue, Erasure(sites=["south"]), lambda *_: None) == 0

    # By themselves once they are as old as [gates] says, and from the disk soon after.
    for _ in range(2):
        lake.clock.advance(25 * 3600)
        lake.worker.tick()
    assert lake.ask("SELECT count(*), count(vehicle_hash) FROM events") == [(3, 0)]
    for path in lake.files():
        assert b"b" * 64 not in lake.store.read(path)
        table = pq.read_table(Path(lake.store.name) / path)
        assert not any("b" * 64 in body for body in table["body"].to_pylist())


def test_hashes_that_are_too_old_already_are_not_written(on_sqlite: Lake) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    lake.take(passage(edge, "a" * 64))
    lake.clock.advance(48 * 3600)
    lake.worker.seal()
    [(plate, body)] = lake.ask("SELECT vehicle_hash, body FROM events")
    assert plate is None
    assert "aaaa" not in str(body)


def test_events_stay_in_the_tables_until_the_lake_has_them(lake: Lake) -> None:
    edge = ScriptedEdge()
    lake.take(edge.change("a1", True), edge.change("a1", False))
    later_ms = to_ms(START + timedelta(days=9))
    with lake.database.write() as session:
        assert pending(session) == 2
        first_ms = to_ms(START) + 1000
        assert kept_for_lake(session, later_ms) == first_ms
        assert prune(session, kept_for_lake(session, later_ms)) == 0
    lake.worker.seal()
    with lake.database.write() as session:
        assert pending(session) == 0
        assert prune(session, kept_for_lake(session, later_ms)) == 2
    assert len(lake.event_keys()) == 2


def test_dates_beyond_the_retention_go(on_sqlite: Lake) -> None:
    edge = ScriptedEdge()
    lake = Lake(on_sqlite.database, on_sqlite.config.model_copy(update={"keep_days": 3}))
    lake.take(edge.change("a1", True))
    edge.now += timedelta(days=4)
    lake.take(edge.change("a1", False))
    lake.worker.seal()
    lake.clock.advance(4 * 86_400)
    lake.worker.tick()
    assert lake.event_keys() == [("box-1", 2)]


@contextmanager
def undone(database: Database) -> Iterator[Session]:
    """A transaction that whatever it is ends before its commit."""
    with database.write() as session:
        yield session
        raise RuntimeError


def test_records_of_rules_are_in_exactly_if_their_transaction_is(lake: Lake) -> None:
    def record(name: str, body: str = "{}") -> LakeRecord:
        return LakeRecord(name, "full-lots", "north", to_ms(START), body)

    with lake.database.write() as session:
        put_records(session, [record("1", '{"lot": "p1"}'), record("2")])
        put_records(session, [record("1", '{"again": true}')])
    with pytest.raises(RuntimeError), undone(lake.database) as session:
        put_records(session, [record("3")])
    lake.worker.seal()
    lake.worker.seal()
    assert lake.ask("SELECT record, stream, site, body FROM records ORDER BY record") == [
        ("1", "full-lots", "north", '{"lot": "p1"}'),
        ("2", "full-lots", "north", "{}"),
    ]
    with pytest.raises(TelemetryError, match=r"must be an identifier, but got '\.\./up'"):
        LakeRecord("1", "../up", "north", 0, "{}")


def _plain(path: Path) -> Path:
    return path


def _packed(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


@pytest.mark.parametrize("form", [_plain, _packed])
def test_former_parts_are_taken_over_each_event_once(
    on_sqlite: Lake, tmp_path: Path, form: Callable[[Path], Path]
) -> None:
    lake, edge = on_sqlite, ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(6)]
    # The tables have 3 to 5 (2 was pruned), the parts 1 to 4, and 6, which nobody acknowledged yet.
    lake.take(*events[:5])
    with lake.database.write() as session:
        session.run(text("DELETE FROM event WHERE seq <= 2"))
    root = tmp_path / "lake"
    form(old_part(root, "date=2026-03-01/one-000001.ndjson", [*events[:3], events[0]]))
    form(old_part(root, "date=2026-03-01/two-000001.ndjson", [*events[2:4], events[5]], b'{"spec'))

    lake.worker.tick()
    assert [key[1] for key in lake.event_keys()] == [1, 2, 3, 4, 6]
    lake.take(events[5])
    lake.worker.seal()

    assert [key[1] for key in lake.event_keys()] == [1, 2, 3, 4, 5, 6]
    assert not list(root.glob("date=*/*.ndjson*"))


def test_a_lake_outlives_its_database(on_sqlite: Lake, tmp_path: Path) -> None:
    from cloud_app.storage.sqlite import SqliteDatabase

    edge = ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(3)]
    on_sqlite.take(*events)
    on_sqlite.worker.seal()
    # The edge has no acknowledgement of the last one, so it sends it to the new database too.
    anew = Lake(SqliteDatabase(tmp_path / "new.db"), on_sqlite.config)
    anew.take(edge.gap((1, 2)), events[2])
    anew.worker.seal()
    assert [key[1] for key in anew.event_keys()] == [1, 2, 3, 4]
    assert anew.ask("SELECT count(*) FROM files") == [(2,)]


def test_a_part_with_lines_that_are_no_events_stays(on_sqlite: Lake, tmp_path: Path) -> None:
    edge = ScriptedEdge()
    root = tmp_path / "lake"
    part = old_part(root, "date=2026-03-01/one-1.ndjson", [edge.change("a1", True)], b"[]\nx\n")
    on_sqlite.worker.tick()
    assert on_sqlite.event_keys() == [("box-1", 1)]
    assert part.with_name("one-1.ndjson.kept").read_bytes().endswith(b"[]\nx\n")


def test_a_damaged_part_is_named(on_sqlite: Lake, tmp_path: Path) -> None:
    path = tmp_path / "lake" / "date=2026-03-01" / "one-1.ndjson.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"x" * 1000)[:-9])
    with pytest.raises(LakeError, match=r"one-1\.ndjson\.gz: expected a part of the former lake"):
        on_sqlite.worker.tick()
    assert on_sqlite.worker.health.problem is not None


def test_a_draft_that_exists_already_is_refused(on_sqlite: Lake) -> None:
    store = on_sqlite.store
    store.create("events/x.parquet", b"1")
    with pytest.raises(LakeError, match="there is one"):
        store.create("events/x.parquet", b"2")
    assert store.read("events/x.parquet") == b"1"
