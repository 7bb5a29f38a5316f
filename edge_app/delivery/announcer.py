"""The messages that say what is: birth, will, good-bye, layout, snapshot."""

from __future__ import annotations

import platform

from edge_app.delivery.connection import Outgoing
from edge_app.delivery.outbox import OutboxRow
from edge_app.delivery.store import Store
from edge_app.delivery.timesync import boot_id
from edge_app.version import software
from telemetry.clock import Clock
from telemetry.messages import Message, ModelRef, OfflineReason, Status
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicKind

DEGRADED_SNAPSHOT_S = 5.0
"""With a disk that cannot be written, the snapshot alone carries what changes."""


class Announcer:
    """Writes the link's own messages, and knows when layout and snapshot are due."""

    def __init__(
        self, topics: EdgeTopics, store: Store, clock: Clock, snapshot_period_s: float
    ) -> None:
        self._topics = topics
        self._store = store
        self._clock = clock
        self._snapshot_period_s = snapshot_period_s
        self._layout_told: str | None = None
        self._snapshot_at_s = 0.0
        self.model: ModelRef | None = None

    def will(self, conn: int) -> Outgoing:
        """What the broker says when the connection dies."""
        return self._outgoing(
            TopicKind.STATUS, Status(online=False, epoch=self._store.epoch, conn=conn)
        )

    def repeat_layout(self) -> None:
        """Say the layout once more."""
        self._layout_told = None

    def birth(self, conn: int, *, is_mqtt5: bool) -> Outgoing:
        """The box is there; layout and snapshot are due after it."""
        self._layout_told = None
        self._snapshot_at_s = 0.0
        layout = self._store.layout
        cameras = dict.fromkeys(bay.camera for bay in layout.bays) if layout else ()
        status = Status(
            online=True,
            epoch=self._store.epoch,
            conn=conn,
            at=self._clock.utc(),
            software=software(),
            protocol="5" if is_mqtt5 else "3.1.1",
            boot_id=boot_id(),
            layout=layout.hash if layout else None,
            cameras=tuple(cameras),
            model=self.model,
            platform=f"{platform.system()} {platform.machine()} Python {platform.python_version()}",
        )
        return self._outgoing(TopicKind.STATUS, status)

    def goodbye(self, conn: int, reason: OfflineReason) -> Outgoing:
        """The box goes, and why."""
        status = Status(
            online=False, epoch=self._store.epoch, conn=conn, reason=reason, at=self._clock.utc()
        )
        return self._outgoing(TopicKind.STATUS, status)

    def due(self, now_s: float, *, wanted: bool) -> list[Outgoing]:
        """Layout and snapshot, if it is time for them.

        Args:
            now_s: monotonic.
            wanted: whether a snapshot was requested.
        """
        layout = self._store.layout
        if layout is None:
            return []
        due: list[Outgoing] = []
        body = layout.model_dump_json()
        if body != self._layout_told:
            due.append(self._outgoing(TopicKind.LAYOUT, layout))
            self._layout_told = body
            self._snapshot_at_s = 0.0
        if self._store.degraded:
            self._snapshot_at_s = min(self._snapshot_at_s, now_s + DEGRADED_SNAPSHOT_S)
        if now_s >= self._snapshot_at_s or wanted:
            snapshot = self._store.snapshot()
            if snapshot is not None:
                due.append(self._outgoing(TopicKind.SNAPSHOT, snapshot))
            self._snapshot_at_s = now_s + self._snapshot_period_s
        return due

    def event(self, row: OutboxRow) -> Outgoing:
        """An event as it goes out."""
        rule = DELIVERY_RULES[TopicKind.EVENT]
        payload = row.payload(self._store.epoch, self._topics.base)
        return Outgoing(self._topics.of(TopicKind.EVENT), payload, rule.qos, rule.retain)

    def _outgoing(self, kind: TopicKind, message: Message) -> Outgoing:
        rule = DELIVERY_RULES[kind]
        return Outgoing(
            self._topics.of(kind), message.encode(), rule.qos, rule.retain, rule.expiry_s
        )
