"""What changed since the last look: lots by their counts, bays by their states, alerts."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cloud_app.api.policy import SiteSet
from cloud_app.storage.alert_counts import open_by_site
from cloud_app.storage.database import Session
from cloud_app.storage.placing import sites_of
from cloud_app.storage.queries import Now, bays_now, lots_now, lots_of_edges
from cloud_app.views import BayNow, LotNow

LotKey: TypeAlias = tuple[str, str]
"""(site, lot)"""

# What no notice tells, such as that an edge has been silent for too long, is seen within it.
_ALL_EVERY_S = 10.0
_ALERTS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class AlertsNow:
    """Number of open alerts.

    Attributes:
        open: how many, at each site that has any.
        changed: sites where one was opened, closed or changed.
    """

    open: Mapping[str, int]
    changed: frozenset[str]

    def seen_by(self, sites: SiteSet) -> AlertsNow | None:
        """What of it somebody may see; None if nothing of that changed."""
        changed = frozenset(site for site in self.changed if sites.sees(site))
        told = {site: number for site, number in self.open.items() if sites.sees(site)}
        return AlertsNow(told, changed) if changed else None


@dataclass(frozen=True, slots=True)
class Look:
    """What changed.

    Attributes:
        edges: those that the notices named, with their sites.
        lots: with other counts than before.
        bays: with other states than before, of the lots that are wanted.
        alerts: None where none changed.
    """

    edges: Mapping[str, str]
    lots: tuple[LotNow, ...] = ()
    bays: Mapping[LotKey, tuple[BayNow, ...]] = field(default_factory=dict)
    alerts: AlertsNow | None = None


class Looker:
    """Remembers what was told, so that only what differs is told again.

    Args:
        now: the moment, for staleness.
    """

    def __init__(self, now: Callable[[], Now]) -> None:
        self._now = now
        self._lots: dict[LotKey, LotNow] = {}
        self._bays: dict[LotKey, dict[tuple[str, str], BayNow]] = {}
        self._alerts: Mapping[str, tuple[int, int, int]] = {}
        self._all_s = self._alerts_s = float("-inf")

    def look(
        self, session: Session, edges: frozenset[str], lots: Collection[LotKey], *, counts: bool
    ) -> Look:
        """Read once for all listeners.

        Args:
            session: to read with.
            edges: that notices named.
            lots: whose bays somebody wants.
            counts: whether somebody wants the lots' counts and the alerts.
        """
        now, mono_s = self._now(), time.monotonic()
        is_whole = mono_s - self._all_s >= _ALL_EVERY_S
        if is_whole:
            self._all_s = mono_s
        served: list[LotNow] = []
        if is_whole and (counts or lots):
            served = lots_now(session, now)
        elif edges and (counts or lots):
            served = lots_of_edges(session, now, edges)
        alerts = None
        if counts and mono_s - self._alerts_s >= _ALERTS_EVERY_S:
            self._alerts_s = mono_s
            alerts = self._changed_alerts(session)
        return Look(
            sites_of(session, sorted(edges)) if edges else {},
            tuple(self._changed_lots(served, is_wanted=counts)),
            self._changed_bays(session, now, served, lots),
            alerts,
        )

    def _changed_lots(self, lots: Iterable[LotNow], *, is_wanted: bool) -> Iterable[LotNow]:
        if not is_wanted:
            self._lots.clear()
            return
        for lot in lots:
            key = (lot.site, lot.lot)
            if self._lots.get(key) != lot:
                self._lots[key] = lot
                yield lot

    def _changed_bays(
        self, session: Session, now: Now, served: Iterable[LotNow], wanted: Collection[LotKey]
    ) -> dict[LotKey, tuple[BayNow, ...]]:
        for key in self._bays.keys() - set(wanted):
            del self._bays[key]
        touched = {(lot.site, lot.lot) for lot in served}
        changed: dict[LotKey, tuple[BayNow, ...]] = {}
        for key in wanted:
            if key in self._bays and key not in touched:
                continue
            site, lot = key
            bays = {(bay.edge, bay.bay): bay for bay in bays_now(session, now, site=site, lot=lot)}
            before = self._bays.get(key, {})
            changed[key] = tuple(bay for name, bay in bays.items() if before.get(name) != bay)
            self._bays[key] = bays
        return changed

    def _changed_alerts(self, session: Session) -> AlertsNow | None:
        before, self._alerts = self._alerts, open_by_site(session)
        names = before.keys() | self._alerts.keys()
        changed = frozenset(n for n in names if before.get(n) != self._alerts.get(n))
        if not changed:
            return None
        return AlertsNow({site: each[0] for site, each in self._alerts.items()}, changed)
