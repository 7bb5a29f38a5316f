"""What lasts, as rules see it: all edge boxes, lots, cameras, sensors, ... at a moment.

Where all rules want only what is in trouble (`Condition.needs`), the rest is not even read: a city
has a hundred thousand sensors, of which a few are silent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from cloud_app.occupancy.count_alerts import counts_now, gates_heard
from cloud_app.rules.feed import edge_seen, lots_seen, read_lots
from cloud_app.rules.occurrences import Occurrence
from cloud_app.rules.store import Rule
from cloud_app.rules.variables import NAN, nothing
from cloud_app.rules.words import KEYS, Trigger
from cloud_app.storage.alert_life import untold_losses
from cloud_app.storage.conditions import (
    blind_cameras,
    boxes,
    edges_unheard,
    seeing_cameras,
    stale_edges,
)
from cloud_app.storage.database import Row, Session
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.placing import faults_since
from cloud_app.storage.queries import Now
from cloud_app.storage.sensors import Trouble, sensors_now
from cloud_app.storage.times import from_ms, to_ms
from cloud_app.storage.truths import doubted_sensors, lasting_differences
from telemetry import IncidentKind

# More vehicles that stand wrongly at once are one problem.
_INCIDENTS_MAX = 1000
_FAULTS_MS = 86_400_000
_INCIDENT_PHRASES = {
    IncidentKind.OUTSIDE_BAY: "Outside the bays",
    IncidentKind.DOUBLE_PARKING: "Double parking",
    IncidentKind.STRADDLING: "Over two bays",
    IncidentKind.OVERSTAY: "Overstay",
    IncidentKind.WRONG_USE: "Wrong kind of bay",
}
_TROUBLES = {"sensor.silent": Trouble.SILENT, "sensor.battery_low": Trouble.BATTERY}
Needs = frozenset[tuple[str, bool]]


@dataclass(slots=True)
class Look:
    """A look at what lasts.

    Attributes:
        session: to read with.
        now: the moment.
        listening_since_ms: since when the service has heard the broker; silence before says
            nothing.
        grace_ms: for so long after that nothing is over of an edge that was not heard of again.
        lots: counts of lots by (site, lot), if they were read already.
    """

    session: Session
    now: Now
    listening_since_ms: int = 0
    grace_ms: int = 0
    lots: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    _unheard: frozenset[str] = field(init=False)
    _unheard_sites: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Ask who was not heard of yet."""
        is_early = self.now.now_ms - self.listening_since_ms < self.grace_ms
        rows = edges_unheard(self.session, self.listening_since_ms) if is_early else ()
        self._unheard = frozenset(row.edge for row in rows)
        self._unheard_sites = frozenset(row.site for row in rows)

    def seen(self, rules: Iterable[Rule]) -> list[Occurrence]:
        """All that the rules look at and that lasts."""
        wanted: dict[Trigger, list[Needs]] = {}
        for each in rules:
            wanted.setdefault(each.spec.trigger, []).append(each.condition.needs)
        found = (_READ[each](self, needs) for each, needs in wanted.items() if each in _READ)
        return list(chain.from_iterable(found))

    def silent_s(self, heard_ms: int | None) -> float:
        """How long something has been silent while the service listened."""
        return (self.now.now_ms - max(heard_ms or 0, self.listening_since_ms)) / 1000

    def is_heard(self, edge: str) -> bool:
        """Whether an edge was heard of again, or should have been."""
        return edge not in self._unheard

    def is_site_heard(self, site: str) -> bool:
        """Whether all edges of a site were."""
        return site not in self._unheard_sites

    def of(
        self,
        trigger: Trigger,
        site: str,
        key: str,
        values: Mapping[str, Any],
        *,
        lot: str = "",
        is_settled: bool = True,
    ) -> Occurrence:
        """Something that lasts; what is not said of it says nothing."""
        return Occurrence(
            trigger,
            "",
            site,
            self.now.now_ms,
            f"{key}/{self.now.now_ms}",
            {KEYS[trigger][0]: key},
            {**_NOTHING[trigger], **values},
            lot,
            is_settled=is_settled,
        )


_NOTHING = {each: nothing(each) for each in Trigger}


def _all_need(needs: Collection[Needs], name: str, *, is_so: bool) -> bool:
    return all((name, is_so) in each for each in needs)


def _lots(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    lots = read_lots(look.session, look.now) if look.lots is None else look.lots
    for each in lots_seen(lots, look.now.now_ms):
        yield each if look.is_site_heard(each.site) else each.unsettled()


def _edges(look: Look, needs: Collection[Needs]) -> Iterator[Occurrence]:
    is_stale = True if _all_need(needs, "health.online", is_so=False) else None
    for row in boxes(look.session, look.now, is_stale=is_stale):
        # Of a box that is away the figures are old: a rule that wants only those reads none.
        seen = edge_seen(row, look.now, look.silent_s, is_brief=bool(is_stale))
        yield seen if look.is_heard(row.edge) else seen.unsettled()


def _cameras(look: Look, needs: Collection[Needs]) -> Iterator[Occurrence]:
    stale = stale_edges(look.session, look.now)
    rows: list[tuple[Row, dict[str, Any]]] = [
        (row, _blindness(row, look.now.now_ms)) for row in blind_cameras(look.session)
    ]
    if not _all_need(needs, "camera.blind", is_so=True):
        rows += [(row, {"camera.known": int(row.known)}) for row in seeing_cameras(look.session)]
    for row, values in rows:
        values |= {
            "camera.site": row.site,
            "camera.edge": row.edge,
            "camera.camera": row.camera,
            "camera.bays": int(row.bays),
            "camera.stale": row.edge in stale,
        }
        key, is_settled = f"{row.edge}/{row.camera}", look.is_heard(row.edge)
        yield look.of(Trigger.CAMERA, row.site, key, values, is_settled=is_settled)


def _blindness(row: Row, now_ms: int) -> dict[str, Any]:
    return {
        "camera.blind": True,
        "camera.blind_s": (now_ms - row.youngest_ms) / 1000,
        "camera.since": _moment(row.youngest_ms),
        "camera.reason": row.reason,
    }


def _sensors(look: Look, needs: Collection[Needs]) -> Iterator[Occurrence]:
    named = [{name for name, is_so in each if is_so} for each in needs]
    is_few = all(each & {*_TROUBLES, "sensor.doubted"} for each in named)
    trouble = {_TROUBLES[name] for each in named for name in each if name in _TROUBLES}
    doubted = doubted_sensors(look.session)
    rows = (
        sensors_now(look.session, look.now.now_ms, trouble if is_few else None)
        if trouble or not is_few
        else ()
    )
    found = {(row.site, row.device): _sensor(row, look) for row in rows}
    for (site, device), trust in doubted.items():
        values = found.setdefault((site, device), {"sensor.site": site, "sensor.device": device})
        values |= {
            "sensor.doubted": True,
            "sensor.suspicion": float(trust.suspicion),
            "sensor.wrong_share": NAN if trust.recent.share is None else trust.recent.share,
        }
    for (site, device), values in found.items():
        lot = values.get("sensor.lot", "")
        # Silent for longer than it may, but not while we listened.
        is_settled = not values.get("sensor.silent") or not (
            values["sensor.silent_s"] < values["sensor.due_s"]
        )
        yield look.of(Trigger.SENSOR, site, device, values, lot=lot, is_settled=is_settled)


def _sensor(row: Row, look: Look) -> dict[str, Any]:
    battery = [
        f"{left:g} {unit}"
        for left, unit in ((row.battery_pct, "%"), (row.battery_v, "V"))
        if left is not None
    ]
    heard_ms, until_ms = row.heard_ms, row.until_ms
    return {
        "sensor.site": row.site,
        "sensor.device": row.device,
        "sensor.lot": row.lot or "",
        "sensor.bay": row.bay or "",
        "sensor.silent": bool(row.is_silent),
        "sensor.silent_s": look.silent_s(heard_ms),
        "sensor.due_s": 0.0 if None in {heard_ms, until_ms} else (until_ms - heard_ms) / 1000,
        "sensor.heard": "" if heard_ms is None else f"{from_ms(heard_ms):%Y-%m-%d %H:%M}",
        "sensor.battery_low": bool(row.is_low),
        "sensor.battery": ", ".join(battery),
        "sensor.battery_pct": NAN if row.battery_pct is None else row.battery_pct,
        "sensor.battery_v": NAN if row.battery_v is None else row.battery_v,
    }


def _gates(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    for each in gates_heard(look.session):
        assert each.heard is not None  # noqa: S101 - for the types; `gates_heard` saw it
        heard_ms = to_ms(each.heard)
        values = {
            "gate.site": each.site,
            "gate.lot": each.lot,
            "gate.gate": each.gate,
            "gate.name": each.name or each.gate,
            "gate.edge": each.edge or "",
            "gate.silent_s": look.silent_s(heard_ms),
            "gate.due_s": each.silent_after_s,
            "gate.heard": _moment(heard_ms),
            "gate.lost": each.lost,
        }
        is_settled = heard_ms >= look.listening_since_ms
        yield look.of(
            Trigger.GATE, each.site, each.gate, values, lot=each.lot, is_settled=is_settled
        )


def _counts(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    for each in counts_now(look.session):
        site, lot = each.lot.site, each.lot.lot
        values = {
            "count.site": site,
            "count.lot": lot,
            "count.capacity": each.capacity,
            "count.beyond": abs(each.beyond),
            "count.beyond_side": _side(each.beyond),
            "count.drift": abs(each.drift),
            "count.drift_side": _side(each.drift),
        }
        yield look.of(Trigger.COUNT, site, lot, values, lot=lot)


def _side(vehicles: int) -> str:
    return "above" if vehicles > 0 else "below"


def _differences(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    for row in lasting_differences(look.session, look.now.now_ms):
        values = {
            "difference.site": row.site,
            "difference.lot": row.lot,
            "difference.bay": row.bay,
            "difference.for_s": (look.now.now_ms - row.differ_ms) / 1000,
            "difference.since": _moment(row.differ_ms),
        }
        key = f"{row.lot}/{row.bay}"
        yield look.of(Trigger.DIFFERENCE, row.site, key, values, lot=row.lot)


def _incidents(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    for each in incidents(look.session, look.now, IncidentFilter(is_open=True), _INCIDENTS_MAX):
        values = {
            "incident.site": each.site,
            "incident.lot": each.lot or "",
            "incident.edge": each.edge,
            "incident.camera": each.camera,
            "incident.kind": each.kind.value,
            "incident.phrase": _INCIDENT_PHRASES[each.kind],
            "incident.bays": ", ".join(each.bays),
            "incident.area": each.area or "",
            "incident.vehicle": each.vehicle or "vehicle",
            "incident.confidence": each.conf,
            "incident.stood_s": each.stood_s,
            "incident.limit_s": NAN if each.limit_s is None else each.limit_s,
            "incident.began": f"{each.began:%Y-%m-%d %H:%M:%S}",
            "incident.stale": each.stale,
        }
        key, is_settled = f"{each.edge}/{each.incident}", look.is_heard(each.edge)
        yield look.of(
            Trigger.INCIDENT, each.site, key, values, lot=each.lot or "", is_settled=is_settled
        )


def _faults(look: Look, _needs: Collection[Needs]) -> Iterator[Occurrence]:
    for each in faults_since(look.session, look.now.now_ms - _FAULTS_MS):
        values = {
            "fault.site": each.site,
            "fault.edge": each.edge,
            "fault.kind": each.kind.value,
            "fault.detail": each.detail,
            "fault.times": each.times,
            "fault.ago_s": (look.now.now_ms - each.last_ms) / 1000,
        }
        yield look.of(Trigger.FAULT, each.site, each.edge, values)


def losses(look: Look) -> tuple[list[Occurrence], list[Row]]:
    """Losses that no rule has seen, and their rows, to be marked as seen."""
    rows = list(untold_losses(look.session))
    found = []
    for row in rows:
        values = {
            "loss.site": row.site,
            "loss.edge": row.edge,
            "loss.epoch": row.epoch,
            "loss.first": row.first_seq,
            "loss.last": row.last_seq,
            "loss.reason": row.reason,
        }
        key = f"{row.edge} {row.epoch}-{row.first_seq}"
        found.append(look.of(Trigger.LOSS, row.site, key, values))
    return found, rows


def _moment(at_ms: int) -> str:
    return f"{from_ms(at_ms):%Y-%m-%d %H:%M:%S}"


_READ: Mapping[Trigger, Callable[[Look, Collection[Needs]], Iterator[Occurrence]]] = {
    Trigger.LOT: _lots,
    Trigger.EDGE: _edges,
    Trigger.CAMERA: _cameras,
    Trigger.SENSOR: _sensors,
    Trigger.GATE: _gates,
    Trigger.COUNT: _counts,
    Trigger.DIFFERENCE: _differences,
    Trigger.INCIDENT: _incidents,
    Trigger.FAULT: _faults,
}
