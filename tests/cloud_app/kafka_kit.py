"""What tests of Kafka as a source share: the MQTT side, and the client's settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cloud_app.ingest.decode import Inbound
from cloud_app.stream import Watermark


@dataclass
class Edges:
    """The MQTT side: what edges are told."""

    acks: dict[str, int] = field(default_factory=dict)

    def confirm(self, messages: Sequence[Inbound]) -> None:
        assert all(message.receipt is None for message in messages)

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        assert not replay
        for mark in watermarks:
            assert mark.upto >= self.acks.get(mark.edge, 0), "a watermark never goes back"
            self.acks[mark.edge] = mark.upto


def options(session_timeout_ms: int = 6000) -> dict[str, str | int | float | bool]:
    """So short that a member that left is missed soon."""
    return {
        "session.timeout.ms": session_timeout_ms, "heartbeat.interval.ms": 100,
        "reconnect.backoff.max.ms": 200, "log_level": 0,
    }  # fmt: skip
