"""Incidents over time: what lasts, what passes, what a gap or a restart does to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.vocabulary import BayKind, BayState, IncidentEnd, IncidentKind, UnknownReason
from vision.incidents import (
    Finding,
    Incident,
    IncidentSettings,
    IncidentTracker,
    Moment,
    Sighting,
    Stays,
)

T0 = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BOX = (0.4, 0.4, 0.5, 0.5)
ACROSS = Finding(IncidentKind.STRADDLING, ("b1", "b2"))
BEFORE = Finding(IncidentKind.DOUBLE_PARKING, ("b1",), "lane")


def at(seconds: float) -> Moment:
    return Moment(1000 + seconds, T0 + timedelta(seconds=seconds))


def seen(
    finding: Finding | None = BEFORE, box: tuple[float, ...] = BOX, car: str = "car"
) -> Sighting:
    left, top, right, bottom = box
    return Sighting((left, top, right, bottom), 0.8, car, None, finding)


def make(**settings: float) -> IncidentTracker:
    ids = itertools.count(1)
    return IncidentTracker("gate", IncidentSettings(**settings), lambda: f"i{next(ids)}")  # type: ignore[arg-type]


def play(
    tracker: IncidentTracker, times: list[float], sight: Callable[[float], list[Sighting]]
) -> list[tuple[float, Incident]]:
    found = []
    for time_s in times:
        found += [(time_s, each) for each in tracker.look(sight(time_s), at(time_s))]
    return found


def test_a_vehicle_that_stands_begins_one_incident_and_ends_it_when_gone() -> None:
    tracker = make(hold_s=60, clear_s=60)
    times = [float(t) for t in range(0, 400, 10)]
    changes = play(tracker, times, lambda t: [seen()] if t <= 200 else [])
    (began_s, first), (ended_s, last) = changes
    assert (began_s, first.is_open, first.began) == (60.0, True, at(0).utc)
    assert (ended_s, last.end, last.id) == (260.0, IncidentEnd.LEFT, first.id)
    assert (last.stood_s, last.last_seen, last.ended) == (200.0, at(200).utc, at(260).utc)
    assert (last.vehicle, last.conf, last.bays, last.area) == ("car", 0.8, ("b1",), "lane")
    assert tracker.open_incidents() == ()


@pytest.mark.parametrize("every_s", [1, 10, 30])
def test_the_rate_of_looks_changes_nothing_but_the_delay(every_s: int) -> None:
    changes = play(make(), [float(t) for t in range(0, 300, every_s)], lambda _: [seen()])
    assert [(t, each.is_open) for t, each in changes] == [(60.0, True)]


def test_cars_that_drive_by_are_never_an_incident() -> None:
    def passing(time_s: float) -> list[Sighting]:
        x = (time_s * 0.11) % 0.8
        return [seen(box=(x, 0.4, x + 0.1, 0.5))]

    assert play(make(), [float(t) for t in range(600)], passing) == []


def test_one_missed_detection_neither_delays_nor_ends() -> None:
    tracker = make()
    changes = play(
        tracker, [float(t) for t in range(0, 300, 10)], lambda t: [] if t in {30, 150} else [seen()]
    )
    assert [(t, each.is_open) for t, each in changes] == [(60.0, True)]


def test_two_looks_are_not_enough() -> None:
    tracker = make(hold_s=20)
    assert play(tracker, [0.0, 30.0], lambda _: [seen()]) == []
    assert len(play(tracker, [60.0], lambda _: [seen()])) == 1


def test_a_gap_without_looks_ends_nothing_open_and_begins_nothing() -> None:
    tracker = make()
    assert len(play(tracker, [0.0, 30.0, 60.0], lambda _: [seen()])) == 1
    assert play(tracker, [4000.0], lambda _: [seen()]) == []
    (still,) = tracker.open_incidents()
    assert still.stood_s == 4000.0
    fresh = make()
    play(fresh, [0.0, 30.0], lambda _: [seen()])
    assert play(fresh, [4000.0], lambda _: [seen()]) == []
    assert len(play(fresh, [4030.0, 4060.0], lambda _: [seen()])) == 1


def test_a_reading_that_flickers_is_no_incident() -> None:
    tracker = make()
    times = [float(t) for t in range(0, 600, 10)]
    assert play(tracker, times, lambda t: [seen(BEFORE if t % 40 == 0 else None)]) == []


def test_the_reading_that_most_looks_share_wins() -> None:
    tracker = make()
    times = [float(t) for t in range(0, 200, 10)]
    changes = play(tracker, times, lambda t: [seen(ACROSS if t % 50 == 40 else BEFORE)])
    assert [each.kind for _, each in changes] == [IncidentKind.DOUBLE_PARKING]


def test_a_vehicle_that_parks_properly_ends_its_incident() -> None:
    tracker = make()
    times = [float(t) for t in range(0, 300, 10)]
    changes = play(tracker, times, lambda t: [seen(ACROSS if t < 100 else None)])
    assert [(t, each.end) for t, each in changes] == [(60.0, None), (150.0, IncidentEnd.LEFT)]


def test_two_vehicles_are_two_incidents() -> None:
    tracker = make()
    other = (0.1, 0.1, 0.2, 0.2)
    changes = play(tracker, [0.0, 30.0, 60.0], lambda _: [seen(), seen(box=other)])
    assert [each.id for _, each in changes] == ["i1", "i2"]
    assert {each.box_norm for _, each in changes} == {BOX, other}


def test_open_incidents_go_on_after_a_restart() -> None:
    first = make()
    ((_, incident),) = play(first, [0.0, 30.0, 60.0], lambda _: [seen()])
    second = make()
    second.restore([incident], at(120))
    assert play(second, [130.0, 160.0], lambda _: [seen()]) == []
    changes = play(second, [200.0, 240.0], lambda _: [])
    ((_, last),) = changes
    assert (last.id, last.began, last.end) == (incident.id, incident.began, IncidentEnd.LEFT)
    third = make()
    third.restore([incident], at(120))
    ((_, gone),) = play(third, [130.0, 185.0], lambda _: [])
    assert gone.id == incident.id


def test_closing_ends_what_concerns_bays_that_are_gone() -> None:
    tracker = make()
    play(tracker, [0.0, 30.0, 60.0], lambda _: [seen(ACROSS), seen(BEFORE, (0.1, 0.1, 0.2, 0.2))])
    (ended,) = tracker.close(IncidentEnd.CONFIG, at(70), bays=["b1"])
    assert (ended.kind, ended.end) == (IncidentKind.STRADDLING, IncidentEnd.CONFIG)
    assert [each.kind for each in tracker.open_incidents()] == [IncidentKind.DOUBLE_PARKING]
    assert len(tracker.close(IncidentEnd.RESTART, at(80))) == 1
    assert tracker.open_incidents() == ()


def test_bays_that_are_drawn_anew_are_judged_anew() -> None:
    tracker = make()
    play(tracker, [float(t) for t in range(0, 7200, 30)], lambda _: [seen(None)])
    assert tracker.close(IncidentEnd.CONFIG, at(7200), bays=["b1", "b2"]) == []
    changes = play(tracker, [float(t) for t in range(7200, 7400, 30)], lambda _: [seen(ACROSS)])
    assert [(t, each.kind) for t, each in changes] == [(7260.0, IncidentKind.STRADDLING)]


# Stays


def state(occ: bool | None, since_s: float, bay: str = "b1") -> BayState:
    reason = UnknownReason.OCCLUDED if occ is None else None
    return BayState(bay, occ, reason, 0.0 if occ is None else 0.9, at(since_s).utc)


def test_a_stay_is_not_broken_by_unknown() -> None:
    stays = Stays()
    assert stays.update([state(True, 0)], at(1)) == ["b1"]
    assert stays.update([state(None, 100)], at(100)) == []
    assert stays.update([state(True, 150)], at(150)) == []
    since = stays.since("b1")
    assert since is not None
    assert since.utc == at(0).utc
    assert stays.update([state(False, 200)], at(200)) == ["b1"]
    assert stays.since("b1") is None


def test_an_overstay_begins_at_its_limit_and_ends_when_the_bay_is_free() -> None:
    tracker = make()
    limits = {"b1": 3600.0}
    assert tracker.watch_stays([state(True, 0)], limits, at(3599)) == []
    (over,) = tracker.watch_stays([state(True, 0)], limits, at(3600))
    assert (over.kind, over.bays, over.limit_s) == (IncidentKind.OVERSTAY, ("b1",), 3600.0)
    assert (over.began, over.stood_s, over.is_open) == (at(0).utc, 3600.0, True)
    assert tracker.watch_stays([state(None, 3700)], limits, at(3700)) == []
    (last,) = tracker.watch_stays([state(False, 4000)], limits, at(4004))
    assert (last.id, last.end, last.ended) == (over.id, IncidentEnd.LEFT, at(4000).utc)
    assert tracker.open_incidents() == ()


def test_a_limit_that_is_lifted_ends_the_overstay() -> None:
    tracker = make()
    tracker.watch_stays([state(True, 0)], {"b1": 10.0}, at(20))
    (last,) = tracker.watch_stays([state(True, 0)], {}, at(30))
    assert last.end is IncidentEnd.CONFIG


def test_a_wall_clock_that_jumps_makes_no_overstay() -> None:
    tracker = make()
    tracker.watch_stays([state(True, 0)], {"b1": 3600.0}, at(1))
    jumped = replace(at(60), utc=T0 + timedelta(days=1))
    assert tracker.watch_stays([state(True, 0)], {"b1": 3600.0}, jumped) == []


def test_overstays_and_stays_go_on_after_a_restart() -> None:
    first = make()
    (over,) = first.watch_stays([state(True, 0)], {"b1": 60.0}, at(100))
    second = make()
    second.restore([over], at(200))
    second.stays.restore(first.stays.began(), at(200))
    assert second.watch_stays([state(None, 150)], {"b1": 60.0}, at(210)) == []
    (last,) = second.watch_stays([state(False, 300)], {"b1": 60.0}, at(300))
    assert (last.id, last.end) == (over.id, IncidentEnd.LEFT)


def test_limits_by_zone_come_before_those_by_kind() -> None:
    settings = IncidentSettings(
        overstay_s={BayKind.STANDARD: 7200.0}, overstay_zone_s={"short": 1800.0}
    )
    assert settings.limit_s(BayKind.STANDARD, "short") == 1800.0
    assert settings.limit_s(BayKind.STANDARD, "long") == 7200.0
    assert settings.limit_s(BayKind.LOADING, None) is None
