"""The drawn truth: no two vehicles in one bay, as full as the demand, the same for one seed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from city.demand import DEMANDS
from city.plan import TIME_ZONE, PlannedLot
from city.stays import Stay, first_monday, stays_of
from tests.city.conftest import NOW, planned

BEGIN = NOW - timedelta(days=10)


def occupancy(lot: PlannedLot, stays: list[Stay], at: datetime) -> float:
    at_s = at.timestamp()
    return sum(stay.begin_s <= at_s < stay.end_s for stay in stays) / len(lot.bays)


@pytest.mark.parametrize("name", ["Guildhall Garage", "High Street", "Church Lane", "Lido"])
def test_a_bay_holds_one_vehicle_at_a_time(name: str) -> None:
    lot = planned(name)
    by_bay: dict[int, list[Stay]] = defaultdict(list)
    for stay in stays_of(lot, BEGIN, NOW, seed=3):
        assert stay.begin_s < stay.end_s
        assert BEGIN.timestamp() <= stay.begin_s < NOW.timestamp()
        by_bay[stay.bay].append(stay)
    assert set(by_bay) <= set(range(len(lot.bays)))
    for stays in by_bay.values():
        stays.sort(key=lambda each: each.begin_s)
        assert all(before.end_s <= after.begin_s for before, after in pairwise(stays))


def test_it_is_about_as_full_as_the_demand(garage: PlannedLot) -> None:
    stays = stays_of(garage, BEGIN, NOW, seed=3)
    demand, zone = DEMANDS[garage.spec.use], ZoneInfo(TIME_ZONE)
    for day in range(2, 9):
        for hour in (3, 9, 12, 15, 18, 21):
            at = (BEGIN + timedelta(days=day)).replace(hour=hour)
            wanted = demand.share_at(at.astimezone(zone))
            assert occupancy(garage, stays, at) == pytest.approx(wanted, abs=0.2), at


def test_one_seed_is_one_past_and_another_is_another(high_street: PlannedLot) -> None:
    first = stays_of(high_street, BEGIN, NOW, seed=3)
    assert first == stays_of(high_street, BEGIN, NOW, seed=3)
    assert first != stays_of(high_street, BEGIN, NOW, seed=4)


def test_bays_for_some_are_used_less_than_those_for_all(garage: PlannedLot) -> None:
    taken_s: dict[bool, list[float]] = {True: [], False: []}
    for index, bay in enumerate(garage.bays):
        own = [s for s in stays_of(garage, BEGIN, NOW, seed=3) if s.bay == index]
        taken_s[bay.said.kind == "disabled"].append(sum(s.end_s - s.begin_s for s in own))
        if index > 30:
            break
    means = {kind: sum(values) / len(values) for kind, values in taken_s.items()}
    assert means[True] < means[False]


def test_history_begins_on_a_monday_of_the_town_at_midnight_in_summer_time_too() -> None:
    begin = first_monday(NOW, 12)
    local = begin.astimezone(ZoneInfo(TIME_ZONE))
    assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
    assert begin == datetime(2026, 9, 6, 23, 0, tzinfo=UTC)
    assert NOW - begin >= timedelta(weeks=12)
