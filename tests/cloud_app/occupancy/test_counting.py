"""Counted lots: from the messages of gates to the figure that everybody sees."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_app.occupancy.balances import Truth, last_zeroing, set_count, zeroings
from cloud_app.occupancy.passages import Place
from cloud_app.occupancy.tables import gate_total, lot_count, passage, passage_quarter
from cloud_app.storage.database import Database
from sensors.counting import CountSource, ZeroCause
from sensors.gates import GateReport, GateWiring, Passage
from telemetry import PassageDirection, PassageMethod
from tests.cloud_app.occupancy.garage import IN, LOT, OUT, Garage, pulse, total_of
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take


@pytest.fixture
def garage(database: Database) -> Garage:
    return Garage(database).registered()


def test_a_lot_is_unknown_until_a_count_is_true_and_counts_from_there(garage: Garage) -> None:
    garage.hear(pulse(IN, garage.after(1)))
    assert garage.counted() is None
    assert garage.why() == "no_truth"
    garage.after(1)
    garage.set(40)
    garage.hear(pulse(IN, garage.after(1)), pulse(IN, garage.after(1)), pulse(OUT, garage.after(1)))
    assert garage.counted() == 41
    assert garage.row() == (41, 59, 0, 0)
    assert garage.why() is None


def test_a_count_never_leaves_nought_to_the_capacity(garage: Garage) -> None:
    garage.set(2)
    garage.hear(pulse(OUT, garage.after(1), count=9))
    assert garage.counted() == 0
    assert garage.row() == (0, 100, 0, 0)
    garage.hear(pulse(IN, garage.after(1), count=500))
    assert garage.counted() == 100
    with garage.database.read() as session:
        assert session.rows(select(lot_count.c.raw))[0].raw == 493


def test_repeated_messages_count_once(garage: Garage) -> None:
    garage.set(0)
    at = garage.after(5)
    garage.hear(pulse(IN, at, "a"))
    garage.hear(pulse(IN, at, "a"), pulse(IN, at + timedelta(seconds=30), "a"))
    assert garage.counted() == 1
    # Long after, a plate reader may give the same name anew.
    garage.hear(pulse(IN, garage.after(3_600), "a"))
    assert garage.counted() == 2


def test_a_vehicle_that_waits_at_the_barrier_counts_once(garage: Garage) -> None:
    garage.set(0)

    def read(seconds: float, direction: PassageDirection = IN) -> GateReport:
        at = garage.after(seconds)
        one = Passage(direction, 1, at, at.isoformat(), PassageMethod.PLATE_READER, hash="a" * 64)
        return GateReport("gate-1", at, (one,))

    garage.hear(read(1), read(10), read(10))
    assert garage.counted() == 1
    garage.hear(read(600, OUT), read(600, IN))
    assert garage.counted() == 1
    with garage.database.read() as session:
        assert len(session.rows(select(passage))) == 3


def test_passages_without_a_direction_are_told_and_not_counted(garage: Garage) -> None:
    garage.set(0)
    garage.hear(pulse(None, garage.after(1)))
    assert garage.counted() == 0
    garage.place = Place("gate-1", "north", "garage", wiring=GateWiring.IN)
    garage.hear(pulse(None, garage.after(1)))
    assert garage.counted() == 1


def _tables(garage: Garage) -> list[list[tuple[object, ...]]]:
    with garage.database.read() as session:
        return [
            sorted(map(tuple, session.rows(select(table))))
            for table in (passage, gate_total, passage_quarter)
        ]


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_and_doubled_messages_give_the_same_tables(database: Database, seed: int) -> None:
    """Pulses, and a counter that wraps and is reset, over six hours."""
    source = random.Random(seed)
    reports: list[GateReport] = []
    total = 65_500
    for minute in range(360):
        at = START + timedelta(minutes=minute)
        total = 0 if minute == 200 else (total + source.randrange(3)) % 65_536
        reports.append(total_of(at, total))
        if source.random() < 0.3:
            reports.append(pulse(OUT, at + timedelta(seconds=source.randrange(60))))
    ordered = Garage(database).registered()
    ordered.set(5)
    ordered.now = START + timedelta(hours=6)
    ordered.hear(*reports)
    tables, figure = _tables(ordered), ordered.count()
    _empty(database)
    shuffled = source.sample(reports, len(reports)) + source.sample(reports, 100)
    for first in range(0, len(shuffled), 40):
        ordered.hear(*shuffled[first : first + 40])
    assert _tables(ordered) == tables
    assert ordered.count() == figure


def _empty(database: Database) -> None:
    from sqlalchemy import delete

    with database.write() as session:
        for table in (passage, gate_total, passage_quarter):
            session.run(delete(table))


def test_a_late_passage_from_before_the_true_count_changes_nothing(garage: Garage) -> None:
    late = pulse(IN, garage.after(1))
    garage.after(60)
    garage.set(10)
    garage.hear(late)
    assert garage.counted() == 10


def test_a_true_count_of_before_another_is_kept_and_changes_nothing_now(garage: Garage) -> None:
    earlier = garage.after(1)
    garage.after(600)
    garage.set(10)
    with garage.database.write() as session:
        set_count(session, LOT, Truth(earlier, 3, ZeroCause.BOX))
        # And again.
        assert set_count(session, LOT, Truth(earlier, 3, ZeroCause.BOX)) is None
        assert [each.truth.count for each in zeroings(session, LOT, 9)] == [10, 3]
    assert garage.counted() == 10


def test_long_sums_are_those_of_the_single_passages(garage: Garage) -> None:
    source = random.Random(7)
    garage.set(50)
    zero = garage.now
    moments = sorted(source.randrange(1, 40_000) for _ in range(60))
    ways = [source.choice([IN, OUT]) for _ in moments]
    garage.now = zero + timedelta(seconds=40_000)
    garage.hear(
        *(pulse(way, zero + timedelta(seconds=s)) for way, s in zip(ways, moments, strict=True))
    )
    assert garage.counted() == 50 + ways.count(IN) - ways.count(OUT)


# -- Capacity, and lots with bays ---------------------------------------------------------------


def test_without_a_capacity_there_is_no_count(database: Database) -> None:
    garage = Garage(database).registered(capacity=None)
    garage.set(20)
    garage.hear(pulse(IN, garage.after(60)))
    assert garage.count() is None
    assert garage.why() == "no_capacity"


def test_places_that_are_held_back_are_neither_free_nor_capacity(database: Database) -> None:
    garage = Garage(database).registered(held_back=30)
    garage.set(60)
    garage.hear(pulse(IN, garage.after(60)))
    assert garage.counted() == 61
    assert garage.row() == (61, 9, 0, 0)


def _watched(garage: Garage, states: Sequence[bool | None]) -> None:
    """A box with cameras over some bays of the lot."""
    names = tuple(f"b{n}" for n in range(len(states)))
    edge = ScriptedEdge(edge="box-1", site="north", lot="garage", bay_ids=names, now=garage.now)
    take(garage.database, edge.hello())
    take(
        garage.database,
        [
            edge.change(name, occ, 0)
            for name, occ in zip(names, states, strict=True)
            if occ is not None
        ],
    )
    garage.now = max(garage.now, edge.now)


def test_bays_that_are_all_known_give_the_truth(database: Database) -> None:
    garage = Garage(database).registered(capacity=4)
    garage.hear(pulse(IN, garage.after(1), count=9))
    garage.after(400)
    _watched(garage, [True, True, False, False])
    found = garage.count()
    assert found is not None
    assert (found.count, found.source) == (2, CountSource.BAYS)
    # No place is left that a row of the gates could stand for.
    assert garage.row()[:2] == (2, 2)
    with database.read() as session:
        last = last_zeroing(session, LOT)
    assert last is not None
    assert (last.truth.cause, last.truth.count) == (ZeroCause.BAYS, 2)


def test_bays_that_are_partly_known_hold_the_count_within_bounds(database: Database) -> None:
    garage = Garage(database).registered(capacity=10)
    garage.set(0)
    garage.hear(pulse(IN, garage.after(1)))
    _watched(garage, [True, True, True, False])
    found = garage.count()
    assert found is not None
    assert (found.count, found.low, found.high, found.source) == (3, 3, 9, CountSource.BOTH)
    # Three of the four bays, and none of the six other places.
    assert garage.row()[:2] == (3, 7)
