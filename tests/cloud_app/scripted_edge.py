"""An edge box that does what a test tells it, in the contract's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud_app.ingest.decode import Inbound
from cloud_app.storage.times import to_ms
from telemetry import Cause, IncidentKind, UnknownReason
from telemetry.cloudevents import (
    BayChangedEvent,
    IncidentChangedEvent,
    StreamGapEvent,
    event_id,
)
from telemetry.health import Health, OutboxHealth
from telemetry.incidents import IncidentChanged
from telemetry.layout import Layout
from telemetry.messages import (
    BayChanged,
    ClockStamp,
    GapReason,
    LayoutBay,
    LotInfo,
    Message,
    ModelRef,
    Occupancy,
    SeqRange,
    Snapshot,
    SnapshotBay,
    Status,
    StreamGap,
)
from telemetry.topics import EdgeTopics, TopicKind

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_MODEL = ModelRef(name="yolo11n-bays", version="1.0.0", sha256=_SHA256)


@dataclass
class ScriptedEdge:
    """Numbers its events without a gap and knows the truth."""

    edge: str = "box-1"
    site: str = "north"
    lot: str | None = "p1"
    bay_ids: Sequence[str] = ("a1", "a2", "a3")
    epoch: int = 1
    seq: int = 0
    now: datetime = START
    occ: dict[str, bool | None] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    since: dict[str, datetime] = field(default_factory=dict)
    reason: UnknownReason = UnknownReason.CAMERA_LOST
    camera: str = "cam-1"
    level_of: Mapping[str, str] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)

    @property
    def topics(self) -> EdgeTopics:
        return EdgeTopics(self.site, self.edge)

    @property
    def layout(self) -> Layout:
        return Layout.of(
            [
                LayoutBay(
                    bay=bay,
                    camera=self.camera,
                    lot=self.lot,
                    zone="z1",
                    level=self.level_of.get(bay),
                )
                for bay in self.bay_ids
            ],
            []
            if self.lot is None
            else [
                LotInfo(
                    lot=self.lot, name="Hall", levels=tuple(sorted({"0", *self.level_of.values()}))
                )
            ],
        )

    def inbound(self, kind: TopicKind, message: Message, *, retained: bool = False) -> Inbound:
        return Inbound(str(self.topics.of(kind)), message.encode(), retained, to_ms(self.now))

    def change(self, bay: str, occ: bool | None, after_s: float = 1.0) -> Inbound:
        """The bay changes: the next event."""
        self.now += timedelta(seconds=after_s)
        self.seq += 1
        self.occ[bay] = occ
        self.since[bay] = self.now
        return self.inbound(TopicKind.EVENT, self._event(bay))

    def _event(self, bay: str) -> BayChangedEvent:
        occ = self.occ[bay]
        return BayChangedEvent(
            id=event_id(self.epoch, self.seq),
            source=self.topics.base,
            time=self.now,
            subject=bay,
            data=BayChanged(
                occ=occ,
                closed=bay in self.closed,
                state=Occupancy.of(occ),
                reason=self.reason if occ is None else None,
                since=self.since[bay],
                conf=0.0 if occ is None else 0.97,
                cause=Cause.CAMERA_LOST if occ is None else Cause.DETECTION,
                camera=self.camera,
                method="bay_head",
                model=_MODEL,
                calibration=3,
                layout=self.layout.hash,
                clock=ClockStamp(synced=True, mono_ms=self.seq, boot_id="boot"),
            ),
        )

    def close_bay(self, bay: str, closed: bool) -> Inbound:
        """An operator closes or opens the bay: an event too, with `since` untouched."""
        self.now += timedelta(seconds=1)
        self.seq += 1
        (self.closed.add if closed else self.closed.discard)(bay)
        self.occ.setdefault(bay, False)
        self.since.setdefault(bay, self.now)
        return self.inbound(TopicKind.EVENT, self._event(bay))

    def incident(self, name: str, after_s: float = 1.0, **facts: Any) -> Inbound:
        """An incident begins, or with `end` is over: the next event."""
        self.now += timedelta(seconds=after_s)
        self.seq += 1
        end = facts.pop("end", None)
        began = facts.pop("began", self.now)
        if end is None:
            self.incidents.append(name)
        elif name in self.incidents:
            self.incidents.remove(name)
        data = {
            "kind": IncidentKind.DOUBLE_PARKING, "bays": ("a1",), "vehicle": "car",
            "box": (0.1, 0.2, 0.3, 0.4), "stood_s": (self.now - began).total_seconds(), **facts,
        }  # fmt: skip
        event = IncidentChangedEvent(
            id=event_id(self.epoch, self.seq),
            source=self.topics.base,
            time=self.now,
            subject=name,
            data=IncidentChanged(
                open=end is None,
                camera=self.camera,
                conf=0.8,
                began=began,
                last_seen=self.now,
                ended=None if end is None else self.now,
                end=end,
                calibration=3,
                layout=self.layout.hash,
                clock=ClockStamp(synced=True, mono_ms=self.seq, boot_id="boot"),
                **data,
            ),
        )
        return self.inbound(TopicKind.EVENT, event)

    def gap(self, *ranges: tuple[int, int]) -> Inbound:
        """These events are given up: the next event says so."""
        self.now += timedelta(seconds=1)
        self.seq += 1
        parts = tuple(SeqRange(first=first, last=last) for first, last in ranges)
        event = StreamGapEvent(
            id=event_id(self.epoch, self.seq),
            source=self.topics.base,
            time=self.now,
            data=StreamGap(
                ranges=parts,
                lost=sum(map(len, parts)),
                reason=GapReason.ROWS,
                clock=ClockStamp(synced=True, mono_ms=self.seq, boot_id="boot"),
            ),
        )
        return self.inbound(TopicKind.EVENT, event)

    def snapshot(self) -> Inbound:
        bays = tuple(
            SnapshotBay(
                bay=bay,
                occ=self.occ.get(bay),
                closed=bay in self.closed,
                state=Occupancy.of(self.occ.get(bay)),
                reason=self.reason if self.occ.get(bay) is None else None,
                since=self.since.get(bay, START),
                conf=0.0 if self.occ.get(bay) is None else 0.97,
            )
            for bay in self.bay_ids
        )
        message = Snapshot(
            epoch=self.epoch, seq=self.seq, layout=self.layout.hash, at=self.now, bays=bays,
            incidents=tuple(self.incidents),
        )  # fmt: skip
        return self.inbound(TopicKind.SNAPSHOT, message, retained=True)

    def layout_message(self) -> Inbound:
        return self.inbound(TopicKind.LAYOUT, self.layout, retained=True)

    def birth(self, conn: int = 1) -> Inbound:
        status = Status(
            online=True, epoch=self.epoch, conn=conn, at=self.now, software="0.1.0",
            protocol="5", cameras=(self.camera,), layout=self.layout.hash, platform="test",
        )  # fmt: skip
        return self.inbound(TopicKind.STATUS, status)

    def will(self, conn: int = 1) -> Inbound:
        return self.inbound(TopicKind.STATUS, Status(online=False, epoch=self.epoch, conn=conn))

    def health(self, outbox_rows: int = 0) -> Inbound:
        self.now += timedelta(seconds=1)
        message = Health(at=self.now, uptime_s=60.0, outbox=OutboxHealth(rows=outbox_rows, bytes=0))
        return self.inbound(TopicKind.HEALTH, message)

    def hello(self, conn: int = 1) -> list[Inbound]:
        """What comes first after a connection."""
        return [self.birth(conn), self.layout_message(), self.snapshot()]
