"""A lot with sensors in the registry, and messages of them in both envelopes."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.registry.things import find_one
from cloud_app.storage.database import Database

NOW = datetime(2026, 7, 18, 12, tzinfo=UTC)
_SPACE = uuid.UUID(int=16)


def eui(number: int) -> str:
    return f"a81758fffe{number:06x}"


def register(
    database: Database,
    number: int = 4,
    *,
    site: str = "north",
    first: int = 1,
    **facts: Any,
) -> list[str]:
    """Bays `b1`... of lot `p1`, each with a sensor; their DevEUIs."""
    devices = [eui(first + place) for place in range(number)]
    things: list[tuple[str, str, dict[str, Any]]] = [
        ("site", site, {}),
        ("lot", f"{site}/p1", {}),
    ]
    for place, device in enumerate(devices):
        bay = f"b{first + place}"
        things.append(("bay", f"{site}/p1/{bay}", {}))
        about = {"kind": "sensor", "profile": "bosch-tps110", "period_s": 3600.0, **facts}
        things.append(("device", device, {"site": site, "lot": "p1", "bay": bay, **about}))
    with database.write() as session:
        for kind, key, said in things:
            if find_one(session, Ref(kind, key)) is not None:
                continue
            state(session, Edit(Ref(kind, key), "ann", 0), said)
    return devices


def chirpstack(
    device: str,
    payload_hex: str,
    *,
    after_s: float = 0,
    f_cnt: int = 0,
    f_port: int = 1,
    rssi: int = -80,
    **more: Any,
) -> dict[str, Any]:
    """An uplink as ChirpStack publishes it, with the zeros left out."""
    at = NOW + timedelta(seconds=after_s)
    message: dict[str, Any] = {
        "deduplicationId": str(uuid.uuid5(_SPACE, f"{device} {f_cnt} {at}")),
        "time": at.isoformat(),
        "deviceInfo": {"devEui": device, "deviceName": "a bay", "applicationId": "1"},
        "data": base64.b64encode(bytes.fromhex(payload_hex)).decode(),
        "rxInfo": [{"gatewayId": "g1", "rssi": rssi, "snr": 7.5}],
        **more,
    }
    message |= {name: value for name, value in (("fCnt", f_cnt), ("fPort", f_port)) if value}
    return message


def things_stack(
    device: str, payload_hex: str, *, after_s: float = 0, f_cnt: int = 0, f_port: int = 1
) -> dict[str, Any]:
    """An uplink as The Things Stack posts it."""
    at = (NOW + timedelta(seconds=after_s)).isoformat()
    up: dict[str, Any] = {
        "frm_payload": base64.b64encode(bytes.fromhex(payload_hex)).decode(),
        "f_port": f_port,
        "received_at": at,
        "rx_metadata": [{"gateway_ids": {"gateway_id": "g1"}, "rssi": -90, "snr": 4.2}],
    }
    if f_cnt:
        up["f_cnt"] = f_cnt
    return {"end_device_ids": things_stack_ids(device), "received_at": at, "uplink_message": up}


def things_stack_ids(device: str) -> dict[str, Any]:
    """What The Things Stack calls a device."""
    application = {"application_id": "parking"}
    return {
        "device_id": f"eui-{device}", "dev_eui": device.upper(), "application_ids": application,
    }  # fmt: skip


def body(message: Any) -> bytes:
    return json.dumps(message).encode()


def topic(message: dict[str, Any], event: str = "up") -> str:
    return f"application/1/device/{message['deviceInfo']['devEui']}/event/{event}"


def contents(database: Database, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of tables, in order."""
    from sqlalchemy import select

    from cloud_app.storage.migrate import every_table

    metadata = every_table()
    with database.read() as session:
        return {
            name: sorted(map(tuple, session.rows(select(metadata.tables[name]))), key=repr)
            for name in tables
        }
