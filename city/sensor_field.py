"""Bay sensors that live: which there are, what they notice, and their way to the network server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from city.living import News
from city.plan import PlannedBay, PlannedLot, Watch, sensor_id
from city.stays import Taken
from simulator.uplinks import (
    FAMILIES,
    Air,
    Delivery,
    Device,
    Habits,
    SimulatedSensor,
    Uplink,
    UplinkKind,
)

HEARTBEAT_S = 20.0
"""In earnest an hour or a day; here one is to see that a sensor fell silent."""
PERIOD_S = 25.0
"""What the registry says: heard of at least so often."""
NOTICES_S = (1.0, 3.5)
"""Until a sensor believes a change."""
HELD_BACK_S = 8.0
"""The longest that a frame waits on its way."""
BESIDE = {"Abbey-Car-Park": ("A05", "A06")}
"""Bays that a camera sees and that have a sensor besides, by lot; the first one lies."""

_AIR = Air(lost_share=0.01, repeated_share=0.03, late_share=0.02, late_s=(2.0, HELD_BACK_S))
_THRESHOLD_MM = 2_000
_FAMILY_OF_ROW = {"A": "nwave-nps405", "B": "milesight-em310-udl"}
_OTHERS = "bosch-tps110"
_EUI_PREFIX = "70b3d57ed0"

Publish = Callable[[Iterable[Delivery]], None]
HabitsOf = Callable[[str, float], Habits]
"""How the sensor of a bay behaves that is switched on at a time."""


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
    def key(self) -> tuple[str, str]:
        """Lot and bay."""
        return self.lot.key, self.bay.said.bay

    @property
    def needs_mm(self) -> float | None:
        """Below which distance its bay is taken; None: it says so itself."""
        return _THRESHOLD_MM if FAMILIES[self.radio.profile].measures_mm else None

    @property
    def model(self) -> str:
        """For people."""
        return FAMILIES[self.radio.profile].model

    @property
    def firmware(self) -> str:
        """As the maker writes it."""
        return ".".join(map(str, FAMILIES[self.radio.profile].firmware))


def sensors_of(lot: PlannedLot) -> tuple[PlannedSensor, ...]:
    """The sensors of a lot: one for each bay, a few beside a camera, or none."""
    beside = BESIDE.get(lot.id, ())
    on_sensors = lot.watch is Watch.SENSORS
    return tuple(_planned(lot, bay) for bay in lot.bays if on_sensors or bay.said.bay in beside)


def _planned(lot: PlannedLot, bay: PlannedBay) -> PlannedSensor:
    name = sensor_id(lot.id, bay.said.bay)
    eui = _EUI_PREFIX + hashlib.sha256(f"{lot.key}/{name}".encode()).hexdigest()[:6]
    on_sensors = lot.watch is Watch.SENSORS
    family = _FAMILY_OF_ROW.get(bay.said.bay[0], _OTHERS) if on_sensors else _OTHERS
    return PlannedSensor(name, lot, bay, Device(eui, name, family))


class SensorField:
    """Sensors of some bays, from when they are switched on.

    Args:
        sensors: which.
        taken: who stands where at the beginning.
        publish: gets what arrives at the network server.
        habits_of: how each behaves.
        seed: of it all.
    """

    def __init__(
        self,
        sensors: Sequence[PlannedSensor],
        taken: Taken,
        publish: Publish,
        habits_of: HabitsOf,
        seed: int,
    ) -> None:
        self._planned, self._taken, self._publish = tuple(sensors), taken, publish
        self._habits_of, self._seed = habits_of, seed
        self._living: dict[tuple[str, str], SimulatedSensor] = {}
        self._begin_s = 0.0
        self.heard_s: dict[tuple[str, str], float] = {}
        self.frames: dict[str, set[str]] = {each.lot.key: set() for each in sensors}

    def switch_on(self, at_s: float) -> None:
        """All of them within two seconds, as when the power of a gateway is back."""
        self._begin_s = at_s
        for number, each in enumerate(self._planned):
            bay = each.bay.said.bay
            self.heard_s[each.key] = 0.0
            self._living[each.key] = SimulatedSensor(
                each.radio,
                self._habits_of(bay, at_s),
                _AIR,
                self._seed,
                at_s + 2.0 * number / len(self._planned),
                occupied=bay in self._taken[each.lot.key],
            )

    def step(self, now_s: float, news: News) -> None:
        """Notice what happened, and send.

        Args:
            now_s: seconds since 1970.
            news: with times since the sensors were switched on; of other bays too.
        """
        for key, changes in news.items():
            for change in changes:
                sensor = self._living.get((key, change.bay))
                if sensor is not None:
                    sensor.see(self._begin_s + change.time_s, occupied=change.occupied)
        for bay, living in self._living.items():
            arrived = living.step(now_s)
            self._publish(arrived)
            for each in arrived:
                self._heard(bay, each.uplink)

    def _heard(self, key: tuple[str, str], uplink: Uplink) -> None:
        self.frames[key[0]].add(uplink.id)
        if uplink.kind is UplinkKind.UP:
            self.heard_s[key] = max(self.heard_s[key], uplink.sent_s)


def beside_cameras(
    lots: Sequence[PlannedLot], taken: Taken, publish: Publish, seed: int
) -> SensorField:
    """The sensors in bays that a camera sees, of which the first of each lot lies."""
    liars = {bays[0] for bays in BESIDE.values()}
    habits = {
        True: Habits(HEARTBEAT_S, NOTICES_S, lies_share=0.5, lies_for_s=60.0),
        False: Habits(HEARTBEAT_S, NOTICES_S),
    }
    sensors = [each for lot in lots for each in sensors_of(lot)]
    return SensorField(sensors, taken, publish, lambda bay, _at_s: habits[bay in liars], seed)


def frames_of(field: SensorField) -> Mapping[str, int]:
    """How many different frames arrived of each lot's sensors."""
    return {lot: len(ids) for lot, ids in field.frames.items()}
