"""Makes `store-v1.sqlite`: what a box of version 1 leaves behind, for the tests of migrations.

Run with the code of that time, from its own folder (commit 2f751e7):

    python make_store.py store-v1.sqlite
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_app.delivery import BayChange, IncidentChange, OutboxConfig, Store
from edge_app.delivery.agents.aggregates import AggregateAgent
from telemetry import (
    BayState,
    Cause,
    ClockStamp,
    IncidentKind,
    Layout,
    LayoutBay,
    ManualClock,
    ModelRef,
    UnknownReason,
)
from telemetry.topics import EdgeTopics
from vision.incidents import Incident

MODEL = ModelRef(name="yolo11n-bays", version="1.0.0", sha256="ab" * 32)
T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def change(bay: str, occ: bool | None, since: datetime) -> BayChange:
    reason = None if occ is not None else UnknownReason.OCCLUDED
    state = BayState(bay, occ, reason, 0.0 if occ is None else 0.9, since)
    return BayChange(state, Cause.DETECTION, "gate", "bay_head", MODEL, 3)


def main(path: Path) -> None:
    """Two events released, four waiting, one refused; an incident, an aggregate, a command."""
    clock = ManualClock(epoch_utc=T0)
    stamp = ClockStamp(synced=True, mono_ms=1, boot_id="boot")
    store = Store.open(path, clock, OutboxConfig(), lambda: stamp)
    store.set_layout(Layout.of([LayoutBay(bay=f"b{i}", camera="gate", zone="A") for i in range(4)]))
    aggregates = AggregateAgent(EdgeTopics("north", "edge-7"), store, clock)
    store.record([change("b0", True, T0), change("b1", False, T0)])
    store.acknowledge(2)
    for _ in range(1000):
        clock.advance(1.0)
        aggregates.tick(clock.mono_s())
    aggregates.save()
    store.record([change("b0", False, clock.utc()), change("b2", None, clock.utc())])
    store.set_closed("b3", True)
    store.record_incidents([IncidentChange(incident(clock.utc()), MODEL, 3)])
    store.refuse(4, 0x87)
    store.begin_connection()
    kept_until = clock.utc() + timedelta(days=365 * 50)
    store.documents.begin_command("cmd-1", kept_until, clock.utc())
    store.documents.finish_command("cmd-1", '{"status": "done"}')
    store.close()


def incident(began: datetime) -> Incident:
    return Incident(
        id="i-1", kind=IncidentKind.STRADDLING, camera="gate", bays=("b0", "b1"), began=began,
        last_seen=began, stood_s=60.0, vehicle="car", conf=0.8, box_norm=(0.1, 0.2, 0.3, 0.4),
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
