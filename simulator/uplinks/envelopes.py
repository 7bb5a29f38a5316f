"""Uplinks as network servers publish them: ChirpStack v4, The Things Stack v3, and plain JSON.

Written after the servers' documents (events of chirpstack-docs; data formats of
lorawan-stack-docs). Both leave out fields that are zero, false or empty; so do these.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.uplinks.radio import Reception, Uplink, UplinkKind

_TENANT = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
_APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
_FREQUENCY_HZ, _SPREADING = 868_100_000, 7
_ANSWERS_MARGIN_DB = 12


@dataclass(frozen=True, slots=True)
class Message:
    """What is published or posted.

    Attributes:
        topic: of MQTT; a webhook says the same in its address.
        body: JSON.
    """

    topic: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Network:
    """Whose network server it is.

    Attributes:
        application: of ChirpStack a UUID, of The Things Stack a name.
        tenant: likewise.
    """

    application: str = _APPLICATION
    tenant: str = _TENANT


CHIRPSTACK = Network()
THINGS = Network("wexmouth-parking", "ttn")


def chirpstack(uplink: Uplink, network: Network = CHIRPSTACK) -> Message:
    """An event of ChirpStack v4, as its MQTT and HTTP integrations send it."""
    device, kind = uplink.device, uplink.kind
    told: dict[str, Any] = {
        "deduplicationId": uplink.id,
        "time": _time(uplink.sent_s),
        "deviceInfo": {
            "tenantId": network.tenant,
            "tenantName": "Parking",
            "applicationId": network.application,
            "applicationName": "bays",
            "deviceProfileId": _profile_id(device.profile),
            "deviceProfileName": device.profile,
            "deviceName": device.name,
            "devEui": device.dev_eui,
            "tags": {},
        },
    }
    if kind is UplinkKind.JOIN:
        told["devAddr"] = _address(device.dev_eui)
    elif kind is UplinkKind.STATUS:
        told |= {
            "margin": _ANSWERS_MARGIN_DB,
            "externalPowerSource": False,
            "batteryLevelUnavailable": uplink.battery_pct is None,
            "batteryLevel": uplink.battery_pct,
        }
    elif uplink.frame is not None:
        told |= {
            "devAddr": _address(device.dev_eui),
            "adr": True,
            "dr": 12 - _SPREADING,
            "fCnt": uplink.f_cnt,
            "fPort": uplink.frame.f_port,
            "confirmed": False,
            "data": base64.b64encode(uplink.frame.payload).decode(),
            "rxInfo": [_chirpstack_rx(each, uplink) for each in uplink.heard],
            "txInfo": {
                "frequency": _FREQUENCY_HZ,
                "modulation": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreadingFactor": _SPREADING,
                        "codeRate": "CR_4_5",
                    }
                },
            },
        }
    topic = f"application/{network.application}/device/{device.dev_eui}/event/{kind.value}"
    return Message(topic, _json(told))


def _chirpstack_rx(heard: Reception, uplink: Uplink) -> dict[str, Any]:
    return {
        "gatewayId": heard.gateway,
        "uplinkId": int(uplink.id[:4], 16),
        "rssi": heard.rssi_dbm,
        "snr": heard.snr_db,
        "context": base64.b64encode(uplink.id.encode()[:4]).decode(),
        "metadata": {"region_config_id": "eu868"},
    }


def things_stack(uplink: Uplink, network: Network = THINGS) -> Message | None:
    """A message of The Things Stack v3, as its MQTT server and webhooks send it.

    Returns:
        None for a status: there it is told with the next uplink only.
    """
    device, kind = uplink.device, uplink.kind
    if kind is UplinkKind.STATUS:
        return None
    received = _time(uplink.sent_s + 0.2)
    told: dict[str, Any] = {
        "end_device_ids": {
            "device_id": device.name,
            "application_ids": {"application_id": network.application},
            "dev_eui": device.dev_eui.upper(),
            "join_eui": "0000000000000000",
            "dev_addr": _address(device.dev_eui).upper(),
        },
        "correlation_ids": [f"gs:uplink:{uplink.id}"],
        "received_at": received,
    }
    if kind is UplinkKind.JOIN:
        told["join_accept"] = {"session_key_id": _session(uplink), "received_at": received}
    elif uplink.frame is not None:
        told["uplink_message"] = {
            "session_key_id": _session(uplink),
            "f_port": uplink.frame.f_port,
            "f_cnt": uplink.f_cnt,
            "frm_payload": base64.b64encode(uplink.frame.payload).decode(),
            "rx_metadata": [
                {
                    "gateway_ids": {
                        "gateway_id": f"gw-{each.gateway[-4:]}",
                        "eui": each.gateway.upper(),
                    },
                    "time": _time(uplink.sent_s),
                    "rssi": each.rssi_dbm,
                    "channel_rssi": each.rssi_dbm,
                    "snr": each.snr_db,
                }
                for each in uplink.heard
            ],
            "settings": {
                "data_rate": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreading_factor": _SPREADING,
                        "coding_rate": "4/5",
                    }
                },
                "frequency": str(_FREQUENCY_HZ),
            },
            "received_at": received,
            "confirmed": False,
            "consumed_airtime": "0.046336s",
        }
    end = "up" if kind is UplinkKind.UP else "join"
    topic = f"v3/{network.application}@{network.tenant}/devices/{device.name}/{end}"
    return Message(topic, _json(told))


def plain(uplink: Uplink) -> bytes | None:
    """The plain JSON for everybody who has no such network server.

    Returns:
        None for a join or a status, of which it knows nothing.
    """
    if uplink.frame is None:
        return None
    best = max(uplink.heard, key=lambda each: each.rssi_dbm)
    told = {
        "device": uplink.device.dev_eui,
        "id": uplink.id,
        "time": _time(uplink.sent_s),
        "f_cnt": uplink.f_cnt,
        "f_port": uplink.frame.f_port,
        "payload_hex": uplink.frame.payload.hex(),
        "rssi_dbm": best.rssi_dbm,
        "snr_db": best.snr_db,
    }
    return json.dumps(told).encode()


def _session(uplink: Uplink) -> str:
    return base64.b64encode(uplink.device.dev_eui.encode()).decode()


def _address(dev_eui: str) -> str:
    """A device's short address: seven bits of the network, then the device's own."""
    return f"01{dev_eui[-6:]}"


def _profile_id(profile: str) -> str:
    return f"{sum(profile.encode()):08x}-0000-4000-8000-{profile.encode().hex()[:12]:0<12}"


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(round(at_s, 3), UTC).isoformat().replace("+00:00", "Z")


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(without_zeros(told), separators=(",", ":")).encode()


def without_zeros(value: Any) -> Any:
    """A JSON value without fields that are null, zero, false or empty, as proto3 writes it."""
    if isinstance(value, Mapping):
        kept = {key: without_zeros(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each}
    if isinstance(value, list):
        return [without_zeros(each) for each in value]
    return value
