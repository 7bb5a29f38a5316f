"""What went wrong in the past weeks: blind cameras, boxes without a line, badly parked vehicles."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from city.demand import Use
from city.plan import PlannedLot, Watch
from city.stays import Stay
from telemetry import BayKind, IncidentKind, UnknownReason

_DAY_S = 86_400.0
_WEEK_S = 7 * _DAY_S
# Mean time between two of a kind: of one camera, of one sensor, of one box.
_CAMERA_OUTAGES = (9 * _WEEK_S, (900.0, 5 * 3600.0))
_SENSOR_EVERY_S, _SENSOR_FOR_S = 40 * _WEEK_S, (6 * 3600.0, 9 * _DAY_S)
_LINE_EVERY_S = 5 * _WEEK_S
_CAMERA_REASONS = (
    UnknownReason.CAMERA_LOST,
    UnknownReason.CAMERA_LOST,
    UnknownReason.BLIND,
    UnknownReason.VIEW_MOVED,
    UnknownReason.FROZEN,
)
_INCIDENTS_A_WEEK = 3.0
_LIMITS_S = {Use.KERB: 4 * 3600.0}
"""Longest allowed stay."""
_LOADING_S = 1_800.0
_TOLD_OVERSTAYS = 0.03
_TOLD_MISUSES = 0.08


@dataclass(frozen=True, slots=True)
class Outage:
    """A span in which a camera saw nothing, a sensor was silent, or a box was not heard of.

    Attributes:
        source: camera or sensor; None: the box's line to the broker, over which its events came
            later.
        begin_s: seconds since 1970.
        end_s: likewise.
        reason: of the source's bays; None for a line.
    """

    source: str | None
    begin_s: float
    end_s: float
    reason: UnknownReason | None


@dataclass(frozen=True, slots=True)
class PastIncident:
    """A vehicle that stood as it should not; times in seconds since 1970."""

    name: str
    kind: IncidentKind
    bays: tuple[int, ...]
    camera: str
    begin_s: float
    told_s: float
    end_s: float
    limit_s: float | None = None


def outages_of(lot: PlannedLot, begin_s: float, end_s: float, seed: int) -> list[Outage]:
    """Outages of a lot's sources and box within a span, in order; those of one source apart."""
    rng = random.Random(f"outages {seed} {lot.key}")  # noqa: S311 - a simulation
    found = []
    on_sensors = lot.watch is Watch.SENSORS
    every_s, long_s = (_SENSOR_EVERY_S, _SENSOR_FOR_S) if on_sensors else _CAMERA_OUTAGES
    for source in dict.fromkeys(map(lot.source_of, lot.bays)):
        for from_s, to_s in _spans(rng, begin_s, end_s, every_s, long_s):
            silent = UnknownReason.SENSOR_SILENT
            reason = silent if on_sensors else rng.choice(_CAMERA_REASONS)
            found.append(Outage(source, from_s, to_s, reason))
    if lot.has_box:
        for from_s, to_s in _spans(rng, begin_s, end_s, _LINE_EVERY_S, (700, 4 * 3600)):
            found.append(Outage(None, from_s, to_s, None))
    return sorted(found, key=lambda each: each.begin_s)


def _spans(
    rng: random.Random, begin_s: float, end_s: float, every_s: float, long_s: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Spans that do not meet, all of them over by the end."""
    at_s = begin_s + rng.expovariate(1 / every_s)
    while True:
        to_s = at_s + rng.uniform(*long_s)
        if to_s >= end_s:
            return
        yield at_s, to_s
        at_s = to_s + rng.expovariate(1 / every_s)


def incidents_of(
    lot: PlannedLot, stays: Sequence[Stay], begin_s: float, end_s: float, seed: int
) -> list[PastIncident]:
    """Incidents of a lot that were over within a span, by their begin; none where no camera is."""
    if not lot.has_box:
        return []
    rng = random.Random(f"incidents {seed} {lot.key}")  # noqa: S311 - a simulation
    found = [*_overstays(lot, stays, rng), *_misuses(lot, stays, rng), *_seen(lot, stays, rng)]
    within = [each for each in found if begin_s <= each.begin_s and each.end_s < end_s]
    within.sort(key=lambda each: (each.begin_s, each.bays))
    return [_named(each, number) for number, each in enumerate(within, start=1)]


def _named(each: PastIncident, number: int) -> PastIncident:
    camera, begin_s = each.camera, each.begin_s
    name = f"{camera}.{begin_s:.0f}.{number}"
    return PastIncident(
        name, each.kind, each.bays, camera, begin_s, each.told_s, each.end_s, each.limit_s
    )


def _overstays(
    lot: PlannedLot, stays: Iterable[Stay], rng: random.Random
) -> Iterator[PastIncident]:
    limit_s = _LIMITS_S.get(lot.spec.use)
    if limit_s is None:
        return
    for stay in stays:
        if stay.end_s - stay.begin_s > limit_s + 600 and rng.random() < _TOLD_OVERSTAYS:
            told_s = stay.begin_s + limit_s
            yield _incident(lot, IncidentKind.OVERSTAY, stay, (stay.begin_s, told_s), limit_s)


def _misuses(lot: PlannedLot, stays: Iterable[Stay], rng: random.Random) -> Iterator[PastIncident]:
    for stay in stays:
        is_loading = lot.bays[stay.bay].said.kind is BayKind.LOADING
        if is_loading and stay.end_s - stay.begin_s > _LOADING_S and rng.random() < _TOLD_MISUSES:
            told_s = stay.begin_s + 120
            yield _incident(lot, IncidentKind.WRONG_USE, stay, (stay.begin_s, told_s))


def _seen(lot: PlannedLot, stays: Sequence[Stay], rng: random.Random) -> Iterator[PastIncident]:
    """Vehicles beside or over the bays, while somebody stands in one of these."""
    if not stays:
        return
    kinds = (
        (IncidentKind.DOUBLE_PARKING, IncidentKind.DOUBLE_PARKING, IncidentKind.STRADDLING)
        if lot.spec.on_street
        else (IncidentKind.STRADDLING, IncidentKind.OUTSIDE_BAY)
    )
    span_s = max(stay.begin_s for stay in stays) - min(stay.begin_s for stay in stays)
    for _ in range(round(_INCIDENTS_A_WEEK * span_s / _WEEK_S)):
        stay = rng.choice(stays)
        begin_s = rng.uniform(stay.begin_s, stay.end_s)
        end_s = begin_s + 60 + rng.expovariate(1 / 900)
        kind = rng.choice(kinds)
        seen = Stay(stay.bay, begin_s, end_s)
        yield _incident(lot, kind, seen, (begin_s, begin_s + 30))


def _incident(
    lot: PlannedLot,
    kind: IncidentKind,
    stay: Stay,
    times_s: tuple[float, float],
    limit_s: float | None = None,
) -> PastIncident:
    camera = lot.bays[stay.bay].said.camera
    bays: tuple[int, ...] = (stay.bay,)
    after = stay.bay + 1
    if kind is IncidentKind.OUTSIDE_BAY:
        bays = ()
    elif kind is IncidentKind.STRADDLING and after < len(lot.bays):
        bays = (stay.bay, after) if lot.bays[after].said.camera == camera else bays
    begin_s, told_s = times_s
    return PastIncident("", kind, bays, camera, begin_s, told_s, stay.end_s, limit_s)
