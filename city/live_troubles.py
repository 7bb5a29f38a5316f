"""What goes wrong while one looks on: a blind camera, boxes that lose their line, bad parking."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count

from city.scripted_box import ScriptedBox
from telemetry import Clock, IncidentEnd, IncidentKind
from vision.incidents import Incident

CLOSED = ("Harbour-Car-Park", tuple(f"D{number:02d}" for number in range(1, 7)))
"""Closed for works all the time."""
BLIND = ("Hospital-Staff", "cam-D")
"""Sees nothing from soon after the start, so that there is an alert to work on."""
_BLIND_AFTER_S = 8.0
_LINES = ("Church-Lane", "Lido", "Castle-Street")
_LINE_FIRST_S, _LINE_EVERY_S, _LINE_AWAY_S = 12.0, 180.0, 25.0
_BLOCKED = (("High-Street", "A05"), ("Bridge-Road", "B07"), ("High-Street", "B09"))
_BLOCKED_FIRST_S, _BLOCKED_EVERY_S, _BLOCKED_FOR_S = 4.0, 120.0, 75.0

Action = Callable[[], None]


class LiveTroubles:
    """Does each thing when it is due.

    Args:
        boxes: by lot.
        clock: time.
    """

    def __init__(self, boxes: Mapping[str, ScriptedBox], clock: Clock) -> None:
        self._boxes, self._clock = boxes, clock
        self._order = count()
        self._due: list[tuple[float, int, Action]] = []
        self._away: set[str] = set()
        self._begin_s = 0.0

    def start(self) -> None:
        """From now on."""
        self._begin_s = self._clock.mono_s()
        lot, bays = CLOSED
        self._boxes[lot].close_bays(bays)
        self._at(_BLIND_AFTER_S, lambda: self._boxes[BLIND[0]].blind(BLIND[1]))
        self._at(_LINE_FIRST_S, lambda: self._lose_line(0))
        self._at(_BLOCKED_FIRST_S, lambda: self._block(0))

    def tick(self) -> None:
        """Do what is due."""
        now_s = self._clock.mono_s() - self._begin_s
        while self._due and self._due[0][0] <= now_s:
            heapq.heappop(self._due)[2]()

    def end(self) -> None:
        """Nothing more happens, and every line is up again."""
        self._due.clear()
        for lot in sorted(self._away):
            self._restore(lot)

    def _at(self, after_s: float, action: Action) -> None:
        now_s = self._clock.mono_s() - self._begin_s
        heapq.heappush(self._due, (now_s + after_s, next(self._order), action))

    def _lose_line(self, number: int) -> None:
        lot = _LINES[number % len(_LINES)]
        self._away.add(lot)
        self._boxes[lot].drop_line()
        self._at(_LINE_AWAY_S, lambda: self._restore(lot))
        self._at(_LINE_EVERY_S, lambda: self._lose_line(number + 1))

    def _restore(self, lot: str) -> None:
        self._away.discard(lot)
        self._boxes[lot].restore_line()

    def _block(self, number: int) -> None:
        lot, bay = _BLOCKED[number % len(_BLOCKED)]
        now = self._clock.utc()
        incident = Incident(
            id=f"now.{now.timestamp():.0f}",
            kind=IncidentKind.DOUBLE_PARKING,
            camera=f"cam-{bay[0]}",
            bays=(bay,),
            began=now - timedelta(seconds=5),
            last_seen=now,
            stood_s=5.0,
            vehicle="car",
            conf=0.88,
        )
        self._boxes[lot].tell(incident)
        self._at(_BLOCKED_FOR_S, lambda: self._unblock(lot, incident, self._clock.utc()))
        self._at(_BLOCKED_EVERY_S, lambda: self._block(number + 1))

    def _unblock(self, lot: str, incident: Incident, now: datetime) -> None:
        self._boxes[lot].tell(incident.over(IncidentEnd.LEFT, now))
