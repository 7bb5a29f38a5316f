"""Reading sensors: the list, one of them, its frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select

from cloud_app.sensor_views import FrameItem, SensorCondition, SensorDetail, SensorItem
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Row, Session
from cloud_app.storage.paging import By, beyond, lost, ordered
from cloud_app.storage.queries import Sites, occupancy_of, of_sites
from cloud_app.storage.sensor_tables import sensor, sensor_frame
from cloud_app.storage.sensors import IS_LOW, IS_SILENT
from cloud_app.storage.times import from_ms
from sensors.battery import BatteryForecast, forecast_battery

_DAY_MS = 86_400_000
_MOST_FRAMES = 20_000
"""Looked at for how many came through; a device that sends more often is no bay sensor."""

_s = sensor
_IS_UNREADABLE = and_(
    _s.c.error_ms.is_not(None), _s.c.error_ms > func.coalesce(_s.c.read_ms, 0), _s.c.known == 1
)
_IS_FAULTY = or_(_s.c.fault.is_not(None), func.coalesce(_s.c.told, "") == "faulty")
_CONDITION: ColumnElement[Any] = case(
    (IS_SILENT, SensorCondition.SILENT.value),
    (_IS_FAULTY, SensorCondition.FAULTY.value),
    (_IS_UNREADABLE, SensorCondition.UNREADABLE.value),
    (IS_LOW, SensorCondition.LOW_BATTERY.value),
    (func.coalesce(_s.c.known, 0) == 0, SensorCondition.UNREGISTERED.value),
    else_=SensorCondition.OK.value,
)
_GRAVITY: ColumnElement[Any] = case(
    {each.value: place for place, each in enumerate(SensorCondition)}, value=_CONDITION
)
_ALL = select(*_s.c, _CONDITION.label("condition"))


class SensorOrder(StrEnum):
    """What a list of sensors is ordered by."""

    DEVICE = "device"
    CONDITION = "condition"
    HEARD = "heard"
    BATTERY = "battery"
    LINK = "link"
    BAY = "bay"


_ORDERS: Final[Mapping[SensorOrder, ColumnElement[Any]]] = {
    SensorOrder.DEVICE: _s.c.device,
    SensorOrder.CONDITION: _GRAVITY,
    SensorOrder.HEARD: func.coalesce(_s.c.heard_ms, 0),
    SensorOrder.BATTERY: func.coalesce(_s.c.battery_pct, _s.c.battery_v * 25, 1000.0),
    SensorOrder.LINK: func.coalesce(_s.c.rssi_dbm, 1000.0),
    SensorOrder.BAY: func.coalesce(_s.c.lot, "~") + "/" + func.coalesce(_s.c.bay, "~"),
}
"""What is not known comes last."""


@dataclass(frozen=True, slots=True)
class SensorFilter:
    """Which sensors are wanted; None does not matter.

    Attributes:
        sites: that the reader sees; with all of them also unregistered devices.
        site: of them only this one.
        lot: of the bay.
        condition: that they are in.
        part: of the device's, bay's or lot's id, whatever its case.
        order: of the list.
        is_down: the other way round.
        after: (site, device) of the last one of the page before.
    """

    sites: Sites = None
    site: str | None = None
    lot: str | None = None
    condition: SensorCondition | None = None
    part: str | None = None
    order: SensorOrder = SensorOrder.CONDITION
    is_down: bool = False
    after: tuple[str, str] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """On rows of `sensor`."""
        wanted = [of_sites(_s.c.site, self.sites)]
        if self.site is not None:
            wanted.append(_s.c.site == self.site)
        if self.lot is not None:
            wanted.append(_s.c.lot == self.lot)
        if self.condition is not None:
            wanted.append(_CONDITION.in_([self.condition.value]))
        if self.part is not None:
            part = self.part.lower()
            wanted.append(
                or_(
                    *(
                        func.lower(column).contains(part, autoescape=True)
                        for column in (_s.c.device, _s.c.bay, _s.c.lot)
                    )
                )
            )
        return wanted


def sensors(session: Session, wanted: SensorFilter, now_ms: int, limit: int) -> list[SensorItem]:
    """A page of sensors, in the order that is wanted.

    Raises:
        PageLostError: the sensor before it is gone.
    """
    key = _ORDERS[wanted.order]
    order = (By(key, wanted.is_down), By(_s.c.site), By(_s.c.device))
    conditions = wanted.conditions()
    if wanted.after is not None:
        place = select(key.label("key")).where(
            _s.c.site == wanted.after[0], _s.c.device == wanted.after[1]
        )
        last = session.rows(place, {"now_ms": now_ms})
        if not last:
            raise lost("/".join(wanted.after))
        conditions.append(beyond(order, (last[0].key, *wanted.after)))
    query = _ALL.where(*conditions).order_by(*ordered(order)).limit(limit)
    return [SensorItem(**_item(row)) for row in session.rows(query, {"now_ms": now_ms})]


def find_sensor(session: Session, device: str, sites: Sites, now_ms: int) -> SensorDetail | None:
    """A sensor of that id among those of some sites; of several a registered one."""
    query = (
        _ALL.where(_s.c.device == device, of_sites(_s.c.site, sites))
        .order_by(func.coalesce(_s.c.known, 0).desc(), _s.c.site)
        .limit(1)
    )
    rows = session.rows(query, {"now_ms": now_ms})
    if not rows:
        return None
    frames, lost = _through(session, rows[0].site, device, now_ms)
    battery = _battery(session, rows[0].site, device, now_ms)
    return SensorDetail(
        **_item(rows[0]),
        frames_24h=frames,
        lost_24h=lost,
        battery_days=battery.days,
        battery_days_low=battery.low,
        battery_days_high=battery.high,
        battery_why=battery.why,
    )


_LEVELS = (
    select(sensor_frame.c.time_ms, sensor_frame.c.battery_pct)
    .where(
        sensor_frame.c.site == bindparam("at_site"),
        sensor_frame.c.device == bindparam("of_device"),
        sensor_frame.c.battery_pct.is_not(None),
    )
    .order_by(sensor_frame.c.time_ms.desc())
    .limit(_MOST_FRAMES)
)


def _battery(session: Session, site: str, device: str, now_ms: int) -> BatteryForecast:
    rows = session.rows(_LEVELS, {"at_site": site, "of_device": device})
    readings = [(row.time_ms / 1000, row.battery_pct) for row in rows]
    return forecast_battery(readings, now_ms / 1000)


_COUNTERS = (
    select(sensor_frame.c.kind, sensor_frame.c.f_cnt)
    .where(
        sensor_frame.c.site == bindparam("at_site"),
        sensor_frame.c.device == bindparam("of_device"),
        sensor_frame.c.time_ms > bindparam("since_ms"),
    )
    .order_by(sensor_frame.c.time_ms)
    .limit(_MOST_FRAMES)
)


def _through(session: Session, site: str, device: str, now_ms: int) -> tuple[int, int]:
    """How many frames came in a day, and how many between them did not."""
    given = {"at_site": site, "of_device": device, "since_ms": now_ms - _DAY_MS}
    rows = session.rows(_COUNTERS, given)
    return len(rows), lost_between([row.f_cnt for row in rows if row.f_cnt is not None])


def lost_between(counters: Sequence[int]) -> int:
    """Frames missing in a run of frame counters; a counter that starts again misses none."""
    steps = (after - before for before, after in pairwise(counters))
    return sum(step - 1 for step in steps if step > 1)


def frames(session: Session, site: str, device: str, window: Window, limit: int) -> list[FrameItem]:
    """Frames of a device within a span, the newest first."""
    query = (
        select(sensor_frame)
        .where(
            sensor_frame.c.site == site,
            sensor_frame.c.device == device,
            sensor_frame.c.time_ms >= window.start_ms,
            sensor_frame.c.time_ms < window.end_ms,
        )
        .order_by(sensor_frame.c.time_ms.desc(), sensor_frame.c.frame)
        .limit(limit)
    )
    return [_frame(row) for row in session.rows(query)]


def _item(row: Row) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _SAME},
        "site": row.site or None,
        "condition": SensorCondition(row.condition),
        "state": None if row.said_ms is None else occupancy_of(row.occ),
        "since": from_ms(row.since_ms),
        "heard": from_ms(row.heard_ms),
        "due": from_ms(row.until_ms),
        "error_at": from_ms(row.error_ms),
        "joined": from_ms(row.joined_ms),
        "first_heard": from_ms(row.first_ms),
    }


_SAME = [name for name in SensorItem.model_fields if name in _s.c and name != "site"]


def _frame(row: Row) -> FrameItem:
    same = {name: getattr(row, name) for name in FrameItem.model_fields if name in sensor_frame.c}
    return FrameItem(
        **same
        | {
            "at": from_ms(row.time_ms),
            "state": occupancy_of(row.occ) if row.said else None,
            "fields": json.loads(row.fields),
        }
    )
