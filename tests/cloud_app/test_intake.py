"""Taking messages in: order and repetition cannot matter, nothing is attributed wrongly."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.ingest.decode import Inbound
from cloud_app.storage.counts import drifts
from cloud_app.storage.database import Database, Row
from cloud_app.storage.edge_queries import edges_now
from cloud_app.storage.queries import Now, availability, bays_now, lots_now
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.streams import gaps, holes
from cloud_app.storage.times import to_ms
from cloud_app.stream import StreamKey
from cloud_app.views import StaleReason
from telemetry.messages import Occupancy
from telemetry.topics import TopicKind
from telemetry.vocabulary import BlockKind
from tests.cloud_app.scripted_edge import START, ScriptedEdge

# Everything but arrival times and the quarantine's counters.
TABLES = {
    "event": "*",
    "gap": "*",
    "stream": "*",
    "bay": "*",
    "bay_state": "*",
    "bay_count": "*",
    # Whose description stands is who came first: with one description it makes no difference.
    "lot": "site, lot, name, levels, lat, lon",
    "aggregate": "*",
    "incident": "*",
    "incident_list": "*",
    "edge": "edge, site, epoch, conn, dead, reason, at_ms, birth, health, health_ms, layout,"
    " told_layout, told_epoch, told_seq, told_rank, told_ms",
}


def take(database: Database, messages: Sequence[Inbound]) -> dict[StreamKey, int]:
    with database.write() as session:
        return take_batch(session, Batch.of(messages, "pk"))


def contents(database: Database) -> dict[str, list[Row]]:
    with database.read() as session:
        return {
            table: sorted(session.rows(text(f"SELECT {columns} FROM {table}")), key=repr)
            for table, columns in TABLES.items()
        }


def now_of(edge: ScriptedEdge, later_s: float = 0.0) -> Now:
    return Now(to_ms(edge.now) + int(later_s * 1000), 180_000)


def states(database: Database, edge: ScriptedEdge) -> dict[str, Occupancy]:
    with database.read() as session:
        found = bays_now(session, now_of(edge), site=edge.site)
    return {bay.bay: bay.state for bay in found}


def test_a_day_of_one_box(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, edge.hello())
    assert set(states(database, edge).values()) == {Occupancy.UNKNOWN}

    acks = take(
        database, [edge.change("a1", True), edge.change("a2", False), edge.change("a1", False)]
    )

    assert acks == {("box-1", 1): 3}
    assert states(database, edge) == {
        "a1": Occupancy.FREE, "a2": Occupancy.FREE, "a3": Occupancy.UNKNOWN,
    }  # fmt: skip
    with database.read() as session:
        [lot] = lots_now(session, now_of(edge))
    assert (lot.site, lot.lot, lot.name) == ("north", "p1", "Hall")
    assert (lot.counts.bays, lot.counts.free, lot.counts.unknown) == (3, 2, 1)


@pytest.mark.parametrize("seed", range(3))
def test_repeated_and_shuffled_input_ends_in_the_same_tables(
    database: Database, tmp_path: Path, seed: int
) -> None:
    source = random.Random(seed)
    edges = [ScriptedEdge(edge=f"box-{n}") for n in range(3)]
    plan: list[Inbound] = [message for edge in edges for message in edge.hello()]
    for _ in range(200):
        edge = source.choice(edges)
        plan.append(edge.change(source.choice(edge.bay_ids), source.choice([True, False, None])))
        if source.random() < 0.1:
            plan.append(edge.snapshot())
    reference = SqliteDatabase(tmp_path / "reference.db")
    for start in range(0, len(plan), 50):
        take(reference, plan[start : start + 50])

    mixed = plan + source.choices(plan, k=150)
    source.shuffle(mixed)
    while mixed:
        size = source.randint(1, 40)
        take(database, mixed[:size])
        mixed = mixed[size:]

    assert contents(database) == contents(reference)
    with database.read() as session:
        assert holes(session) == []
    for edge in edges:
        truth = {bay: Occupancy.of(edge.occ.get(bay)) for bay in edge.bay_ids}
        with database.read() as session:
            found = bays_now(session, now_of(edge), site=edge.site, edge=edge.edge)
        assert {bay.bay: bay.state for bay in found} == truth
    reference.close()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_and_any_batches_give_the_same_tables(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    edge = ScriptedEdge(bay_ids=("a", "b"))
    steps = data.draw(
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([True, False, None]))), "steps"
    )
    plan = [edge.layout_message(), edge.snapshot()]
    for bay, occ in steps:
        plan.append(edge.change(bay, occ))
        if data.draw(st.booleans(), "snapshot"):
            plan.append(edge.snapshot())
    order = data.draw(st.permutations(plan + data.draw(st.lists(st.sampled_from(plan)))), "order")
    cut = data.draw(st.integers(0, len(order)), "cut")
    folder = tmp_path_factory.mktemp("orders")
    straight, mixed = SqliteDatabase(folder / "straight.db"), SqliteDatabase(folder / "mixed.db")

    take(straight, plan)
    take(mixed, order[:cut])
    take(mixed, order[cut:])

    assert contents(mixed) == contents(straight)
    straight.close()
    mixed.close()


def test_the_watermark_stops_at_a_hole_and_goes_on_when_it_is_filled(database: Database) -> None:
    edge = ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(5)]

    assert take(database, [events[0], events[1], events[3], events[4]]) == {("box-1", 1): 2}
    with database.read() as session:
        [hole] = holes(session)
    assert (hole.upto, hole.top) == (2, 5)
    assert take(database, [events[2]]) == {("box-1", 1): 5}
    with database.read() as session:
        assert holes(session) == []


def test_a_gap_event_carries_the_watermark_over_what_was_given_up(database: Database) -> None:
    edge = ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(6)]

    acks = take(database, [events[0], events[4], events[5], edge.gap((2, 3), (4, 4))])

    assert acks == {("box-1", 1): 7}
    with database.read() as session:
        assert [(gap.first, gap.last, gap.reason) for gap in gaps(session, "box-1")] == [
            (2, 3, "rows"),
            (4, 4, "rows"),
        ]
        [now] = edges_now(session, now_of(edge))
    assert now.stream is not None
    assert now.stream.lost == 3


def test_a_snapshot_shows_that_the_streams_tail_is_missing(database: Database) -> None:
    edge = ScriptedEdge()
    edge.change("a1", True)

    assert take(database, [edge.snapshot()]) == {("box-1", 1): 0}

    with database.read() as session:
        [hole] = holes(session)
    assert (hole.upto, hole.top) == (0, 1)


def test_a_new_store_counts_from_one_and_wins(database: Database) -> None:
    old = ScriptedEdge(epoch=1)
    late = [old.change("a1", True) for _ in range(9)]
    new = ScriptedEdge(epoch=2, now=old.now)
    take(database, [new.layout_message(), new.change("a1", False)])

    assert take(database, late) == {("box-1", 1): 9}

    assert states(database, new)["a1"] is Occupancy.FREE


def test_a_new_layout_shows_nothing_of_the_old_one(database: Database) -> None:
    edge = ScriptedEdge(bay_ids=("a", "b"))
    take(database, [*edge.hello(), edge.change("a", True), edge.change("b", False)])
    backlog = edge.change("a", False)

    edge.bay_ids = ("b", "c", "a")
    edge.occ = {}
    take(database, [edge.layout_message()])
    assert set(states(database, edge).values()) == {Occupancy.UNKNOWN}
    take(database, [backlog])

    assert set(states(database, edge).values()) == {Occupancy.UNKNOWN}
    take(database, [edge.change("c", True), edge.snapshot()])
    assert states(database, edge) == {
        "b": Occupancy.UNKNOWN, "c": Occupancy.OCCUPIED, "a": Occupancy.UNKNOWN,
    }  # fmt: skip


def test_the_death_of_an_older_connection_is_ignored(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [edge.birth(conn=1), edge.birth(conn=2), edge.will(conn=1), edge.birth(conn=1)])
    with database.read() as session:
        [now] = edges_now(session, now_of(edge))
    assert now.online

    take(database, [edge.will(conn=2), edge.birth(conn=2)])

    with database.read() as session:
        [now] = edges_now(session, now_of(edge))
    assert (now.online, now.stale_reason) == (False, StaleReason.OFFLINE)


def test_an_offline_box_makes_its_bays_stale_not_free(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), *(edge.change(bay, False) for bay in edge.bay_ids)])
    with database.read() as session:
        assert lots_now(session, now_of(edge))[0].counts.free == 3
        silent = lots_now(session, now_of(edge, later_s=181))[0].counts
    assert (silent.free, silent.stale) == (0, 3)

    take(database, [edge.will()])

    with database.read() as session:
        counts = lots_now(session, now_of(edge))[0].counts
        bays = bays_now(session, now_of(edge), site="north")
    assert (counts.free, counts.stale, counts.bays) == (0, 3, 3)
    assert all(bay.stale and bay.state is Occupancy.FREE for bay in bays)


def test_a_closed_bay_is_neither_free_nor_occupied(database: Database) -> None:
    edge = ScriptedEdge(bay_ids=("a",))
    take(database, [*edge.hello(), edge.change("a", False), edge.close_bay("a", True)])
    with database.read() as session:
        counts = lots_now(session, now_of(edge))[0].counts
    assert (counts.closed, counts.free) == (1, 0)


def test_a_blocked_bay_is_free_and_not_available(database: Database) -> None:
    edge = ScriptedEdge(bay_ids=("a", "b"))
    take(database, [*edge.hello(), edge.change("a", False), edge.change("b", False)])
    take(database, [edge.block_bay("a", BlockKind.NEIGHBOUR)])
    for _ in range(2):  # by the event, then by the snapshot
        with database.read() as session:
            counts = lots_now(session, now_of(edge))[0].counts
            bays = {each.bay: each for each in bays_now(session, now_of(edge), site="north")}
            [kind] = availability(session, now_of(edge), "north", bays["a"].lot)
        assert (counts.free, counts.blocked, counts.available) == (2, 1, 1)
        assert (bays["a"].blocked, bays["a"].available) == ("neighbour", False)
        assert (bays["b"].blocked, bays["b"].available) == (None, True)
        assert (kind.capacity, kind.available) == (2, 1)
        take(database, [edge.snapshot()])
    take(database, [edge.change("a", True)])
    with database.read() as session:
        counts = lots_now(session, now_of(edge))[0].counts
    assert (counts.occupied, counts.blocked, counts.available) == (1, 0, 1)
    take(database, [edge.change("a", False), edge.block_bay("a", None)])
    with database.write() as session:
        counts = lots_now(session, now_of(edge))[0].counts
        assert not drifts(session, [edge.edge])
    assert (counts.free, counts.blocked, counts.available) == (2, 0, 2)


def test_an_unreadable_event_is_kept_and_does_not_stop_the_stream(database: Database) -> None:
    edge = ScriptedEdge()
    good = [edge.change("a1", True), edge.change("a1", False), edge.change("a1", True)]
    broken = Inbound(good[1].topic, good[1].payload.replace(b'"occ":false', b'"occ":7'), False, 5)

    acks = take(database, [good[0], broken, good[2], broken])

    assert acks == {("box-1", 1): 3}
    with database.read() as session:
        rows = session.rows(text("SELECT topic, reason, times FROM quarantine"))
        assert [(gap.first, gap.reason) for gap in gaps(session, "box-1")] == [(2, "quarantined")]
    [(topic, reason, times)] = rows
    assert topic == str(edge.topics.of(TopicKind.EVENT))
    assert "occ" in reason
    assert times == 2


def test_an_event_under_another_boxs_topic_is_not_taken(database: Database) -> None:
    thief, owner = ScriptedEdge(edge="thief"), ScriptedEdge(edge="owner")
    stolen = owner.change("a1", True)
    topic = str(thief.topics.of(TopicKind.EVENT))

    take(database, [Inbound(topic, stolen.payload, False, 5)])

    assert contents(database)["event"] == []
    assert contents(database)["gap"] == []
    with database.read() as session:
        [(reason,)] = session.rows(text("SELECT reason FROM quarantine"))
    assert "source must be pk/v1/north/thief" in reason


def test_times_keep_the_millisecond() -> None:
    assert to_ms(START.replace(microsecond=123_999)) % 1000 == 123
