"""Aggregates: occupancy, turnover and dwell per zone over 10 minutes and an hour.

Durations come from the monotonic clock, wall time only names the window; so a clock that jumps by
a day makes one window short, and `observed_s` says so, instead of making a stay of a day.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.database import StoreError
from edge_app.delivery.store import Store
from telemetry.bounds import MAX_ZONES, clamped
from telemetry.clock import Clock
from telemetry.layout import Layout
from telemetry.messages import Aggregate, ZoneAggregate
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicKind
from telemetry.vocabulary import BayState

_log = logging.getLogger(__name__)

Period = Literal[600, 3600]
PERIODS: tuple[Period, ...] = (600, 3600)
LOOK_PERIOD_S = 1.0
MAX_STEP_S = 10.0
"""A longer pause (a suspended box, a stopped process) was not observed."""
SAVE_PERIOD_S = 60.0
MAX_ENDED = 200
"""Aggregates that wait in memory for a full disk: more than a day."""
_SAVED = "aggregates"


@dataclass(slots=True)
class ZoneTally:
    """What one zone has seen in a window so far."""

    occupied_s: float = 0.0
    free_s: float = 0.0
    unknown_s: float = 0.0
    arrivals: int = 0
    departures: int = 0
    dwell_count: int = 0
    dwell_sum_s: float = 0.0
    dwell_max_s: float = 0.0

    def aggregate(self, zone: str | None, bays: int) -> ZoneAggregate:
        """As it is published."""
        known_s = self.occupied_s + self.free_s
        return ZoneAggregate(
            zone=zone,
            bays=bays,
            occupied_s=round(self.occupied_s, 1),
            free_s=round(self.free_s, 1),
            unknown_s=round(self.unknown_s, 1),
            occupancy=round(self.occupied_s / known_s, 4) if known_s else None,
            arrivals=self.arrivals,
            departures=self.departures,
            dwell_count=self.dwell_count,
            dwell_mean_s=round(self.dwell_sum_s / self.dwell_count, 1)
            if self.dwell_count
            else None,
            dwell_max_s=round(self.dwell_max_s, 1) if self.dwell_count else None,
        )


@dataclass(slots=True)
class Window:
    """One window that is still open; zones by name, '' for bays without one."""

    period_s: Period
    start: datetime
    observed_s: float = 0.0
    zones: dict[str, ZoneTally] = field(default_factory=dict)

    def zone(self, name: str) -> ZoneTally:
        """The tally of a zone."""
        return self.zones.setdefault(name, ZoneTally())

    def aggregate(self, layout: Layout) -> Aggregate:
        """As it is published."""
        count: dict[str, int] = {}
        for bay in layout.bays:
            count[bay.zone or ""] = count.get(bay.zone or "", 0) + 1
        # Zones of the layout first: only a window that saw many layouts has more than fit.
        zones = sorted(self.zones.items(), key=lambda each: (each[0] not in count, each[0]))
        return Aggregate(
            period_s=self.period_s,
            start=clamped(self.start),
            observed_s=round(min(self.observed_s, self.period_s), 1),
            layout=layout.hash,
            zones=tuple(
                tally.aggregate(name or None, count.get(name, 0))
                for name, tally in zones[:MAX_ZONES]
            ),
        )


@dataclass(slots=True)
class Stay:
    """A bay as it was last seen.

    Attributes:
        occ: occupied, free or unknown.
        occupied_s: how long the vehicle has stood there; None when its arrival was not seen.
        last_known: the last occupancy that was known.
    """

    occ: bool | None
    occupied_s: float | None
    last_known: bool | None


@dataclass(slots=True)
class Tallies:
    """All that must survive a restart."""

    windows: list[Window] = field(default_factory=list)
    stays: dict[str, Stay] = field(default_factory=dict)

    def observe(
        self, states: Iterable[BayState], zones: dict[str, str], step_s: float, now: datetime
    ) -> list[Window]:
        """Take in what the bays are now, after `step_s` seconds in which they were as before.

        Returns:
            The windows that ended.
        """
        ended = self._roll(now)
        for window in self.windows:
            window.observed_s += step_s
        seen: dict[str, Stay] = {}
        for state in states:
            zone = zones.get(state.bay, "")
            before = self.stays.get(state.bay, Stay(None, None, None))
            for window in self.windows:
                _spend(window.zone(zone), before.occ, step_s)
            seen[state.bay] = self._move(before, state.occ, zone, step_s)
        self.stays = seen
        return ended

    def _roll(self, now: datetime) -> list[Window]:
        wanted = {period: _window_start(now, period) for period in PERIODS}
        ended = [each for each in self.windows if each.start != wanted[each.period_s]]
        self.windows = [each for each in self.windows if each.start == wanted[each.period_s]]
        open_periods = {each.period_s for each in self.windows}
        self.windows += [Window(p, wanted[p]) for p in PERIODS if p not in open_periods]
        return ended

    def _move(self, before: Stay, occ: bool | None, zone: str, step_s: float) -> Stay:
        stay_s = None if before.occupied_s is None else before.occupied_s + step_s
        if occ is None:
            # Unknown interrupts nothing: the vehicle may well be there still.
            return Stay(None, stay_s, before.last_known)
        arrived = occ and before.last_known is False
        left = not occ and before.last_known is True
        for window in self.windows:
            tally = window.zone(zone)
            tally.arrivals += arrived
            tally.departures += left
            if left and stay_s is not None:
                tally.dwell_count += 1
                tally.dwell_sum_s += stay_s
                tally.dwell_max_s = max(tally.dwell_max_s, stay_s)
        return Stay(occ, 0.0 if arrived else stay_s if occ else None, occ)


TALLIES = TypeAdapter(Tallies)


class AggregateAgent(QuietAgent):
    """Watches the store's states, keeps what ended in the store, and publishes it when it can.

    Args:
        topics: of this box.
        store: states, layout, and the place for aggregates that wait.
        clock: time.
    """

    def __init__(self, topics: EdgeTopics, store: Store, clock: Clock) -> None:
        super().__init__()
        self._topics = topics
        self._store = store
        self._clock = clock
        self._tallies = self._load()
        self._looked_s: float | None = None
        self._saved_s = clock.mono_s()
        self._in_flight: set[tuple[int, str]] = set()
        self._ended: deque[Aggregate] = deque(maxlen=MAX_ENDED)

    def disconnected(self) -> None:
        """What was on the way goes out again."""
        super().disconnected()
        self._in_flight.clear()

    def tick(self, now_s: float) -> None:
        """Look at the bays once a second; publish what waits."""
        if self._looked_s is None or now_s - self._looked_s >= LOOK_PERIOD_S:
            self._look(now_s)
        if self._publish is not None and not self._in_flight:
            self._send()

    def save(self) -> None:
        """Keep the open windows across a restart."""
        self._store.documents.put(_SAVED, TALLIES.dump_json(self._tallies).decode())

    def _look(self, now_s: float) -> None:
        layout = self._store.layout
        if layout is None:
            return
        step_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        zones = {bay.bay: bay.zone or "" for bay in layout.bays}
        ended = self._tallies.observe(
            self._store.states(), zones, step_s if step_s <= MAX_STEP_S else 0.0, self._clock.utc()
        )
        self._ended.extend(each.aggregate(layout) for each in ended if each.observed_s > 0)
        self._keep()
        if ended or now_s - self._saved_s >= SAVE_PERIOD_S:
            self._saved_s = now_s
            self.save()

    def _keep(self) -> None:
        """Move what ended into the store; on a full disk it waits in memory."""
        while self._ended:
            aggregate = self._ended[0]
            self._store.documents.add_aggregate(
                aggregate.period_s, aggregate.start, aggregate.model_dump_json()
            )
            self._ended.popleft()

    def _send(self) -> None:
        rule = DELIVERY_RULES[TopicKind.AGGREGATE]
        for period_s, start, body in self._store.documents.aggregates(limit=5):
            self._in_flight.add((period_s, start))
            if self._publish is not None:
                self._publish(
                    Outgoing(
                        self._topics.of(TopicKind.AGGREGATE),
                        body.encode(),
                        rule.qos,
                        rule.retain,
                        on_done=_Settled(self, (period_s, start, body)),
                    )
                )

    def settled(self, aggregate: tuple[int, str, str], code: int) -> None:
        """The broker answered: 0 takes the aggregate off, anything else keeps it for later."""
        period_s, start, body = aggregate
        self._in_flight.discard((period_s, start))
        if code == 0:
            try:
                self._store.documents.remove_aggregate(period_s, start, body)
            except StoreError as exc:
                _log.warning("an aggregate was published twice: %s", exc)

    def _load(self) -> Tallies:
        saved = self._store.documents.get(_SAVED)
        try:
            return TALLIES.validate_json(saved) if saved else Tallies()
        except ValidationError:
            _log.warning("cannot read saved aggregates: open windows restart from zero")
            return Tallies()


@dataclass(frozen=True, slots=True)
class _Settled:
    agent: AggregateAgent
    aggregate: tuple[int, str, str]

    def __call__(self, code: int) -> None:
        self.agent.settled(self.aggregate, code)


def _window_start(now: datetime, period_s: int) -> datetime:
    seconds = int(now.timestamp()) // period_s * period_s
    return datetime.fromtimestamp(seconds, UTC)


def _spend(tally: ZoneTally, occ: bool | None, step_s: float) -> None:
    if occ is None:
        tally.unknown_s += step_s
    elif occ:
        tally.occupied_s += step_s
    else:
        tally.free_s += step_s
