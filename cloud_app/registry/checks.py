"""Whether a thing fits what is around it: what it belongs to exists, and it lies where it can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import ValidationError
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry
from sqlalchemy import bindparam, select

from cloud_app.registry.errors import Fault
from cloud_app.registry.facts import Facts, LotFacts, SiteFacts
from cloud_app.registry.geometry import Position, distance_m, in_metres, looks_swapped
from cloud_app.registry.kinds import BAY, KINDS, LOT, SITE, ZONE, Kind, Ref
from cloud_app.registry.things import Thing, belonging_to, find
from cloud_app.registry.time_zones import about_where
from cloud_app.storage.database import Session
from cloud_app.storage.tables import edge as edge_table

_SHOWN = 60

# Markings run past a surveyed outline by some metres; a lot on the street is a stretch of it.
_NEAR_LOT_M = 50.0
_NEAR_LOT_POINT_M = 5_000.0
_NEAR_SITE_M = 100_000.0
# Half of the largest time zones: beyond it, a place that is far nearer when swapped is swapped.
_NEAR_TIME_ZONE_M = 2_000_000.0
_FAR_BAYS_SHOWN = 3
_KM = 1_000.0

_EDGE_SITE = select(edge_table.c.site).where(edge_table.c.edge == bindparam("of"))


def typed(kind: Kind, given: Mapping[str, Any]) -> tuple[Facts | None, list[Fault]]:
    """Facts that were given, or all that is wrong with them."""
    try:
        return kind.facts.model_validate(given), []
    except ValidationError as exc:
        return None, [_fault_of(error) for error in exc.errors(include_url=False)]


def _fault_of(error: Any) -> Fault:
    path = [str(part) for part in error["loc"] if part not in {"Polygon", "MultiPolygon"}]
    told = str(error["msg"])
    if error["type"] == "value_error":
        told = told.removeprefix("Value error, ")
    elif error["type"] == "extra_forbidden":
        told = "expected a fact of this kind of thing, but this is none"
    else:
        given = repr(error["input"])
        shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}..."
        told = f"{told.replace('Input should be', 'expected')}, but got {shown}"
    inside = f" (at {'.'.join(path[1:])})" if len(path) > 1 else ""
    return Fault(path[0] if path else None, told + inside)


@dataclass
class Surroundings:
    """The things around those that are to be written.

    Attributes:
        session: to read what is there.
        ours: things as they are to be, which stand before those that are there.
    """

    session: Session
    ours: Mapping[Ref, Thing | None] = field(default_factory=dict)
    _read: dict[Ref, Thing | None] = field(default_factory=dict)

    def get(self, ref: Ref | None) -> Thing | None:
        """A thing, as it is to be or as it is."""
        if ref is None:
            return None
        if ref in self.ours:
            return self.ours[ref]
        if ref not in self._read:
            self.fetch([ref])
        return self._read[ref]

    def fetch(self, refs: Iterable[Ref]) -> None:
        """Read many at once."""
        wanted = [ref for ref in refs if ref not in self.ours and ref not in self._read]
        found = find(self.session, wanted)
        self._read |= {ref: found.get(ref) for ref in wanted}

    @property
    def read(self) -> Mapping[Ref, Thing | None]:
        """What was looked at, besides `ours`; None for what is not there."""
        return self._read

    def zones(self, lot: str) -> set[str]:
        """The ids of a lot's zones."""
        there = {each.ids["zone"] for each in belonging_to(self.session, ZONE.name, [lot])}
        ours = {
            ref.key.rpartition("/")[2]
            for ref, thing in self.ours.items()
            if ref.kind == ZONE.name and thing is not None and ref.key.rpartition("/")[0] == lot
        }
        return there | ours


def check(thing: Thing, changed: frozenset[str], around: Surroundings) -> list[Fault]:
    """What is wrong with a thing among the others.

    Args:
        thing: as it is to be; its facts are sound by themselves.
        changed: facts that are said now. Others are left alone, so that an old mistake does not
            stand in the way of an unrelated edit.
        around: the others.
    """
    return [fault for each in _CHECKS for fault in each(thing, changed, around)]


_Check: TypeAlias = Callable[[Thing, frozenset[str], Surroundings], Iterator[Fault]]


def _belongs(thing: Thing, changed: frozenset[str], around: Surroundings) -> Iterator[Fault]:
    parent = thing.parent
    fact = thing.kind.parent_fact
    if parent is None or (fact is not None and fact not in changed):
        return
    if around.get(parent) is None:
        yield Fault(fact or parent.kind, _missing(parent))


def _missing(ref: Ref) -> str:
    return f"expected a {ref.kind} that is known, but there is no {ref}"


def _refers(thing: Thing, changed: frozenset[str], around: Surroundings) -> Iterator[Fault]:
    said = thing.said
    if thing.ref.kind == "device":
        yield from _device_refers(said, changed, around)
        yield from _leads_to_levels(said, changed, around)
        yield from _edge_stays(thing, changed, around)
        return
    if thing.kind.parent != LOT.name:
        return
    lot = thing.parent
    assert lot is not None, "a zone or bay names its lot"  # noqa: S101
    zone = said.get("zone") if "zone" in changed else None
    if zone is not None and around.get(Ref(ZONE.name, f"{lot.key}/{zone}")) is None:
        known = ", ".join(sorted(around.zones(lot.key))) or "none: add it first"
        yield Fault("zone", f"expected a zone of lot {lot.key} ({known}), but got {zone!r}")
    if "level" in changed:
        yield from _on_level("level", said.get("level"), lot, around)


def _on_level(name: str, level: str | None, lot: Ref, around: Surroundings) -> Iterator[Fault]:
    whole = around.get(lot)
    levels = None if whole is None else whole.said.get("levels")
    if level is not None and levels and level not in levels:
        told = f"expected a level of lot {lot.key} ({', '.join(levels)}), but got {level!r}"
        yield Fault(name, told)


def _leads_to_levels(
    said: Mapping[str, Any], changed: frozenset[str], around: Surroundings
) -> Iterator[Fault]:
    """A gate between two levels knows both."""
    into, out_of = said.get("level"), said.get("level_from")
    if not changed & {"level", "level_from"}:
        return
    if out_of is not None and into in {None, out_of}:
        told = f"expected another level than level_from, {out_of!r}, but got {into!r}"
        yield Fault("level", told)
    if said.get("site") is not None and said.get("lot") is not None:
        lot = Ref(LOT.name, f"{said['site']}/{said['lot']}")
        for name in sorted(changed & {"level", "level_from"}):
            yield from _on_level(name, said.get(name), lot, around)


def _levels_have_places(
    thing: Thing, changed: frozenset[str], _around: Surroundings
) -> Iterator[Fault]:
    if thing.ref.kind != LOT.name or "level_capacities" not in changed:
        return
    levels, places = (thing.said.get(name) or () for name in ("levels", "level_capacities"))
    if places and len(places) != len(levels):
        told = f"expected one for each of the {len(levels)} levels, but got {len(places)}"
        yield Fault("level_capacities", told)


def _device_refers(
    said: Mapping[str, Any], changed: frozenset[str], around: Surroundings
) -> Iterator[Fault]:
    site, lot, bay = (said.get(name) for name in ("site", "lot", "bay"))
    if not changed & {"site", "lot", "bay"}:
        return
    for name, value, needs, key in (
        ("lot", lot, site, f"{site}/{lot}"),
        ("bay", bay, lot, f"{site}/{lot}/{bay}"),
    ):
        if value is None:
            continue
        if needs is None:
            yield Fault(
                name, f"expected the {KINDS[name].ids[-2]} of it too, but got only {value!r}"
            )
        elif around.get(Ref(name, key)) is None:
            yield Fault(name, _missing(Ref(name, key)))


def _edge_stays(thing: Thing, changed: frozenset[str], around: Surroundings) -> Iterator[Fault]:
    """An edge belongs to the site it is registered for, whatever is edited here."""
    rows = around.session.rows(_EDGE_SITE, {"of": thing.ref.key})
    if not rows:
        return
    if "site" in changed and thing.said.get("site") != rows[0].site:
        told = f"expected {rows[0].site}, where the edge is registered, but got"
        yield Fault(
            "site", f"{told} {thing.said.get('site')!r}: `lotsight-cloud edge move` moves it"
        )
    if "kind" in changed and thing.said.get("kind") != "edge":
        yield Fault("kind", f"expected edge, as it speaks as one, but got {thing.said['kind']!r}")


def _lies_well(thing: Thing, changed: frozenset[str], around: Surroundings) -> Iterator[Fault]:
    name = next((each for each in ("outline", "location") if each in changed), None)
    area = area_of(thing.facts)
    if name is None or area is None:
        return
    here = _centre(area)
    for anchor in _anchors(thing, around):
        gap = anchor.distance_m(area)
        if gap <= anchor.near_m:
            return
        if looks_swapped(here, anchor.position, anchor.near_m):
            swapped = distance_m((here[1], here[0]), anchor.position) / _KM
            told = (
                f"expected [longitude, latitude] near {anchor.name}, but got {_shown(here)}, which"
                f" is {gap / _KM:,.0f} km away: longitude and latitude look swapped"
                f" (the other way round it is {swapped:,.0f} km)"
            )
            yield Fault(name, told)
            return
        if not anchor.is_rough:
            near, far = _length(anchor.near_m), _length(gap)
            told = f"expected a place within {near} of {anchor.name}, but it lies {far} away"
            yield Fault(name, f"{told}, at {_shown(here)}")
            return


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where a thing should be about."""

    name: str
    area: BaseGeometry
    near_m: float
    is_rough: bool = False
    """Far away is no fault by itself: a time zone is large."""

    @property
    def position(self) -> Position:
        return _centre(self.area)

    def distance_m(self, other: BaseGeometry) -> float:
        """Of the shapes if they are near, else of their middles."""
        gap = distance_m(self.position, _centre(other))
        if gap > self.near_m + _KM * 100:
            return gap
        here = self.position
        return float(in_metres(self.area, here).distance(in_metres(other, here)))


def _anchors(thing: Thing, around: Surroundings) -> Iterator[_Anchor]:
    parent = around.get(thing.parent) if thing.parent else None
    lot = parent if parent is not None and parent.ref.kind == LOT.name else None
    if lot is not None:
        area = area_of(lot.facts)
        if area is not None:
            near = _NEAR_LOT_POINT_M if area.geom_type == "Point" else _NEAR_LOT_M
            yield _Anchor(str(lot.ref), area, near)
    if isinstance(thing.facts, LotFacts) and thing.facts.outline and thing.facts.location:
        place = thing.facts.location
        yield _Anchor("the lot's own location", Point(place.lon, place.lat), _NEAR_LOT_POINT_M)
    site = thing if thing.ref.kind == SITE.name else around.get(_site_ref(thing))
    if site is None or not isinstance(site.facts, SiteFacts):
        return
    if site is not thing and site.facts.location is not None:
        place = site.facts.location
        yield _Anchor(str(site.ref), Point(place.lon, place.lat), _NEAR_SITE_M)
    zone = site.facts.time_zone
    where = None if zone is None else about_where(zone)
    if where is not None:
        yield _Anchor(f"its time zone {zone}", Point(where), _NEAR_TIME_ZONE_M, is_rough=True)


def _site_ref(thing: Thing) -> Ref | None:
    return None if thing.site is None else Ref(SITE.name, thing.site)


def _bays_still_fit(thing: Thing, changed: frozenset[str], around: Surroundings) -> Iterator[Fault]:
    """A lot whose outline moves must still hold its bays."""
    area = area_of(thing.facts)
    if thing.ref.kind != LOT.name or "outline" not in changed or area is None:
        return
    anchor = _Anchor(str(thing.ref), area, _NEAR_LOT_M)
    far = []
    for bay in belonging_to(around.session, BAY.name, [thing.ref.key]):
        ground = None if bay.ref in around.ours else area_of(bay.facts)
        if ground is not None and anchor.distance_m(ground) > _NEAR_LOT_M:
            far.append(bay.ids["bay"])
    if far:
        more = "" if len(far) <= _FAR_BAYS_SHOWN else f" and {len(far) - _FAR_BAYS_SHOWN} more"
        named = ", ".join(far[:_FAR_BAYS_SHOWN])
        told = f"expected an outline within {_NEAR_LOT_M:g} m of the lot's bays, but {named}{more}"
        yield Fault("outline", f"{told} lie farther from it")


_CHECKS: tuple[_Check, ...] = (
    _belongs,
    _refers,
    _levels_have_places,
    _lies_well,
    _bays_still_fit,
)


def area_of(facts: Facts) -> BaseGeometry | None:
    """The outline of a thing, else its point, in degrees."""
    outline, place = getattr(facts, "outline", None), getattr(facts, "location", None)
    if outline is not None:
        shape: BaseGeometry = outline.shape
        return shape
    return None if place is None else Point(place.lon, place.lat)


def _centre(area: BaseGeometry) -> Position:
    west, south, east, north = area.bounds
    return (west + east) / 2, (south + north) / 2


def _shown(position: Position) -> str:
    return f"[{position[0]:.6f}, {position[1]:.6f}]"


def _length(metres: float) -> str:
    return f"{metres:,.0f} m" if metres < _KM else f"{metres / _KM:,.0f} km"
