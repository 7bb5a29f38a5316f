"""What the leader keeps of the past beside the events: quarters of an hour, health."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_app.config import RetentionConfig
from cloud_app.storage.count_points import keep_count_quarters, prune_points
from cloud_app.storage.database import Database
from cloud_app.storage.health_history import EVERY_S, keep_health, prune_health
from cloud_app.storage.quarter_sums import pack_days
from cloud_app.storage.quarters import edges_due, keep_quarters, prune_quarters
from cloud_app.storage.times import to_ms
from telemetry import Clock

_DAY_MS = 86_400_000
# A round takes a fraction of a second, so the leader's other work waits no longer. A thousand edges
# have their quarters within a minute.
_EDGES_A_ROUND = 25
_COUNTS_EVERY_S = 60.0
_LOTS_PACKED_A_ROUND = 20
_PACKED_EVERY_S = 60.0


@dataclass(slots=True)
class PastKeeper:
    """Does some of it in each round; nothing is lost if rounds are missed.

    Attributes:
        database: everything's place.
        retention: how long it stays.
        clock: wall and monotonic time.
    """

    database: Database
    retention: RetentionConfig
    clock: Clock
    _health_s: float | None = None
    _counts_s: float | None = None
    _packed_s: float | None = None

    def tick(self) -> None:
        """One round.

        Raises:
            StorageError: the database did not do it.
        """
        now_s, now_ms = self.clock.mono_s(), to_ms(self.clock.utc())
        oldest_ms = now_ms - self.retention.events_days * _DAY_MS
        with self.database.read() as session:
            is_due = bool(edges_due(session, now_ms, 1))
        if is_due:
            with self.database.write() as session:
                keep_quarters(session, now_ms, oldest_ms, _EDGES_A_ROUND)
        if self._counts_s is None or now_s - self._counts_s >= _COUNTS_EVERY_S:
            self._counts_s = now_s
            with self.database.write() as session:
                keep_count_quarters(session, now_ms)
        if self._packed_s is None or now_s - self._packed_s >= _PACKED_EVERY_S:
            with self.database.write() as session:
                packed = pack_days(session, now_ms, _LOTS_PACKED_A_ROUND)
            # While there is more, the next round goes on.
            self._packed_s = None if packed else now_s
        if self._health_s is None or now_s - self._health_s >= EVERY_S:
            self._health_s = now_s
            with self.database.write() as session:
                keep_health(session, now_ms - EVERY_S * 1000)
                prune_health(session, now_ms - self.retention.health_days * _DAY_MS)
                prune_points(session, oldest_ms)
                prune_quarters(session, now_ms - self.retention.series_days * _DAY_MS)
