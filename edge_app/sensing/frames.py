"""From a message of a network, whichever it is, to uplinks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from edge_app.config import SensorConfig, SensorNetworkConfig
from edge_app.config.sensing import NetworkKind
from sensors.decoders import COMMON, decode, from_object
from sensors.envelopes import (
    Uplink,
    UplinkKind,
    chirpstack,
    event_of_topic,
    plain,
    things_stack,
)
from sensors.envelopes.uplink import read
from sensors.errors import SensorError
from sensors.readings import Decoded

_MS_SINCE = 100_000_000_000
"""A number above is milliseconds since 1970, one below seconds."""


def uplinks(
    network: SensorNetworkConfig, place: str, body: bytes
) -> Iterable[Uplink | SensorError]:
    """What a message brings, each uplink by itself.

    Args:
        network: how its messages are to be read.
        place: the topic; over HTTP, the word for ChirpStack's event.
        body: the message.

    Raises:
        SensorError: it cannot be read at all.
    """
    if network.kind is NetworkKind.CHIRPSTACK:
        event = event_of_topic(place) or place
        return [chirpstack(body, event)]
    if network.kind is NetworkKind.THINGS_STACK:
        return [things_stack(body)]
    if network.kind is NetworkKind.ZIGBEE2MQTT:
        return [_zigbee(place, body)]
    return plain(body)


def decoded(network: SensorNetworkConfig, sensor: SensorConfig, uplink: Uplink) -> Decoded:
    """What an uplink of a sensor says.

    Raises:
        SensorError: its profile cannot read it.
    """
    if uplink.kind is not UplinkKind.UP:
        return Decoded()
    if network.kind is NetworkKind.ZIGBEE2MQTT:
        mapping = replace(COMMON, occupied=(network.occupied_key,))
        fields = dict(uplink.object or {})
        value = fields.get(network.occupied_key)
        if network.occupied_inverted and isinstance(value, bool):
            fields[network.occupied_key] = not value
        return from_object(fields, mapping)
    return decode(
        uplink.profile or sensor.profile,
        uplink.f_port,
        uplink.payload,
        uplink.object,
        firmware=sensor.firmware,
    )


def _zigbee(topic: str, body: bytes) -> Uplink:
    """A message of zigbee2mqtt: the device's state as an object, its name in the topic."""
    value = read(json.loads, body, topic, "JSON object")
    if not isinstance(value, dict):
        msg = f"{topic}: expected a JSON object, but got {type(value).__name__}"
        raise SensorError(msg)
    seen = _last_seen(value.get("last_seen"))
    return Uplink(
        kind=UplinkKind.UP,
        event="up",
        device=topic.rpartition("/")[2],
        names=(topic.partition("/")[2],),
        dedup_id="" if seen is None else f"up:{topic}/{seen.isoformat()}",
        time=seen,
        object=value,
    )


def _last_seen(value: Any) -> datetime | None:
    """zigbee2mqtt's `last_seen`: ISO 8601, or milliseconds; absent unless it is switched on."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if value > _MS_SINCE else value
            return datetime.fromtimestamp(seconds, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as exc:
        msg = f"last_seen: expected a time, but got {str(value)[:40]!r}"
        raise SensorError(msg) from exc
    return moment.astimezone(UTC)
