"""A site with a box and bay sensors, and the reconciler on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cloud_app.occupancy.reconciler import Reconciler
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now, bays_now, lots_now
from cloud_app.storage.sources import SourceWord, tell
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from cloud_app.views import BayNow, Counts
from sensors.reconcile import SourceKind
from telemetry import ManualClock
from tests.cloud_app.registry.places import put
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take

PERIOD_S = 3600


@dataclass
class SensorSite:
    """Box `box-1` sees a1, a2, a3 of north/p1; sensors stand where `sensors` says, by bay."""

    database: Database
    sensors: Sequence[tuple[str, str]] = ()
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    box: ScriptedEdge = field(default_factory=ScriptedEdge)
    events: list[TakenEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(self.database, self.clock, 180.0, sinks=self.events.extend)
        take(self.database, self.box.hello())
        with self.database.write() as session:
            for bay in sorted({bay for _, bay in self.sensors} - set(self.box.bay_ids)):
                put(session, "bay", f"north/p1/{bay}", zone="z1")
            for sensor, bay in self.sensors:
                put(session, "device", sensor, kind="sensor", site="north", lot="p1", bay=bay)

    @property
    def now_ms(self) -> int:
        return to_ms(self.clock.utc())

    @property
    def now(self) -> Now:
        return Now(self.now_ms, 180_000)

    def camera(self, bay: str, occ: bool | None) -> None:
        """The box tells it at this moment."""
        self.box.now = START + timedelta(seconds=self.clock.now_s)
        take(self.database, [self.box.change(bay, occ, 0)])

    def alive(self) -> None:
        """The box shows life."""
        self.box.now = START + timedelta(seconds=self.clock.now_s)
        take(self.database, [self.box.health()])

    def word(self, sensor: str, bay: str, occ: bool | None, **more: object) -> SourceWord:
        now_ms = self.now_ms
        facts: dict[str, object] = {
            "kind": SourceKind.SENSOR,
            "reason": None if occ is not None else "sensor_fault",
            "since_ms": now_ms,
            "heard_ms": now_ms,
            "until_ms": now_ms + 2 * PERIOD_S * 1000,
            **more,
        }
        return SourceWord("north", "p1", bay, sensor, occ=occ, **facts)  # type: ignore[arg-type]

    def hear(self, *words: SourceWord) -> None:
        with self.database.write() as session:
            tell(session, words)

    def run(self, seconds: float = 1) -> None:
        """Let time pass, then look once."""
        self.clock.advance(seconds)
        self.reconciler.tick()

    def bays(self) -> dict[str, BayNow]:
        with self.database.read() as session:
            found = bays_now(session, self.now, site="north", lot="p1")
        assert len({bay.bay for bay in found}) == len(found), "a bay stands in the list once"
        return {bay.bay: bay for bay in found}

    def counts(self) -> Counts:
        with self.database.read() as session:
            return {lot.lot: lot.counts for lot in lots_now(session, self.now)}["p1"]

    def states(self) -> dict[str, str]:
        return {name: bay.state.value for name, bay in self.bays().items()}
