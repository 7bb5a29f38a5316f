"""Counted lots: from the messages of gates to the figure that everybody sees."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import Lot, Truth, last_zeroing, set_count, zeroings
from cloud_app.occupancy.counting import count_lot
from cloud_app.occupancy.passages import Place, take_reports
from cloud_app.occupancy.tables import gate_total, lot_count, passage, passage_quarter
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.storage.bay_events import Window
from cloud_app.storage.count_points import keep_count_quarters
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.series import lot_series
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from sensors.counting import CountSource, Figure, ZeroCause
from sensors.gates import GateReport, GateWiring, Passage, Total
from telemetry import PassageDirection, PassageMethod
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

IN, OUT = PassageDirection.IN, PassageDirection.OUT
LOT = Lot("north", "garage")


def _pulse(
    direction: PassageDirection | None, at: datetime, key: str = "", count: int = 1
) -> GateReport:
    passage = Passage(direction, count, at, key or at.isoformat(), PassageMethod.PULSE)
    return GateReport("gate-1", at, (passage,))


def _total(at: datetime, total: int, direction: PassageDirection = IN) -> GateReport:
    return GateReport("gate-1", at, (), (Total(direction, total, at),))


@dataclass
class Garage:
    """A counted lot whose clock the test moves."""

    database: Database
    now: datetime = START
    config: GatesConfig = field(default_factory=GatesConfig)
    place: Place = field(default_factory=lambda: Place("gate-1", "north", "garage"))

    def registered(self, **facts: object) -> Garage:
        lot: dict[str, Any] = {"capacity": 100, **facts}
        things: dict[Ref, dict[str, Any]] = {
            Ref("site", "north"): {"time_zone": "Europe/Berlin"},
            Ref("lot", "north/garage"): lot,
            Ref("device", "gate-1"): {"site": "north", "lot": "garage", "kind": "gate_counter"},
        }
        with self.database.write() as session:
            for ref, said in things.items():
                state(session, Edit(ref, "test", to_ms(self.now)), said)
        return self

    def hear(self, *reports: GateReport) -> None:
        with self.database.write() as session:
            take_reports(session, self.place, reports, to_ms(self.now))

    def set(self, count: int, cause: ZeroCause = ZeroCause.MANUAL) -> None:
        with self.database.write() as session:
            set_count(session, LOT, Truth(self.now, count, cause))

    def after(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def count(self) -> Figure | None:
        with self.database.write() as session:
            return count_lot(session, LOT, self._now(), self.config)

    def counted(self) -> int | None:
        found = self.count()
        assert found is not None
        return found.count

    def why(self) -> str | None:
        with self.database.read() as session:
            [row] = session.rows(select(lot_count.c.why))
        why: str | None = row.why
        return why

    def row(self) -> tuple[int, int, int, int]:
        """(occupied, free, unknown, stale) as the lot's list has it."""
        with self.database.read() as session:
            [lot] = lots_now(session, self._now())
        counts = lot.counts
        return counts.occupied, counts.free, counts.unknown, counts.stale

    def _now(self) -> Now:
        return Now(to_ms(self.now), 180_000)


@pytest.fixture
def garage(database: Database) -> Garage:
    return Garage(database).registered()


def test_a_lot_is_unknown_until_a_count_is_true_and_counts_from_there(garage: Garage) -> None:
    garage.hear(_pulse(IN, garage.after(1)))
    assert garage.counted() is None
    assert garage.why() == "no_truth"
    garage.after(1)
    garage.set(40)
    garage.hear(
        _pulse(IN, garage.after(1)), _pulse(IN, garage.after(1)), _pulse(OUT, garage.after(1))
    )
    assert garage.counted() == 41
    assert garage.row() == (41, 59, 0, 0)
    assert garage.why() is None


def test_a_count_never_leaves_nought_to_the_capacity(garage: Garage) -> None:
    garage.set(2)
    garage.hear(_pulse(OUT, garage.after(1), count=9))
    assert garage.counted() == 0
    assert garage.row() == (0, 100, 0, 0)
    garage.hear(_pulse(IN, garage.after(1), count=500))
    assert garage.counted() == 100
    with garage.database.read() as session:
        assert session.rows(select(lot_count.c.raw))[0].raw == 493


def test_repeated_messages_count_once(garage: Garage) -> None:
    garage.set(0)
    at = garage.after(5)
    garage.hear(_pulse(IN, at, "a"))
    garage.hear(_pulse(IN, at, "a"), _pulse(IN, at + timedelta(seconds=30), "a"))
    assert garage.counted() == 1
    # Long after, a plate reader may give the same name anew.
    garage.hear(_pulse(IN, garage.after(3_600), "a"))
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
    garage.hear(_pulse(None, garage.after(1)))
    assert garage.counted() == 0
    garage.place = Place("gate-1", "north", "garage", wiring=GateWiring.IN)
    garage.hear(_pulse(None, garage.after(1)))
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
        reports.append(_total(at, total))
        if source.random() < 0.3:
            reports.append(_pulse(OUT, at + timedelta(seconds=source.randrange(60))))
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
    late = _pulse(IN, garage.after(1))
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
        *(_pulse(way, zero + timedelta(seconds=s)) for way, s in zip(ways, moments, strict=True))
    )
    assert garage.counted() == 50 + ways.count(IN) - ways.count(OUT)


# -- Nights -------------------------------------------------------------------------------------


def _night(garage: Garage, text: str) -> None:
    garage.now = datetime.fromisoformat(text).astimezone(UTC)


def test_the_lot_is_empty_at_night_and_the_drift_is_told(database: Database) -> None:
    garage = Garage(database).registered(empty_at="03:00", empty_count=2)
    _night(garage, "2026-06-01T20:00+02:00")
    garage.set(20)
    garage.hear(_pulse(OUT, garage.after(60), count=15))
    _night(garage, "2026-06-02T02:59+02:00")
    assert garage.counted() == 5
    _night(garage, "2026-06-02T03:00:10+02:00")
    assert garage.counted() == 2
    with database.read() as session:
        last = last_zeroing(session, LOT)
    assert last is not None
    assert (last.truth.cause, last.drift) == (ZeroCause.NIGHT, 3)
    garage.after(600)
    garage.count()
    with database.read() as session:
        assert len(zeroings(session, LOT, 9)) == 2


def test_a_silent_gate_proves_no_empty_lot(database: Database) -> None:
    garage = Garage(database, config=GatesConfig(silent_after_s=3_600.0)).registered(
        empty_at="03:00"
    )
    _night(garage, "2026-06-01T20:00+02:00")
    garage.set(20)
    garage.hear(_pulse(OUT, garage.after(60)))
    _night(garage, "2026-06-02T03:00:10+02:00")
    garage.count()
    with database.read() as session:
        assert [each.truth.cause for each in zeroings(session, LOT, 9)] == [ZeroCause.MANUAL]


def test_a_silent_gate_makes_the_count_unknown_and_never_free(database: Database) -> None:
    config = GatesConfig(silent_after_s=3_600.0, unknown_after_s=600.0)
    garage = Garage(database, config=config).registered()
    garage.set(20)
    garage.hear(_pulse(IN, garage.after(60)))
    garage.after(3_600)
    assert garage.counted() == 21
    garage.after(601)
    assert garage.counted() is None
    assert garage.why() == "gate_silent"
    assert garage.row() == (0, 0, 100, 0)
    garage.hear(_pulse(IN, garage.after(1)))
    assert garage.counted() == 22


def test_a_gate_is_silent_after_three_of_its_own_periods(database: Database) -> None:
    config = GatesConfig(unknown_after_s=0)
    garage = Garage(database, config=config).registered()
    with database.write() as session:
        said = {"site": "north", "lot": "garage", "kind": "gate_counter", "period_s": 60}
        state(session, Edit(Ref("device", "gate-1"), "test", 0, 1), said)
    garage.set(20)
    garage.hear(GateReport("gate-1", garage.after(60)))
    garage.after(179)
    assert garage.counted() == 20
    garage.after(1)
    assert garage.counted() is None


# -- Capacity, and lots with bays ---------------------------------------------------------------


def test_without_a_capacity_there_is_no_count(database: Database) -> None:
    garage = Garage(database).registered(capacity=None)
    garage.set(20)
    garage.hear(_pulse(IN, garage.after(60)))
    assert garage.count() is None
    assert garage.why() == "no_capacity"


def test_places_that_are_held_back_are_neither_free_nor_capacity(database: Database) -> None:
    garage = Garage(database).registered(held_back=30)
    garage.set(60)
    garage.hear(_pulse(IN, garage.after(60)))
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
    garage.hear(_pulse(IN, garage.after(1), count=9))
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
    garage.hear(_pulse(IN, garage.after(1)))
    _watched(garage, [True, True, True, False])
    found = garage.count()
    assert found is not None
    assert (found.count, found.low, found.high, found.source) == (3, 3, 9, CountSource.BOTH)
    # Three of the four bays, and none of the six other places.
    assert garage.row()[:2] == (3, 7)


# -- The past -----------------------------------------------------------------------------------


def test_the_past_of_a_counted_lot_is_that_of_its_counts(garage: Garage) -> None:
    first = garage.now
    garage.set(20)
    garage.hear(GateReport("gate-1", garage.now))
    garage.count()
    garage.hear(_pulse(IN, garage.after(450), count=40))
    garage.count()
    end = garage.after(450)
    window = Window(to_ms(first), to_ms(end))
    with garage.database.read() as session:
        [point] = lot_series(session, "north", "garage", window, 900_000)
    assert (point.occupied, point.free, point.unknown) == (40, 60, 0)


def test_quarters_and_single_counts_tell_the_same_past(garage: Garage) -> None:
    first = garage.now
    garage.set(20)
    source = random.Random(3)
    for _ in range(60):
        way = source.choice([IN, OUT])
        garage.hear(_pulse(way, garage.after(3_000), count=source.randrange(1, 6)))
        garage.count()
    window = Window(to_ms(first), to_ms(garage.now))
    assert window.end_ms - window.start_ms > 2 * 86_400_000
    with garage.database.read() as session:
        before = lot_series(session, "north", "garage", window, 900_000)
    with garage.database.write() as session:
        assert keep_count_quarters(session, to_ms(garage.now)) == 1
        assert keep_count_quarters(session, to_ms(garage.now)) == 1
        assert keep_count_quarters(session, to_ms(garage.now)) == 0
        assert session.rows(select(quarter))
        after = lot_series(session, "north", "garage", window, 900_000)
    assert after == before
    assert all(each.occupied + each.free + each.unknown == 100 for each in before[:-1])
