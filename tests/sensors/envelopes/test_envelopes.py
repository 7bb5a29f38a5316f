"""Messages of network servers as they document them, with what they leave out."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.envelopes import (
    Uplink,
    UplinkKind,
    chirpstack,
    event_of_topic,
    plain,
    things_stack,
)
from sensors.errors import SensorError

CHIRPSTACK_UP = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-07-18T09:34:15.775023242+00:00",
    "deviceInfo": {
        "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "Town",
        "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97", "applicationName": "Parking",
        "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad", "deviceName": "Bay 1",
        "devEui": "0101010101010101", "tags": {"key": "value"},
    },
    "devAddr": "00189440", "dr": 1, "fPort": 1, "data": "AQ==",
    "rxInfo": [
        {"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5,
         "context": "E3OWOQ==", "metadata": {"region_name": "eu868"}},
        {"gatewayId": "0016c001f153a14d", "uplinkId": 4217106256, "rssi": -110},
    ],
    "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000}}},
}  # fmt: skip
TTS_UP = {
    "end_device_ids": {
        "device_id": "bay-1", "application_ids": {"application_id": "parking"},
        "dev_eui": "0004A30B001C0530", "join_eui": "800000000000000C", "dev_addr": "00BCB929",
    },
    "correlation_ids": ["as:up:01E0WZGT6Y7657CPFPE5WEYDSQ"],
    "received_at": "2026-07-18T09:34:16.1Z",
    "uplink_message": {
        "session_key_id": "AXBSH1Pk6Z0G166...", "f_port": 1, "frm_payload": "AA==",
        "decoded_payload": {"occupied": False},
        "rx_metadata": [{"gateway_ids": {"gateway_id": "gtw1", "eui": "9C5C8E00001A05C4"},
                         "time": "2026-07-18T09:34:15Z", "timestamp": 2463457000, "rssi": -35,
                         "channel_rssi": -35, "snr": 5, "uplink_token": "ChIK"}],
        "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}},
                     "coding_rate": "4/6", "frequency": "868300000"},
        "received_at": "2026-07-18T09:34:15.912841Z", "consumed_airtime": "1.056768s",
    },
}  # fmt: skip


def _bytes(message: Any) -> bytes:
    return json.dumps(message).encode()


def _plain(value: Any) -> list[Uplink | SensorError]:
    return list(plain(_bytes(value)))


def _one(value: Any) -> Uplink:
    (uplink,) = _plain(value)
    assert isinstance(uplink, Uplink)
    return uplink


def test_chirpstack_uplink_with_its_zeros_left_out() -> None:
    uplink = chirpstack(_bytes(CHIRPSTACK_UP), "up")
    assert uplink == Uplink(
        kind=UplinkKind.UP, event="up", device="0101010101010101",
        dedup_id="up:3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        time=datetime(2026, 7, 18, 9, 34, 15, 775023, UTC), f_cnt=0, f_port=1, payload=b"\x01",
        rssi_dbm=-36, snr_db=10.5, gateways=2,
    )  # fmt: skip


def test_chirpstack_status_and_join() -> None:
    about = {key: CHIRPSTACK_UP[key] for key in ("deduplicationId", "time", "deviceInfo")}
    status = chirpstack(_bytes(about | {"margin": 7, "batteryLevel": 75.5}), "status")
    assert (status.kind, status.battery_pct, status.payload) == (UplinkKind.STATUS, 75.5, None)
    empty = chirpstack(_bytes(about), "status")
    assert empty.battery_pct == 0.0
    powered = chirpstack(_bytes(about | {"externalPowerSource": True}), "status")
    assert powered.battery_pct is None
    unknown = chirpstack(_bytes(about | {"batteryLevelUnavailable": True}), "status")
    assert unknown.battery_pct is None
    join = chirpstack(_bytes(about | {"devAddr": "00189440"}), "join")
    assert (join.kind, join.f_cnt) == (UplinkKind.JOIN, None)
    log = chirpstack(_bytes(about | {"level": "ERROR", "code": "UPLINK_CODEC"}), "log")
    assert (log.kind, log.event) == (UplinkKind.OTHER, "log")


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("application/17c82e96/device/0101010101010101/event/up", "up"),
        ("eu868/application/17c82e96/device/0101010101010101/event/join", "join"),
        ("application/17c82e96/device/0101010101010101/command/down", None),
    ],
)
def test_kind_of_a_chirpstack_event_is_in_its_topic(topic: str, event: str | None) -> None:
    assert event_of_topic(topic) == event


def test_things_stack_uplink_with_its_zeros_left_out() -> None:
    assert things_stack(_bytes(TTS_UP)) == Uplink(
        kind=UplinkKind.UP, event="up", device="0004a30b001c0530", names=("bay-1",),
        dedup_id="up:0004a30b001c0530/0/2026-07-18T09:34:15.912841+00:00",
        time=datetime(2026, 7, 18, 9, 34, 15, 912841, UTC), f_cnt=0, f_port=1, payload=b"\x00",
        object={"occupied": False}, rssi_dbm=-35, snr_db=5, gateways=1,
    )  # fmt: skip


def test_things_stack_by_webhook_and_mqtt_is_one_message() -> None:
    later = TTS_UP | {"received_at": "2026-07-18T09:34:17Z"}
    assert things_stack(_bytes(later)).dedup_id == things_stack(_bytes(TTS_UP)).dedup_id


def test_things_stack_battery_join_and_others() -> None:
    ids = {key: TTS_UP[key] for key in ("end_device_ids", "received_at")}
    up = TTS_UP["uplink_message"] | {"last_battery_percentage": {"f_cnt": 3, "value": 82.7}}  # type: ignore[operator]
    assert things_stack(_bytes(TTS_UP | {"uplink_message": up})).battery_pct == 82.7
    join = things_stack(_bytes(ids | {"join_accept": {"session_key_id": "AXB"}}))
    assert (join.kind, join.event, join.names) == (UplinkKind.JOIN, "join", ("bay-1",))
    other = things_stack(_bytes(ids | {"downlink_ack": {"f_port": 1}}))
    assert (other.kind, other.event) == (UplinkKind.OTHER, "downlink_ack")
    assert _payload_of({"end_device_ids": {"device_id": "x"}, "uplink_message": {}}) is None


def _payload_of(message: Any) -> bytes | None:
    return things_stack(_bytes(message)).payload


def test_plain_readings_that_speak_for_themselves() -> None:
    uplink = _one({"device": "lot-7", "time": "2026-07-18T09:00:00Z", "occupied": True,
                   "battery_pct": 70, "rssi_dbm": -90})  # fmt: skip
    assert uplink.profile == "plain"
    assert uplink.object == {"occupied": True, "battery_pct": 70}
    assert uplink.dedup_id == "up:lot-7//2026-07-18T09:00:00+00:00"
    assert uplink.rssi_dbm == -90


def test_plain_bytes_go_to_the_profile_of_the_device() -> None:
    by_hex = _one({"device": "a", "id": "7", "payload_hex": "01FF", "f_port": 2})
    assert (by_hex.payload, by_hex.profile, by_hex.f_port) == (b"\x01\xff", None, 2)
    text = base64.b64encode(b"\x01\xff").decode()
    assert _one({"device": "a", "id": "7", "payload": text}).payload == b"\x01\xff"


def test_plain_batch_where_one_reading_is_wrong() -> None:
    good = {"device": "a", "time": "2026-07-18T09:00:00Z", "occupied": True}
    taken = _plain({"readings": [good, {"device": "b", "occupied": True}, 7, good]})
    assert [isinstance(each, Uplink) for each in taken] == [True, False, False, True]
    assert "expected a time or an id" in str(taken[1])
    assert len(_plain([good, good])) == 2
    status = _one(good | {"kind": "status", "battery_pct": 5})
    assert (status.kind, status.battery_pct) == (UplinkKind.STATUS, 5.0)


def test_a_time_to_come_is_a_wrong_clock() -> None:
    uplink = _one({"device": "a", "time": "2026-07-18T09:00:00Z", "occupied": True})
    with pytest.raises(SensorError, match="expected none after"):
        uplink.timed(datetime(2026, 7, 18, 8, 50, tzinfo=UTC))
    now = datetime(2026, 7, 18, 8, 57, tzinfo=UTC)
    assert uplink.timed(now) == uplink.time
    assert _one({"device": "a", "id": "1", "occupied": True}).timed(now) == now


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"{", "ChirpStack"),
        (b"[]", "ChirpStack event"),
        (b'{"deviceInfo": {"devEui": "xyz"}}', "deviceInfo.devEui"),
        (b'{"deviceInfo": {"devEui": "0101010101010101"}, "data": "*"}', "base64"),
        (b'{"deviceInfo": {"devEui": "0101010101010101"}, "fCnt": -1}', "fCnt"),
        (b'{"deviceInfo": {"devEui": "0101010101010101"}, "time": "1970-01-01T00:00:00Z"}', "time"),
        (b"\xff", "UTF-8"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "levels"),
    ],
)
def test_bad_bytes_in_an_envelope(body: bytes, match: str) -> None:
    with pytest.raises(SensorError, match=match):
        chirpstack(body, "up")


def test_bad_events_and_messages() -> None:
    with pytest.raises(SensorError, match="event: expected one of ack"):
        chirpstack(_bytes(CHIRPSTACK_UP), "gone")
    with pytest.raises(SensorError, match="expected uplink_message, join_accept"):
        things_stack(_bytes({"end_device_ids": {"device_id": "x"}}))
    with pytest.raises(SensorError, match="at most 1000 readings"):
        plain(_bytes([{}] * 1001))


_JSON = st.recursive(
    st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "up", "AQ==", "0101010101010101", "2026-01-01T00:00:00Z"]),
    lambda values: st.lists(values, max_size=3)
    | st.dictionaries(
        st.sampled_from(["device", "id", "time", "deviceInfo", "devEui", "end_device_ids",
                         "device_id", "uplink_message", "frm_payload", "f_cnt", "rxInfo",
                         "occupied", "readings", "kind"]), values, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(value=_JSON)
def test_any_json_ends_in_an_uplink_or_an_error(value: Any) -> None:
    body = _bytes(value)
    for read in (lambda: chirpstack(body, "up"), lambda: things_stack(body),
                 lambda: list(plain(body))):  # fmt: skip
        with suppress(SensorError):
            read()
