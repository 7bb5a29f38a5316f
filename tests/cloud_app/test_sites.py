"""An edge belongs to the site that it is registered for, whatever its topics say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cloud_app.cli import app
from cloud_app.config import IngestConfig, Registration, RulesConfig
from cloud_app.errors import StorageError
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.worker import IngestWorker
from cloud_app.rules.builtin import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.database import Database, Session
from cloud_app.storage.edge_queries import edges_now
from cloud_app.storage.placing import move_edge, register_edge
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.times import to_ms
from telemetry import SystemClock
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_worker import Recorder, ShakyDatabase, worker_on

NOW = Now(to_ms(START) + 60_000, 180_000)


def elsewhere(message: Inbound, site: str = "south") -> Inbound:
    """The same message under another site, its source too."""
    return replace(
        message,
        topic=message.topic.replace("/north/", f"/{site}/"),
        payload=message.payload.replace(b"pk/v1/north/", f"pk/v1/{site}/".encode()),
    )


def reasons(database: Database) -> list[str]:
    with database.read() as session:
        return [reason for (reason,) in session.rows(text("SELECT reason FROM quarantine"))]


def open_alerts(database: Database) -> dict[str, tuple[str, str]]:
    with database.write() as session:
        judge(session, NOW, RulesConfig())
        return {each.rule: (each.site, each.text) for each in alerts(session, 0, EVERY_ALERT, 100)}


def test_a_box_cannot_take_another_sites_name(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    worker.take([*edge.hello(), edge.change("a1", True)])
    foreign = [
        elsewhere(each)
        for each in (
            edge.birth(conn=9), edge.health(), edge.layout_message(), edge.snapshot(),
            edge.change("a1", False),
        )
    ]  # fmt: skip
    foreign = [replace(each, retained=False) for each in foreign]
    recorder.marks.clear()
    worker.take(foreign)

    assert len(reasons(database)) == 5
    assert all("belongs to site north, but published under south" in r for r in reasons(database))
    assert recorder.marks == []
    assert worker.counts.misplaced == 5
    with database.read() as session:
        [now] = edges_now(session, NOW)
        assert {lot.site for lot in lots_now(session, NOW)} == {"north"}
        assert session.rows(text("SELECT upto, top FROM stream")) == [(1, 1)]
    assert (now.site, now.faults) == ("north", ("wrong_site",))
    site, said = open_alerts(database)["edge_wrong_site"]
    assert site == "north"
    assert "under south: 5 messages went to the quarantine" in said


def test_its_registration_decides_who_may_read_it(database: Database) -> None:
    """The token of another site does not get at a box that published there."""
    edge = ScriptedEdge(site="south")
    worker = worker_on(database, Recorder())
    worker.take([*edge.hello(), edge.change("a1", True)])
    stolen = replace(edge.health(), topic="pk/v1/north/box-1/health", received_ms=to_ms(START))
    worker.take([stolen])
    with Hub(database, TOKENS).client("north-only") as client:
        for path in ("", "/bays/a1/history", "/gaps", "/shadow"):
            assert client.get(f"/api/v1/edges/box-1{path}").status_code == 404


def test_within_one_batch_the_first_site_counts(database: Database) -> None:
    edge = ScriptedEdge()
    worker = worker_on(database, Recorder())
    worker.take([edge.birth(), elsewhere(edge.birth(conn=2))])
    with database.read() as session:
        assert session.rows(text("SELECT edge, site FROM edge")) == [("box-1", "north")]
    assert len(reasons(database)) == 1


def test_a_retained_message_of_the_old_site_is_no_alarm(database: Database) -> None:
    edge = ScriptedEdge()
    worker = worker_on(database, Recorder())
    worker.take([edge.birth(), replace(elsewhere(edge.birth(conn=2)), retained=True)])
    assert len(reasons(database)) == 1
    assert worker.counts.misplaced == 0
    assert "edge_wrong_site" not in open_alerts(database)


def test_an_operator_moves_an_edge(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    worker.take([*edge.hello(), edge.change("a1", True)])
    with database.write() as session:
        assert move_edge(session, "box-1", "south") == "north"
    # The box speaks under its new site as soon as it is told so, here even before the worker is.
    edge.site = "south"
    recorder.marks.clear()
    worker.take([*edge.hello(conn=2), edge.change("a1", False)])
    assert reasons(database) == []
    assert {(mark.site, mark.upto) for mark in recorder.marks} == {("south", 2)}
    with database.read() as session:
        assert [(lot.site, lot.counts.bays) for lot in lots_now(session, NOW)] == [("south", 3)]
    edge.site = "north"
    worker.take([edge.birth(conn=3)])
    assert len(reasons(database)) == 1


def test_a_worker_that_remembers_an_old_site_asks_again(database: Database) -> None:
    """It was moved between two batches, and goes on under the old site."""
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    worker.take([edge.birth(), edge.change("a1", True)])
    with database.write() as session:
        move_edge(session, "box-1", "south")
    recorder.marks.clear()
    worker.take([edge.change("a1", False)])
    assert len(reasons(database)) == 1
    assert recorder.marks == []


def test_a_move_and_a_bad_message_in_one_batch(database: Database) -> None:
    class Tripping(ShakyDatabase):
        @contextmanager
        def write(self) -> Iterator[Session]:
            with self.inner.write() as session:
                yield session
                if session.rows(text("SELECT 1 FROM event WHERE seq = 3")):
                    msg = "a mistake of ours"
                    raise RuntimeError(msg)

    edge, other, recorder = ScriptedEdge(), ScriptedEdge(edge="other"), Recorder()
    worker = worker_on(Tripping(database, failures=0), recorder)
    worker.take([edge.change("a1", True)])
    with database.write() as session:
        move_edge(session, "box-1", "south")
    old_site = edge.change("a1", False)
    recorder.marks.clear()
    worker.take([old_site, *(other.change("a1", bool(n % 2)) for n in range(4))])
    assert sorted(reason.split(":")[0] for reason in reasons(database)) == [
        "a mistake of ours", "pk/v1/north/box-1/event",
    ]  # fmt: skip
    assert (recorder.marks[-1].edge, recorder.marks[-1].upto) == ("other", 4)


def test_only_listed_edges_may_publish_where_it_is_said_so(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    config = IngestConfig(batch_wait_s=0.0, registration=Registration.LISTED)
    worker = IngestWorker(database, (), recorder, config, "pk", SystemClock(), lambda _: None)
    worker.take([edge.birth()])
    assert [r for r in reasons(database) if "is not registered" in r]
    with database.read() as session:
        assert session.rows(text("SELECT edge FROM edge")) == []
    assert open_alerts(database)["edge_not_registered"][0] == "north"

    with database.write() as session:
        register_edge(session, "box-1", "north")
        register_edge(session, "box-1", "north")
    worker.take([edge.birth(conn=2), edge.change("a1", True)])
    assert recorder.marks[-1].upto == 1
    with database.write() as session, pytest.raises(StorageError, match="belongs to site north"):
        register_edge(session, "box-1", "south")


# Lots


def named(edge: ScriptedEdge, name: str) -> Inbound:
    message = edge.layout_message()
    body: dict[str, Any] = json.loads(message.payload)
    for lot in body["lots"]:
        lot["name"] = name
    return replace(message, payload=json.dumps(body).encode(), retained=False)


def lot_names(database: Database) -> dict[str, str | None]:
    with database.read() as session:
        return {f"{lot.site}/{lot.lot}": lot.name for lot in lots_now(session, NOW)}


def test_a_lot_keeps_the_description_of_the_edge_that_described_it_first(
    database: Database,
) -> None:
    first, second = ScriptedEdge(edge="first"), ScriptedEdge(edge="second", bay_ids=["c1"])
    worker = worker_on(database, Recorder())
    worker.take([named(first, "Town hall"), named(second, "Vandals")])
    assert lot_names(database) == {"north/p1": "Town hall"}
    site, said = open_alerts(database)["edge_lot_disputed"]
    assert (site, "Edge second of north describes lot p1 otherwise" in said) == ("north", True)

    # It may correct itself, and who agrees is no trouble.
    worker.take([named(first, "City hall"), named(second, "City hall")])
    assert lot_names(database) == {"north/p1": "City hall"}
    with database.read() as session:
        assert session.rows(text("SELECT times FROM edge_fault")) == [(1,)]


def test_a_lot_passes_to_another_edge_when_the_first_serves_it_no_more(database: Database) -> None:
    first, second = ScriptedEdge(edge="first"), ScriptedEdge(edge="second", bay_ids=["c1"])
    worker = worker_on(database, Recorder())
    worker.take([named(first, "Town hall"), named(second, "New hall")])
    first.lot = "p2"
    worker.take([first.layout_message(), named(second, "New hall")])
    assert lot_names(database)["north/p1"] == "New hall"


def test_a_foreign_layout_adds_no_bays_to_another_sites_lot(database: Database) -> None:
    good, foreign = ScriptedEdge(edge="good"), ScriptedEdge(edge="bad", site="south")
    worker = worker_on(database, Recorder())
    worker.take([*good.hello(), *foreign.hello()])
    layout = named(foreign, "Vandals")
    worker.take([replace(layout, topic=layout.topic.replace("/south/", "/north/"))])
    assert lot_names(database) == {"north/p1": "Hall", "south/p1": "Hall"}
    with database.read() as session:
        assert {(lot.site, lot.counts.bays) for lot in lots_now(session, NOW)} == {
            ("north", 3), ("south", 3),
        }  # fmt: skip


# The command line


@contextmanager
def config_file(folder: Path, url: str) -> Iterator[str]:
    path = folder / "cloud.toml"
    path.write_text(f"[database]\nurl = '{url}'\n")
    yield str(path)


def test_the_command_line_adds_moves_and_lists(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["edge", *arguments, "-c", config])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    with config_file(tmp_path, database_url) as config:
        assert "box-9 belongs to north" in run("add", "box-9", "north")
        assert "belonged to north and belongs to south now" in run("move", "box-9", "south")
        assert "south" in run("list")
        assert "topic write pk/v1/south/box-9/event" in run("acl")
        with pytest.raises(StorageError, match="expected a known edge, but got box-8"):
            run("move", "box-8", "south")
        with pytest.raises(Exception, match="site must match"):
            run("add", "box-9", "no/site")
    edge = ScriptedEdge(edge="box-9")
    worker_on(database, Recorder()).take([edge.birth()])
    assert len(reasons(database)) == 1


def test_metrics_count_what_is_misplaced_and_shed(database: Database) -> None:
    with Hub(database).client() as client:
        said = client.get("/metrics").text
    assert "lotsight_cloud_misplaced_total 0.0" in said
    assert "lotsight_cloud_shed_total 0.0" in said
