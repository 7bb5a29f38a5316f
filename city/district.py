"""The scripted part: a district of lots whose boxes publish what a script says they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from city.live_lot import LiveLot
from city.live_troubles import LiveTroubles
from city.living import LivingLots, News
from city.part import Ask, Delivery, Published
from city.plan import PlannedLot
from city.scripted_box import ScriptedBox
from city.sensor_field import SensorField
from city.stays import Taken
from simulator import TruthChange
from telemetry import Clock

_CONNECT_S = 2.0


class ScriptedDistrict:
    """Lots whose truth goes on from where their history ends.

    Args:
        lots: scripted ones.
        taken: who stands where at the beginning.
        boxes: of the lots, by their key.
        beside: sensors in some of their bays.
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
        boxes: Mapping[str, ScriptedBox],
        beside: SensorField,
        clock: Clock,
        seed: int,
    ) -> None:
        self.lots = tuple(lots)
        self._taken, self._clock = taken, clock
        live = {lot.key: LiveLot(lot, taken[lot.key], seed) for lot in lots}
        self._living = LivingLots(live, clock, self._tick, "city-district")
        self._boxes = boxes
        by_lot = {lot.id: self._boxes[lot.key] for lot in lots}
        self._troubles = LiveTroubles(by_lot, clock)
        self._beside = beside

    def start(self) -> None:
        """Connect the boxes and let it go on."""
        for key, box in self._boxes.items():
            box.start(self._taken[key])
            # amqtt 0.12 trips over clients that subscribe at the same moment (it walks a dictionary
            # that they change) and drops one: they come back, but one after the other is faster.
            ends_s = self._clock.mono_s() + _CONNECT_S
            while not box.is_connected and self._clock.mono_s() < ends_s:
                self._living.wait(_CONNECT_S / 100)
        self._troubles.start()
        self._beside.switch_on(self._clock.utc().timestamp())
        self._living.start()

    def check(self) -> None:
        """Raise what ended it, if something did."""
        self._living.check()

    def quiesce(self) -> None:
        """Nobody comes or goes any more, when this returns."""
        self._living.quiesce()

    def stop(self) -> None:
        """Stop all boxes; one that fails keeps no other from its stop."""
        self._living.stop()
        with ExitStack() as stops:
            for box in self._boxes.values():
                stops.callback(box.stop)
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
        """By box; of boxes that wait with something, less than they will publish."""
        return {box.lot.edge: box.published for box in self._boxes.values()}

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        """Of a box's events."""
        return Delivery.of(published, ask(f"edges/{lot.edge}"))

    @property
    def waits(self) -> bool:
        """Whether a box has still to publish what it saw."""
        return any(box.waits for box in self._boxes.values())

    def _tick(self, news: News, is_quiet: bool) -> None:
        for key, changes in news.items():
            self._boxes[key].see(changes)
        if is_quiet:
            self._troubles.end()
        else:
            self._troubles.tick()
        for box in self._boxes.values():
            box.tick()
        self._beside.step(self._clock.utc().timestamp(), news)
