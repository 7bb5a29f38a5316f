"""The part on sensors: each bay has one, and their uplinks come over the town's LoRaWAN server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from city.live_lot import LiveLot
from city.living import LivingLots, News
from city.network_server import NetworkServer
from city.part import Ask, Delivery, Published
from city.plan import PlannedLot
from city.sensor_field import (
    HEARTBEAT_S,
    HELD_BACK_S,
    NOTICES_S,
    PERIOD_S,
    SensorField,
    frames_of,
    sensors_of,
)
from city.stays import Taken
from simulator import TruthChange
from simulator.uplinks import Habits
from telemetry import Clock

_SILENT, _SILENT_AFTER_S = "A06", 8.0
# Two and a half of its periods, and what the cloud needs to see it.
_FORGOTTEN_S = 2.5 * PERIOD_S + 5.0
_WEAK, _WEAK_V = "A03", 2.62
_WRITTEN_S, _STEP_S = 15.0, 0.25


class SensorLots:
    """Lots whose sensors go on from where the history ends.

    Args:
        lots: on sensors.
        taken: who stands where at the beginning.
        server: the town's network server, which others use too.
        clock: time.
        seed: of what happens.
    """

    # A sensor's own hesitation, the wait of a frame that is held back, the cloud's second in which
    # it makes one state of several words, the page's pause. A change whose frame is lost comes with
    # the next heartbeat, and counts as late.
    limit_s = NOTICES_S[1] + HELD_BACK_S + 1.0 + 5.0
    ends_still = True
    # None of the sensors lies, so a state that is wrong in the end is a fault of the delivery.
    least_right = 1.0

    def __init__(
        self,
        lots: Sequence[PlannedLot],
        taken: Taken,
        server: NetworkServer,
        clock: Clock,
        seed: int,
    ) -> None:
        self.lots = tuple(lots)
        self._clock, self._server = clock, server
        live = {lot.key: LiveLot(lot, taken[lot.key], seed) for lot in lots}
        self._living = LivingLots(live, clock, self._tick, "city-sensors")
        sensors = [each for lot in lots for each in sensors_of(lot)]
        self._field = SensorField(sensors, taken, server.publish, _habits, seed)
        self._begin_s = self._quiet_s = 0.0

    def start(self) -> None:
        """Switch the sensors on and let it go on."""
        self._server.start()
        self._begin_s = self._clock.utc().timestamp()
        self._field.switch_on(self._begin_s)
        self._living.start()

    def check(self) -> None:
        """Raise what ended it, if something did."""
        self._living.check()

    def quiesce(self) -> None:
        """Nobody comes or goes any more, when this returns."""
        self._living.quiesce()
        self._quiet_s = self._clock.utc().timestamp()

    def stop(self) -> None:
        """Switch everything off."""
        self._living.stop()
        self._server.stop()
        self._living.check()

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        """Seconds since the start, for all lots alike."""
        return self._living.time_s(mono_s)

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        """Whether each bay was occupied at a time."""
        return self._living.truth(lot.key, time_s)

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        """All changes up to a time."""
        return self._living.changes(lot.key, to_s)

    @property
    def waits(self) -> bool:
        """Whether a sensor that lives has not said since the end how its bay is.

        What a lost frame told comes with the next heartbeat; the silent one must be known as such.
        """
        settled_s = self._quiet_s + NOTICES_S[1]
        heard_s = [at_s for (_, bay), at_s in self._field.heard_s.items() if bay != _SILENT]
        forgotten_s = self._begin_s + _SILENT_AFTER_S + _FORGOTTEN_S
        return min(heard_s) <= settled_s or self._clock.utc().timestamp() < forgotten_s

    def published(self) -> Mapping[str, Published]:
        """Frames of a lot's sensors, without repetitions; confirmed if the broker has them all."""
        told, waits = frames_of(self._field), int(self._server.waits)
        return {lot.edge: Published(0, told[lot.key], told[lot.key] - waits) for lot in self.lots}

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of the frames: the cloud says of each sensor how many it has."""
        # What the broker has the cloud may still be writing.
        ends_s = self._clock.mono_s() + _WRITTEN_S
        while (taken := _taken(lot, ask)) < published.seq and self._clock.mono_s() < ends_s:
            time.sleep(_STEP_S)
        # They go on sending; what came since `published` is nobody's question.
        taken = min(taken, published.seq)
        return Delivery(published.seq, taken, published.seq - taken)

    def _tick(self, news: News, is_quiet: bool) -> None:
        self._field.step(self._clock.utc().timestamp(), news)


def _taken(lot: PlannedLot, ask: Ask) -> int:
    return sum(int(ask(f"sensors/{each.id}")["frames_24h"]) for each in sensors_of(lot))


def _habits(bay: str, begin_s: float) -> Habits:
    plain = Habits(HEARTBEAT_S, NOTICES_S)
    silent_s = (begin_s + _SILENT_AFTER_S, float("inf"))
    return Habits(
        HEARTBEAT_S,
        NOTICES_S,
        silent_s=silent_s if bay == _SILENT else plain.silent_s,
        battery_v=_WEAK_V if bay == _WEAK else plain.battery_v,
    )
