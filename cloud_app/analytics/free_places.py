"""How likely a place will be free at many lots: what a driver's search asks of forecasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.forecasts import SiteForecasts
from cloud_app.analytics.past import QUARTERS
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.times import to_ms

_AHEAD_MAX = 7 * QUARTERS.count


def likely_free(
    session: Session, now: Now, lots: Iterable[tuple[str, str]], at: datetime, places: int = 1
) -> dict[tuple[str, str], float | None]:
    """How likely lots will have free places at a time: what a driver's search asks.

    Args:
        session: to read with.
        now: the moment.
        lots: (site, lot) of each.
        at: aware, within the next seven days.
        places: how many are wanted.

    Returns:
        0 to 1 of each lot; None where nothing can be said. Unknown is never free: places are those
        of the bays whose state is known now.

    Raises:
        ForecastError: `at` is in the past or too far ahead.
    """
    ahead = (to_ms(at) - now.now_ms) // (QUARTERS.step_min * 60_000)
    if not 0 <= ahead <= _AHEAD_MAX:
        msg = f"expected a time within the next seven days, but got {at.isoformat()}"
        raise ForecastError(msg)
    by_site: dict[str, list[str]] = defaultdict(list)
    for site, lot in lots:
        by_site[site].append(lot)
    found: dict[tuple[str, str], float | None] = {}
    for site, some in by_site.items():
        known = {each.lot: each.counts for each in lots_now(session, now, {site})}
        forecasts = SiteForecasts.of(session, now, site, some[0] if len(some) == 1 else None)
        for lot in some:
            counts = known.get(lot)
            bays = 0 if counts is None else counts.occupied + counts.free
            found[site, lot] = forecasts.chance(lot, max(1, ahead), places, bays)
    return found
