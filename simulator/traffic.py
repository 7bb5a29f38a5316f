"""Who drives when: cars arrive, park, leave or pass by, without touching each other.

Everything is planned from the seed, strictly in the order of time, so that the same seed gives the
same traffic however often and at whatever times it is asked.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.camera import Points
from simulator.cars import Car, random_car
from simulator.driving import Pose, Trip, share_in_bay, timed, way_in, way_out, way_through
from simulator.layout import BaySpot, LotLayout
from simulator.misplaced import Misplaced
from simulator.people import Person, make_person

_OCCUPIED_SHARE = 0.5
"""A bay is occupied while at least this share of a car's footprint lies in it."""
_GAP_M = 2.5
"""Nearest that the middles of two moving cars' halves may come."""
_DELAY_S = 0.6
_DELAYS = 14
_SAMPLE_S = 0.25


@dataclass(frozen=True, slots=True)
class Activity:
    """How busy the lot is.

    Attributes:
        initial_share: of bays taken at the start, 0 to 1.
        target_share: of bays taken that arrivals and departures tend to, 0 to 1.
        interval_s: mean time between cars that set off.
        stay_s: shortest stay.
        passing_share: of cars that only drive by.
    """

    initial_share: float = 0.55
    target_share: float = 0.6
    interval_s: float = 3.4
    stay_s: float = 12.0
    passing_share: float = 0.10


@dataclass(frozen=True, slots=True)
class Stay:
    """A car in a bay.

    Attributes:
        bay: the bay's id.
        car: that stands there.
        resting: how it stands.
        backed: whether it drove in tail first.
        arrives: the drive in; None for a car that was there at the start.
        leaves: the drive out; None while it is not planned.
        occupied_from_s: when half the car was in the bay.
        occupied_to_s: when half of it was out again; infinite while not planned.
    """

    bay: str
    car: Car
    resting: Pose
    backed: bool
    arrives: Trip | None
    leaves: Trip | None
    occupied_from_s: float
    occupied_to_s: float

    @property
    def parked_from_s(self) -> float:
        """When it stands still."""
        return self.arrives.ends_s if self.arrives is not None else -math.inf

    @property
    def parked_to_s(self) -> float:
        """When it sets off again."""
        return self.leaves.begins_s if self.leaves is not None else math.inf


@dataclass(frozen=True, slots=True)
class TruthChange:
    """One true change of a bay: its id, what it became, when."""

    bay: str
    occupied: bool
    time_s: float


@dataclass(slots=True)
class _Plan:
    """What is planned so far."""

    stays: dict[str, list[Stay]] = field(default_factory=dict)
    passing: list[tuple[Car, Trip]] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)


class Traffic:
    """The plan of one lot, extended as time goes on."""

    def __init__(
        self,
        layout: LotLayout,
        seed: int,
        activity: Activity | None = None,
        misplaced: Sequence[Misplaced] = (),
    ) -> None:
        """Park the cars of the first moment.

        Args:
            layout: the lot.
            seed: of all that happens.
            activity: how busy it is.
            misplaced: cars that stand as they should not; nobody parks where they straddle.
        """
        self.layout = layout
        self._misplaced = tuple(misplaced)
        self._spoilt = frozenset(bay for each in misplaced for bay in each.taken)
        self._activity = activity or Activity()
        self._rng = np.random.default_rng(seed)
        self._bays = {bay.id: bay for bay in layout.bays}
        self._plan = _Plan({bay.id: [] for bay in layout.bays})
        self._next_s = 1.0
        for bay in layout.bays:
            if self._rng.random() < self._activity.initial_share:
                car, resting, backed = self._parking(bay)
                if bay.id in self._spoilt:
                    continue
                stay = Stay(bay.id, car, resting, backed, None, None, -math.inf, math.inf)
                self._plan.stays[bay.id].append(stay)

    def truth(self, time_s: float) -> dict[str, bool]:
        """Whether each bay is occupied, by id, in the layout's order."""
        self.plan_to(time_s)
        straddled = {bay for each in self._misplaced if each.stands(time_s) for bay in each.taken}
        return {
            bay: bay in straddled
            or any(stay.occupied_from_s <= time_s < stay.occupied_to_s for stay in stays)
            for bay, stays in self._plan.stays.items()
        }

    def changes(self, from_s: float, to_s: float) -> list[TruthChange]:
        """True changes with `from_s` < time <= `to_s`, in the order of time."""
        self.plan_to(to_s)
        found = [
            TruthChange(stay.bay, occupied, time_s)
            for stays in self._plan.stays.values()
            for stay in stays
            for occupied, time_s in ((True, stay.occupied_from_s), (False, stay.occupied_to_s))
            if from_s < time_s <= to_s
        ]
        found += [
            TruthChange(bay, occupied, time_s)
            for each in self._misplaced
            for bay in each.taken
            for occupied, time_s in ((True, each.parked_from_s), (False, each.parked_to_s))
            if from_s < time_s <= to_s
        ]
        return sorted(found, key=lambda change: change.time_s)

    def parked(self, time_s: float) -> list[Stay | Misplaced]:
        """Cars that stand still: in their bays, then those that stand as they should not."""
        self.plan_to(time_s)
        return [*self._in_bays(time_s), *self.misplaced(time_s)]

    def misplaced(self, time_s: float) -> list[Misplaced]:
        """The cars that stand as they should not at a time: the truth of incidents."""
        return [each for each in self._misplaced if each.stands(time_s)]

    def _in_bays(self, time_s: float) -> list[Stay]:
        return [
            stay
            for stays in self._plan.stays.values()
            for stay in stays
            if stay.parked_from_s <= time_s < stay.parked_to_s
        ]

    def moving(self, time_s: float) -> list[tuple[Car, Pose]]:
        """Cars that drive, with their poses."""
        self.plan_to(time_s)
        return [
            (car, trip.pose(time_s))
            for car, trip in self._trips()
            if trip.begins_s <= time_s < trip.ends_s
        ]

    def people(self, time_s: float) -> list[Person]:
        """People who are on their way."""
        self.plan_to(time_s)
        return [p for p in self._plan.people if p.begins_s <= time_s <= p.ends_s]

    def plan_to(self, time_s: float) -> None:
        """Plan everything that sets off up to `time_s`."""
        while self._next_s <= time_s + 1.0:
            self._plan_one(self._next_s)
            self._next_s += float(self._rng.exponential(self._activity.interval_s)) + 0.4

    def _trips(self) -> list[tuple[Car, Trip]]:
        trips = list(self._plan.passing)
        for stays in self._plan.stays.values():
            for stay in stays:
                trips += [(stay.car, trip) for trip in (stay.arrives, stay.leaves) if trip]
        return trips

    def _plan_one(self, now_s: float) -> None:
        draw = self._rng.random()
        if draw < self._activity.passing_share:
            self._plan_passing(now_s)
            return
        reserved = sum(
            1 for stays in self._plan.stays.values() if stays and stays[-1].leaves is None
        )
        share = reserved / len(self._bays)
        pull = (self._activity.target_share - share) * 1.6
        if self._rng.random() < 0.5 + pull:
            self._plan_arrival(now_s)
        else:
            self._plan_departure(now_s)

    def _plan_passing(self, now_s: float) -> None:
        car = random_car(self._rng)
        lane = self.layout.lanes[int(self._rng.integers(len(self.layout.lanes)))]
        trip = self._free_slot(car, timed(way_through(lane), car, now_s))
        if trip is not None:
            self._plan.passing.append((car, trip))

    def _plan_arrival(self, now_s: float) -> None:
        free = [
            bay
            for bay, stays in self._plan.stays.items()
            if bay not in self._spoilt
            if not stays or (stays[-1].leaves is not None and stays[-1].leaves.ends_s < now_s)
        ]
        if not free:
            return
        bay = self._bays[free[int(self._rng.integers(len(free)))]]
        car, resting, backed = self._parking(bay)
        legs = way_in(bay, self.layout.lanes[bay.lane], resting, car, backed=backed)
        trip = self._free_slot(car, timed(legs, car, now_s))
        if trip is None:
            return
        inside = np.flatnonzero(share_in_bay(trip, car, bay) >= _OCCUPIED_SHARE)
        from_s = float(trip.times_s[inside[0]]) if inside.size else trip.ends_s
        stay = Stay(bay.id, car, resting, backed, trip, None, from_s, math.inf)
        self._plan.stays[bay.id].append(stay)
        self._plan_walk(bay, trip.ends_s + float(self._rng.uniform(1.5, 4.0)))

    def _plan_departure(self, now_s: float) -> None:
        ready = [
            stays[-1]
            for stays in self._plan.stays.values()
            if stays
            and stays[-1].leaves is None
            and stays[-1].parked_from_s + self._activity.stay_s < now_s
        ]
        if not ready:
            return
        stay = ready[int(self._rng.integers(len(ready)))]
        bay = self._bays[stay.bay]
        lane = self.layout.lanes[bay.lane]
        legs = way_in(bay, lane, stay.resting, stay.car, backed=stay.backed)
        trip = self._free_slot(stay.car, timed(way_out(legs, lane), stay.car, now_s))
        if trip is None:
            return
        inside = np.flatnonzero(share_in_bay(trip, stay.car, bay) >= _OCCUPIED_SHARE)
        to_s = float(trip.times_s[inside[-1]]) if inside.size else trip.begins_s
        self._plan.stays[stay.bay][-1] = replace(stay, leaves=trip, occupied_to_s=to_s)

    def _plan_walk(self, bay: BaySpot, at_s: float) -> None:
        """The driver gets out and walks off along the lane's edge."""
        lane = self.layout.lanes[bay.lane]
        side = 1.0 if bay.centre_m[1] > lane.y_m else -1.0
        door = (bay.centre_m[0] + bay.width_m * 0.46, bay.centre_m[1] - side * 0.4)
        edge = (door[0], bay.centre_m[1] - side * (bay.length_m / 2 + 0.7))
        away = (math.copysign(24.0, self._rng.random() - 0.5), edge[1])
        first = make_person(self._rng, door, edge, at_s)
        second = replace(first, start_m=edge, end_m=away, begins_s=first.ends_s)
        self._plan.people += [first, second]

    def _parking(self, bay: BaySpot) -> tuple[Car, Pose, bool]:
        car = random_car(self._rng)
        backed = bay.angle.value == "perpendicular" and bool(self._rng.random() < 0.28)
        x = bay.centre_m[0] + float(self._rng.normal(0, 0.10))
        along = float(self._rng.normal(0, 0.10))
        y = bay.centre_m[1] + math.sin(bay.heading_rad) * along
        heading = bay.heading_rad + math.pi * backed
        return car, Pose((x, y), math.remainder(heading, 2 * math.pi)), backed

    def _free_slot(self, car: Car, trip: Trip) -> Trip | None:
        """The trip, delayed until it meets no other; None when the lane stays busy."""
        others = [(c, t) for c, t in self._trips() if t.ends_s > trip.begins_s]
        for _ in range(_DELAYS):
            if not any(_meet(car, trip, other_car, other) for other_car, other in others):
                return trip
            trip = trip.shifted(_DELAY_S)
        return None


def _meet(car: Car, trip: Trip, other_car: Car, other: Trip) -> bool:
    begin, end = max(trip.begins_s, other.begins_s), min(trip.ends_s, other.ends_s)
    if begin >= end:
        return False
    times = np.arange(begin, end, _SAMPLE_S)
    mine, theirs = _halves(car, trip, times), _halves(other_car, other, times)
    gaps = np.linalg.norm(mine[:, :, None] - theirs[:, None], axis=-1)
    return bool(gaps.min() < _GAP_M)


def _halves(car: Car, trip: Trip, times_s: Points) -> Points:
    """Middles of the car's front, middle and rear thirds over time, shape (T, 3, 2)."""
    x, y = (np.interp(times_s, trip.times_s, axis) for axis in trip.centres_m.T)
    heading = np.interp(times_s, trip.times_s, trip.headings_rad)
    offsets = np.array([-0.36, 0.0, 0.36]) * car.length_m
    spots = np.stack(
        [x[:, None] + np.cos(heading)[:, None] * offsets,
         y[:, None] + np.sin(heading)[:, None] * offsets], -1)  # fmt: skip
    return np.asarray(spots, np.float64)
