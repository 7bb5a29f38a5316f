"""What one uplink of a bay sensor or counter says: frozen values, the same from every maker.

A device may tell of its bay (`BayReading`, or a `DistanceReading` that a threshold turns into one),
of passing vehicles (`RunningTotal`, `IntervalCounts`), and of itself (`DeviceStatus`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Final

from sensors.errors import SensorError
from telemetry.vocabulary import UnknownReason

Scalar = str | int | float | bool | None

UINT16: Final = 65_536
"""Where a running total of two bytes starts again."""
LOW_BATTERY_PCT: Final = 15.0
"""At or below, a battery is low, of devices that do not judge it themselves."""
_COLDEST_C, _HOTTEST_C = -60.0, 120.0
_NOTHING: Mapping[str, Scalar] = MappingProxyType({})


def _check(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not (math.isfinite(value) and least <= value <= most):
        msg = f"{name}: expected {least:g} to {most:g}, but got {value:g}"
        raise SensorError(msg)


def plausible_c(temperature_c: float) -> float | None:
    """A temperature in degrees Celsius; None where none of these devices could measure it."""
    return temperature_c if _COLDEST_C <= temperature_c <= _HOTTEST_C else None


@dataclass(frozen=True, slots=True)
class BayReading:
    """What a sensor says of its bay.

    Attributes:
        occupied: None where the uplink says that it does not know.
        previous_state_min: how long the state before this one lasted.
        previous_state_tolerance_min: how much longer it may have been; None where it overflowed.
        tag: of the user who registered at the bay, as a few devices read it.
    """

    occupied: bool | None
    previous_state_min: int | None = None
    previous_state_tolerance_min: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class DistanceReading:
    """How far it is from an overhead sensor to what is below it; None where nothing echoed."""

    distance_mm: int | None

    def __post_init__(self) -> None:
        _check("distance_mm", self.distance_mm, 0, 100_000)

    def occupied(self, threshold_mm: float | None) -> bool | None:
        """Whether something nearer than `threshold_mm` is below; None where nobody can say."""
        if self.distance_mm is None or threshold_mm is None:
            return None
        return self.distance_mm < threshold_mm


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """Vehicles since the counter was started; it starts again at `modulus`, and after a reset."""

    running_total: int
    modulus: int | None = None

    def __post_init__(self) -> None:
        _check("running_total", self.running_total, 0, 2**53)


@dataclass(frozen=True, slots=True)
class IntervalCounts:
    """Vehicles since the uplink before: what is lost with an uplink comes with no other one."""

    left: int
    right: int

    def __post_init__(self) -> None:
        _check("left", self.left, 0, 2**53)
        _check("right", self.right, 0, 2**53)


CounterReading = RunningTotal | IntervalCounts


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """How a device is; None where the uplink does not say it.

    Attributes:
        battery_low: the device's own judgement, or its maker's rule for the voltage.
        reset: why it started; only in the uplink after a start.
        fault: what is wrong with it, so that its word on the bay does not count.
    """

    battery_v: float | None = None
    battery_pct: float | None = None
    battery_low: bool | None = None
    temperature_c: float | None = None
    humidity_pct: float | None = None
    firmware: str | None = None
    reset: str | None = None
    tilted: bool | None = None
    fault: str | None = None

    def __post_init__(self) -> None:
        _check("battery_v", self.battery_v, 0, 100)
        _check("battery_pct", self.battery_pct, 0, 100)
        _check("temperature_c", self.temperature_c, _COLDEST_C, _HOTTEST_C)
        _check("humidity_pct", self.humidity_pct, 0, 100)

    @property
    def is_battery_low(self) -> bool | None:
        """Whether the battery wants changing; None where nothing was said of it."""
        if self.battery_low is not None or self.battery_pct is None:
            return self.battery_low
        return self.battery_pct <= LOW_BATTERY_PCT


@dataclass(frozen=True, slots=True)
class BayWord:
    """What an uplink comes to for the bay: its occupancy, or why it is not known."""

    occupied: bool | None
    reason: UnknownReason | None

    @classmethod
    def of(cls, occupied: bool | None) -> BayWord:
        """A word that is unknown through the sensor's fault where it is unknown."""
        return cls(occupied, UnknownReason.SENSOR_FAULT if occupied is None else None)


@dataclass(frozen=True, slots=True)
class Decoded:
    """All that one uplink says.

    Attributes:
        more: further fields by name, as the maker sends them, for people to read.
    """

    bay: BayReading | None = None
    distance: DistanceReading | None = None
    count: CounterReading | None = None
    status: DeviceStatus = DeviceStatus()
    more: Mapping[str, Scalar] = field(default_factory=lambda: _NOTHING)

    def word(self, threshold_mm: float | None = None) -> BayWord | None:
        """What this says of the bay; None where it says nothing of it.

        Args:
            threshold_mm: a vehicle is nearer than this to the overhead sensor of this bay.
        """
        if self.bay is None and self.distance is None:
            return None
        if self.status.fault is not None or self.status.tilted:
            return BayWord.of(None)
        if self.bay is not None:
            return BayWord.of(self.bay.occupied)
        assert self.distance is not None  # noqa: S101 - for the type checker, seen above
        return BayWord.of(self.distance.occupied(threshold_mm))

    def fields(self) -> dict[str, Scalar]:
        """Every field that was said, by name."""
        said: dict[str, Scalar] = {}
        for part in (self.bay, self.distance, self.count, self.status):
            said |= _named(part)
        return said | dict(self.more)


def _named(part: Any) -> dict[str, Scalar]:
    if not is_dataclass(part):
        return {}
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    is_told = isinstance(part, BayReading | DistanceReading)
    first = next(iter(values))
    return {
        name: value
        for name, value in values.items()
        if value is not None or (is_told and name == first)
    }
