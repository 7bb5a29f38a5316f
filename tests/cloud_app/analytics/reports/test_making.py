"""Reports on the kept past of a service: what is kept of events, and what is said of it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from cloud_app.analytics.reports.figures import Mark, Report
from cloud_app.analytics.reports.making import Compared, Order, make_report
from cloud_app.analytics.reports.period import Period, ReportError
from cloud_app.analytics.reports.stays import StayKeeper
from cloud_app.config import RetentionConfig
from cloud_app.storage.database import Database
from cloud_app.storage.quarters import keep_quarters
from cloud_app.storage.report_tables import quarter_cause, quarter_part
from cloud_app.storage.tables import quarter
from cloud_app.storage.times import to_ms
from telemetry import ManualClock, UnknownReason
from telemetry.layout import Layout
from telemetry.messages import LayoutBay, LotInfo
from tests.cloud_app.registry.places import say
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 22, 23, 0, tzinfo=UTC)
"""Midnight of Monday 23 March in Berlin; on the Sunday clocks go forward."""
WEEK = Period(date(2026, 3, 23), date(2026, 3, 29))


class TwoZones(ScriptedEdge):
    """Two bays of one zone, a third one for disabled drivers of another."""

    @property
    def layout(self) -> Layout:
        parts = (("z1", "standard"), ("z1", "standard"), ("z2", "disabled"))
        bays = [
            LayoutBay(bay=bay, camera=self.camera, lot=self.lot, zone=zone, kind=kind)
            for bay, (zone, kind) in zip(self.bay_ids, parts, strict=True)
        ]
        return Layout.of(bays, [LotInfo(lot=str(self.lot), name="Hall", levels=("0",))])


def a_week(database: Database) -> TwoZones:
    """From Monday, each day: full from 8 to 10, one bay longer; on Tuesday the camera is lost."""
    box = TwoZones(now=MONDAY)
    take(database, box.hello())
    with database.write() as session:
        say(session, "site", "north", time_zone="Europe/Berlin")

    def at(day: int, hour: int, minute: int, occupied: dict[str, bool | None]) -> None:
        local = datetime(2026, 3, 23, hour, minute, tzinfo=BERLIN) + timedelta(days=day)
        for bay, occ in occupied.items():
            take(database, [box.change(bay, occ, (local - box.now).total_seconds())])

    every = ("a1", "a2", "a3")
    box.reason = UnknownReason.CAMERA_LOST
    take(database, [box.change(bay, False, 0) for bay in every])
    for day in range(7):
        at(day, 8, 0, dict.fromkeys(every, True))
        at(day, 10, 0, {"a1": False, "a2": False})
        at(day, 14, 0, {"a3": False})
        if day == 1:
            at(day, 16, 0, dict.fromkeys(every))
            at(day, 19, 0, dict.fromkeys(every, False))
    at(7, 3, 0, {"a1": False})
    clock = ManualClock(epoch_utc=box.now)
    with database.write() as session:
        for _ in range(9):
            keep_quarters(session, to_ms(box.now), 0, 10)
    StayKeeper(database, RetentionConfig(), clock).tick()
    return box


def report(database: Database, now: datetime, **order: Any) -> Report:
    whole = Order(("north",), "p1", WEEK, Compared.NONE, "Hall")
    with database.read() as session:
        return make_report(session, replace(whole, **order), now)


def test_a_week_with_a_change_of_clocks(database: Database) -> None:
    box = a_week(database)
    made = report(database, box.now, compared=Compared.BEFORE)
    known_h = 3 * (7 * 24 - 1) - 3 * 3
    assert made.availability.bay_hours == pytest.approx(3 * 167)
    assert made.availability.known == pytest.approx(known_h / (3 * 167))
    assert {each.cause: each.bay_hours for each in made.availability.causes} == {"camera_lost": 9.0}
    assert made.total.occupancy.value == pytest.approx(7 * (2 * 2 + 6) / known_h)
    assert made.total.peak is not None
    assert made.total.peak.start == datetime(2026, 3, 23, 8)  # noqa: DTZ001
    assert made.total.unmet.full_min.value == 7 * 120
    assert (made.total.unmet.spells, made.total.unmet.longest_min) == (7, 120)
    assert (made.total.stays.count, made.total.stays.unsure) == (21, 0)
    assert made.total.stays.turnover_per_day.value == pytest.approx(1.0)
    assert made.total.stays.mean_min == pytest.approx((120 + 120 + 360) / 3, abs=1)
    assert made.total.name == "Hall"
    by_zone = {each.name: each for each in made.zones}
    assert by_zone["z2"].occupancy.value == pytest.approx(7 * 6 / (known_h / 3))
    assert by_zone["z2"].unmet.full_min.value == 7 * 360
    assert by_zone["z1"].stays.count == 14
    assert {each.name: each.bays for each in made.kinds} == {"standard": 2, "disabled": 1}
    heat = {(each.weekday, each.hour): each.occupancy for each in made.heat}
    assert heat[0, 8].value == 1.0
    assert heat[0, 12].value == pytest.approx(1 / 3)
    assert heat[0, 7].value == 0.0
    assert heat[1, 17].mark is Mark.REFUSED, "unknown is never free"
    assert heat[6, 2].mark is Mark.REFUSED, "there was no such hour"
    assert [each.occupancy.mark for each in made.days] == [
        Mark.WHOLE,
        Mark.PARTIAL,
        *[Mark.WHOLE] * 5,
    ]
    assert made.compared is not None
    assert made.compared.total.occupancy.mark is Mark.REFUSED


def test_the_parts_add_up_to_the_lots(database: Database) -> None:
    source = random.Random(7)
    box = TwoZones(now=MONDAY)
    take(database, box.hello())
    for _ in range(80):
        box.reason = source.choice([UnknownReason.CAMERA_LOST, UnknownReason.DARK])
        bay, occ = source.choice(box.bay_ids), source.choice((True, False, None))
        take(database, [box.change(bay, occ, source.uniform(30, 9_000))])
    take(database, [box.snapshot()])
    with database.write() as session:
        for _ in range(9):
            keep_quarters(session, to_ms(box.now), 0, 10)
    with database.read() as session:
        for state in ("occupied_ms", "free_ms", "unknown_ms"):
            [(lots,)] = session.rows(select(func.sum(quarter.c[state])))
            [(parts,)] = session.rows(select(func.sum(quarter_part.c[state])))
            assert lots == parts
            assert lots > 0
        [(unknown,)] = session.rows(select(func.sum(quarter_cause.c.unknown_ms)))
        assert unknown == lots
        causes = {row[0] for row in session.rows(select(quarter_cause.c.cause).distinct())}
        assert causes == {"camera_lost", "dark", "no_record"}


def test_what_is_too_much_or_nothing_is_refused(database: Database) -> None:
    box = a_week(database)
    with pytest.raises(ReportError, match="at least one lot"):
        report(database, box.now, lot="nowhere")
    with pytest.raises(ReportError, match="1 to 366 days"):
        Period(date(2026, 1, 2), date(2026, 1, 1))
    early = report(database, box.now, period=Period(date(2026, 2, 1), date(2026, 2, 28)))
    assert early.total.occupancy.value is None
    assert early.availability.causes[0].cause == "not_kept"
    assert early.total.stays.turnover_per_day.mark is Mark.REFUSED
