"""How each kind of message is delivered: direction, QoS, retained, expiry. The one place for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from telemetry.topics import TopicKind


class Direction(StrEnum):
    """Who publishes."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """How one kind of message is published.

    Attributes:
        direction: up from the box, or down to it.
        qos: 0 or 1. Never 2: a broker's refusal looks like success there.
        retain: whether the broker keeps the last one for late readers.
        expiry_s: the broker drops it after so long (MQTT 5); None keeps it.
    """

    direction: Direction
    qos: int
    retain: bool
    expiry_s: int | None = None


DAY_S = 86_400

DELIVERY_RULES: Mapping[TopicKind, DeliveryRule] = MappingProxyType(
    {
        TopicKind.STATUS: DeliveryRule(Direction.UP, 1, True),
        TopicKind.EVENT: DeliveryRule(Direction.UP, 1, False),
        # A state older than a day says nothing; the box republishes it long before.
        TopicKind.SNAPSHOT: DeliveryRule(Direction.UP, 1, True, DAY_S),
        TopicKind.LAYOUT: DeliveryRule(Direction.UP, 1, True),
        TopicKind.AGGREGATE: DeliveryRule(Direction.UP, 1, False),
        TopicKind.HEALTH: DeliveryRule(Direction.UP, 0, False),
        TopicKind.ACK: DeliveryRule(Direction.DOWN, 1, False),
        TopicKind.COMMAND: DeliveryRule(Direction.DOWN, 1, False),
        TopicKind.COMMAND_RESULT: DeliveryRule(Direction.UP, 1, False),
        TopicKind.BAY: DeliveryRule(Direction.UP, 1, True),
    }
)

KEEP_ALIVE_S = 30
SESSION_EXPIRY_S = 3_600
RECEIVE_MAXIMUM = 20
WILL_DELAY_S = 20
"""A box that reconnects within it was never away: no death is published."""
BACKLOG_RATE_HZ = 50.0
IN_FLIGHT_MAX = 20
