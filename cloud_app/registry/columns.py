"""Columns of a table and properties of a feature: the same names in CSV and in GeoJSON.

A thing's ids come first, then its facts. A point is two columns, `lat` and `lon`; an outline is WKT
or GeoJSON in a cell of a table, and the geometry of a feature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import shapely
from shapely.geometry import shape

from cloud_app.registry.errors import Fault
from cloud_app.registry.facts import Facts
from cloud_app.registry.geometry import rounded
from cloud_app.registry.kinds import BAY, COUNCIL, DEVICE, KINDS, LOT, OPERATOR, SITE, ZONE, Kind
from telemetry import is_identifier

TYPE = "type"
"""A feature's property that may name its kind; without it the ids do."""
# A device may name a bay, a bay a zone, a lot its site: so the first id that is there decides.
_BY_ID = (DEVICE, BAY, ZONE, LOT, SITE, OPERATOR, COUNCIL)
_AREAS = {"Polygon", "MultiPolygon"}
_SHOWN = 40


def columns_of(kind: Kind) -> list[str]:
    """The columns of a kind, in their order."""
    found: list[str] = []
    for name in kind.facts.model_fields:
        found += ["lat", "lon"] if name == "location" else [name]
    return [*kind.ids, *(name for name in found if name not in kind.ids)]


def kind_of(names: Iterable[str]) -> Kind | None:
    """The kind that a table or feature with these names holds."""
    given = set(names)
    return next((kind for kind in _BY_ID if kind.ids[-1] in given), None)


def unknown_columns(kind: Kind, names: Iterable[str], extra: Iterable[str] = ()) -> list[Fault]:
    """Names that a kind does not have, with what was perhaps meant."""
    known = [*columns_of(kind), *extra]
    return [_unknown(kind, name, known) for name in names if name not in known]


_EUI = re.compile(r"[0-9a-f]{16}")
_EUI_COLUMNS = frozenset({"dev_eui", "deveui", "devEUI", "DevEUI"})
_KEY = re.compile(r"(app|nwk|gen_?app|network|session|join|f_?nwk\w*|s_?nwk\w*)_?s?_?key", re.I)


def is_key(name: str) -> bool:
    """Whether a column holds the root or session keys of LoRaWAN devices."""
    return _KEY.fullmatch(name.strip().replace("-", "_").replace(" ", "_")) is not None


def as_registered(name: str) -> str:
    """A column's name as the registry has it: a DevEUI is the serial number of a device."""
    return "serial" if name in _EUI_COLUMNS else name


def dev_eui(text: str) -> str:
    """A DevEUI in the form that network servers send, however a label has it.

    Raises:
        ValueError: invalid.
    """
    plain = re.sub(r"[-: ]", "", text).lower()
    if _EUI.fullmatch(plain) is None:
        msg = f"expected a DevEUI of 16 hexadecimal digits, but got {text[:_SHOWN]!r}"
        raise ValueError(msg)
    return plain


def _unknown(kind: Kind, name: str, known: list[str]) -> Fault:
    if is_key(name):
        told = "keys stay at the network server: take this column out, nothing of it was read"
        return Fault(name[:_SHOWN], told)
    near = get_close_matches(name.strip().lower(), known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    expected = ", ".join(known)
    return Fault(
        name[:_SHOWN], f"expected one of {expected} for a {kind.name}, but got {name!r}{hint}"
    )


def ids_in(kind: Kind, given: Mapping[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    """The ids of a row."""
    ids = {name: given.get(name) for name in kind.ids}
    faults = [
        Fault(name, f"expected letters, digits, '_', '.', '-', at most 64, but got {value!r}")
        for name, value in ids.items()
        if not isinstance(value, str) or not is_identifier(value)
    ]
    return {name: str(value) for name, value in ids.items()}, faults


def facts_in(kind: Kind, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The facts of a row in the form of `Facts`; what has none is left out."""
    facts = {
        name: value
        for name, value in given.items()
        if name in kind.facts.model_fields and name not in kind.ids
    }
    faults: list[Fault] = []
    if "lat" in given or "lon" in given:
        lat, lon = given.get("lat"), given.get("lon")
        if (lat is None) != (lon is None):
            faults.append(Fault("lat", f"expected lat and lon together, but got {lat!r}, {lon!r}"))
        else:
            facts["location"] = None if lat is None else {"lat": lat, "lon": lon}
    outline = facts.get("outline")
    if isinstance(outline, str):
        try:
            facts["outline"] = outline_in(outline)
        except ValueError as exc:
            faults.append(Fault("outline", str(exc)))
    return facts, faults


def outline_in(text: str) -> dict[str, Any]:
    """GeoJSON of an outline as WKT or GeoJSON text.

    Raises:
        ValueError: it is neither.
    """
    try:
        area = shape(json.loads(text)) if text.lstrip().startswith("{") else shapely.from_wkt(text)
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as exc:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        msg = f"expected a POLYGON or MULTIPOLYGON as WKT or GeoJSON, but got {shown!r}: {exc}"
        raise ValueError(msg) from exc
    if area.geom_type not in _AREAS or area.is_empty:
        empty = "an empty " if area.is_empty else "a "
        msg = f"expected a Polygon or MultiPolygon, but got {empty}{area.geom_type}"
        raise ValueError(msg)
    return rounded(area)


def place_of(faults: Iterable[Fault], place: str) -> list[Fault]:
    """Faults of facts as faults of a row: a point is two columns."""
    return [
        Fault("lat, lon" if each.field == "location" else each.field, each.told, place)
        for each in faults
    ]


def cells_of(kind: Kind, ids: Mapping[str, str], facts: Facts) -> dict[str, Any]:
    """A thing as a row: values as JSON has them, the outline as GeoJSON."""
    said = facts.model_dump(mode="json")
    place = said.pop("location", None) or {}
    cells = {**said, **place, **ids}
    return {name: cells.get(name) for name in columns_of(kind)}


def as_kind(name: object) -> Kind | None:
    """The kind of that name."""
    return KINDS.get(name) if isinstance(name, str) else None
