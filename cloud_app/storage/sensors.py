"""Keeping frames of sensors and what follows from them, in any order and however often they come.

A row of `sensor` is made of groups of columns, each of the newest frame that says something of it;
of two frames of one time always the same one counts. So a row is the same whatever came first.
Since when a bay is as it is needs the frames between: it is read from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select

from cloud_app.storage.database import Row, Session, Value
from cloud_app.storage.sensor_tables import sensor, sensor_frame
from cloud_app.storage.upsert import Upsert, among, names, same

Key: TypeAlias = tuple[str, str]
"""(site, device)"""
Said: TypeAlias = Mapping[str, Value]
"""Columns of `sensor` that one frame says."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "heard_ms": ("known", "lot", "bay", "profile", "network", "period_s", "until_ms"),
    "read_ms": ("fault",),
    "said_ms": ("occ", "reason"),
    "battery_ms": ("battery_low", "battery_pct", "battery_v"),
    "link_ms": ("rssi_dbm", "snr_db", "gateways"),
    "temperature_ms": ("temperature_c",),
    "firmware_ms": ("firmware",),
    "error_ms": ("error",),
    "told_ms": ("told", "edge"),
}
"""Time of each group, and what it is the time of."""
UNKNOWN_DEVICES_MAX: Final = 1_000
"""Of one site; frames of further devices that nobody registered are refused."""
UNKNOWN_FRAMES_MAX: Final = 20
"""Of one device that nobody registered; the newest are kept."""

_TOUCH = Upsert(sensor, ("site", "device"))
_WRITE = Upsert(sensor, names(sensor), same(*names(sensor, with_key=False)))
_FRAMES = Upsert(sensor_frame, names(sensor_frame))
_LOCKED = (
    select(sensor)
    .where(among(sensor.c.device, "devices"))
    .order_by(sensor.c.site, sensor.c.device)
    .with_for_update()
)
_THERE = select(sensor_frame.c.site, sensor_frame.c.device, sensor_frame.c.frame).where(
    among(sensor_frame.c.device, "devices"), among(sensor_frame.c.frame, "frames")
)
_f, _o = sensor_frame, sensor_frame.alias("o")
# The newest time at which the bay was said to be otherwise than it is now.
_BEFORE = (
    select(_o.c.time_ms)
    .where(
        _o.c.site == sensor.c.site,
        _o.c.device == sensor.c.device,
        _o.c.said == 1,
        _o.c.occ.is_distinct_from(sensor.c.occ),
        _o.c.time_ms < sensor.c.said_ms,
    )
    .order_by(_o.c.time_ms.desc())
    .limit(1)
    .correlate(sensor)
    .scalar_subquery()
)
_OTHERWISE = (
    select(sensor.c.site, sensor.c.device, _BEFORE.label("other_ms"))
    .where(among(sensor.c.device, "devices"))
    .subquery()
)
_SINCE = (
    select(
        _OTHERWISE.c.site,
        _OTHERWISE.c.device,
        _OTHERWISE.c.other_ms,
        func.min(_f.c.time_ms).label("since_ms"),
    )
    .join(
        _f,
        and_(
            _f.c.site == _OTHERWISE.c.site,
            _f.c.device == _OTHERWISE.c.device,
            _f.c.said == 1,
            _f.c.time_ms > func.coalesce(_OTHERWISE.c.other_ms, -1),
        ),
    )
    .group_by(_OTHERWISE.c.site, _OTHERWISE.c.device, _OTHERWISE.c.other_ms)
)
_UNKNOWN_THERE = (
    select(sensor.c.site, func.count().label("devices"))
    .where(sensor.c.known == 0, among(sensor.c.site, "sites"))
    .group_by(sensor.c.site)
)
_KNOWN_ROWS = select(sensor.c.site, sensor.c.device).where(among(sensor.c.device, "devices"))
_PRUNE_FRAMES = delete(sensor_frame).where(sensor_frame.c.time_ms < bindparam("before_ms"))
_PRUNE_UNKNOWN = delete(sensor).where(
    sensor.c.known == 0, sensor.c.heard_ms < bindparam("before_ms")
)
_CROWDED = (
    select(sensor_frame.c.site, sensor_frame.c.device)
    .join(
        sensor,
        and_(sensor.c.site == sensor_frame.c.site, sensor.c.device == sensor_frame.c.device),
    )
    .where(sensor.c.known == 0)
    .group_by(sensor_frame.c.site, sensor_frame.c.device)
    .having(func.count() > UNKNOWN_FRAMES_MAX)
)
_NEWEST = (
    select(sensor_frame.c.frame)
    .where(
        sensor_frame.c.site == bindparam("at_site"),
        sensor_frame.c.device == bindparam("of_device"),
    )
    .order_by(sensor_frame.c.time_ms.desc(), sensor_frame.c.frame)
    .limit(UNKNOWN_FRAMES_MAX)
)
_TRIM = delete(sensor_frame).where(
    sensor_frame.c.site == bindparam("at_site"),
    sensor_frame.c.device == bindparam("of_device"),
    sensor_frame.c.frame.not_in(bindparam("kept", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame on its way into the tables.

    Attributes:
        row: columns of `sensor_frame` by name.
        said: columns of `sensor` that it says, those of a group with the group's time.
        joined_ms: when the device joined the network, if this is a join.
    """

    row: Mapping[str, Value]
    said: Said
    joined_ms: int | None = None

    @property
    def key(self) -> Key:
        """Of whom it is."""
        return str(self.row["site"]), str(self.row["device"])


def take_frames(session: Session, frames: Sequence[Frame]) -> dict[Key, dict[str, Any]]:
    """Keep frames and what they say of their devices.

    Args:
        session: a writing transaction.
        frames: in any order, any of them taken before.

    Returns:
        The devices' rows as they stand now.
    """
    before = _locked(session, {frame.key for frame in frames})
    order = names(sensor_frame)
    session.upsert(_FRAMES, _unique([[frame.row.get(name) for name in order] for frame in frames]))
    rows = {key: dict(row) for key, row in before.items()}
    for frame in frames:
        row = rows[frame.key]
        _merge(row, frame.said)
        time_ms = frame.row["time_ms"]
        row["first_ms"] = _least(row["first_ms"], time_ms)
        row["joined_ms"] = _most(row["joined_ms"], frame.joined_ms)
    _write(session, rows)
    for found in session.rows(_SINCE, {"devices": sorted({device for _, device in rows})}):
        key = (found.site, found.device)
        if key not in rows:
            continue
        known = before[key]
        since_ms = found.since_ms
        # Frames from before may be gone by now: what they said of the same state stands.
        if found.other_ms is None and known["occ"] == rows[key]["occ"] and known["said_ms"]:
            since_ms = _least(known["since_ms"], since_ms)
        rows[key]["since_ms"] = since_ms
    _write(session, rows)
    return rows


def take_told(session: Session, told: Iterable[tuple[Key, Said]]) -> None:
    """Keep what boxes say of the sensors that speak through them."""
    given = list(told)
    if not given:
        return
    rows = _locked(session, {key for key, _ in given})
    for key, said in given:
        _merge(rows[key], said)
    _write(session, rows)


def known_frames(session: Session, keys: Iterable[tuple[str, str, str]]) -> set[tuple[str, ...]]:
    """Those of (site, device, frame) that were taken before."""
    wanted = set(keys)
    given = {
        "devices": sorted({device for _, device, _ in wanted}),
        "frames": sorted({frame for _, _, frame in wanted}),
    }
    return {tuple(row) for row in session.rows(_THERE, given)} & wanted


def room_for_unknown(session: Session, keys: Collection[Key]) -> set[Key]:
    """Of devices that nobody registered those that may be kept: there is a most for each site."""
    there = {
        tuple(row)
        for row in session.rows(_KNOWN_ROWS, {"devices": sorted({each[1] for each in keys})})
    }
    used = {
        row.site: row.devices
        for row in session.rows(_UNKNOWN_THERE, {"sites": sorted({site for site, _ in keys})})
    }
    kept = {key for key in keys if key in there}
    for site, device in sorted(set(keys) - kept):
        if used.get(site, 0) < UNKNOWN_DEVICES_MAX:
            used[site] = used.get(site, 0) + 1
            kept.add((site, device))
    return kept


def prune_sensors(session: Session, before_ms: int) -> None:
    """Forget old frames, and of devices that nobody registered all but the newest."""
    session.run(_PRUNE_FRAMES, {"before_ms": before_ms})
    session.run(_PRUNE_UNKNOWN, {"before_ms": before_ms})
    for row in session.rows(_CROWDED):
        which = {"at_site": row.site, "of_device": row.device}
        kept = [each.frame for each in session.rows(_NEWEST, which)]
        session.run(_TRIM, {**which, "kept": kept})


def _locked(session: Session, keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """The rows of devices, made where there are none, in one order so that nobody waits in turn."""
    session.upsert(_TOUCH, sorted(keys))
    rows = session.rows(_LOCKED, {"devices": sorted({device for _, device in keys})})
    return {key: row._asdict() for row in rows if (key := (row.site, row.device)) in keys}


def _write(session: Session, rows: Mapping[Key, Mapping[str, Any]]) -> None:
    order = names(sensor)
    session.upsert(_WRITE, [[row[name] for name in order] for _, row in sorted(rows.items())])


def _merge(row: dict[str, Any], said: Said) -> None:
    for time, columns in GROUPS.items():
        if time not in said:
            continue
        group = (time, *columns)
        if _rank(row, group) < _rank(said, group):
            row.update({name: said.get(name) for name in group})


def _rank(values: Mapping[str, Any], group: Iterable[str]) -> tuple[tuple[bool, Any], ...]:
    # None comes before everything, and is compared with nothing.
    return tuple(
        (value is not None, 0 if value is None else value) for value in map(values.get, group)
    )


def _unique(rows: Iterable[Sequence[Value]]) -> list[Sequence[Value]]:
    """One row of each key; of copies that differ always the same one."""
    found: dict[tuple[Value, ...], Sequence[Value]] = {}
    for row in sorted(rows, key=lambda each: [(value is not None, str(value)) for value in each]):
        found.setdefault(tuple(row[:3]), row)
    return list(found.values())


def _least(first: Any, second: Any) -> Any:
    return min((each for each in (first, second) if each is not None), default=None)


def _most(first: Any, second: Any) -> Any:
    return max((each for each in (first, second) if each is not None), default=None)


# -- What the rules ask ---------------------------------------------------------------------------

IS_SILENT: ColumnElement[bool] = or_(
    and_(sensor.c.known == 1, sensor.c.until_ms < bindparam("now_ms")),
    func.coalesce(sensor.c.told, "") == "silent",
)
IS_LOW: ColumnElement[bool] = or_(
    and_(sensor.c.known == 1, func.coalesce(sensor.c.battery_low, 0) == 1),
    func.coalesce(sensor.c.told, "") == "low_battery",
)


class Trouble(StrEnum):
    """What may be wrong with a sensor."""

    SILENT = "silent"
    BATTERY = "battery"


_IN_TROUBLE = {Trouble.SILENT: IS_SILENT, Trouble.BATTERY: IS_LOW}


def sensors_now(
    session: Session, now_ms: int, trouble: Collection[Trouble] | None = None
) -> Sequence[Row]:
    """Sensors as they are, with `is_silent` and `is_low`.

    Args:
        session: to read with.
        now_ms: the moment.
        trouble: only those with any of this; None: all of the registry.
    """
    wanted = (
        sensor.c.known == 1 if trouble is None else or_(*(_IN_TROUBLE[each] for each in trouble))
    )
    query = (
        select(
            sensor.c.site,
            sensor.c.device,
            sensor.c.lot,
            sensor.c.bay,
            sensor.c.heard_ms,
            sensor.c.until_ms,
            sensor.c.battery_pct,
            sensor.c.battery_v,
            IS_SILENT.label("is_silent"),
            IS_LOW.label("is_low"),
        )
        .where(wanted)
        .order_by(sensor.c.site, sensor.c.device)
    )
    return session.rows(query, {"now_ms": now_ms})
