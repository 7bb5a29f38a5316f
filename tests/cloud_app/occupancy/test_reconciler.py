"""Cameras, sensors and people: one bay, one state, and one place where it counts."""

from __future__ import annotations

import itertools
import random

import pytest
from sqlalchemy import text

from cloud_app.ingest.sites import EdgeRegistry
from cloud_app.storage.bay_events import Window
from cloud_app.storage.cloud_edges import cloud_edge_names, ensure_cloud_edge
from cloud_app.storage.counts import drifts
from cloud_app.storage.database import Database
from cloud_app.storage.dwell import lot_stays
from cloud_app.storage.edge_queries import edge_counts, edges_now, edges_of, edges_to_reread
from cloud_app.storage.queries import lot_size
from cloud_app.storage.series import lot_series
from cloud_app.storage.streams import gaps, holes
from sensors.reconcile import SourceKind
from tests.cloud_app.occupancy.sources import PERIOD_S, SensorSite
from tests.cloud_app.registry.places import put, say
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

EDGE = "north.p1"


def sound(site: SensorSite) -> None:
    """What must hold at any time."""
    with site.database.read() as session:
        assert drifts(session, sorted(edges_of(session, None))) == []
        assert holes(session) == []
        assert gaps(session, EDGE) == []
        assert EDGE not in {edge for _, edge in edges_to_reread(session, site.now)}
    numbers = [event.seq for event in site.events]
    assert numbers == list(range(1, len(numbers) + 1))


def test_sensors_and_cameras_of_one_lot(database: Database) -> None:
    """a2 has both, b1 a sensor alone; a1 and a3 stay with their box."""
    site = SensorSite(database, [("s-a2", "a2"), ("s-b1", "b1")])
    site.camera("a1", True)
    site.camera("a2", False)
    site.run()
    assert site.states() == {"a1": "occupied", "a2": "free", "a3": "unknown", "b1": "unknown"}
    assert site.counts().bays == 4

    site.hear(site.word("s-b1", "b1", True), site.word("s-a2", "a2", False))
    site.run()
    assert site.states()["b1"] == "occupied"
    assert (site.bays()["b1"].edge, site.bays()["a2"].edge, site.bays()["a1"].edge) == (
        EDGE, EDGE, "box-1",
    )  # fmt: skip
    counts = site.counts()
    assert (counts.bays, counts.occupied, counts.free, counts.unknown) == (4, 2, 1, 1)

    site.camera("a2", True)
    site.run()
    # The camera's 0.97 weighs more than what a sensor usually deserves, some time after its word.
    assert site.states()["a2"] == "occupied"
    sound(site)

    with database.read() as session:
        assert lot_size(session, "north", "p1") == 4
        [box] = edges_now(session, site.now)
        assert (box.edge, box.bays, edge_counts(session, site.now)) == ("box-1", 3, (1, 0))
        window = Window(site.now_ms - 10_000, site.now_ms + 1000)
        [point] = lot_series(session, "north", "p1", window, 60_000)[-1:]
        assert point.occupied + point.free + point.unknown == pytest.approx(4)
        assert {stay.bay for stay in lot_stays(session, "north", "p1", window)} == {
            "a1", "a2", "b1",
        }  # fmt: skip


def test_a_silent_sensor_leaves_the_bay_to_the_camera_or_unknown(database: Database) -> None:
    site = SensorSite(database, [("s-a2", "a2"), ("s-b1", "b1")])
    site.camera("a2", False)
    site.hear(site.word("s-b1", "b1", True), site.word("s-a2", "a2", False))
    site.run()
    site.clock.advance(2 * PERIOD_S)
    site.alive()
    site.run()
    bays = site.bays()
    assert (bays["b1"].state, bays["b1"].reason) == ("unknown", "sensor_silent")
    assert bays["a2"].state == "free"

    # The box goes away too: not stale, since the cloud's edge speaks, but unknown with a reason.
    site.run(1000)
    bays = site.bays()
    assert (bays["a2"].state, bays["a2"].stale) == ("unknown", False)
    assert bays["a2"].reason in {"camera_lost", "sensor_silent"}
    site.alive()
    site.run()
    assert site.states()["a2"] == "free"
    sound(site)


def test_words_in_any_order_and_often_leave_the_same_tables(database: Database) -> None:
    site = SensorSite(database, [("s-b1", "b1"), ("s-b2", "b2")])
    site.run()
    words = []
    for n in range(20):
        site.clock.advance(60)
        words.append(site.word("s-b1", "b1", n % 3 == 0))
        words.append(site.word("s-b2", "b2", [True, None, False][n % 3]))
    random.Random(3).shuffle(words)
    for word in [*words, *words[:7]]:
        site.hear(word)
    site.hear(*words)
    with database.read() as session:
        rows = session.rows(text("SELECT bay, occ, reason, heard_ms FROM source_state ORDER BY 1"))
    newest = {word.bay: word for word in sorted(words, key=lambda word: word.heard_ms)}
    assert [tuple(row) for row in rows] == [
        (bay, None if each.occ is None else int(each.occ), each.reason, each.heard_ms)
        for bay, each in sorted(newest.items())
    ]
    site.run()
    assert site.states()["b1"] == "free"
    sound(site)


def test_a_new_leader_goes_on_without_a_double_or_a_hole(database: Database) -> None:
    site = SensorSite(database, [("s-b1", "b1"), ("s-a1", "a1")])
    for n in range(12):
        site.hear(site.word("s-b1", "b1", bool(n % 2)))
        site.camera("a1", bool(n % 3))
        if n % 4 == 0:
            site.reconciler.forget()
        site.run(30)
    seen = len(site.events)
    site.reconciler.forget()
    site.run()
    assert len(site.events) == seen
    sound(site)


def test_a_failed_transaction_leaves_nothing_and_is_done_again(database: Database) -> None:
    site = SensorSite(database, [("s-b1", "b1")])
    site.run()
    site.hear(site.word("s-b1", "b1", True))
    good = site.reconciler.sinks

    def broken(_events: object) -> None:
        raise RuntimeError

    site.reconciler.sinks = broken
    with pytest.raises(RuntimeError):
        site.run()
    assert site.states()["b1"] == "unknown"
    site.reconciler.sinks = good
    site.run()
    assert site.states()["b1"] == "occupied"
    sound(site)


def test_the_registry_moves_sensors_and_bays(database: Database) -> None:
    site = SensorSite(database, [("s-1", "a1"), ("s-2", "b1")])
    site.camera("a1", True)
    site.hear(site.word("s-1", "a1", True), site.word("s-2", "b1", True))
    site.run()
    assert site.bays()["a1"].edge == EDGE

    with database.write() as session:
        put(session, "bay", "north/p1/b2", kind="ev", zone="z1")
        say(session, "device", "s-1", bay="b2")
    site.run()
    bays = site.bays()
    assert (bays["a1"].edge, bays["a1"].state) == ("box-1", "occupied")
    # What is known of b1 is kept under the new layout; of b2 nothing was said yet.
    assert (bays["b1"].state, bays["b2"].state, bays["b2"].reason) == (
        "occupied", "unknown", "starting",
    )  # fmt: skip
    with database.write() as session:
        for sensor in ("s-1", "s-2"):
            say(session, "device", sensor, lot=None, bay=None)
    site.run()
    assert set(site.states()) == {"a1", "a2", "a3"}
    assert site.counts().bays == 3
    sound(site)


def test_a_boxs_new_layout_keeps_its_bays_from_counting_twice(database: Database) -> None:
    site = SensorSite(database, [("s-1", "a1")])
    site.hear(site.word("s-1", "a1", True))
    site.run()
    for bay_ids in (("a3", "a1"), ("a1", "a2", "a3", "a4"), ("a1",)):
        site.box.bay_ids = bay_ids
        take(database, [site.box.layout_message(), site.box.layout_message()])
        assert site.counts().bays == len(bay_ids)
        site.run()
        assert site.bays()["a1"].edge == EDGE
        sound(site)


def test_a_person_stands_before_devices_until_the_end(database: Database) -> None:
    site = SensorSite(database, [("s-1", "b1")])
    site.hear(site.word("s-1", "b1", False))
    site.camera("a1", False)
    site.run()
    ends_ms = site.now_ms + 600_000
    manual = {"kind": SourceKind.MANUAL, "until_ms": ends_ms}
    site.hear(site.word("ann", "b1", True, **manual), site.word("ann", "a1", True, **manual))
    site.run()
    assert (site.states()["b1"], site.states()["a1"]) == ("occupied", "occupied")
    assert [event.told.cause for event in site.events[-2:]] == ["manual", "manual"]  # type: ignore[union-attr]
    site.clock.advance(600)
    site.alive()
    site.hear(site.word("s-1", "b1", False))
    site.run(120)
    assert (site.states()["b1"], site.states()["a1"]) == ("free", "free")
    assert site.bays()["a1"].edge == "box-1"
    sound(site)


def test_nothing_from_outside_speaks_for_a_cloud_edge(database: Database) -> None:
    site = SensorSite(database, [("s-1", "b1")])
    site.run()
    registry = EdgeRegistry(database)
    assert registry.places({EDGE: ["north"], "box-1": ["north"]}) == {"box-1": "north"}
    liar = ScriptedEdge(EDGE)
    from cloud_app.ingest.batch import Batch, SitesChangedError, take_batch

    batch = Batch.of([*liar.hello(), liar.change("b1", True)], "pk", registry)
    assert (batch.events, batch.reports, len(batch.unreadable)) == ([], [], 4)
    # Even one that was read before the edge was made.
    with pytest.raises(SitesChangedError), database.write() as session:
        take_batch(session, Batch.of([liar.change("b1", True)], "pk"))
    assert site.states()["b1"] == "unknown"


def test_each_lot_has_an_edge_of_its_own(database: Database) -> None:
    names = [
        cloud_edge_names(site, lot)
        for site, lot in itertools.product(("a", "a.b", "x" * 64), ("b.c", "c", "y" * 64))
    ]
    flat = [name for some in names for name in some]
    assert len(set(flat)) == len(flat)
    assert max(map(len, flat)) <= 64
    take(database, ScriptedEdge("north.p2").hello())
    with database.write() as session:
        made = {ensure_cloud_edge(session, "north", lot) for lot in ("p1", "p2", "p1")}
    assert made == {"north.p1", cloud_edge_names("north", "p2")[1]}
