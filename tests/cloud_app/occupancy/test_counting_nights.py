"""Counted lots at night, with silent gates, and their past."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import last_zeroing, zeroings
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.storage.bay_events import Window
from cloud_app.storage.count_points import keep_count_quarters
from cloud_app.storage.database import Database
from cloud_app.storage.series import lot_series
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from sensors.counting import ZeroCause
from sensors.gates import GateReport
from tests.cloud_app.occupancy.garage import IN, LOT, OUT, Garage, pulse


@pytest.fixture
def garage(database: Database) -> Garage:
    return Garage(database).registered()


# -- Nights -------------------------------------------------------------------------------------


def _night(garage: Garage, text: str) -> None:
    garage.now = datetime.fromisoformat(text).astimezone(UTC)


def test_the_lot_is_empty_at_night_and_the_drift_is_told(database: Database) -> None:
    garage = Garage(database).registered(empty_at="03:00", empty_count=2)
    _night(garage, "2026-06-01T20:00+02:00")
    garage.set(20)
    garage.hear(pulse(OUT, garage.after(60), count=15))
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
    garage.hear(pulse(OUT, garage.after(60)))
    _night(garage, "2026-06-02T03:00:10+02:00")
    garage.count()
    with database.read() as session:
        assert [each.truth.cause for each in zeroings(session, LOT, 9)] == [ZeroCause.MANUAL]


def test_a_silent_gate_makes_the_count_unknown_and_never_free(database: Database) -> None:
    config = GatesConfig(silent_after_s=3_600.0, unknown_after_s=600.0)
    garage = Garage(database, config=config).registered()
    garage.set(20)
    garage.hear(pulse(IN, garage.after(60)))
    garage.after(3_600)
    assert garage.counted() == 21
    garage.after(601)
    assert garage.counted() is None
    assert garage.why() == "gate_silent"
    assert garage.row() == (0, 0, 100, 0)
    garage.hear(pulse(IN, garage.after(1)))
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


# -- The past -----------------------------------------------------------------------------------


def test_the_past_of_a_counted_lot_is_that_of_its_counts(garage: Garage) -> None:
    first = garage.now
    garage.set(20)
    garage.hear(GateReport("gate-1", garage.now))
    garage.count()
    garage.hear(pulse(IN, garage.after(450), count=40))
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
        garage.hear(pulse(way, garage.after(3_000), count=source.randrange(1, 6)))
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
