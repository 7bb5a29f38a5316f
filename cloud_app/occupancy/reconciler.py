"""The leader's loop that makes one state of each bay with several sources.

Once a second it looks at the bays of which a source said something new, of which a word ceased to
hold, or whose box told of a change; everything else costs nothing. What changed is appended to the
lot's cloud edge. The tables hold all that it needs: a new leader looks at every bay once and goes
on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select

from cloud_app.occupancy.cloud_layouts import lay_out, mark_boxes
from cloud_app.occupancy.verdicts import LotJudge
from cloud_app.registry.kinds import BAY, DEVICE
from cloud_app.registry.tables import change as change_table
from cloud_app.registry.tables import thing as thing_table
from cloud_app.storage.bay_words import (
    BayKey,
    bays_with_ends,
    bays_with_news,
    carried_bays,
    carrying_boxes,
    cloud_bays,
    forget_ended_hands,
    is_news,
    sites_set_by_hand,
)
from cloud_app.storage.carrying import wrongly_marked
from cloud_app.storage.database import Database, Session
from cloud_app.storage.intake import lock_edges
from cloud_app.storage.queries import Now
from cloud_app.storage.source_tables import cloud_edge
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from telemetry import Clock

# A registry's change is looked for through its index by time; writers' clocks may differ so much.
_CLOCKS_MS = 60_000
_ALL_EVERY_S = 600.0
_SURE_EVERY_MS = 10_000
_MARKS_EVERY_S = 30.0
_HANDS_EVERY_S = 60.0
# So many words at once keep a transaction short; what is left is next second's.
_NEWS_AT_ONCE = 5_000
_BAYS_AT_ONCE = 2_000

_CHANGED = select(
    change_table.c.kind,
    change_table.c.key,
    change_table.c.version,
    change_table.c.site,
    change_table.c.before,
).where(
    change_table.c.at_ms >= bindparam("since_ms", type_=BigInteger),
    change_table.c.kind.in_([DEVICE.name, BAY.name]),
)
_HOW_MANY = select(func.count()).where(
    change_table.c.at_ms >= bindparam("since_ms", type_=BigInteger)
)
_NEWEST_CHANGE = select(func.max(change_table.c.at_ms))
_SITES = (
    select(thing_table.c.site)
    .where(thing_table.c.kind == DEVICE.name, thing_table.c.site.is_not(None))
    .union(select(cloud_edge.c.site))
)


@dataclass(frozen=True, slots=True)
class _Box:
    """A box with carried bays at the last look.

    Attributes:
        mark: its layout, how far it had told, when it was heard of.
        is_stale: whether it was.
        bays: what it told of each.
    """

    mark: tuple[object, ...]
    is_stale: bool
    bays: Mapping[BayKey, tuple[Any, ...]]


@dataclass(slots=True)
class Reconciler:
    """Works a round at a time, while its process leads.

    Attributes:
        database: everything's place.
        clock: wall and monotonic time.
        stale_after_s: a box silent for so long is stale, and its words with it.
        prefix: first levels of the topics, for the events' source.
        sinks: where events go besides the tables, before they are committed.
    """

    database: Database
    clock: Clock
    stale_after_s: float
    prefix: str = "pk"
    sinks: Callable[[Sequence[TakenEvent]], None] = lambda _events: None
    _boxes: dict[str, _Box] = field(default_factory=dict)
    _looked_ms: int | None = None
    _changed_ms: int | None = None
    _sure_ms: int = 0
    _all_s: float = float("-inf")
    _marks_s: float = float("-inf")
    _hands_s: float = float("-inf")
    _mark_of_changes: tuple[int | None, int] | None = None
    _versions: frozenset[tuple[object, ...]] = frozenset()

    def forget(self) -> None:
        """Look at every bay once more: another process led, or something went wrong half way."""
        self._boxes.clear()
        self._looked_ms = self._changed_ms = None
        self._all_s = float("-inf")

    def tick(self) -> None:
        """One round.

        Raises:
            StorageError: the database did not do it.
        """
        now_ms = to_ms(self.clock.utc())
        now_s = self.clock.mono_s()
        if now_s - self._hands_s >= _HANDS_EVERY_S:
            self._hands_s = now_s
            self._let_go(now_ms)
        due = self._lay_out(now_s)
        if now_s - self._marks_s >= _MARKS_EVERY_S:
            self._marks_s = now_s
            self._mark()
        now = Now(now_ms, int(self.stale_after_s * 1000))
        with self.database.read() as session:
            if self._looked_ms is None:
                due |= set(cloud_bays(session))
            else:
                due |= set(bays_with_ends(session, self._looked_ms, now_ms))
            due |= self._told_by_boxes(session, now)
        self._judge(due, now)
        self._judge_news(now)
        self._looked_ms = now_ms

    def _let_go(self, now_ms: int) -> None:
        with self.database.write() as session:
            is_over = forget_ended_hands(session, now_ms)
        if is_over:
            self._all_s = float("-inf")

    def _lay_out(self, now_s: float) -> set[BayKey]:
        """Follow the registry; return the bays of lots that were laid out again."""
        due: set[BayKey] = set()
        with self.database.read() as session:
            sites = self._changed_sites(session, now_s)
        for site in sorted(sites):
            with self.database.write() as session:
                changed = lay_out(session, site)
            due |= {(site, lot, bay) for lot, each in changed.items() for bay in each.bays}
        return due

    def _changed_sites(self, session: Session, now_s: float) -> set[str]:
        found = sites_set_by_hand(session)
        [(newest_ms,)] = session.rows(_NEWEST_CHANGE)
        since = {"since_ms": max(self._changed_ms or 0, newest_ms or 0) - _CLOCKS_MS}
        [(number,)] = session.rows(_HOW_MANY, since)
        is_all = self._changed_ms is None or now_s - self._all_s >= _ALL_EVERY_S
        if not is_all and self._mark_of_changes == (newest_ms, number):
            return found
        self._mark_of_changes = (newest_ms, number)
        if not is_all:
            since["since_ms"] = min(since["since_ms"], (self._changed_ms or 0) - _CLOCKS_MS)
        rows = session.rows(_CHANGED, since)
        before, self._versions = self._versions, frozenset(tuple(row)[:3] for row in rows)
        self._changed_ms = newest_ms or 0
        if is_all:
            self._all_s = now_s
            return {row.site for row in session.rows(_SITES)}
        for row in rows:
            if tuple(row)[:3] not in before:
                found |= {row.site, json.loads(row.before).get("site")} - {None}
        return found

    def _mark(self) -> None:
        with self.database.read() as session:
            boxes = wrongly_marked(session)
        if boxes:
            with self.database.write() as session:
                lock_edges(session, boxes)
                mark_boxes(session, boxes)

    def _told_by_boxes(self, session: Session, now: Now) -> set[BayKey]:
        """Bays of which a box says something else than at the last look, or fell silent or back."""
        due: set[BayKey] = set()
        seen: dict[str, _Box] = {}
        # A late event moves no mark, if the clock of whoever took it in is behind another's.
        is_sure = now.now_ms - self._sure_ms >= _SURE_EVERY_MS
        if is_sure:
            self._sure_ms = now.now_ms
        for row in carrying_boxes(session):
            mark, is_stale = tuple(row), now.staleness(row.dead, row.seen_ms) is not None
            before = self._boxes.get(row.edge)
            is_same = before is not None and (before.mark, before.is_stale) == (mark, is_stale)
            if before is not None and is_same and not is_sure:
                seen[row.edge] = before
                continue
            bays = carried_bays(session, row.edge)
            seen[row.edge] = _Box(mark, is_stale, bays)
            is_followed = before is not None and before.is_stale == is_stale
            known = before.bays if before is not None and is_followed else {}
            due |= {key for key, told in bays.items() if known.get(key) != told}
        self._boxes = seen
        return due

    def _judge(self, due: Iterable[BayKey], now: Now) -> None:
        for (site, lot), bays in _by_lot(due).items():
            for first in range(0, len(bays), _BAYS_AT_ONCE):
                with self.database.write() as session:
                    self._judge_lot(session, now, (site, lot), bays[first : first + _BAYS_AT_ONCE])

    def _judge_news(self, now: Now) -> None:
        with self.database.read() as session:
            if not is_news(session):
                return
        with self.database.write() as session:
            # The rows of sources first, as `tell` locks them, then the edges.
            for place, bays in _by_lot(bays_with_news(session, _NEWS_AT_ONCE)).items():
                self._judge_lot(session, now, place, bays)

    def _judge_lot(
        self, session: Session, now: Now, place: tuple[str, str], bays: Sequence[str]
    ) -> None:
        judge = LotJudge(session, now, self.prefix, self.clock)
        events = judge.judge(*place, bays)
        if events:
            self.sinks(events)


def _by_lot(due: Iterable[BayKey]) -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for site, lot, bay in sorted(set(due)):
        found.setdefault((site, lot), []).append(bay)
    return found
