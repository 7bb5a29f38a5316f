"""Lots that go on living: their truth grows in one thread, tick by tick, and is read in others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from city.demand import DEMANDS
from city.live_lot import LiveLot
from city.plan import TIME_ZONE
from simulator import TruthChange
from telemetry import Clock

_TICK_S = 0.25
_JOIN_S = 5.0

News = Mapping[str, Sequence[TruthChange]]
"""By lot: what just happened."""


class LivingLots:
    """Calls back at every tick with what happened; once it is quiet, nothing happens any more.

    Args:
        lots: by their key.
        clock: time.
        on_tick: what follows; gets the news, and whether it is quiet.
        name: of the thread.
    """

    def __init__(
        self,
        lots: Mapping[str, LiveLot],
        clock: Clock,
        on_tick: Callable[[News, bool], None],
        name: str,
    ) -> None:
        self._lots, self._clock, self._on_tick = lots, clock, on_tick
        self._begin_s = clock.mono_s()
        self._over, self._quiet, self._is_quiet = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._lock = threading.Lock()
        self._fault: BaseException | None = None

    def start(self) -> None:
        """Begin; the lots' own time is 0 now."""
        self._begin_s = self._clock.mono_s()
        self._thread.start()

    def wait(self, duration_s: float) -> bool:
        """Wait, unless it is over; whether it is."""
        return self._over.wait(duration_s)

    def quiesce(self) -> None:
        """Nobody comes or goes any more, when this returns."""
        self._quiet.set()
        self._is_quiet.wait(_JOIN_S)

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._fault is not None:
            raise self._fault

    def time_s(self, mono_s: float) -> float:
        """Seconds since the start at a time of the clock."""
        return mono_s - self._begin_s

    def truth(self, key: str, time_s: float) -> Mapping[str, bool]:
        """Whether each bay of a lot was occupied at a time."""
        return self._lots[key].truth(time_s)

    def changes(self, key: str, to_s: float) -> Sequence[TruthChange]:
        """All changes of a lot up to a time."""
        with self._lock:
            return self._lots[key].changes(to_s)

    def _run(self) -> None:
        try:
            last_s = self._clock.mono_s()
            while not self._over.wait(_TICK_S):
                now_s = self._clock.mono_s()
                quiet = self._quiet.is_set()
                self._on_tick({} if quiet else self._live_on(last_s, now_s), quiet)
                if quiet:
                    self._is_quiet.set()
                last_s = now_s
        except Exception as exc:  # told to the one who stops it
            self._fault = exc

    def _live_on(self, from_s: float, to_s: float) -> News:
        local = self._clock.utc().astimezone(ZoneInfo(TIME_ZONE))
        span = from_s - self._begin_s, to_s - self._begin_s
        with self._lock:
            return {
                key: live.step(*span, DEMANDS[live.lot.spec.use].share_at(local))
                for key, live in self._lots.items()
            }
