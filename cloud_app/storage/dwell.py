"""How long vehicles stayed: stays of a lot's bays, and their statistics.

The box tells when a bay's state began; how long it lasted follows from the next event, so it is
computed here and told nowhere else. A vehicle is taken to stay through spans in which its bay was
unknown; such a stay is marked, since another vehicle may have taken its place meanwhile.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from cloud_app.storage.bay_events import Window, lot_bays, lot_events
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms
from cloud_app.views import DwellGroup, DwellSummary, ParkedStay

_HALF, _NINE_TENTHS = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Occupation:
    """One event of a bay, as far as stays are concerned."""

    edge: str
    bay: str
    zone: str | None
    kind: str
    since_ms: int
    occ: int | None


def lot_stays(
    session: Session, site: str, lot: str, window: Window, bay: str | None = None
) -> list[ParkedStay]:
    """All stays of vehicles that lie in a window at least in part, in order of bay and time.

    Args:
        session: to read with.
        site: of the lot.
        lot: whose bays, of the layouts in force.
        window: what to look at.
        bay: only this one.
    """
    about = {(row.edge, row.bay): row for row in lot_bays(session, site, lot, bay)}
    return parked_stays(
        Occupation(
            row.edge,
            row.bay,
            about[row.edge, row.bay].zone,
            about[row.edge, row.bay].kind,
            row.since_ms,
            row.occ,
        )
        for row in lot_events(session, site, lot, window, bay)
    )


def parked_stays(events: Iterable[Occupation]) -> list[ParkedStay]:
    """Stays of vehicles from bays' events, in order of bay and stream."""
    found: list[ParkedStay] = []
    for _, group in groupby(events, key=lambda each: (each.edge, each.bay)):
        arrival: Occupation | None = None
        is_sure = True
        for event in group:
            if event.occ is None:
                is_sure = False
            elif event.occ and arrival is None:
                arrival, is_sure = event, True
            elif not event.occ and arrival is not None:
                found.append(_stay(arrival, event.since_ms, is_sure=is_sure))
                arrival = None
        if arrival is not None:
            found.append(_stay(arrival, None, is_sure=is_sure))
    return found


def _stay(arrival: Occupation, end_ms: int | None, *, is_sure: bool) -> ParkedStay:
    return ParkedStay(
        edge=arrival.edge,
        bay=arrival.bay,
        zone=arrival.zone,
        kind=arrival.kind,
        start=from_ms(arrival.since_ms),
        end=from_ms(end_ms),
        # A box whose clock was set back may end a stay before it began.
        dwell_s=None if end_ms is None else max(0, end_ms - arrival.since_ms) / 1000,
        watched=is_sure,
    )


def summary(stays: Sequence[ParkedStay], bays: int, window: Window) -> DwellSummary:
    """Statistics of stays: all together, by zone, by kind of bay.

    Args:
        stays: of a lot.
        bays: how many the lot has.
        window: what was looked at.
    """
    days = (window.end_ms - window.start_ms) / 86_400_000
    over = [stay for stay in stays if stay.end is not None]
    return DwellSummary(
        start=from_ms(window.start_ms),
        end=from_ms(window.end_ms),
        bays=bays,
        turnover_per_day=len(over) / bays / days if bays else None,
        all=_group("all", stays),
        zones=_groups(stays, [stay.zone or "" for stay in stays]),
        kinds=_groups(stays, [stay.kind for stay in stays]),
    )


def _groups(stays: Sequence[ParkedStay], names: Sequence[str]) -> tuple[DwellGroup, ...]:
    return tuple(
        _group(name, [stay for stay, of in zip(stays, names, strict=True) if of == name])
        for name in sorted(set(names))
    )


def _group(name: str, stays: Sequence[ParkedStay]) -> DwellGroup:
    dwell_s = sorted(stay.dwell_s for stay in stays if stay.dwell_s is not None)
    return DwellGroup(
        name=name,
        count=len(dwell_s),
        lasting=len(stays) - len(dwell_s),
        mean_s=statistics.fmean(dwell_s) if dwell_s else None,
        median_s=_quantile(dwell_s, _HALF),
        p90_s=_quantile(dwell_s, _NINE_TENTHS),
        longest_s=dwell_s[-1] if dwell_s else None,
    )


def _quantile(rising: Sequence[float], share: float) -> float | None:
    """By linear interpolation, as NumPy's default."""
    if not rising:
        return None
    place = share * (len(rising) - 1)
    low, high = math.floor(place), math.ceil(place)
    return rising[low] + (rising[high] - rising[low]) * (place - low)
