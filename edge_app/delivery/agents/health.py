"""Health: once a minute, the box's figures."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.store import Store
from telemetry.bounds import MAX_ALARM_CHARS, MAX_ALARMS
from telemetry.clock import Clock
from telemetry.health import CameraHealth, Health
from telemetry.rules import DELIVERY_RULES
from telemetry.topics import EdgeTopics, TopicKind

_COLDEST_C, _HOTTEST_C = -273.15, 1000.0
_THERMAL = Path("/sys/class/thermal")


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
        """Publish when it is time and somebody can hear it."""
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
            memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            temperature_c=temperature_c(),
            alarms=tuple(
                text[:MAX_ALARM_CHARS].replace("\0", "") for text in self._alarms()[:MAX_ALARMS]
            ),
        )


def disk_free_bytes(folder: Path) -> int | None:
    """What is free on the folder's disk; None where it cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def temperature_c(folder: Path = _THERMAL) -> float | None:
    """The hottest of the kernel's thermal zones, degrees Celsius; None where there is none."""
    found: list[float] = []
    for zone in sorted(folder.glob("thermal_zone*/temp")):
        try:
            celsius = int(zone.read_text(encoding="ascii")) / 1000.0
        except (OSError, ValueError):  # a sensor that sleeps answers with an error
            continue
        if _COLDEST_C <= celsius <= _HOTTEST_C:  # else the sensor is broken
            found.append(celsius)
    return max(found, default=None)
