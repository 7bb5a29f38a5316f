"""History as events: whole streams, one state at a time, and the tables agree with the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from city import history
from city.filling import Filling, WeekDone, fill, occupied, past_of
from city.history import Said, changes, with_outages
from city.plan import City, PlannedLot
from city.registry import import_registry
from city.stays import Stay, first_monday
from city.troubles import Outage, incidents_of, outages_of
from cloud_app.config import DatabaseConfig
from cloud_app.occupancy.cloud_layouts import lay_out
from cloud_app.storage.bay_events import Window
from cloud_app.storage.cloud_stream import EPOCH
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.intake import take_layout, touch_edges
from cloud_app.storage.open import open_database
from cloud_app.storage.quarters import keep_quarters
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.series import lot_series
from cloud_app.storage.times import to_ms
from telemetry import UnknownReason
from telemetry.cloudevents import BayChangedEvent
from tests.city.conftest import NOW, planned, sensed_lot

BLIND = UnknownReason.BLIND


def test_a_bay_is_free_until_somebody_comes_and_after_they_left() -> None:
    found = changes([Stay(0, 30.0, 40.0), Stay(0, 10.0, 20.0)])
    assert [(each.at_s, each.occ) for each in found] == [
        (-inf, False), (10.0, True), (20.0, False), (30.0, True), (40.0, False),
    ]  # fmt: skip


def test_what_a_blind_camera_misses_is_unknown_and_then_made_up_for() -> None:
    true = changes([Stay(0, 10.0, 20.0), Stay(0, 30.0, 40.0)])
    told = with_outages(true, [Outage("c", 15.0, 35.0, BLIND)])
    assert told == [
        Said(-inf, False), Said(10.0, True), Said(15.0, None, BLIND), Said(35.0, True),
        Said(40.0, False),
    ]  # fmt: skip
    nothing = with_outages(true, [Outage("c", 50.0, 60.0, BLIND)])
    assert nothing == [*true, Said(50.0, None, BLIND), Said(60.0, False)]


def test_weeks_are_the_towns_and_cover_the_span_the_newest_first() -> None:
    begin = first_monday(NOW, 12)
    weeks = history.weeks(begin, NOW)
    assert weeks[0] == (datetime(2026, 11, 30, tzinfo=UTC), NOW)
    assert weeks[-1][0] == begin
    assert all(older[1] == newer[0] for newer, older in pairwise(weeks))
    lengths = {week[1] - week[0] for week in weeks[1:]}
    # The week of the change from summer time has an hour more.
    assert lengths == {timedelta(days=7), timedelta(days=7, hours=1)}


def test_a_week_is_one_stream_that_begins_with_every_bay(high_street: PlannedLot) -> None:
    begin = first_monday(NOW, 1)
    past = past_of(high_street, begin, NOW, seed=5)
    week = history.weeks(begin, NOW)[1]
    events = list(history.week_of(past, past.states(), week, epoch=7))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {event.epoch for event in events} == {7}
    assert all(week[0] <= event.time < week[1] for event in events)
    assert [event.time for event in events] == sorted(event.time for event in events)
    first = events[: len(high_street.bays)]
    assert {event.subject for event in first if isinstance(event, BayChangedEvent)} == {
        bay.said.bay for bay in high_street.bays
    }


def test_outages_of_one_camera_do_not_meet_and_are_over() -> None:
    lot = planned("Guildhall Garage")
    found = outages_of(lot, 0.0, 90 * 86_400.0, seed=1)
    assert found == outages_of(lot, 0.0, 90 * 86_400.0, seed=1)
    assert {each.source is None for each in found} == {True, False}
    last_s: dict[str | None, float] = {}
    for each in found:
        assert last_s.get(each.source, -1.0) < each.begin_s < each.end_s < 90 * 86_400.0
        last_s[each.source] = each.end_s


def test_overstays_are_of_stays_that_were_too_long(high_street: PlannedLot) -> None:
    begin = first_monday(NOW, 6)
    past = past_of(high_street, begin, NOW, seed=5)
    span_s = (begin.timestamp(), NOW.timestamp())
    found = incidents_of(high_street, past.stays, *span_s, 5)
    stays = {(stay.bay, stay.begin_s): stay for stay in past.stays}
    overstays = [each for each in found if each.kind == "overstay"]
    assert overstays
    for each in overstays:
        stay = stays[each.bays[0], each.begin_s]
        assert each.limit_s is not None
        assert stay.end_s - stay.begin_s > each.limit_s
        assert each.told_s == each.begin_s + each.limit_s
    assert len({each.name for each in found}) == len(found)


def test_the_tables_hold_the_truth_without_a_hole(tmp_path: Path, high_street: PlannedLot) -> None:
    lots = (high_street, planned("Church Lane"))
    file = tmp_path / "cloud.db"
    filling = Filling(file, City(lots), NOW, seed=5, weeks=2)
    told = list(fill(filling, lambda: False))
    taken, weeks = told[0], told[1:]
    assert [week.weeks for week in weeks if isinstance(week, WeekDone)] == [1, 2, 3]
    begin = first_monday(NOW, 2)
    past = past_of(high_street, begin, NOW, seed=5)
    assert isinstance(taken, dict)
    assert taken[high_street.key] == occupied(past, NOW.timestamp())
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{file}")))
    try:
        with database.read() as session:
            assert session.rows(text("SELECT * FROM gap")) == []
            assert session.rows(text("SELECT reason FROM quarantine")) == []
            assert session.rows(text("SELECT * FROM stream WHERE upto < top")) == []
            [(alerts, are_open)] = session.rows(
                text("SELECT count(*), count(*) - count(closed_ms) FROM alert")
            )
            seen = incidents(session, Now(to_ms(NOW), 10**12), IncidentFilter(), 1000)
        assert alerts > 0 == are_open
        assert seen
        assert all(each.ended is not None for each in seen)
        with database.write() as session:
            take_layout(session, high_street.spec.site, high_street.edge, high_street.layout)
        start = NOW - timedelta(days=5)
        window = Window(to_ms(start), to_ms(start + timedelta(days=1)))
        with database.read() as session:
            points = lot_series(session, high_street.spec.site, high_street.id, window, 600_000)
    finally:
        database.close()
    states = past.states()
    for point in points:
        middle_s = point.start.timestamp() + 300
        known = [[s for s in each if s.at_s <= middle_s][-1].occ for each in states]
        # A mean over ten minutes, against what was so in their middle.
        assert abs(point.occupied - sum(occ is True for occ in known)) < 3
        assert abs(point.occupied + point.free + point.unknown - len(states)) < 0.01


def test_weeks_that_come_late_are_in_the_quarters_too(
    tmp_path: Path, high_street: PlannedLot
) -> None:
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{tmp_path}/cloud.db")))
    filling = Filling(tmp_path / "cloud.db", City((high_street,)), NOW, seed=5, weeks=2)
    site, lot, begin = high_street.spec.site, high_street.id, first_monday(NOW, 2)
    window = Window(to_ms(begin) + 900_000, to_ms(begin) + 8 * 86_400_000)

    def keep() -> None:
        with database.write() as session:
            while keep_quarters(session, to_ms(NOW), 0, 10):
                pass

    try:
        with database.write() as session:
            touch_edges(session, {high_street.edge: site}, {})
            take_layout(session, site, high_street.edge, high_street.layout)
        for told in fill(filling, lambda: False):
            # The leader does not wait until all of it is there.
            if isinstance(told, WeekDone):
                with database.read() as session:
                    before = lot_series(session, site, lot, window, 3_600_000)
                keep()
        with database.read() as session:
            after = lot_series(session, site, lot, window, 3_600_000)
    finally:
        database.close()
    assert after == before
    assert all(point.occupancy is not None for point in after)


def test_the_past_of_a_lot_on_sensors_lies_below_what_its_edge_says_now(tmp_path: Path) -> None:
    lot = sensed_lot()
    database = open_database(DatabaseConfig(url=SecretStr(f"sqlite:{tmp_path}/cloud.db")))
    city = City((lot,))
    window = Window(to_ms(NOW - timedelta(hours=9)), to_ms(NOW - timedelta(hours=3)))
    try:
        import_registry(database, city, tmp_path / "city.geojson", NOW)
        *_, last = fill(Filling(tmp_path / "cloud.db", city, NOW, seed=5, weeks=0), lambda: False)
        assert isinstance(last, WeekDone)
        with database.write() as session:
            lay_out(session, lot.spec.site)
        with database.read() as session:
            streams = session.rows(text("SELECT edge, epoch, upto, top FROM stream"))
            assert session.rows(text("SELECT reason FROM quarantine")) == []
            told = {row.layout for row in session.rows(text("SELECT layout FROM edge"))}
            points = lot_series(session, lot.spec.site, lot.id, window, 3_600_000)
            [seen] = lots_now(session, Now(to_ms(NOW), 10**12))
    finally:
        database.close()
    assert (seen.name, seen.counts.bays) == ("Mill Lane", 28)
    assert {row.edge for row in streams} == {lot.edge} == {"old-town.Mill-Lane"}
    assert all(row.upto == row.top and 1 <= row.epoch < EPOCH for row in streams)
    assert sum(row.top for row in streams) == last.events
    # The layout that the cloud makes of the registry's devices is the one that the past is told in.
    assert told == {lot.layout.hash}
    past = past_of(lot, first_monday(NOW, 0), NOW, seed=5)
    assert points
    for point in points:
        middle_s = point.start.timestamp() + 1800
        assert abs(point.occupied - len(occupied(past, middle_s))) < 6
