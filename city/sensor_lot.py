"""The part on sensors: each bay has one, and their uplinks come over the town's LoRaWAN server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from city.live_lot import LiveLot
from city.living import LivingLots, News
from city.network_server import NetworkServer
from city.part import Ask, Delivery, Published
from city.plan import PlannedBay, PlannedLot, sensor_id
from city.stays import Taken
from simulator import TruthChange
from simulator.uplinks import (
    FAMILIES,
    Air,
    Device,
    Habits,
    SimulatedSensor,
    UplinkKind,
)
from telemetry import Clock

HEARTBEAT_S = 15.0
"""In earnest an hour or a day; here one is to see that a sensor fell silent."""
PERIOD_S = 20.0
"""What the registry says: heard of at least so often."""
THRESHOLD_MM = 2_000
_NOTICES_S = (1.0, 3.5)
_AIR = Air(lost_share=0.01, repeated_share=0.03, late_share=0.02, late_s=(2.0, 8.0))
_SILENT, _SILENT_AFTER_S = "B06", 15.0
# Two and a half of its periods, and what the cloud needs to see it.
_FORGOTTEN_S = 2.5 * PERIOD_S + 5.0
_WEAK, _WEAK_V = "B03", 2.62
_FAMILY_OF_ROW = {"A": "nwave-nps310", "B": "nwave-nps405", "C": "milesight-em310-udl"}
_EUI_PREFIX = "70b3d57ed0"


@dataclass(frozen=True, slots=True)
class PlannedSensor:
    """A sensor as the registry knows it.

    Attributes:
        id: of the device.
        lot: where it is.
        bay: under or over which.
        radio: its address and its family.
    """

    id: str
    lot: PlannedLot
    bay: PlannedBay
    radio: Device

    @property
    def needs_mm(self) -> float | None:
        """Below which distance its bay is taken; None: it says so itself."""
        return THRESHOLD_MM if FAMILIES[self.radio.profile].measures_mm else None

    @property
    def model(self) -> str:
        """For people."""
        return FAMILIES[self.radio.profile].model

    @property
    def firmware(self) -> str:
        """As the maker writes it."""
        return ".".join(map(str, FAMILIES[self.radio.profile].firmware))


def sensors_of(lot: PlannedLot) -> tuple[PlannedSensor, ...]:
    """A sensor for each bay; those of a row come from one maker."""
    return tuple(planned_sensor(lot, bay) for bay in lot.bays)


def planned_sensor(lot: PlannedLot, bay: PlannedBay) -> PlannedSensor:
    """The sensor of one bay."""
    name = sensor_id(lot.id, bay.said.bay)
    eui = _EUI_PREFIX + hashlib.sha256(f"{lot.key}/{name}".encode()).hexdigest()[:6]
    family = _FAMILY_OF_ROW.get(bay.said.bay[0], "bosch-tps110")
    return PlannedSensor(name, lot, bay, Device(eui, name, family))


class SensorLots:
    """Lots whose sensors go on from where the history ends.

    Args:
        lots: on sensors.
        taken: who stands where at the beginning.
        port: of the broker on loopback.
        clock: time.
        seed: of what happens.
    """

    # Until a sensor believes a change (up to 3.5 s), the wait of a frame that is held back (8 s),
    # the cloud's second in which it makes one state of several words, and the page's pause. A
    # change whose frame is lost comes with the next heartbeat, and counts as late.
    limit_s = 3.5 + 8.0 + 1.0 + 5.0
    ends_still = True
    # None of the sensors lies, so a state that is wrong in the end is a fault of the delivery.
    least_right = 1.0

    def __init__(
        self, lots: Sequence[PlannedLot], taken: Taken, port: int, clock: Clock, seed: int
    ) -> None:
        self.lots = tuple(lots)
        self._clock, self._seed, self._taken = clock, seed, taken
        live = {lot.key: LiveLot(lot, taken[lot.key], seed) for lot in lots}
        self._living = LivingLots(live, clock, self._tick, "city-sensors")
        self._server = NetworkServer(port)
        self._sensors: dict[tuple[str, str], SimulatedSensor] = {}
        self._delivered: dict[str, set[str]] = {lot.key: set() for lot in lots}
        self._heard_s: dict[tuple[str, str], float] = {}
        self._begin_s = self._quiet_s = 0.0

    def start(self) -> None:
        """Switch the sensors on and let it go on."""
        self._server.start()
        self._begin_s = self._clock.utc().timestamp()
        self._sensors = dict(self._switched_on())
        self._living.start()

    def _switched_on(self) -> Iterator[tuple[tuple[str, str], SimulatedSensor]]:
        for lot in self.lots:
            for each in sensors_of(lot):
                bay = each.bay.said.bay
                # They start one after the other, as they do when the power of a gateway is back.
                begin_s = self._begin_s + 2.0 * len(self._heard_s) / len(lot.bays)
                self._heard_s[lot.key, bay] = 0.0
                yield (
                    (lot.key, bay),
                    SimulatedSensor(
                        each.radio,
                        self._habits(bay),
                        _AIR,
                        self._seed,
                        begin_s,
                        occupied=bay in self._taken[lot.key],
                    ),
                )

    def _habits(self, bay: str) -> Habits:
        silent_s = self._begin_s + _SILENT_AFTER_S
        return Habits(
            heartbeat_s=HEARTBEAT_S,
            notices_s=_NOTICES_S,
            silent_s=(silent_s, float("inf")) if bay == _SILENT else Habits().silent_s,
            battery_v=_WEAK_V if bay == _WEAK else Habits().battery_v,
        )

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

    def published(self) -> Mapping[str, Published]:
        """Frames of a lot's sensors, without repetitions; confirmed if the broker has them all."""
        told = {lot.edge: len(self._delivered[lot.key]) for lot in self.lots}
        waits = int(self._server.waits)
        return {edge: Published(0, count, count - waits) for edge, count in told.items()}

    @property
    def waits(self) -> bool:
        """Whether a sensor that lives has not said since the end how its bay is, or may not yet.

        What a lost frame told comes with the next heartbeat.
        """
        settled_s = self._quiet_s + _NOTICES_S[1]
        silent_s = self._begin_s + _SILENT_AFTER_S
        return (
            any(
                heard_s <= settled_s
                for (_, bay), heard_s in self._heard_s.items()
                if bay != _SILENT
            )
            or self._clock.utc().timestamp() < silent_s + _FORGOTTEN_S
        )

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of the frames of a lot's sensors."""
        raise NotImplementedError

    def _tick(self, news: News, is_quiet: bool) -> None:
        now_s = self._clock.utc().timestamp()
        for key, changes in news.items():
            for change in changes:
                at_s = self._begin_s + change.time_s
                self._sensors[key, change.bay].see(at_s, occupied=change.occupied)
        for (key, bay), sensor in self._sensors.items():
            arrived = sensor.step(now_s)
            self._server.publish(arrived)
            for each in arrived:
                self._delivered[key].add(each.uplink.id)
                if each.uplink.kind is UplinkKind.UP:
                    self._heard_s[key, bay] = max(self._heard_s[key, bay], each.uplink.sent_s)
