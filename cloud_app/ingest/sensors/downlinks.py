"""Downlinks to sensors, and how they go on: asked for, handed over, heard of.

    ask(session, wanted, book, actor, now_ms)     keep one; it is handed over by and by
    cancel(session, downlink, now_ms)             take one back that was not handed over yet
    heard(session, event, bringer, now_ms)        what a network server says of one
    listed(session, site, device)                 those of a device, the newest first

A downlink goes `waiting` -> `queued` (the network server has it, until the device's next uplink)
-> `sent` (a gateway took it) -> `acknowledged`, which is the end; so is `sent` for one that need
not be acknowledged. `failed` where a server refuses it, `expired` where its time is over,
`cancelled` by a person. What a server tells is the truth, in whatever order it comes and however
late.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.config import SensorsConfig
from cloud_app.errors import DownlinkError
from cloud_app.ingest.sensors.arrivals import Bringer
from cloud_app.ingest.sensors.downlink_ways import Wanted, Way, bytes_for, way_to
from cloud_app.storage.database import Row, Session, Value
from cloud_app.storage.sensor_tables import sensor, sensor_downlink
from cloud_app.storage.times import from_ms
from sensors.downlinks import Downlink, DownlinkAction
from sensors.envelopes import DownlinkEvent, DownlinkOrder, Stage, reference_of

_t = sensor_downlink


class DownlinkState(StrEnum):
    """Where a downlink stands."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class DownlinkNow(BaseModel):
    """How a downlink stands."""

    id: str
    site: str
    device: str
    action: DownlinkAction
    interval_s: int | None
    f_port: int
    payload: str = Field(description="hexadecimal")
    confirmed: bool = Field(description="the device is to acknowledge it")
    network: str = Field(description="the broker or API that it goes through")
    actor: str = Field(description="who sent it")
    state: DownlinkState
    issued: datetime
    expires: datetime = Field(description="no longer waited for afterwards")
    queued: datetime | None = Field(description="the network server has it")
    sent: datetime | None = Field(description="a gateway took it for sending")
    acknowledged: datetime | None = Field(description="the device has it")
    ended: datetime | None
    detail: str = Field(description="why it failed, or why it is not handed over yet")


_PROFILE = select(sensor.c.profile).where(
    sensor.c.site == bindparam("at_site"), sensor.c.device == bindparam("of_device")
)


def ask(
    session: Session, config: SensorsConfig, wanted: Wanted, actor: str, now_ms: int
) -> DownlinkNow:
    """Keep a downlink, to be handed over by and by.

    Args:
        session: a transaction that writes.
        config: what is known of networks and makers.
        wanted: what, and of whom.
        actor: who asks, for people to see.
        now_ms: wall time.

    Raises:
        DownlinkError: the device cannot be reached or not be asked for this, or the id was used for
            something else.
    """
    rows = session.rows(_PROFILE, {"at_site": wanted.site, "of_device": wanted.device})
    downlink = bytes_for(config, rows[0].profile if rows else None, wanted)
    if wanted.id is not None and (known := find(session, wanted.id)) is not None:
        asked = (wanted.site, wanted.device, wanted.action)
        same = (known.site, known.device, known.action) == asked
        if not same or (known.f_port, known.payload) != (downlink.f_port, downlink.payload.hex()):
            msg = f"id {wanted.id} was used for something else: use another one"
            raise DownlinkError(msg)
        return known
    way = way_to(session, config, wanted.site, wanted.device)
    name = wanted.id or f"d-{secrets.token_hex(8)}"
    life_s = config.downlink_life_s if wanted.life_s is None else wanted.life_s
    row: dict[str, Value] = {
        "downlink": name,
        "site": wanted.site,
        "device": wanted.device,
        "action": wanted.action.value,
        "interval_s": wanted.interval_s,
        "f_port": downlink.f_port,
        "payload": downlink.payload.hex(),
        "confirmed": int(wanted.confirmed),
        "way": way.encode(),
        "reference": reference_of(way.address.server, name),
        "actor": actor,
        "state": DownlinkState.WAITING.value,
        "issued_ms": now_ms,
        "expires_ms": now_ms + int(life_s * 1000),
        "due_ms": now_ms,
        "tries": 0,
        "detail": "",
    }
    session.run(insert(_t), row)
    return _now(row)


_CANCEL = (
    update(_t)
    .where(_t.c.downlink == bindparam("of"), _t.c.state == DownlinkState.WAITING.value)
    .values(state=DownlinkState.CANCELLED.value, ended_ms=bindparam("at"), due_ms=None)
)


def cancel(session: Session, name: str, now_ms: int) -> bool:
    """Take a downlink back; False: the network server has it already."""
    return session.run(_CANCEL, {"of": name, "at": now_ms}) > 0


def find(session: Session, name: str) -> DownlinkNow | None:
    """How a downlink stands; None: there is none of that id."""
    rows = session.rows(select(_t).where(_t.c.downlink == name))
    return _now(rows[0]._asdict()) if rows else None


def listed(session: Session, site: str, device: str, limit: int) -> list[DownlinkNow]:
    """Downlinks to a device, the newest first."""
    query = (
        select(_t)
        .where(_t.c.site == site, _t.c.device == device)
        .order_by(_t.c.issued_ms.desc(), _t.c.downlink)
        .limit(limit)
    )
    return [_now(row._asdict()) for row in session.rows(query)]


_BY_REFERENCE = select(_t).where(_t.c.reference == bindparam("of")).with_for_update()
_RANK = {
    DownlinkState.WAITING: 0,
    # Handed over in the moment that it was taken back in: it is there.
    DownlinkState.CANCELLED: 0,
    DownlinkState.QUEUED: 1,
    DownlinkState.EXPIRED: 2,
    DownlinkState.SENT: 3,
    DownlinkState.FAILED: 4,
    DownlinkState.ACKNOWLEDGED: 5,
}


def heard(session: Session, event: DownlinkEvent, bringer: Bringer, now_ms: int) -> str | None:
    """Take in what a network server says of a downlink.

    Args:
        session: a transaction that writes.
        event: what it says.
        bringer: who brought it; it is heard of devices at its own sites only.
        now_ms: when it came.

    Returns:
        Whose downlink it is; None where it is none of ours.
    """
    rows = session.rows(_BY_REFERENCE, {"of": event.reference})
    if not rows or not bringer.may(rows[0].site):
        return None
    row = rows[0]
    values = _after(row, event, now_ms)
    if values:
        session.run(update(_t).where(_t.c.downlink == row.downlink).values(values))
    device: str = row.device
    return device


def _after(row: Row, event: DownlinkEvent, now_ms: int) -> dict[str, Value]:
    """What changes of a row with an event; the first time of each stage stays."""
    values: dict[str, Value] = {}
    if event.stage is None:
        return {"detail": event.detail} if row.ended_ms is None else {}
    stage = DownlinkState(event.stage.value)
    column = f"{stage.value}_ms"
    if column in _t.c and getattr(row, column) is None:
        values[column] = now_ms
    if _RANK[stage] > _RANK[DownlinkState(row.state)]:
        is_over = stage in (DownlinkState.ACKNOWLEDGED, DownlinkState.FAILED) or (
            stage is DownlinkState.SENT and not row.confirmed
        )
        values |= {
            "state": stage.value,
            "due_ms": None,
            "ended_ms": now_ms if is_over else None,
            "detail": event.detail,
        }
    return values


_EXPIRE = (
    update(_t)
    .where(_t.c.ended_ms.is_(None), _t.c.expires_ms <= bindparam("at"))
    .values(state=DownlinkState.EXPIRED.value, ended_ms=bindparam("at"), due_ms=None)
)
_DUE = (
    select(_t)
    .where(_t.c.ended_ms.is_(None), _t.c.due_ms <= bindparam("at"))
    .order_by(_t.c.due_ms, _t.c.downlink)
    .limit(50)
)


def due(session: Session, now_ms: int) -> list[Row]:
    """Downlinks to hand over now; those whose time is over are ended."""
    session.run(_EXPIRE, {"at": now_ms})
    return list(session.rows(_DUE, {"at": now_ms}))


def order_of(row: Row) -> tuple[Way, DownlinkOrder]:
    """What is handed over, and how."""
    way = Way.decode(row.way)
    downlink = Downlink(row.f_port, bytes.fromhex(row.payload))
    order = DownlinkOrder(
        way.address, downlink, row.reference, bool(row.confirmed), from_ms(row.expires_ms)
    )
    return way, order


_WAITS = (
    update(_t)
    .where(_t.c.downlink == bindparam("of"), _t.c.state == DownlinkState.WAITING.value)
    .values(due_ms=bindparam("next"), tries=bindparam("times"), detail=bindparam("why"))
)


def put_off(session: Session, row: Row, why: str, next_ms: int) -> None:
    """Try again later."""
    given = {"of": row.downlink, "next": next_ms, "times": row.tries + 1, "why": why}
    session.run(_WAITS, given)


def handed_over(session: Session, row: Row, reference: str | None, now_ms: int) -> None:
    """A network server has it, under a name of its own if it gave one."""
    if reference is not None:
        session.run(update(_t).where(_t.c.downlink == row.downlink).values(reference=reference))
    event = DownlinkEvent(reference or row.reference, Stage.QUEUED)
    heard(session, event, Bringer("", None), now_ms)


def refused(session: Session, row: Row, why: str, now_ms: int) -> None:
    """A network server will not take it, however often it is asked."""
    event = DownlinkEvent(row.reference, Stage.FAILED, why)
    heard(session, event, Bringer("", None), now_ms)


def prune_downlinks(session: Session, before_ms: int) -> None:
    """Forget downlinks that ended long ago."""
    session.run(delete(_t).where(_t.c.ended_ms < before_ms))


def _now(row: Mapping[str, Any]) -> DownlinkNow:
    return DownlinkNow(
        id=row["downlink"],
        site=row["site"],
        device=row["device"],
        action=DownlinkAction(row["action"]),
        interval_s=row["interval_s"],
        f_port=row["f_port"],
        payload=row["payload"],
        confirmed=bool(row["confirmed"]),
        network=Way.decode(row["way"]).name,
        actor=row["actor"],
        state=DownlinkState(row["state"]),
        issued=from_ms(row["issued_ms"]),
        expires=from_ms(row["expires_ms"]),
        queued=from_ms(row.get("queued_ms")),
        sent=from_ms(row.get("sent_ms")),
        acknowledged=from_ms(row.get("acknowledged_ms")),
        ended=from_ms(row.get("ended_ms")),
        detail=row["detail"],
    )
