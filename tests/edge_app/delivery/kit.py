"""Layouts, changes and a store for the delivery tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_app.delivery import BayChange, MqttConfig, OutboxConfig, Store
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.outbox import OutboxRow
from telemetry import (
    BayState,
    Cause,
    ClockStamp,
    Event,
    Layout,
    LayoutBay,
    ManualClock,
    ModelRef,
    UnknownReason,
    decode_event,
)

MODEL = ModelRef(name="yolo11n-bays", version="1.0.0", sha256="ab" * 32)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def layout_of(count: int, zone: str | None = None) -> Layout:
    return Layout.of([LayoutBay(bay=f"b{i}", camera="gate", zone=zone) for i in range(count)])


def change(bay: int | str, occ: bool | None, since: datetime = T0) -> BayChange:
    name = bay if isinstance(bay, str) else f"b{bay}"
    reason = UnknownReason.CAMERA_LOST if occ is None else None
    state = BayState(name, occ, reason, 0.0 if occ is None else 0.9, since)
    return BayChange(state, Cause.DETECTION, "gate", "bay_head", MODEL, 3)


def stamp() -> ClockStamp:
    return ClockStamp(synced=True, mono_ms=1, boot_id="boot")


def open_store(path: Path, clock: ManualClock, **bounds: Any) -> Store:
    return Store.open(path, clock, OutboxConfig(**bounds), stamp)


def events(store: Store, after: int = 0) -> list[Event]:
    """Everything that waits, as a consumer would read it."""
    rows = store.pending(after, 1_000_000, refused=True)
    return [as_event(store, row) for row in rows]


def as_event(store: Store, row: OutboxRow) -> Event:
    return decode_event(row.payload(store.epoch, "pk/v1/north/edge-7"), "event")


def config(**settings: Any) -> MqttConfig:
    base: dict[str, Any] = {"host": "127.0.0.1", "port": 1883, "site": "north", "edge": "edge-7"}
    return MqttConfig(**{**base, **settings})


@dataclass
class Wire:
    """A link that a test holds in its hands: keeps what an agent publishes."""

    sent: list[Outgoing] = field(default_factory=list)

    def publish(self, message: Outgoing) -> None:
        self.sent.append(message)

    def take(self) -> list[Outgoing]:
        taken, self.sent = self.sent, []
        return taken

    def topics(self) -> list[str]:
        return [str(message.topic) for message in self.sent]
