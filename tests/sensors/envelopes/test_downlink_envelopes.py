"""Downlinks in the form of both network servers, and what these tell of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sensors.downlinks import Downlink
from sensors.envelopes import (
    DeviceAddress,
    DownlinkEvent,
    DownlinkOrder,
    ServerKind,
    Stage,
    address_of,
    chirpstack,
    reference_of,
    things_stack,
)

EUI = "a81758fffe000001"
CHIRPSTACK = DeviceAddress(ServerKind.CHIRPSTACK, "1f-app", EUI)
THINGS = DeviceAddress(ServerKind.THINGS_STACK, "parking", "bay-1")
BYTES = Downlink(85, bytes.fromhex("ff03b004"))
END = datetime(2026, 7, 20, 12, tzinfo=UTC)


def order(at: DeviceAddress) -> DownlinkOrder:
    return DownlinkOrder(at, BYTES, reference_of(at.server, "d1"), True, END)


def test_chirpstack_on_its_broker_and_by_http() -> None:
    made = order(CHIRPSTACK)
    name, body = made.mqtt()
    item = {
        "id": made.reference, "confirmed": True, "fPort": 85, "data": "/wOwBA==",
        "expiresAt": "2026-07-20T12:00:00Z",
    }  # fmt: skip
    assert name == f"application/1f-app/device/{EUI}/command/down"
    assert json.loads(body) == {**item, "devEui": EUI}
    path, body = made.http()
    assert (path, json.loads(body)) == (f"/api/devices/{EUI}/queue", {"queueItem": item})
    assert made.reference == order(CHIRPSTACK).reference, "a second hand-over is the same item"


def test_the_things_stack_on_its_broker_and_by_webhook() -> None:
    made = order(THINGS)
    one = {
        "f_port": 85, "frm_payload": "/wOwBA==", "priority": "NORMAL", "confirmed": True,
        "correlation_ids": ["lotsight:downlink:d1"],
    }  # fmt: skip
    name, body = made.mqtt("parking@town")
    assert name == "v3/parking@town/devices/bay-1/down/push"
    assert json.loads(body) == {"downlinks": [one]}
    path, again = made.http("hook")
    assert path == "/api/v3/as/applications/parking/webhooks/hook/devices/bay-1/down/push"
    assert again == body


@pytest.mark.parametrize(
    ("event", "message", "told"),
    [
        ("txack", {"queueItemId": "u"}, DownlinkEvent("u", Stage.SENT)),
        ("txack", {}, None),
        ("ack", {"queueItemId": "u", "acknowledged": True}, DownlinkEvent("u", Stage.ACKNOWLEDGED)),
        # proto3 leaves false out.
        ("ack", {"queueItemId": "u"},
         DownlinkEvent("u", Stage.FAILED, "the device did not acknowledge it")),
        ("log", {"level": "ERROR", "code": "DOWNLINK_PAYLOAD_SIZE", "description": "too long",
                 "context": {"queue_item_id": "u"}},
         DownlinkEvent("u", Stage.FAILED, "DOWNLINK_PAYLOAD_SIZE: too long")),
        ("log", {"level": "ERROR", "code": "UPLINK_CODEC"}, None),
        ("log", {"context": "no object"}, None),
        ("location", {"queueItemId": "u"}, None),
    ],
)  # fmt: skip
def test_what_chirpstack_tells(
    event: str, message: dict[str, Any], told: DownlinkEvent | None
) -> None:
    whole = {"deviceInfo": {"devEui": EUI}, **message}
    assert chirpstack(json.dumps(whole).encode(), event).downlink == told


OURS = {"correlation_ids": ["as:1", "lotsight:downlink:d1"]}


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"downlink_queued": OURS}, DownlinkEvent("lotsight:downlink:d1", Stage.QUEUED)),
        ({"downlink_sent": {}, **OURS}, DownlinkEvent("lotsight:downlink:d1", Stage.SENT)),
        ({"downlink_ack": OURS}, DownlinkEvent("lotsight:downlink:d1", Stage.ACKNOWLEDGED)),
        ({"downlink_nack": OURS},
         DownlinkEvent("lotsight:downlink:d1", None,
                       "not acknowledged yet; the network server tries again")),
        ({"downlink_failed": {"downlink": OURS, "error": {"message_format": "too long"}}},
         DownlinkEvent("lotsight:downlink:d1", Stage.FAILED, "too long")),
        ({"downlink_failed": {"downlink": "no object", "error": 7}, **OURS},
         DownlinkEvent("lotsight:downlink:d1", Stage.FAILED, "no reason given")),
        ({"downlink_queued": {"correlation_ids": ["another's", 7]}}, None),
        ({"downlink_queue_invalidated": OURS}, None),
    ],
)  # fmt: skip
def test_what_the_things_stack_tells(message: dict[str, Any], told: DownlinkEvent | None) -> None:
    whole = {"end_device_ids": {"device_id": "bay-1"}, **message}
    assert things_stack(json.dumps(whole).encode()).downlink == told


PARKING = {"application_id": "parking"}


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ({"deviceInfo": {"applicationId": "1f-app", "devEui": EUI}}, CHIRPSTACK),
        ({"end_device_ids": {"device_id": "bay-1", "application_ids": PARKING}}, THINGS),
        ({"end_device_ids": {"device_id": "bay-1"}}, None),
        ({"deviceInfo": {"applicationId": "a/b", "devEui": EUI}}, None),
        ({"deviceInfo": {"applicationId": "+", "devEui": EUI}}, None),
        ({"deviceInfo": {"applicationId": "", "devEui": EUI}}, None),
        ({"device": "x"}, None),
        ([], None),
    ],
)  # fmt: skip
def test_where_a_device_is_known(raw: Any, address: DeviceAddress | None) -> None:
    assert address_of(json.dumps(raw)) == address
    assert address_of(json.dumps(raw)[:-1]) is None, "a message that was cut"
