"""Envelopes of network servers: bytes in, one `Uplink` out, whoever wrote them."""

from sensors.envelopes.chirpstack import chirpstack, event_of_topic
from sensors.envelopes.downlinks import (
    DeviceAddress,
    DownlinkEvent,
    DownlinkOrder,
    ServerKind,
    Stage,
    address_of,
    reference_of,
)
from sensors.envelopes.plain import MOST_READINGS, plain
from sensors.envelopes.things_stack import things_stack
from sensors.envelopes.uplink import Uplink, UplinkKind

__all__ = [
    "MOST_READINGS",
    "DeviceAddress",
    "DownlinkEvent",
    "DownlinkOrder",
    "ServerKind",
    "Stage",
    "Uplink",
    "UplinkKind",
    "address_of",
    "chirpstack",
    "event_of_topic",
    "plain",
    "reference_of",
    "things_stack",
]
