"""A gate's counter behind a LoRaWAN radio: a running total, or what passed since the last frame."""

from __future__ import annotations

import random
from collections.abc import Iterable
from enum import StrEnum

from simulator.gates import GateFaults, Passage, SimulatedGate
from simulator.uplinks.payloads import SpeedClass, ncc405_count, tcr_counts
from simulator.uplinks.radio import Air, Delivery, Device, Transmitter


class CountingStyle(StrEnum):
    """Which device, and so how it counts; each is the id of its family."""

    RUNNING_TOTAL = "nwave-ncc405"
    """All vehicles of one lane, whichever way: one device for each direction."""
    INTERVAL = "parametric-tcr"
    """Left and right, since the last frame: what a lost frame counted is lost."""


class SimulatedCounter:
    """One counter over time; the same seed and passages give the same frames.

    Args:
        device: which; its profile is a `CountingStyle`.
        faults: what is wrong with its counting.
        air: how its frames fare.
        seed: of it all, together with its address.
        begin_s: its first frame, seconds since 1970.
        every_s: between two frames.
    """

    def __init__(
        self,
        device: Device,
        faults: GateFaults,
        air: Air,
        seed: int,
        begin_s: float,
        every_s: float,
    ) -> None:
        self.style = CountingStyle(device.profile)
        self.gate = SimulatedGate(device.dev_eui, faults, seed)
        own = random.Random(f"radio {seed} {device.dev_eui}")  # noqa: S311 - a simulation
        self._radio = Transmitter(device, air, own)
        self._next_s, self._every_s = begin_s, every_s
        self._radio.join(begin_s)

    def step(self, to_s: float, passages: Iterable[Passage]) -> list[Delivery]:
        """Live on to a time; what arrived from it since the last step, in order of arrival.

        Args:
            to_s: until then, seconds since 1970.
            passages: that came since the last step, in order.
        """
        coming = list(passages)
        while self._next_s <= to_s:
            due = [each for each in coming if each.at_s < self._next_s]
            coming = coming[len(due) :]
            self.gate.pass_through(due)
            self._report(self._next_s)
            self._next_s += self._every_s
        self.gate.pass_through(coming)
        return self._radio.arrived(to_s)

    def _report(self, at_s: float) -> None:
        if self.style is CountingStyle.RUNNING_TOTAL:
            totals = self.gate.totals(at_s)
            if totals is not None:
                self._radio.send(at_s, ncc405_count(totals.into + totals.out))
            return
        seen = self.gate.interval(at_s)
        if seen is not None:
            self._radio.send(at_s, tcr_counts([SpeedClass(seen.out, seen.into, 9, 8)]))
