"""Live updates over a real socket: lots, bays and alerts, each to whom it concerns."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, select, update

from cloud_app.api.feed import Wanted
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Database
from cloud_app.storage.queries import lot_now
from tests.cloud_app.hub import Hub, feeding, fill
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_intake import take
from tests.cloud_app.test_policy import HTTP

Told = tuple[str, Any]


@pytest.fixture
def hub(database: Database) -> Iterator[Hub]:
    hub = Hub(database, HTTP)
    with feeding(hub.feed):
        yield hub


@pytest.fixture
def boxes(hub: Hub) -> tuple[ScriptedEdge, ScriptedEdge]:
    north = ScriptedEdge(edge="box-1", site="north", lot="p1")
    south = ScriptedEdge(edge="box-2", site="south", lot="s1")
    fill(hub, south)
    fill(hub, north)
    return north, south


@contextmanager
def listening(hub: Hub, token: str, query: str = "") -> Iterator[queue.Queue[Told]]:
    """What a listener is told, as it comes; put back in order of events."""
    told: queue.Queue[Told] = queue.Queue()
    ready = threading.Event()
    before = len(hub.feed._listeners)

    def read(client: httpx.Client) -> None:
        name = ""
        with client.stream("GET", f"/api/v1/live{query}") as stream:
            told.put(("status", stream.status_code))
            ready.set()
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    told.put((name, json.loads(line[6:])))
        told.put(("end", None))

    with hub.client(token) as client:
        thread = threading.Thread(target=read, args=(client,), daemon=True)
        thread.start()
        assert ready.wait(20)
        assert told.get() == ("status", 200)
        wait_until(lambda: len(hub.feed._listeners) > before, 20, "the listener to be there")
        try:
            yield told
        finally:
            hub.feed.stop()
            thread.join(20)
        assert not thread.is_alive()


def heard(told: queue.Queue[Told], name: str, until: Callable[[Any], bool]) -> Any:
    """The first event of a name of which something holds."""
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        try:
            found, data = told.get(timeout=1)
        except queue.Empty:
            continue
        if found == name and until(data):
            return data
    raise AssertionError(name)


def rest(told: queue.Queue[Told]) -> list[Told]:
    return [told.get() for _ in range(told.qsize())]


def test_lots_that_changed_are_told_with_their_counts(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    north, _ = boxes
    with listening(hub, "all", "?lots=1") as told:
        take(hub.database, [north.change("a2", True)])
        found = heard(told, "lots", lambda lots: lots[0]["counts"]["occupied"] == 2)
        with hub.database.read() as session:
            now = lot_now(session, hub.context.now(), "north", "p1")
        assert now is not None
        assert found[0] == now.model_dump(mode="json")
        rest(told)
        # The same again is no change of counts.
        take(hub.database, [north.health()])
        assert heard(told, "change", lambda data: data["edges"] == ["box-1"])
        assert [name for name, _ in rest(told)] == []


def test_bays_of_one_lot_are_told_where_they_changed(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    north, south = boxes
    with listening(hub, "all", "?lot=north/p1") as told:
        take(hub.database, [north.health()])
        everything = heard(told, "bays", bool)
        assert [bay["bay"] for bay in everything] == ["a1", "a2", "a3"]
        take(hub.database, [south.change("a1", False), north.change("a3", True)])
        bays = heard(told, "bays", bool)
        assert [(bay["bay"], bay["state"]) for bay in bays] == [("a3", "occupied")]
        assert {name for name, _ in rest(told)} <= {"change"}


def test_a_lot_that_is_not_there_or_not_seen_is_404(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    with hub.client("north") as client:
        for lot, code in (("south/s1", 404), ("north/none", 404), ("north", 422), ("a/b/c", 422)):
            answer = client.get("/api/v1/live", params={"lot": lot})
            assert answer.status_code == code, lot


def test_a_listener_hears_of_own_sites_alone(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    north, south = boxes
    with listening(hub, "north", "?lots=1") as told:
        take(hub.database, [south.change("a2", True), south.change("a3", True)])
        opened(hub, "south", "lot_full")
        take(hub.database, [north.change("a2", True)])
        lots = heard(told, "lots", lambda lots: lots[0]["counts"]["occupied"] == 2)
        time.sleep(3)
        texts = json.dumps([lots, rest(told)])
        assert "south" not in texts
        assert "box-2" not in texts
        assert '"alerts"' not in texts, "nothing of the north changed"


def opened(hub: Hub, site: str, subject: str) -> None:
    with hub.database.write() as session:
        facts = {"rule": "lot_full", "site": site, "subject": subject, "text": "full"}
        session.run(insert(alert), {**facts, "opened_ms": hub.context.now().now_ms})


def test_alerts_are_counted_anew_where_one_changed(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    with listening(hub, "north", "?lots=1") as told:
        opened(hub, "south", "s1")
        opened(hub, "north", "p1")
        assert heard(told, "alerts", bool) == {"open": 1}
        opened(hub, "north", "p2")
        assert heard(told, "alerts", bool) == {"open": 2}
        with hub.database.write() as session:
            close = update(alert).where(alert.c.subject == "p1").values(closed_ms=1)
            session.run(close)
            assert session.rows(select(alert))
        assert heard(told, "alerts", bool) == {"open": 1}


def test_an_edge_that_falls_silent_is_told_though_nothing_arrives(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud_app.api.look._ALL_EVERY_S", 0.5)
    with listening(hub, "north", "?lots=1") as told:
        heard(told, "lots", bool)
        hub.clock.now_s += 600
        [lot] = heard(told, "lots", bool)
        assert lot["counts"]["stale"] == 3


def test_what_many_listen_to_is_read_once(
    hub: Hub, boxes: tuple[ScriptedEdge, ScriptedEdge]
) -> None:
    """Ten listeners cost as many reads of counts as one."""
    hub.feed.stop()
    north, _ = boxes
    told: list[int] = []
    for listeners in (1, 10):
        feed = type(hub.feed)(hub.database, hub.context.now)
        loops = [_Sink(Wanted(lots=True, lot=("north", "p1"))) for _ in range(listeners)]
        feed._listeners.update(loops)  # type: ignore[arg-type]
        statements: list[str] = []
        with hub.database.read() as session:
            engine = session.connection.engine

        def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)  # noqa: B023 - within one round

        sqlalchemy_event.listen(engine, "before_cursor_execute", hear)
        feed._tell({north.edge})
        sqlalchemy_event.remove(engine, "before_cursor_execute", hear)
        told.append(len(statements))
    assert told[0] == told[1] > 0


class _Sink:
    """A listener that takes and forgets."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.loop = self

    def call_soon_threadsafe(self, _take: object, _look: object) -> None:
        pass

    def take(self, _look: object) -> None:
        pass
