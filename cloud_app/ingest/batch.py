"""One batch of messages into the tables, in one transaction."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cloud_app.errors import CloudError
from cloud_app.ingest.decode import Decoded, Inbound, TakenReport, Unreadable, decode_inbound
from cloud_app.ingest.gates.boxes import take_box_counts
from cloud_app.ingest.sites import FirstUse, Registry
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
from cloud_app.storage.placing import note_faults
from cloud_app.stream import BayChange, EdgeFault, FaultKind, Poison, StreamKey, TakenEvent
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, Snapshot, Status

Read: TypeAlias = tuple[Inbound, Decoded]
"""A message, and what it says."""

_HEAD_BYTES = 4096
_REASON_CHARS = 1000


class SitesChangedError(CloudError):
    """An edge was registered or moved while a batch was under way; the batch is read again."""


@dataclass(slots=True)
class Batch:
    """Messages that were read together.

    Attributes:
        inbound: as they came, to be confirmed to the broker in the end.
        events: those of them that are events.
        reports: those that are status, layout, snapshot, health or aggregate, in their order.
        unreadable: those for the quarantine.
        sites: of the edges that have something to write, as registered when the batch was read.
        heard_ms: when each of them was last heard of, where it showed a sign of life.
        faults: what edges do that they should not.
    """

    inbound: list[Inbound] = field(default_factory=list)
    events: list[TakenEvent] = field(default_factory=list)
    reports: list[tuple[TakenReport, Inbound]] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    sites: dict[str, str] = field(default_factory=dict)
    faults: dict[tuple[str, FaultKind], EdgeFault] = field(default_factory=dict)
    heard_ms: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, messages: Sequence[Inbound], prefix: str, registry: Registry | None = None
    ) -> Batch:
        """Read messages into a batch; what comes under a site not its own goes to the quarantine.

        Raises:
            StorageDownError: the registry cannot be asked.
        """
        return cls.placed([(each, decode_inbound(each, prefix)) for each in messages], registry)

    @classmethod
    def placed(cls, read: Sequence[Read], registry: Registry | None = None) -> Batch:
        """Make a batch of what was decoded.

        Raises:
            StorageDownError: the registry cannot be asked.
        """
        claims: dict[str, list[str]] = {}
        for _, decoded in read:
            edge, site = _claim(decoded)
            known = claims.get(edge)
            if known is None:
                claims[edge] = [site]
            elif site not in known:
                known.append(site)
        claims.pop("", None)
        places = (registry or FirstUse()).places(claims)
        batch = cls(inbound=[inbound for inbound, _ in read])
        for inbound, decoded in read:
            batch._add(inbound, _placed(inbound, decoded, places))
        return batch

    @classmethod
    def refused(cls, one: Read, registry: Registry, reason: str) -> Batch:
        """A batch of one message that reads well and that the database will not take."""
        inbound, _ = one
        read = cls.placed([one], registry)
        batch = cls(inbound=[inbound], sites=read.sites, faults=read.faults)
        poison = [Poison(each.edge, each.epoch, each.seq) for each in read.events]
        poison += [bad.poison for bad in read.unreadable if bad.poison is not None]
        batch.unreadable.append(Unreadable(inbound, reason, poison[0] if poison else None))
        return batch

    def _add(self, inbound: Inbound, decoded: Decoded) -> None:
        if isinstance(decoded, Unreadable):
            self.unreadable.append(decoded)
            if decoded.fault is not None:
                self.blame(decoded.fault)
            if decoded.poison is not None and decoded.site is not None:
                self.sites[decoded.poison.edge] = decoded.site
            return
        edge = decoded.edge
        self.sites[edge] = decoded.site
        if isinstance(decoded, TakenEvent):
            self.events.append(decoded)
        else:
            self.reports.append((decoded, inbound))
        if _shows_life(decoded, inbound) and inbound.received_ms > self.heard_ms.get(edge, -1):
            self.heard_ms[edge] = inbound.received_ms

    def blame(self, fault: EdgeFault) -> None:
        """Note a fault; those of one kind are counted together."""
        known = self.faults.get((fault.edge, fault.kind))
        times = fault.times + (known.times if known else 0)
        self.faults[fault.edge, fault.kind] = replace(fault, times=times)


def _claim(decoded: Decoded) -> tuple[str, str]:
    """The edge and site that a message is to be written under; '' for none."""
    if isinstance(decoded, Unreadable):
        return (decoded.poison.edge, decoded.site or "") if decoded.poison else ("", "")
    return decoded.edge, decoded.site


def _placed(inbound: Inbound, decoded: Decoded, places: Mapping[str, str]) -> Decoded:
    """What was read, or, if its edge may not publish under its site, why not."""
    edge, site = _claim(decoded)
    registered = places.get(edge)
    if not edge or site == registered:
        return decoded
    if registered is None:
        kind, of = FaultKind.NOT_REGISTERED, site
        reason = f"edge {edge} is not registered, and only registered edges are taken in"
    else:
        kind, of = FaultKind.WRONG_SITE, registered
        reason = f"edge {edge} belongs to site {registered}, but published under {site}"
    # What a broker kept from before a move says nothing of now.
    fault = None if inbound.retained else EdgeFault(edge, of, kind, site, inbound.received_ms)
    return Unreadable(inbound, f"{inbound.topic}: {reason}", fault=fault)


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

    Raises:
        SitesChangedError: an edge was registered or moved after the batch was read.
    """
    if touch_edges(session, batch.sites, batch.heard_ms) != batch.sites:
        msg = "an edge belongs to another site than it did a moment ago"
        raise SitesChangedError(msg)
    poison = [bad.poison for bad in batch.unreadable if bad.poison is not None]
    acks = take_events(session, batch.events, poison)
    take_box_counts(session, [each for each in batch.events if type(each.told) is not BayChange])
    for taken, inbound in batch.reports:
        acks |= _take_report(session, taken)
        if isinstance(taken.report, Layout):
            for lot in take_layout(session, taken.site, taken.edge, taken.report):
                batch.blame(_dispute(taken, lot, inbound))
            take_layouts(session, [taken.edge], inbound.received_ms)
    for bad in batch.unreadable:
        quarantine(session, bad.inbound, bad.reason)
    if batch.faults:
        note_faults(session, batch.faults.values())
    return acks


def _dispute(taken: TakenReport, lot: str, inbound: Inbound) -> EdgeFault:
    return EdgeFault(taken.edge, taken.site, FaultKind.LOT_DISPUTED, lot, inbound.received_ms)


def _take_report(session: Session, taken: TakenReport) -> dict[StreamKey, int]:
    match taken.report:
        case Status() as status:
            take_status(session, taken.edge, status)
            # A birth is answered, so that the edge knows what not to send again.
            return _watermark(session, taken.edge, status.epoch) if status.online else {}
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
    """Keep a message that nobody could use, to the byte; the same one again is only counted.

    Of a message that is too long only the head is kept.
    """
    topic = inbound.topic.encode("utf-8", "replace")
    digest = hashlib.sha256(topic + b"\0" + inbound.payload).hexdigest()
    is_long = len(inbound.payload) > MAX_MESSAGE_BYTES
    kept = inbound.payload[:_HEAD_BYTES] if is_long else inbound.payload
    keep_unreadable(
        session,
        (
            digest,
            _plain(topic.decode()),
            base64.b64encode(kept).decode(),
            _plain(reason),
            inbound.received_ms,
        ),
    )


def _plain(text: str) -> str:
    """Text that every database holds."""
    return text[:_REASON_CHARS].encode("utf-8", "replace").decode().replace("\0", "�")
