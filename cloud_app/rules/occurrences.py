"""What rules look at: an event, a lot's counts, an edge's health, an alert, as named values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloud_app.json_values import read_json
from cloud_app.rules.variables import NAN, nothing
from cloud_app.rules.words import Key, Trigger
from cloud_app.storage.database import Row
from cloud_app.storage.queries import occupancy_of
from cloud_app.storage.times import from_ms
from cloud_app.views import LotNow
from telemetry.health import Health

Places = Mapping[tuple[str, str, str], Row]
"""(edge, layout, bay) -> its row of `bay`"""
_BASE = {each: nothing(each) for each in Trigger}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something to judge.

    Attributes:
        trigger: what it is.
        kind: of an event; of an alert its rule; else empty.
        site: where.
        at_ms: when it happened.
        ref: tells it from all others.
        keys: by what rules may keep it apart, as far as it has it.
        values: by name, all of the trigger's, without those of `now` and of an event's lot.
        lot: of what is in one: for counts, and for what is told together.
        depth: how many rules led to it.
        is_settled: a condition that it does not meet is over; not so of what was not heard of yet
            since the service came back.
    """

    trigger: Trigger
    kind: str
    site: str
    at_ms: int
    ref: str
    keys: Mapping[Key, str]
    values: Mapping[str, Any]
    lot: str = ""
    depth: int = 0
    is_settled: bool = True

    def unsettled(self) -> Occurrence:
        """The same, of which nothing is over."""
        return replace(self, is_settled=False)


@dataclass(slots=True)
class SiteClock:
    """Times as sites have them.

    Attributes:
        zones: time zone by site; UTC where nobody said it.
    """

    zones: Mapping[str, str | None]
    _known: dict[str, ZoneInfo] = field(default_factory=dict)
    _last: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def now(self, site: str, at_ms: int) -> dict[str, Any]:
        """The values of `now`."""
        at_s = at_ms // 1000
        last = self._last.get(site)
        # A look at all that lasts is of one moment.
        if last is None or last[0] != at_s:
            last = self._last[site] = (at_s, self._now(site, at_ms))
        return last[1]

    def _now(self, site: str, at_ms: int) -> dict[str, Any]:
        moment: datetime = from_ms(at_ms).astimezone(self._zone(site))
        return {
            "now.hour": moment.hour,
            "now.minute": moment.minute,
            "now.weekday": moment.isoweekday(),
            "now.date": f"{moment:%Y-%m-%d}",
            "now.time": f"{moment:%H:%M}",
        }

    def _zone(self, site: str) -> ZoneInfo:
        if site not in self._known:
            self._known[site] = ZoneInfo(self.zones.get(site) or "UTC")
        return self._known[site]


def of_event(row: Row, places: Places) -> Occurrence:
    """An event as rules see it.

    Args:
        row: of `event`.
        places: of the bays that events tell of.
    """
    event = read_json(row.body)
    data = event.get("data") if isinstance(event, dict) else None
    data = data if isinstance(data, dict) else {}
    subject = _text(event.get("subject") if isinstance(event, dict) else None)
    bay = row.bay or _first(data.get("bays"))
    place = places.get((row.edge, row.layout or "", bay))
    named = subject if row.kind == "count" else _text(data.get("lot"))
    lot = named if place is None else place.lot
    keys = {Key.EDGE: row.edge, Key.SITE: row.site}
    if lot:
        keys[Key.LOT] = lot
    if bay:
        keys[Key.BAY] = f"{lot or row.edge}/{bay}"
    values = {
        **_BASE[Trigger.EVENT],
        "event.type": row.kind,
        "event.site": row.site,
        "event.lot": lot,
        "event.bay": bay,
        "event.edge": row.edge,
        "event.subject": subject,
        "event.state": occupancy_of(row.occ).value if row.kind == "changed" else "",
        "event.closed": bool(row.closed),
        "event.reason": row.reason or "",
        "event.cause": row.cause or "",
        "event.confidence": NAN if row.conf is None else row.conf,
        "event.data": data,
    }
    if place is not None:
        values["event.zone"] = place.zone or ""
        values["event.level"] = place.level or ""
        values["event.bay_kind"] = place.kind
    ref = f"{row.edge}/{row.epoch}/{row.seq}"
    return Occurrence(Trigger.EVENT, row.kind, row.site, row.time_ms, ref, keys, values, lot)


def _first(value: object) -> str:
    return _text(value[0]) if isinstance(value, list) and value else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def lot_values(lot: LotNow) -> dict[str, Any]:
    """The counts of a lot."""
    counts = lot.counts
    open_bays = counts.bays - counts.closed
    return {
        "lot.site": lot.site,
        "lot.lot": lot.lot,
        "lot.name": lot.name or lot.lot,
        "lot.bays": counts.bays,
        "lot.capacity": counts.capacity,
        "lot.occupied": counts.occupied,
        "lot.free": counts.free,
        "lot.available": counts.available,
        "lot.unknown": counts.unknown + counts.stale,
        "lot.closed": counts.closed,
        "lot.share": counts.occupied / open_bays if open_bays else NAN,
    }


def of_lot(values: Mapping[str, Any], at_ms: int) -> Occurrence:
    """A lot's counts at a moment."""
    site, lot = values["lot.site"], values["lot.lot"]
    keys = {Key.LOT: lot}
    ref = f"{site}/{lot}/{at_ms}"
    return Occurrence(Trigger.LOT, "", site, at_ms, ref, keys, {**_BASE[Trigger.LOT], **values})


def health_values(health: Health) -> dict[str, Any]:
    """An edge's own figures."""
    rates = [each.fps for each in health.cameras]
    latencies = [each.latency_p95_ms for each in health.cameras if each.latency_p95_ms is not None]
    return {
        "health.uptime_s": float(health.uptime_s),
        "health.outbox_rows": health.outbox.rows,
        "health.outbox_age_s": float(health.outbox.oldest_age_s),
        "health.cameras": len(health.cameras),
        "health.cameras_up": sum(each.up for each in health.cameras),
        "health.fps": float(min(rates, default=NAN)),
        "health.latency_p95_ms": float(max(latencies, default=NAN)),
        "health.disk_free_gb": _scaled(health.disk_free_bytes, 1e9),
        "health.memory_mb": _scaled(health.memory_bytes, 1e6),
        "health.temperature_c": NAN if health.temperature_c is None else health.temperature_c,
        "health.alarms": len(health.alarms),
    }


def _scaled(value: int | None, unit: float) -> float:
    return NAN if value is None else value / unit


def of_edge(site: str, edge: str, at_ms: int, values: Mapping[str, Any]) -> Occurrence:
    """An edge's health at a moment."""
    base = {**_BASE[Trigger.EDGE], "health.site": site, "health.edge": edge, **values}
    return Occurrence(Trigger.EDGE, "", site, at_ms, f"{edge}/{at_ms}", {Key.EDGE: edge}, base)


def of_alert(row: Row) -> Occurrence:
    """An alert that opened.

    Args:
        row: of `alert`.
    """
    values = {
        **_BASE[Trigger.ALERT],
        "alert.rule": row.rule,
        "alert.severity": row.severity,
        "alert.site": row.site,
        "alert.subject": row.subject,
        "alert.text": row.text,
    }
    keys = {Key.SUBJECT: f"{row.rule}/{row.subject}", Key.SITE: row.site}
    ref = f"alert/{row.alert}"
    return Occurrence(
        Trigger.ALERT, row.rule, row.site, row.opened_ms, ref, keys, values, "", row.depth
    )
