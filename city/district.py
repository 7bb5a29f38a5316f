"""The scripted part: a district of lots whose boxes publish what a script says they see."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from city.demand import DEMANDS
from city.filling import Taken
from city.live_lot import LiveLot
from city.live_troubles import LiveTroubles
from city.part import Ask, Delivery, Published
from city.plan import TIME_ZONE, PlannedLot
from city.scripted_box import ScriptedBox
from simulator import TruthChange
from telemetry import Clock

_TICK_S = 0.25
_JOIN_S = 5.0
_CONNECT_S = 2.0


class ScriptedDistrict:
    """Lots whose truth goes on from where their history ends.

    Args:
        lots: scripted ones.
        taken: who stands where at the beginning.
        folder: for the boxes' stores.
        port: of the broker on loopback.
        clock: time.
        seed: of what happens.
    """

    # The hold of a box, the way to the cloud, the page's pause between two looks; and what a busy
    # machine adds.
    limit_s = 12.0
    ends_still = True
    # Nothing judges here, so a state that is wrong in the end is a fault of the delivery.
    least_right = 1.0

    def __init__(
        self,
        lots: Sequence[PlannedLot],
        taken: Taken,
        folder: Path,
        port: int,
        clock: Clock,
        seed: int,
    ) -> None:
        self.lots = tuple(lots)
        self._taken, self._clock = taken, clock
        self._live = {lot.key: LiveLot(lot, taken[lot.key], seed) for lot in lots}
        self._boxes = {lot.key: ScriptedBox(lot, folder, port, clock, seed) for lot in lots}
        by_lot = {lot.id: self._boxes[lot.key] for lot in lots}
        self._troubles = LiveTroubles(by_lot, clock)
        self._begin_s = clock.mono_s()
        self._over, self._quiet, self._is_quiet = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="city-district", daemon=True)
        # The truth grows in one thread and is read in others.
        self._lock = threading.Lock()
        self._fault: BaseException | None = None

    def start(self) -> None:
        """Connect the boxes and let it go on."""
        self._begin_s = self._clock.mono_s()
        for key, box in self._boxes.items():
            box.start(self._taken[key])
            # amqtt 0.12 trips over clients that subscribe at the same moment (it walks a dictionary
            # that they change) and drops one: they come back, but one after the other is faster.
            ends_s = self._clock.mono_s() + _CONNECT_S
            while not box.is_connected and self._clock.mono_s() < ends_s:
                self._over.wait(_CONNECT_S / 100)
        self._troubles.start()
        self._thread.start()

    def quiesce(self) -> None:
        """Nobody comes or goes any more, when this returns."""
        self._quiet.set()
        self._is_quiet.wait(_JOIN_S)

    def stop(self) -> None:
        """Stop all boxes; one that fails keeps no other from its stop."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        with ExitStack() as stops:
            for box in self._boxes.values():
                stops.callback(box.stop)
        if self._fault is not None:
            raise self._fault

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        """Seconds since the start, for all lots alike."""
        return mono_s - self._begin_s

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        """Whether each bay was occupied at a time."""
        return self._live[lot.key].truth(time_s)

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        """All changes up to a time."""
        with self._lock:
            return self._live[lot.key].changes(to_s)

    def published(self) -> Mapping[str, Published]:
        """By box; of boxes that wait with something, less than they will publish."""
        return {box.lot.edge: box.published for box in self._boxes.values()}

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of a box's events."""
        return Delivery.of(published, ask(f"edges/{lot.edge}"))

    @property
    def waits(self) -> bool:
        """Whether a box has still to publish what it saw."""
        return any(box.waits for box in self._boxes.values())

    def _run(self) -> None:
        try:
            last_s = self._clock.mono_s()
            while not self._over.wait(_TICK_S):
                now_s = self._clock.mono_s()
                if self._quiet.is_set():
                    self._troubles.end()
                    self._is_quiet.set()
                else:
                    self._live_on(last_s, now_s)
                    self._troubles.tick()
                for box in self._boxes.values():
                    box.tick()
                last_s = now_s
        except Exception as exc:  # told to the one who stops it
            self._fault = exc

    def _live_on(self, from_s: float, to_s: float) -> None:
        local = self._clock.utc().astimezone(ZoneInfo(TIME_ZONE))
        for key, live in self._live.items():
            with self._lock:
                news = live.step(
                    from_s - self._begin_s, to_s - self._begin_s, _wanted(live.lot, local)
                )
            self._boxes[key].see(news)


def _wanted(lot: PlannedLot, local: datetime) -> float:
    return DEMANDS[lot.spec.use].share_at(local)
