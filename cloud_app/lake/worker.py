"""The leader's round of the lake, and how it stands."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from cloud_app.config import LakeConfig
from cloud_app.errors import CloudError
from cloud_app.lake.adoption import adopt
from cloud_app.lake.catalogue import Catalogue
from cloud_app.lake.export import Exporter
from cloud_app.lake.health import LakeHealth
from cloud_app.lake.store import LakeStore
from cloud_app.lake.takeover import old_parts, take_over
from cloud_app.lake.upkeep import (
    Erasure,
    compact,
    erase,
    expire,
    last_to_keep,
    places_to_compact,
)
from cloud_app.storage.database import Database
from cloud_app.storage.lake_queries import late_events, pending
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
# Places that are compacted in one round: new events wait meanwhile.
_COMPACT_A_ROUND = 20
_UPKEEP_EVERY_S = 600.0


@dataclass(slots=True)
class LakeWorker:
    """Writes what is new, a round at a time, and looks after what is there.

    Attributes:
        config: where, and how often.
        database: what is to be written.
        clock: wall and monotonic time.
        prefix: first levels of the topics, for former parts.
        hash_hours: how long hashes of plates are kept.
        health: for readers.
    """

    config: LakeConfig
    database: Database
    clock: Clock
    prefix: str
    hash_hours: int
    health: LakeHealth = field(default_factory=LakeHealth)
    _catalogue: Catalogue | None = None
    _sealed_s: float | None = None
    _kept_s: float | None = None

    def tick(self) -> None:
        """One round.

        Raises:
            LakeError, StorageError: what is left will be done by a later round.
        """
        try:
            self._round()
        except CloudError as exc:
            since_ms = self.health.since_ms or to_ms(self.clock.utc())
            self.health = replace(self.health, problem=str(exc), since_ms=since_ms)
            raise
        self.health = replace(self.health, problem=None, since_ms=None)

    def seal(self) -> int:
        """Write all that is acknowledged now, and tell readers; return how many events."""
        catalogue = self.opened()
        count = self.exporter().export()
        catalogue.write_manifest()
        return count

    def _round(self) -> None:
        with self.database.read() as session:
            waiting = pending(session) + len(late_events(session))
        self.health = replace(self.health, pending=waiting)
        now_s = self.clock.mono_s()
        if self._sealed_s is None:
            self._sealed_s = now_s
        catalogue = self.opened()
        self._take_parts_over()
        if waiting >= self.config.roll_rows or now_s - self._sealed_s >= self.config.roll_s:
            self.exporter().export()
            self._sealed_s = now_s
            self.health = replace(self.health, pending=0)
        if self._kept_s is None or now_s - self._kept_s >= _UPKEEP_EVERY_S:
            # One round does some of it; the next one comes at once while there is more.
            self._kept_s = None if self._keep(catalogue) else now_s
        catalogue.write_manifest()
        catalogue.delete_gone(self.config.delete_after_s)

    def opened(self) -> Catalogue:
        """The lake's files; the store is opened when it is first needed."""
        if self._catalogue is None:
            catalogue = Catalogue(self.database, LakeStore.of(self.config), self.clock)
            adopt(catalogue)
            self._catalogue = catalogue
        return self._catalogue

    def exporter(self) -> Exporter:
        """What writes new files."""
        return Exporter(self.opened(), to_ms(self.clock.utc()) - self.hash_hours * _HOUR_MS)

    def _take_parts_over(self) -> None:
        if self.config.folder is None:
            return
        for part in old_parts(self.config.folder):
            done = take_over(self.exporter(), part, self.prefix)
            _log.info("%s: %d events taken over, %d were there", part, done.events, done.known)

    def _keep(self, catalogue: Catalogue) -> bool:
        """Compact, erase, expire; whether there is more of it to do."""
        now = self.clock.utc()
        today = now.date()
        if self.config.keep_days is not None:
            expire(catalogue, last_to_keep(today, self.config.keep_days))
        before_ms = to_ms(now) - self.hash_hours * _HOUR_MS
        erase(catalogue, Erasure(before_ms=before_ms), lambda *_: None)
        with self.database.read() as session:
            places = places_to_compact(session, self.config.compact_files, today)
        for place in places[:_COMPACT_A_ROUND]:
            compact(catalogue, place)
        return len(places) > _COMPACT_A_ROUND
