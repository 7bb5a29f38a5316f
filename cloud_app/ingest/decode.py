"""From an MQTT message to a type of the contract, or to the reason why it is none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from cloud_app.stream import Poison, TakenEvent
from telemetry import TelemetryError
from telemetry.cloudevents import decode_event
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, Snapshot, Status, decode
from telemetry.topics import EdgeTopic, TopicKind, parse_edge_topic

_ID = re.compile(r"([1-9][0-9]{0,15})-([1-9][0-9]{0,15})")

Report: TypeAlias = Status | Layout | Snapshot | Health | Aggregate
_REPORTS: dict[TopicKind, type[Report]] = {
    TopicKind.STATUS: Status,
    TopicKind.LAYOUT: Layout,
    TopicKind.SNAPSHOT: Snapshot,
    TopicKind.HEALTH: Health,
    TopicKind.AGGREGATE: Aggregate,
}
REPORT_KINDS = tuple(_REPORTS)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as the broker delivered it.

    Attributes:
        topic: where it was published.
        payload: its bytes.
        retained: the broker kept it for us: it says nothing about now.
        received_ms: when it arrived.
        receipt: what the link needs to confirm it to the broker.
    """

    topic: str
    payload: bytes
    retained: bool
    received_ms: int
    receipt: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TakenReport:
    """A message about an edge that is no event."""

    site: str
    edge: str
    report: Report


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that goes to the quarantine, and the number that its event had, if known."""

    inbound: Inbound
    reason: str
    poison: Poison | None = None
    site: str | None = None


Decoded: TypeAlias = TakenEvent | TakenReport | Unreadable


def decode_inbound(inbound: Inbound, prefix: str) -> Decoded:
    """Read a message; nothing that a device may send makes this raise."""
    try:
        place = _place(inbound.topic, prefix)
    except TelemetryError as exc:
        return Unreadable(inbound, str(exc))
    if place.kind is TopicKind.EVENT:
        return _decode_event(inbound, place)
    try:
        kind = _REPORTS.get(place.kind)
        if kind is None:
            return Unreadable(inbound, f"{inbound.topic}: {place.kind.value} is not taken in here")
        return TakenReport(place.site, place.edge, decode(kind, inbound.payload, inbound.topic))
    except TelemetryError as exc:
        return Unreadable(inbound, str(exc))


@lru_cache(maxsize=16_384)
def _place(topic: str, prefix: str) -> EdgeTopic:
    """The topic taken apart; the same ones come again and again."""
    return parse_edge_topic(topic, prefix)


def _decode_event(inbound: Inbound, place: EdgeTopic) -> Decoded:
    try:
        event = decode_event(inbound.payload, inbound.topic)
    except TelemetryError as exc:
        return Unreadable(inbound, str(exc), _poison(place.edge, inbound.payload), place.site)
    if event.source != place.topics.base:
        # Whose number it is stays open, so no number is marked as received.
        reason = f"{inbound.topic}: source must be {place.topics.base}, but got {event.source!r}"
        return Unreadable(inbound, reason)
    return TakenEvent(place.site, place.edge, event, inbound.payload.decode())


def _poison(edge: str, payload: bytes) -> Poison | None:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    match = _ID.fullmatch(str(body.get("id"))) if isinstance(body, dict) else None
    return Poison(edge, int(match[1]), int(match[2])) if match else None
