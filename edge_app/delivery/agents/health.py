"""Health: once a minute, the box's figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.store import Store
from edge_app.host_metrics import disk_free_bytes, memory_bytes, temperature_c
from telemetry.bounds import MAX_ALARM_CHARS, MAX_ALARMS
from telemetry.clock import Clock
from telemetry.health import CameraHealth, Health
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicKind


class HealthAgent(QuietAgent):
    """Publishes figures; what needs to be kept is no figure, so a lost one is no loss.

    Args:
        topics: of this box.
        store: how full the outbox is, and on which disk it lies.
        clock: time.
        period_s: how often.
        cameras: figures of each camera.
        alarms: what an operator should know of.
    """

    def __init__(
        self,
        topics: EdgeTopics,
        store: Store,
        clock: Clock,
        period_s: float,
        cameras: Callable[[], Sequence[CameraHealth]] = tuple,
        alarms: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        super().__init__()
        self._topics = topics
        self._store = store
        self._clock = clock
        self._period_s = period_s
        self._cameras = cameras
        self._alarms = alarms
        self._started_s = clock.mono_s()
        self._due_s = 0.0

    def tick(self, now_s: float) -> None:
        """Publish when due and connected."""
        if self._publish is None or now_s < self._due_s:
            return
        self._due_s = now_s + self._period_s
        rule = DELIVERY_RULES[TopicKind.HEALTH]
        payload = self.health().encode()
        self._publish(Outgoing(self._topics.of(TopicKind.HEALTH), payload, rule.qos, rule.retain))

    def health(self) -> Health:
        """The figures now."""
        return Health(
            at=self._clock.utc(),
            uptime_s=self._clock.mono_s() - self._started_s,
            outbox=self._store.health(),
            cameras=tuple(self._cameras()),
            disk_free_bytes=disk_free_bytes(self._store.path.parent),
            memory_bytes=memory_bytes(),
            temperature_c=temperature_c(),
            alarms=tuple(
                text[:MAX_ALARM_CHARS].replace("\0", "") for text in self._alarms()[:MAX_ALARMS]
            ),
        )
