"""One batch of messages into the tables, in one transaction."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_app.ingest.decode import Decoded, Inbound, TakenReport, Unreadable, decode_inbound
from cloud_app.registry.layouts import take_layouts
from cloud_app.storage.database import Session
from cloud_app.storage.events import take_events
from cloud_app.storage.intake import (
    keep_unreadable,
    newest_stream,
    take_aggregate,
    take_health,
    take_layout,
    take_snapshot,
    take_status,
    touch_edges,
)
from cloud_app.stream import Poison, StreamKey, TakenEvent
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, Snapshot, Status


@dataclass(slots=True)
class Batch:
    """Messages that were read together.

    Attributes:
        inbound: as they came, to be confirmed to the broker in the end.
        events: those of them that are events.
        reports: those that are status, layout, snapshot, health or aggregate, in their order.
        unreadable: those for the quarantine.
    """

    inbound: list[Inbound] = field(default_factory=list)
    events: list[TakenEvent] = field(default_factory=list)
    reports: list[tuple[TakenReport, Inbound]] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    sites: dict[str, str] = field(default_factory=dict)
    heard_ms: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Sequence[Inbound], prefix: str) -> Batch:
        """Read messages into a batch."""
        batch = cls()
        for inbound in messages:
            batch._add(inbound, decode_inbound(inbound, prefix))
        return batch

    @classmethod
    def refused(cls, inbound: Inbound, prefix: str, reason: str) -> Batch:
        """A batch of one message that reads well and that the database will not take."""
        batch = cls(inbound=[inbound])
        decoded = decode_inbound(inbound, prefix)
        poison = None
        if isinstance(decoded, TakenEvent):
            batch.sites[decoded.edge] = decoded.site
            poison = Poison(decoded.edge, decoded.event.epoch, decoded.event.seq)
        batch.unreadable.append(Unreadable(inbound, reason, poison))
        return batch

    def _add(self, inbound: Inbound, decoded: Decoded) -> None:
        self.inbound.append(inbound)
        if isinstance(decoded, Unreadable):
            self.unreadable.append(decoded)
            if decoded.poison is not None and decoded.site is not None:
                self.sites[decoded.poison.edge] = decoded.site
            return
        self.sites[decoded.edge] = decoded.site
        if isinstance(decoded, TakenEvent):
            self.events.append(decoded)
        else:
            self.reports.append((decoded, inbound))
        if _shows_life(decoded, inbound):
            known = self.heard_ms.get(decoded.edge, 0)
            self.heard_ms[decoded.edge] = max(known, inbound.received_ms)


def _shows_life(decoded: TakenEvent | TakenReport, inbound: Inbound) -> bool:
    """Whether the message says that its edge is there now."""
    if isinstance(decoded, TakenReport) and isinstance(decoded.report, Status):
        # A retained birth counts: had the edge gone, its will would stand there instead.
        return decoded.report.online
    return not inbound.retained


def take_batch(session: Session, batch: Batch) -> dict[StreamKey, int]:
    """Write a batch.

    Returns:
        Watermarks to acknowledge once the transaction has committed.
    """
    touch_edges(session, batch.sites, batch.heard_ms)
    poison = [bad.poison for bad in batch.unreadable if bad.poison is not None]
    acks = take_events(session, batch.events, poison)
    for taken, _ in batch.reports:
        acks |= _take_report(session, taken)
    layouts = [(taken.edge, at) for taken, at in batch.reports if isinstance(taken.report, Layout)]
    if layouts:
        heard_ms = max(at.received_ms for _, at in layouts)
        take_layouts(session, {edge for edge, _ in layouts}, heard_ms)
    for bad in batch.unreadable:
        quarantine(session, bad.inbound, bad.reason)
    return acks


def _take_report(session: Session, taken: TakenReport) -> dict[StreamKey, int]:
    match taken.report:
        case Status() as status:
            take_status(session, taken.edge, status)
            # A birth is answered, so that the edge knows what not to send again.
            return _watermark(session, taken.edge, status.epoch) if status.online else {}
        case Layout() as layout:
            take_layout(session, taken.site, taken.edge, layout)
        case Snapshot() as snapshot:
            return take_snapshot(session, taken.edge, snapshot)
        case Health() as health:
            take_health(session, taken.edge, health)
        case Aggregate() as aggregate:
            take_aggregate(session, taken.edge, aggregate)
    return {}


def _watermark(session: Session, edge: str, epoch: int) -> dict[StreamKey, int]:
    """The newest stream known of an edge that says it is at `epoch`.

    If more is known of it than the edge has, its store is an old copy: told so, it renews its epoch
    instead of giving numbers out twice.
    """
    newest = newest_stream(session, edge)
    if newest is None or newest[0] < epoch:
        return {(edge, epoch): 0}
    return {(edge, newest[0]): newest[1]}


def quarantine(session: Session, inbound: Inbound, reason: str) -> None:
    """Keep a message that nobody could use, to the byte; the same one again is only counted."""
    digest = hashlib.sha256(inbound.topic.encode() + b"\0" + inbound.payload).hexdigest()
    keep_unreadable(
        session,
        (
            digest,
            inbound.topic.replace("\0", "�"),
            base64.b64encode(inbound.payload).decode(),
            reason.replace("\0", "�"),
            inbound.received_ms,
        ),
    )
