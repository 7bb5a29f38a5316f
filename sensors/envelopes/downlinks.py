"""Downlinks of ChirpStack v4 and The Things Stack v3: what is sent there, and what comes of it.

A network server keeps a downlink for a device of class A until its next uplink. ChirpStack tells of
it by `txack` (a gateway took it), `ack` (the device did, or did not) and `log` (it could not be
sent); The Things Stack by `down/queued`, `down/sent`, `down/ack`, `down/nack` and `down/failed`.
Sources: both projects' documentation of MQTT and webhooks, and ChirpStack's protobuf files.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from sensors.downlinks import Downlink

_CORRELATION: Final = "lotsight:downlink:"
_LONGEST: Final = 128


class ServerKind(StrEnum):
    """A network server that takes downlinks."""

    CHIRPSTACK = "chirpstack"
    THINGS_STACK = "things_stack"


class Stage(StrEnum):
    """How far a downlink came, in this order."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class DownlinkEvent:
    """What a network server tells of a downlink.

    Attributes:
        reference: the one that it was sent with.
        stage: how far it came; None where the server only says something of it.
        detail: why it failed.
    """

    reference: str
    stage: Stage | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """Where a network server knows a device.

    Attributes:
        server: of which kind it is.
        application: that the device belongs to.
        device: its id there: of ChirpStack the DevEUI.
    """

    server: ServerKind
    application: str
    device: str


def address_of(raw: str) -> DeviceAddress | None:
    """Where the sender of a message is known; None: no network server told of it, or it is cut."""
    try:
        message = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    info, ids = message.get("deviceInfo"), message.get("end_device_ids")
    if isinstance(info, dict):
        found = (info.get("applicationId"), info.get("devEui") or info.get("devEUI"))
        server = ServerKind.CHIRPSTACK
    elif isinstance(ids, dict):
        application = ids.get("application_ids")
        name = application.get("application_id") if isinstance(application, dict) else None
        found, server = (name, ids.get("device_id")), ServerKind.THINGS_STACK
    else:
        return None
    application, device = found
    if not isinstance(application, str) or not isinstance(device, str):
        return None
    if not (_is_level(application) and _is_level(device)):
        return None
    return DeviceAddress(server, application, device)


def _is_level(text: str) -> bool:
    """Whether it may stand in a topic and in a path as it is."""
    return 0 < len(text) <= _LONGEST and text.isprintable() and not set(text) & set("/+#?%\\ ")


def reference_of(server: ServerKind, downlink_id: str) -> str:
    """What a network server is to call a downlink: the same however often it is handed over."""
    if server is ServerKind.CHIRPSTACK:
        # A UUID is the key of its queue: one that is there already is not taken again.
        return str(uuid5(NAMESPACE_URL, _CORRELATION + downlink_id))
    return _CORRELATION + downlink_id


@dataclass(frozen=True, slots=True)
class DownlinkOrder:
    """A downlink on its way to a network server.

    Attributes:
        address: of the device.
        downlink: the bytes.
        reference: by which the server tells of it.
        confirmed: whether the device is to acknowledge it.
        expires: when it is of no more use.
    """

    address: DeviceAddress
    downlink: Downlink
    reference: str
    confirmed: bool
    expires: datetime

    def mqtt(self, application: str | None = None) -> tuple[str, bytes]:
        """Topic and message for the server's broker.

        Args:
            application: as its topics name it, where that is another name: `app@tenant`.
        """
        at = self.address
        name = application or at.application
        if at.server is ServerKind.CHIRPSTACK:
            topic = f"application/{name}/device/{at.device.lower()}/command/down"
            item = {"id": self.reference, "devEui": at.device.lower(), **self._chirpstack()}
            return topic, _json(item)
        return f"v3/{name}/devices/{at.device}/down/push", _json(self._things_stack())

    def http(self, webhook: str | None = None) -> tuple[str, bytes]:
        """Path and body for the server's HTTP API.

        Args:
            webhook: of The Things Stack, under which it takes downlinks.
        """
        at = self.address
        device = quote(at.device, safe="")
        if at.server is ServerKind.CHIRPSTACK:
            item = {"id": self.reference, **self._chirpstack()}
            return f"/api/devices/{device.lower()}/queue", _json({"queueItem": item})
        application = quote(at.application, safe="")
        hook = quote(webhook or "lotsight", safe="")
        path = f"/api/v3/as/applications/{application}/webhooks/{hook}/devices/{device}/down/push"
        return path, _json(self._things_stack())

    def _chirpstack(self) -> dict[str, Any]:
        return {
            "confirmed": self.confirmed,
            "fPort": self.downlink.f_port,
            "data": base64.b64encode(self.downlink.payload).decode(),
            "expiresAt": self.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _things_stack(self) -> dict[str, Any]:
        one = {
            "f_port": self.downlink.f_port,
            "frm_payload": base64.b64encode(self.downlink.payload).decode(),
            "priority": "NORMAL",
            "confirmed": self.confirmed,
            "correlation_ids": [self.reference],
        }
        return {"downlinks": [one]}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def of_chirpstack(event: str, message: Mapping[str, Any]) -> DownlinkEvent | None:
    """What an event of ChirpStack says of a downlink; None where it says nothing of one."""
    reference = str(message.get("queueItemId") or "")
    if event == "log":
        context = _object(message, "context")
        reference = str(context.get("queue_item_id") or context.get("device_queue_item_id") or "")
        is_bad = message.get("level") == "ERROR" or message.get("code") == "EXPIRED"
        text = f"{message.get('code', '')}: {message.get('description', '')}".strip(": ")
        told = DownlinkEvent(reference, Stage.FAILED if is_bad else None, text[:500])
    elif event == "txack":
        told = DownlinkEvent(reference, Stage.SENT)
    elif event == "ack" and message.get("acknowledged"):
        told = DownlinkEvent(reference, Stage.ACKNOWLEDGED)
    elif event == "ack":
        told = DownlinkEvent(reference, Stage.FAILED, "the device did not acknowledge it")
    else:
        return None
    return told if told.reference else None


_STAGES: Final[Mapping[str, Stage | None]] = {
    "downlink_queued": Stage.QUEUED,
    "downlink_sent": Stage.SENT,
    "downlink_ack": Stage.ACKNOWLEDGED,
    # It stays in the queue there and is sent again.
    "downlink_nack": None,
    "downlink_failed": Stage.FAILED,
}


def of_things_stack(message: Mapping[str, Any]) -> DownlinkEvent | None:
    """What a message of The Things Stack says of a downlink; None where it says nothing of one."""
    name = next((each for each in _STAGES if each in message), None)
    if name is None:
        return None
    part = _object(message, name)
    inner = _object(part, "downlink") or part
    names = [*_texts(inner.get("correlation_ids")), *_texts(message.get("correlation_ids"))]
    reference = next((each for each in names if each.startswith(_CORRELATION)), None)
    if reference is None:
        return None
    detail = ""
    if name == "downlink_failed":
        error = _object(part, "error")
        detail = str(error.get("message_format") or error.get("name") or "no reason given")[:500]
    elif name == "downlink_nack":
        detail = "not acknowledged yet; the network server tries again"
    return DownlinkEvent(reference, _STAGES[name], detail)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _object(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
