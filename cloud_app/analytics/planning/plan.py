"""Plans for lots: the kept past read, replayed, and told with its assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from cloud_app.analytics.past import known_shares, zone_of
from cloud_app.analytics.planning import replay
from cloud_app.analytics.planning.replay import Change, Observed
from cloud_app.analytics.reports.figures import LEAST_OBSERVED
from cloud_app.analytics.reports.period import LocalHours, Period, ReportError
from cloud_app.occupancy.places import point_of
from cloud_app.registry.kinds import LOT
from cloud_app.registry.queries import Filter, every_thing
from cloud_app.storage.database import Session
from cloud_app.storage.quarter_sums import Lot, lot_quarters
from cloud_app.storage.queries import lot_size
from cloud_app.storage.tables import bay_count

_LOTS = select(
    bay_count.c.site, bay_count.c.lot, func.sum(bay_count.c.bays).label("bays")
).group_by(bay_count.c.site, bay_count.c.lot)
LOT_DAYS_MAX = 60_000
"""A month of 2,000 lots takes some four seconds; more is refused, never cut off."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlanOutcomeView(_View):
    """What a number of bays makes of the demand, means over the observed time."""

    bays: int
    demand: float = Field(description="bays that are wanted")
    occupancy: float
    full_share: float = Field(description="of the time without a free bay")
    unmet_bay_hours_a_day: float

    @classmethod
    def of(cls, found: replay.Outcome) -> PlanOutcomeView:
        """As it is shown."""
        names = ("bays", "demand", "occupancy", "full_share", "unmet_bay_hours_a_day")
        return cls(**{name: getattr(found, name) for name in names})


class Assumptions(_View):
    """What a plan rests on."""

    observed: float = Field(description="share of the period that was observed")
    full_quarters: int = Field(description="in which the demand is estimated, not seen")
    always_full_quarters: int = Field(
        description="of the full ones: full in every week, so their demand is a lower bound"
    )
    seen_quarters: int
    price: float
    elasticity: float = Field(description="stated by who asks, not measured")


class LotPlanView(_View):
    """What if."""

    site: str
    lot: str
    first: date
    last: date
    reason: str | None = Field(description="why nothing is said; null where something is")
    now: PlanOutcomeView | None
    planned: PlanOutcomeView | None
    assumptions: Assumptions


class UnmetLot(_View):
    """Where demand is unmet."""

    site: str
    lot: str
    name: str | None
    location: tuple[float, float] | None = Field(description="[longitude, latitude]")
    bays: int
    observed: float
    occupancy: float | None
    full_share: float | None
    unmet_bay_hours_a_day: float | None = Field(description="null: too little was observed")
    at_least: bool = Field(
        description="the unmet demand is a lower bound: some quarters were full in every week"
    )


def plan_lot(
    session: Session, of: tuple[str, str], period: Period, change: Change, now_ms: int
) -> LotPlanView:
    """What would be if a lot had other bays, or another price.

    Args:
        session: to read with.
        of: site and lot.
        period: whose demand is replayed, in the site's days.
        change: what is asked.
        now_ms: nothing is expected of what comes later.

    Raises:
        ReportError: more bays would be closed than there are.
    """
    site, lot = of
    [(_, observed, share)] = _observed(session, [of], period, now_ms)
    reason: str | None = None
    outcomes: tuple[replay.Outcome, replay.Outcome] | None = None
    if share < LEAST_OBSERVED:
        reason = f"{share:.0%} of the time was observed; at least {LEAST_OBSERVED:.0%} are needed"
    else:
        outcomes = replay.replay(observed, change)
    return LotPlanView(
        site=site,
        lot=lot,
        first=period.first,
        last=period.last,
        reason=reason,
        now=None if outcomes is None else PlanOutcomeView.of(outcomes[0]),
        planned=None if outcomes is None else PlanOutcomeView.of(outcomes[1]),
        assumptions=Assumptions(
            observed=share,
            full_quarters=int(observed.is_full.sum()),
            always_full_quarters=int(observed.is_always_full.sum()),
            seen_quarters=len(observed.occupied),
            price=change.price,
            elasticity=change.elasticity,
        ),
    )


def unmet_lots(
    session: Session, sites: tuple[str, ...], period: Period, now_ms: int
) -> list[UnmetLot]:
    """Where demand is unmet, the most first.

    Raises:
        ReportError: too many lots at once.
    """
    rows = session.rows(_LOTS.where(bay_count.c.site.in_(sites)))
    if len(rows) * period.days > LOT_DAYS_MAX:
        msg = (
            f"expected lots times days to be at most {LOT_DAYS_MAX}, but got {len(rows)} lots and "
            f"{period.days} days: ask for one site or a shorter period"
        )
        raise ReportError(msg)
    about = {
        (thing.ids["site"], thing.ids["lot"]): thing.said
        for thing in every_thing(session, Filter(LOT, sites=sites))
    }
    bays = {(row.site, row.lot): int(row.bays) for row in rows}
    found = []
    for lot, observed, share in _observed(session, list(bays), period, now_ms):
        said = about.get(lot, {})
        is_known = share >= LEAST_OBSERVED
        now = replay.outcome(replay.demand_of(observed), observed.bays) if is_known else None
        found.append(
            UnmetLot(
                site=lot[0],
                lot=lot[1],
                name=said.get("name"),
                location=point_of(said),
                bays=bays[lot],
                observed=share,
                occupancy=None if now is None else now.occupancy,
                full_share=None if now is None else now.full_share,
                unmet_bay_hours_a_day=None if now is None else now.unmet_bay_hours_a_day,
                at_least=is_known and bool(observed.is_always_full.any()),
            )
        )
    return sorted(found, key=lambda lot: (-(lot.unmet_bay_hours_a_day or 0), lot.site, lot.lot))


def _observed(
    session: Session, of: Sequence[Lot], period: Period, now_ms: int
) -> Iterator[tuple[Lot, Observed, float]]:
    """What stood in lots, each with the share of the period that was observed."""
    for site, lots in groupby(sorted(of), lambda lot: lot[0]):
        zone = zone_of(session, site)
        hours = LocalHours.of(period.segments(zone), now_ms)
        slots = hours.week_slots
        for kept in lot_quarters(session, lots, hours.window):
            bays = lot_size(session, site, kept.lot)
            shares = known_shares(kept.whole)
            seen = np.isfinite(shares)
            share = float(seen.mean()) if len(seen) else 0.0
            observed = Observed(slots[seen], shares[seen] * bays, bays)
            yield (site, kept.lot), observed, share
