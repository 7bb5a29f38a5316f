"""What one of the consumers, the leader, does for all: holes, alerts, pruning."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cloud_app.accounts.roles import Tenants
from cloud_app.alerts.planning import plan
from cloud_app.config import GatesConfig, RetentionConfig, RulesConfig
from cloud_app.ingest.batch import Batch
from cloud_app.ingest.holes import Ask, Closed, GiveUp, HoleWatch
from cloud_app.ingest.link import LinkState
from cloud_app.ingest.sensors.downlinks import prune_downlinks
from cloud_app.occupancy.passages import forget_hashes, prune_passages
from cloud_app.rules.builtin import judge
from cloud_app.storage.alert_life import prune_alerts
from cloud_app.storage.counts import drifts, recount
from cloud_app.storage.database import Database
from cloud_app.storage.edge_queries import edges_of, edges_to_reread
from cloud_app.storage.events import prune
from cloud_app.storage.incidents import prune_incidents
from cloud_app.storage.intake import give_up, lock_edges, prune_quarantine
from cloud_app.storage.keeping import PastKeeper
from cloud_app.storage.lake_queries import kept_for_lake
from cloud_app.storage.queries import Now
from cloud_app.storage.sensors import prune_sensors
from cloud_app.storage.streams import hole_end, holes
from cloud_app.storage.times import to_ms
from cloud_app.stream import Hole, Watermark
from telemetry import Clock
from telemetry.health import Health

_log = logging.getLogger(__name__)

_PRUNE_EVERY_S = 600.0
_CHECK_EVERY_S = 3600.0
_DAY_MS = 86_400_000
# A check reads all bays of so many edges, so it never holds a reading transaction for long.
_CHECKED_AT_ONCE = 50
# So many retained messages at once do not overflow the queue that lost them.
_REREAD_MAX = 50
# What is missing may really not be there yet; asking costs the broker little, but not nothing.
_REREAD_EVERY_S = 10.0


class HouseLink(Protocol):
    """What housekeeping needs of the broker's link."""

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        ...

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        """Publish watermarks, with or without a request for a replay."""
        ...

    def listen_to(self, site: str, edge: str) -> None:
        """Also receive an edge's events through a subscription of our own."""
        ...

    def stop_listening_to(self, site: str, edge: str) -> None:
        """Undo `listen_to`."""
        ...

    def reread(self, site: str, edge: str) -> None:
        """Have the broker send an edge's retained messages once more."""
        ...


@dataclass(slots=True)
class Housekeeper:
    """Does the leader's work, a round at a time.

    Attributes:
        database: everything's place.
        link: to ask edges for replays.
        tenants: whose sites are whose, for who is told of alerts.
        rules: when.
        retention: how long events stay.
        stale_after_s: an edge silent for so long is stale.
        watch: decides about holes.
        clock: wall and monotonic time.
        gates: when a gate is silent, and how long hashes of plates are kept.
        keeps_for_lake: events stay until the lake has them.
        count_drifts: how often the kept counts were found to be wrong; it should stay 0.
    """

    database: Database
    link: HouseLink
    tenants: Tenants
    rules: RulesConfig
    retention: RetentionConfig
    stale_after_s: float
    watch: HoleWatch
    clock: Clock
    gates: GatesConfig = field(default_factory=GatesConfig)
    count_drifts: int = 0
    keeps_for_lake: bool = False
    _judged_s: float | None = None
    _pruned_s: float | None = None
    _checked_s: float | None = None
    _reread_s: dict[str, float] = field(default_factory=dict)
    _past: PastKeeper = field(init=False)

    def __post_init__(self) -> None:
        self._past = PastKeeper(self.database, self.retention, self.clock)

    def saw(self, batch: Batch) -> None:
        """Told by the ingest what was committed: events and empty outboxes may answer a replay."""
        for taken in batch.events:
            self.watch.saw(taken.edge, taken.epoch, taken.seq)
        for taken_report, _ in batch.reports:
            report = taken_report.report
            if isinstance(report, Health) and report.outbox.rows == 0:
                self.watch.saw_empty_outbox(taken_report.edge)

    def tick(self) -> None:
        """One round.

        Raises:
            StorageError: the database did not do it.
        """
        self._see_to_holes()
        self._see_to_missed()
        self._past.tick()
        now_s = self.clock.mono_s()
        if self._pruned_s is None or now_s - self._pruned_s >= _PRUNE_EVERY_S:
            self._pruned_s = now_s
            self._make_room()
        if self._checked_s is None or now_s - self._checked_s >= _CHECK_EVERY_S:
            self._checked_s = now_s
            self._check_counts()
        if self._judged_s is None or now_s - self._judged_s >= self.rules.every_s:
            self._judged_s = now_s
            link = self.link.state
            # Without a broker nothing new is known: alerts stay as they are.
            if link.connected:
                with self.database.write() as session:
                    since_ms, gates = link.since_ms, self.gates
                    judge(session, self._now(), self.rules, since_ms, gates, self.tenants)
                    plan(session, self.tenants)

    def _make_room(self) -> None:
        now_ms = to_ms(self.clock.utc())
        before_ms = now_ms - self.retention.events_days * _DAY_MS
        if self.keeps_for_lake:
            with self.database.read() as session:
                before_ms = kept_for_lake(session, before_ms)
        self.database.keep_room(now_ms, before_ms)
        with self.database.write() as session:
            prune(session, before_ms)
            prune_incidents(session, before_ms)
            prune_alerts(session, before_ms)
            prune_quarantine(session, before_ms)
        with self.database.write() as session:
            prune_sensors(session, now_ms - self.retention.frames_days * _DAY_MS)
            prune_downlinks(session, now_ms - self.retention.frames_days * _DAY_MS)
        with self.database.write() as session:
            forget_hashes(session, now_ms - self.gates.hash_hours * 3_600_000)
            prune_passages(session, before_ms, now_ms - self.retention.series_days * _DAY_MS)

    def _check_counts(self) -> None:
        """Recount the bays behind the kept counts, a few edges at a time; tell and mend a drift."""
        with self.database.read() as session:
            edges = sorted(edges_of(session, None))
        for first in range(0, len(edges), _CHECKED_AT_ONCE):
            some = edges[first : first + _CHECKED_AT_ONCE]
            with self.database.read() as session:
                found = drifts(session, some)
            for drift in found:
                self.count_drifts += 1
                _log.error(
                    "edge %s: the kept counts are %s, but its bays say %s; they are made anew",
                    drift.edge,
                    dict(drift.kept),
                    dict(drift.true),
                )
                with self.database.write() as session:
                    lock_edges(session, [drift.edge])
                    recount(session, [drift.edge])
                    session.announce(drift.edge)

    def _see_to_holes(self) -> None:
        with self.database.read() as session:
            found = holes(session)
        for action in self.watch.poll(found):
            match action:
                case Ask(hole):
                    _log.info("edge %s: replay from %d-%d", hole.edge, hole.epoch, hole.upto + 1)
                    self.link.listen_to(hole.site, hole.edge)
                    mark = Watermark(hole.site, hole.edge, hole.epoch, hole.upto)
                    self.link.acknowledge([mark], replay=True)
                case GiveUp(hole):
                    self._give_up(hole)
                case Closed(site, edge):
                    self.link.stop_listening_to(site, edge)

    def _see_to_missed(self) -> None:
        now_s = self.clock.mono_s()
        with self.database.read() as session:
            missed = edges_to_reread(session, self._now())
        due = [
            (site, edge)
            for site, edge in missed
            if now_s - self._reread_s.get(edge, -_REREAD_EVERY_S) >= _REREAD_EVERY_S
        ]
        for site, edge in due[:_REREAD_MAX]:
            self._reread_s[edge] = now_s
            self.link.reread(site, edge)

    def _now(self) -> Now:
        return Now(to_ms(self.clock.utc()), int(self.stale_after_s * 1000))

    def _give_up(self, hole: Hole) -> None:
        with self.database.write() as session:
            last = hole_end(session, hole)
            upto = give_up(session, hole.edge, hole.epoch, hole.upto + 1, last)
        _log.error(
            "edge %s no longer holds events %d-%d to %d-%d: recorded as lost",
            hole.edge,
            hole.epoch,
            hole.upto + 1,
            hole.epoch,
            last,
        )
        self.link.acknowledge([Watermark(hole.site, hole.edge, hole.epoch, upto)])
