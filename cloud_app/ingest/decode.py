"""From an MQTT message to a type of the contract, or to the reason why it is none."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from cloud_app.ingest.changes import read_change
from cloud_app.storage.events import blocked, facts
from cloud_app.storage.times import to_ms
from cloud_app.stream import BayChange, EdgeFault, Poison, TakenEvent, Told
from telemetry import TelemetryError
from telemetry.bounds import MAX_NUMBER
from telemetry.cloudevents import BayChangedEvent, Event, decode_event
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, Snapshot, Status, decode
from telemetry.topics import EdgeTopic, TopicKind, parse_edge_topic

_log = logging.getLogger(__name__)

_ID = re.compile(r"([1-9][0-9]{0,15})-([1-9][0-9]{0,15})")
# For events that are no JSON, or too deep or long to be read: the envelope comes first.
_ID_IN_BYTES = re.compile(rb'"id"\s{0,8}:\s{0,8}"([1-9][0-9]{0,15}-[1-9][0-9]{0,15})"')
_HEAD_BYTES = 4096

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
    """A message that goes to the quarantine.

    Attributes:
        inbound: the message.
        reason: why.
        poison: the number that its event had, if known.
        site: whose topic it came on.
        fault: what its edge should not do, where that is why.
    """

    inbound: Inbound
    reason: str
    poison: Poison | None = None
    site: str | None = None
    fault: EdgeFault | None = None


Decoded: TypeAlias = TakenEvent | TakenReport | Unreadable


def decode_inbound(inbound: Inbound, prefix: str) -> Decoded:
    """Read a message; nothing that anybody may send makes this raise."""
    try:
        return _decode(inbound, prefix)
    except Exception as exc:
        _log.exception("%.200s: a message that nobody thought of", inbound.topic)
        return Unreadable(inbound, f"{type(exc).__name__}: {exc}")


def _decode(inbound: Inbound, prefix: str) -> Decoded:
    try:
        place = _place(inbound.topic, prefix)
    except TelemetryError as exc:
        return Unreadable(inbound, str(exc))
    if place.kind is TopicKind.EVENT:
        return read_change(inbound.payload, place) or read_event(inbound, place)
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


def read_event(inbound: Inbound, place: EdgeTopic) -> TakenEvent | Unreadable:
    """Read an event of any kind, written in any way that the contract allows."""
    try:
        event = decode_event(inbound.payload, inbound.topic)
    except TelemetryError as exc:
        return Unreadable(inbound, str(exc), _poison(place.edge, inbound.payload), place.site)
    if event.source != place.topics.base:
        # Whose number it is stays open, so no number is marked as received.
        reason = f"{inbound.topic}: source must be {place.topics.base}, but got {event.source!r}"
        return Unreadable(inbound, reason)
    head = (place.site, place.edge, event.epoch, event.seq, to_ms(event.time))
    return TakenEvent(*head, _told(event), inbound.payload.decode())


def _told(event: Event) -> Told:
    if not isinstance(event, BayChangedEvent):
        return event
    data = event.data
    return BayChange(event.subject, *facts(data), data.cause.value, data.layout, blocked(data))


def _poison(edge: str, payload: bytes) -> Poison | None:
    match = _ID.fullmatch(_id_of(payload))
    if match is None or max(int(match[1]), int(match[2])) > MAX_NUMBER:
        return None
    return Poison(edge, int(match[1]), int(match[2]))


def _id_of(payload: bytes) -> str:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        found = _ID_IN_BYTES.search(payload[:_HEAD_BYTES])
        return found[1].decode() if found else ""
    name = body.get("id") if isinstance(body, dict) else None
    return name if isinstance(name, str) else ""
