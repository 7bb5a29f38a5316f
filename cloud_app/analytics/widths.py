"""By how much intervals are wider than learned, kept: each forecast that comes due moves it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import bindparam, delete, select

from cloud_app.analytics.forecast.intervals import Tracker, tails_of
from cloud_app.analytics.forecast.model import COVERAGE, Bounds
from cloud_app.analytics.past import QUARTERS
from cloud_app.analytics.tables import forecast_width
from cloud_app.storage.database import Session, Values
from cloud_app.storage.upsert import Upsert, names, same

# A lot of which nothing came for so long starts anew.
_KEPT_MS = 28 * 86_400_000

_SITE = ("", "")
_OF_SITES = select(forecast_width).where(
    forecast_width.c.site.in_(bindparam("sites", expanding=True))
)
PUT_WIDTHS = Upsert(forecast_width, names(forecast_width), same("below", "above", "told_ms"))
_FORGET = delete(forecast_width).where(forecast_width.c.told_ms < bindparam("before_ms"))


@dataclass(frozen=True, slots=True)
class Came:
    """A forecast that came due.

    Attributes:
        due_ms: when.
        site: of the lot.
        lot: which.
        zone: of the lot; '' for the whole.
        ahead_min: its horizon.
        missed: whether the truth lay below its interval, and above.
    """

    due_ms: int
    site: str
    lot: str
    zone: str
    ahead_min: int
    missed: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Widths:
    """Of a site.

    Attributes:
        logs: by minutes ahead and (lot, zone), logarithms of the factors below and above; those of
            the site at ('', '').
    """

    logs: Mapping[int, Mapping[tuple[str, str], Bounds]]

    @classmethod
    def of(cls, session: Session, site: str) -> Widths:
        """As they are kept."""
        return cls(_kept(session, [site]).get(site, {}))

    def factors(self, lot: str, zone: str = "") -> dict[int, Bounds]:
        """By slots ahead; of a zone of which nothing is told yet those of its lot."""
        made = {}
        for ahead_min, logs in self.logs.items():
            own = logs.get((lot, zone), logs.get((lot, ""), (0.0, 0.0)))
            below, above = np.exp(np.add(own, logs.get(_SITE, (0.0, 0.0)))).tolist()
            made[ahead_min // QUARTERS.step_min] = (below, above)
        return made


def moved(session: Session, came: Iterable[Came]) -> list[Values]:
    """What forecasts that came due at one time make of the widths: rows for `PUT_WIDTHS`."""
    by_horizon: dict[tuple[str, int], list[Came]] = defaultdict(list)
    for each in came:
        by_horizon[each.site, each.ahead_min].append(each)
    kept = _kept(session, sorted({site for site, _ in by_horizon}))
    rows: list[Values] = []
    for (site, ahead_min), some in by_horizon.items():
        rows += _moved(kept.get(site, {}).get(ahead_min, {}), some)
    return rows


def _moved(logs: Mapping[tuple[str, str], Bounds], came: Sequence[Came]) -> list[Values]:
    """Those of one site and horizon."""
    known = ({*logs} - {_SITE}) | {(each.lot, each.zone) for each in came}
    # Whole lots first: only they tell of the site.
    order = sorted(known, key=lambda key: (key[1] != "", key))
    place = {key: number for number, key in enumerate(order)}
    lots = sum(1 for _, zone in order if not zone)
    site, ahead_min = came[0].site, came[0].ahead_min
    own = np.array([logs.get(key, (0.0, 0.0)) for key in order])
    tracker = Tracker(ahead_min, own, np.array(logs.get(_SITE, (0.0, 0.0))))
    tracker.learn(
        np.array([place[each.lot, each.zone] for each in came]),
        np.array([each.missed for each in came]),
        tails_of(COVERAGE),
        lots,
    )
    changed = {(each.lot, each.zone) for each in came}
    found = {key: tracker.own[place[key]] for key in sorted(changed)} | {_SITE: tracker.site}
    return [(site, *key, ahead_min, *logs.tolist(), came[0].due_ms) for key, logs in found.items()]


def _kept(
    session: Session, sites: Sequence[str]
) -> dict[str, dict[int, dict[tuple[str, str], Bounds]]]:
    found: dict[str, dict[int, dict[tuple[str, str], Bounds]]] = {}
    for row in session.rows(_OF_SITES, {"sites": list(sites)}):
        of_site = found.setdefault(row.site, {})
        of_site.setdefault(row.ahead_min, {})[row.lot, row.zone] = (row.below, row.above)
    return found


def forget_widths(session: Session, now_ms: int) -> None:
    """Delete those of which nothing came for four weeks."""
    session.run(_FORGET, {"before_ms": now_ms - _KEPT_MS})
