"""Holes in an edge's stream: when to ask for a replay, and when to stop asking.

A message may be lost behind its PUBACK (a broker killed, a queue overflown), so a hole is asked
for, after a short patience, with a replay request. The replay is read through a subscription of our
own: the shared one might deal the missing event to a consumer that has died, each time anew.

Over that subscription the broker keeps the edge's order. So an edge that answers a request with
events from beyond the hole, or says that its outbox is empty, holds nothing of the hole any more: a
former database acknowledged it. After several such answers without progress the hole becomes a
recorded gap, loudly, as the edge could never release anything behind it otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud_app.stream import Hole, StreamKey
from telemetry import Clock

# Replays cost the edge a re-send of all that follows, so they grow rarer while nothing helps.
_WAIT_MAX_S = 60.0
# One fruitless answer may be an overflown queue; five over more than a minute are a fact.
_FRUITLESS_MAX = 5
# Events of a store that was made anew can only still lie in a broker's queue.
_OLD_EPOCH_S = 60.0


@dataclass(frozen=True, slots=True)
class Ask:
    """Subscribe to the edge's events and request a replay."""

    hole: Hole


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Record that the events of the hole will never come."""

    hole: Hole


@dataclass(frozen=True, slots=True)
class Closed:
    """The hole is gone: the subscription may go."""

    site: str
    edge: str


Action = Ask | GiveUp | Closed


@dataclass(slots=True)
class _Case:
    site: str
    upto: int
    since_s: float
    wait_s: float
    asked_s: float | None = None
    answered: bool = False
    fruitless: int = 0


@dataclass(slots=True)
class HoleWatch:
    """Decides what to do about holes; it neither reads nor sends anything itself.

    Attributes:
        clock: monotonic time.
        patience_s: how long a hole may last before it is asked for.
    """

    clock: Clock
    patience_s: float
    _cases: dict[StreamKey, _Case] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, edge: str, epoch: int, seq: int) -> None:
        """An event arrived; beyond the hole it is an answer to a request."""
        with self._lock:
            case = self._cases.get((edge, epoch))
            if case is not None and case.asked_s is not None and seq > case.upto:
                case.answered = True

    def saw_empty_outbox(self, edge: str) -> None:
        """The edge says that it holds nothing."""
        with self._lock:
            for (owner, _), case in self._cases.items():
                if owner == edge and case.asked_s is not None:
                    case.answered = True

    def poll(self, holes: Iterable[Hole]) -> list[Action]:
        """What to do now, given all the holes that there are."""
        with self._lock:
            actions: list[Action] = []
            open_streams = set()
            for hole in holes:
                open_streams.add(hole.stream)
                action = self._judge(hole)
                if action is not None:
                    actions.append(action)
            for stream in self._cases.keys() - open_streams:
                case = self._cases.pop(stream)
                if case.asked_s is not None:
                    actions.append(Closed(case.site, stream[0]))
            return actions

    def _judge(self, hole: Hole) -> Action | None:
        now_s = self.clock.mono_s()
        case = self._cases.get(hole.stream)
        if case is None or case.upto != hole.upto:
            # New, or the watermark moved: what was asked for is coming in.
            asked_s = case.asked_s if case else None
            self._cases[hole.stream] = _Case(hole.site, hole.upto, now_s, self.patience_s, asked_s)
            return None
        if not hole.is_current:
            return GiveUp(hole) if now_s - case.since_s >= _OLD_EPOCH_S else None
        if not hole.online or now_s - case.since_s < case.wait_s:
            return None
        if case.asked_s is not None and case.answered:
            case.fruitless += 1
        if case.fruitless >= _FRUITLESS_MAX:
            return GiveUp(hole)
        if case.asked_s is not None:
            case.wait_s = min(2 * case.wait_s, _WAIT_MAX_S)
        case.asked_s, case.since_s, case.answered = now_s, now_s, False
        return Ask(hole)
