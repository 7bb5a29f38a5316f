"""Passages and counts that boxes tell of as events, for the same counts of lots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloud_app.occupancy.balances import Lot, Truth, set_count
from cloud_app.occupancy.passages import Place, take_reports
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from sensors.counting import ZeroCause
from sensors.gates import GateReport, Passage
from telemetry.cloudevents import GatePassedEvent, LotCountEvent
from telemetry.gates import CountCause


def take_box_counts(session: Session, events: Sequence[TakenEvent]) -> None:
    """Keep what boxes tell of gates and counts; an event that comes again changes nothing.

    Args:
        session: a transaction that has touched these edges.
        events: of any kind.
    """
    passed: dict[tuple[str, ...], tuple[Place, list[GateReport], int]] = {}
    for taken in events:
        told = taken.told
        if isinstance(told, GatePassedEvent):
            place, report = _passage(taken, told)
            key = (place.gate, place.site, place.lot, place.level, place.level_from)
            _, reports, last_ms = passed.setdefault(key, (place, [], 0))
            reports.append(report)
            passed[key] = (place, reports, max(last_ms, to_ms(report.at)))
    for _, (place, reports, last_ms) in sorted(passed.items()):
        take_reports(session, place, reports, last_ms)
    _take_truths(session, events)


def _passage(taken: TakenEvent, told: GatePassedEvent) -> tuple[Place, GateReport]:
    data = told.data
    # Under the box's name: no box speaks for a gate of the registry, nor for another box's.
    name = f"{taken.edge}/{told.subject}"
    levels = data.level or "", data.level_from or ""
    place = Place(name, taken.site, data.lot, *levels, edge=taken.edge)
    passage = Passage(
        data.direction,
        data.count,
        told.time,
        # The store's life and number name an event for ever.
        f"{taken.epoch}-{taken.seq}",
        data.method,
        data.vehicle,
        data.hash,
        data.conf,
    )
    return place, GateReport(place.gate, told.time, (passage,))


def _take_truths(session: Session, events: Iterable[TakenEvent]) -> None:
    for taken in events:
        told = taken.told
        if not isinstance(told, LotCountEvent) or told.data.level is not None:
            continue
        # A count on its way is no truth: we add its passages up ourselves.
        if told.data.cause is not CountCause.COUNTED:
            truth = Truth(told.time, told.data.count, ZeroCause.BOX)
            set_count(session, Lot(taken.site, told.subject), truth)
