"""A counted lot, the messages of its gate and a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from cloud_app.config import GatesConfig
from cloud_app.occupancy.balances import Lot, Truth, set_count
from cloud_app.occupancy.counting import count_lot
from cloud_app.occupancy.passages import Place, take_reports
from cloud_app.occupancy.tables import lot_count
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.times import to_ms
from sensors.counting import Figure, ZeroCause
from sensors.gates import GateReport, Passage, Total
from telemetry import PassageDirection, PassageMethod
from tests.cloud_app.scripted_edge import START

IN, OUT = PassageDirection.IN, PassageDirection.OUT
LOT = Lot("north", "garage")


def pulse(
    direction: PassageDirection | None, at: datetime, key: str = "", count: int = 1
) -> GateReport:
    passage = Passage(direction, count, at, key or at.isoformat(), PassageMethod.PULSE)
    return GateReport("gate-1", at, (passage,))


def total_of(at: datetime, total: int, direction: PassageDirection = IN) -> GateReport:
    return GateReport("gate-1", at, (), (Total(direction, total, at),))


@dataclass
class Garage:
    """A counted lot whose clock the test moves."""

    database: Database
    now: datetime = START
    config: GatesConfig = field(default_factory=GatesConfig)
    place: Place = field(default_factory=lambda: Place("gate-1", "north", "garage"))

    def registered(self, **facts: object) -> Garage:
        lot: dict[str, Any] = {"capacity": 100, **facts}
        things: dict[Ref, dict[str, Any]] = {
            Ref("site", "north"): {"time_zone": "Europe/Berlin"},
            Ref("lot", "north/garage"): lot,
            Ref("device", "gate-1"): {"site": "north", "lot": "garage", "kind": "gate_counter"},
        }
        with self.database.write() as session:
            for ref, said in things.items():
                state(session, Edit(ref, "test", to_ms(self.now)), said)
        return self

    def hear(self, *reports: GateReport) -> None:
        with self.database.write() as session:
            take_reports(session, self.place, reports, to_ms(self.now))

    def set(self, count: int, cause: ZeroCause = ZeroCause.MANUAL) -> None:
        with self.database.write() as session:
            set_count(session, LOT, Truth(self.now, count, cause))

    def after(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def count(self) -> Figure | None:
        with self.database.write() as session:
            return count_lot(session, LOT, self._now(), self.config)

    def counted(self) -> int | None:
        found = self.count()
        assert found is not None
        return found.count

    def why(self) -> str | None:
        with self.database.read() as session:
            [row] = session.rows(select(lot_count.c.why))
        why: str | None = row.why
        return why

    def row(self) -> tuple[int, int, int, int]:
        """(occupied, free, unknown, stale) as the lot's list has it."""
        with self.database.read() as session:
            [lot] = lots_now(session, self._now())
        counts = lot.counts
        return counts.occupied, counts.free, counts.unknown, counts.stale

    def _now(self) -> Now:
        return Now(to_ms(self.now), 180_000)
