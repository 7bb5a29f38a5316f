"""A bay sensor with a life of its own: it notices late, beats, ages, resets, lies and dies."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from simulator.uplinks.payloads import FAMILIES, Encoder, Family, Reading, Reset
from simulator.uplinks.radio import Air, Delivery, Device, Transmitter

_FULL_V, _EMPTY_V = 3.65, 2.85
_MEAN_C, _SWING_C, _COLDEST_H = 9.0, 5.0, 4.0
_STATUS_EVERY = 24
"""Heartbeats between two answers to the network's question."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a sensor behaves.

    Attributes:
        heartbeat_s: it says something at least so often.
        notices_s: until it believes a change, so that a car driving over it does not count.
        lies_share: of the time in which it says the contrary of what is so.
        lies_for_s: how long such a spell lasts on average.
        resets_every_s: mean time between resets; None: never.
        silent_s: it says nothing from the first to the second time, seconds since 1970.
        battery_v: in the beginning.
        frame_costs_v: that each frame takes of it.
    """

    heartbeat_s: float = 3600.0
    notices_s: tuple[float, float] = (1.0, 6.0)
    lies_share: float = 0.0
    lies_for_s: float = 1800.0
    resets_every_s: float | None = None
    silent_s: tuple[float, float] = (math.inf, math.inf)
    battery_v: float = 3.6
    frame_costs_v: float = 4e-6

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 <= self.lies_share < 1 or self.lies_for_s <= 0 or self.heartbeat_s <= 0:
            msg = (
                "expected a share below 1 and times above 0, but got "
                f"{self.lies_share}, {self.lies_for_s}, {self.heartbeat_s}"
            )
            raise ValueError(msg)


_Action = Callable[[float], None]


class SimulatedSensor:
    """One bay sensor over time; the same seed gives the same frames.

    Args:
        device: which; its profile names the family.
        habits: how it behaves.
        air: how its frames fare.
        seed: of it all, together with its address.
        begin_s: it starts then, seconds since 1970.
        occupied: the bay in the beginning.
    """

    def __init__(
        self, device: Device, habits: Habits, air: Air, seed: int, begin_s: float, *, occupied: bool
    ) -> None:
        self.device = device
        self._family = _family_of(device)
        self._habits = habits
        self._rng = random.Random(f"sensor {seed} {device.dev_eui}")  # noqa: S311 - a simulation
        own = random.Random(f"radio {seed} {device.dev_eui}")  # noqa: S311
        self._radio = Transmitter(device, air, own)
        self._due: list[tuple[float, int, _Action]] = []
        self._order = count()
        self._sensed, self._lies = occupied, False
        self._told, self._told_s = occupied, begin_s
        self._news = 0
        self._counter = self._beats = 0
        self._battery_v = habits.battery_v
        self._at(begin_s, lambda at_s: self._start(at_s, Reset.POWER_ON))
        self._at(begin_s + self._rng.uniform(0, habits.heartbeat_s), self._beat)
        if habits.lies_share > 0:
            self._at(begin_s + self._honest_s(), self._lie)
        if habits.resets_every_s is not None:
            self._at(begin_s + self._until_reset_s(), self._reset)

    @property
    def said(self) -> bool:
        """What it would say of its bay now."""
        return self._sensed is not self._lies

    @property
    def sent(self) -> int:
        """How many frames it sent."""
        return self._radio.sent

    @property
    def waits(self) -> bool:
        """Whether a frame of it is under way."""
        return self._radio.waits

    def see(self, at_s: float, *, occupied: bool) -> None:
        """Somebody comes or goes; a change back before it is believed goes unnoticed."""
        self._at(at_s, lambda now_s: self._sense(now_s, occupied=occupied))

    def step(self, to_s: float) -> list[Delivery]:
        """Live on to a time; what arrived from it since the last step, in order of arrival."""
        while self._due and self._due[0][0] <= to_s:
            at_s, _, action = heapq.heappop(self._due)
            action(at_s)
        return self._radio.arrived(to_s)

    def _at(self, at_s: float, action: _Action) -> None:
        heapq.heappush(self._due, (at_s, next(self._order), action))

    def _is_silent(self, at_s: float) -> bool:
        from_s, to_s = self._habits.silent_s
        return from_s <= at_s < to_s

    # What it does

    def _sense(self, at_s: float, *, occupied: bool) -> None:
        self._news += 1
        number = self._news

        def believe(now_s: float) -> None:
            if number == self._news:
                self._sensed = occupied
                self._tell(now_s)

        self._at(at_s + self._rng.uniform(*self._habits.notices_s), believe)

    def _start(self, at_s: float, reset: Reset) -> None:
        if self._is_silent(at_s):
            return
        self._counter = 0
        self._radio.join(at_s)
        family, started = self._family, self._family.started
        if started is None:
            self._send(at_s, family.heartbeat)
        else:
            self._send(at_s, lambda reading: started(reading, family.firmware, reset))

    def _reset(self, at_s: float) -> None:
        self._start(at_s, Reset.WATCHDOG)
        self._at(at_s + self._until_reset_s(), self._reset)

    def _beat(self, at_s: float) -> None:
        self._at(at_s + self._habits.heartbeat_s * self._rng.uniform(0.98, 1.0), self._beat)
        if self._is_silent(at_s):
            return
        self._send(at_s, self._family.heartbeat)
        self._beats += 1
        if self._beats % _STATUS_EVERY == 0:
            self._radio.tell_status(at_s, battery_pct(self._battery_v))

    def _lie(self, at_s: float) -> None:
        self._lies = not self._lies
        self._at(at_s + (self._spell_s() if self._lies else self._honest_s()), self._lie)
        self._tell(at_s)

    def _spell_s(self) -> float:
        return self._rng.expovariate(1 / self._habits.lies_for_s)

    def _honest_s(self) -> float:
        share = self._habits.lies_share
        return self._rng.expovariate(share / (self._habits.lies_for_s * (1 - share)))

    def _until_reset_s(self) -> float:
        return self._rng.expovariate(1 / (self._habits.resets_every_s or math.inf))

    def _tell(self, at_s: float) -> None:
        """Send what it believes, if that is news."""
        if self.said is not self._told and not self._is_silent(at_s):
            self._send(at_s, self._family.changed)

    def _send(self, at_s: float, encoder: Encoder) -> None:
        frame = encoder(self._reading(at_s))
        if self.said is not self._told:
            self._told, self._told_s = self.said, at_s
        self._radio.send(at_s, frame)

    def _reading(self, at_s: float) -> Reading:
        self._counter += 1
        self._battery_v = max(_EMPTY_V, self._battery_v - self._habits.frame_costs_v)
        family, said, wobble = self._family, self.said, self._rng.gauss
        distance_mm = family.taken_mm if said else family.free_mm
        strength = 900 if said else 30
        return Reading(
            occupied=said,
            previous_min=max(0.0, at_s - self._told_s) / 60,
            battery_v=self._battery_v,
            battery_pct=battery_pct(self._battery_v),
            temperature_c=temperature_c(at_s) + wobble(0, 0.5),
            counter=self._counter,
            distance_mm=max(1, round(wobble(distance_mm, 12))) if family.measures_mm else 0,
            magnet=(round(wobble(strength, 9)), round(wobble(0, 9)), round(wobble(-strength, 9))),
        )


def _family_of(device: Device) -> Family:
    family = FAMILIES.get(device.profile)
    if family is None:
        msg = f"expected a family of {', '.join(FAMILIES)}, but got {device.profile!r}"
        raise ValueError(msg)
    return family


def battery_pct(volts: float) -> float:
    """What is left of a lithium cell, roughly: its voltage falls late, and then at once."""
    return round(100 * min(1.0, max(0.0, (volts - _EMPTY_V) / (_FULL_V - _EMPTY_V))), 1)


def temperature_c(at_s: float) -> float:
    """Of a mild day: coldest at four in the morning, UTC."""
    at = datetime.fromtimestamp(at_s, UTC)
    hour = at.hour + at.minute / 60
    return _MEAN_C - _SWING_C * math.cos((hour - _COLDEST_H) / 24 * 2 * math.pi)
