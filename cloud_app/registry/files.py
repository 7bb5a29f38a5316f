"""Registries as files: CSV for one kind of thing, GeoJSON for any.

Reading goes on after a fault, so that all of a file's faults are told at once.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import shapely
from shapely.geometry import shape

from cloud_app.registry.checks import typed
from cloud_app.registry.columns import (
    TYPE,
    as_kind,
    as_registered,
    cells_of,
    columns_of,
    dev_eui,
    facts_in,
    ids_in,
    kind_of,
    outline_in,
    place_of,
    unknown_columns,
)
from cloud_app.registry.errors import FactsError, Fault
from cloud_app.registry.kinds import KINDS, Kind, Ref
from cloud_app.registry.things import Said, Thing

Progress = Callable[[int, int], None]
"""Told how many of how many rows are done."""
_EVERY = 1_000
_AREAS = {"Polygon", "MultiPolygon"}
_FORMULA = {"=", "+", "-", "@"}


@dataclass(frozen=True, slots=True)
class Row:
    """What a file says of one thing.

    Attributes:
        place: its line or feature.
        ref: the thing.
        given: facts that the file has; null where it says that there is none.
    """

    place: str
    ref: Ref
    given: Said


@dataclass(slots=True)
class Reading:
    """A file as far as it could be read.

    Attributes:
        name: of the file.
        rows: that are sound by themselves.
        faults: all others.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _places: dict[Ref, str] = field(default_factory=dict)

    def take(self, kind: Kind, given: Mapping[str, Any], place: str) -> None:
        """Add a row, or what is wrong with it."""
        ids, faults = ids_in(kind, given)
        facts, more = facts_in(kind, given)
        sound, wrong = typed(kind, facts)
        # An outline that could not be read at all is told once.
        told = {fault.field for fault in more}
        faults += [*more, *(fault for fault in wrong if fault.field not in told)]
        if faults or sound is None:
            self.faults += place_of(faults, place)
            return
        ref = kind.ref(ids)
        if ref in self._places:
            told_twice = f"expected each {kind.name} once, but {ref.key} stands at"
            self.faults.append(Fault(None, f"{told_twice} {self._places[ref]} too", place))
            return
        self._places[ref] = place
        self.rows.append(Row(place, ref, sound.model_dump(mode="json", exclude_unset=True)))

    def refuse_if_wrong(self) -> None:
        """Refuse a file with faults.

        Raises:
            FactsError: with all of them.
        """
        if self.faults:
            raise FactsError(self.faults, self.name)


def read_file(path: Path, progress: Progress | None = None) -> Reading:
    """Read a file by its name: .csv, or .geojson and .json.

    Raises:
        FactsError: none of these, or cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise FactsError(
            [Fault(None, f"expected a readable file, but got: {exc}")], path.name
        ) from exc
    except UnicodeDecodeError as exc:
        told = f"expected UTF-8, but got byte {exc.object[exc.start]:#04x} at {exc.start}"
        raise FactsError([Fault(None, f"{told}; save the file as UTF-8")], path.name) from exc
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return read_csv(text, path.name, progress)
    if suffix in {".geojson", ".json"}:
        return read_geojson(text, path.name, progress)
    told = f"expected a name that ends in .csv, .geojson or .json, but got {path.name!r}"
    raise FactsError([Fault(None, told)])


# -- CSV --------------------------------------------------------------------------------------


def read_csv(text: str, name: str, progress: Progress | None = None) -> Reading:
    """Read a table; its columns say which kind it holds.

    Args:
        text: with a header; separated by commas, or by semicolons as some spreadsheets do.
        name: of the file, for faults.
        progress: told now and then.
    """
    reading = Reading(name)
    header = text.split("\n", 1)[0]
    separator = ";" if header.count(";") > header.count(",") else ","
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        titles = [cell.strip() for cell in next(rows, [])]
        names = [as_registered(title) for title in titles]
        euis = {name for name, title in zip(names, titles, strict=True) if name != title}
        kind = _kind_of_table(reading, names)
        if kind is None:
            return reading
        known = set(columns_of(kind))
        total = text.count("\n")
        last = rows.line_num
        for cells in rows:
            place, last = f"line {last + 1}", rows.line_num
            if progress is not None and last % _EVERY == 0:
                progress(last, total)
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                told = f"expected {len(names)} cells as in the header, but got {len(cells)}"
                reading.faults.append(Fault(None, told, place))
                continue
            given = {
                column: _as_meant(cell.strip()) or None
                for column, cell in zip(names, cells, strict=True)
                if column in known
            }
            if (fault := _normalise(given, euis, place)) is not None:
                reading.faults.append(fault)
                continue
            reading.take(kind, given, place)
    except csv.Error as exc:
        reading.faults.append(Fault(None, f"expected CSV, but got: {exc}", f"line {rows.line_num}"))
    return reading


def _normalise(given: dict[str, str | None], euis: set[str], place: str) -> Fault | None:
    """Write DevEUIs as network servers do; a fault for what is none."""
    for name in euis:
        text = given.get(name)
        if text is not None:
            try:
                given[name] = dev_eui(text)
            except ValueError as exc:
                return Fault(name, str(exc), place)
    return None


def _as_meant(cell: str) -> str:
    """Without the apostrophe by which an export keeps spreadsheets from reading a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def _kind_of_table(reading: Reading, names: list[str]) -> Kind | None:
    kind = kind_of(names)
    if kind is None:
        ids = ", ".join(each.ids[-1] for each in KINDS.values())
        got = ", ".join(names)[:200] or "an empty file"
        told = f"expected a column that says what each line is ({ids}), but got: {got}"
        reading.faults.append(Fault(None, told, "line 1"))
        return None
    missing = [name for name in kind.ids if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    reading.faults += [
        *(Fault(each.field, each.told, "line 1") for each in unknown_columns(kind, names)),
        *(Fault(name, "expected this column, but it is missing", "line 1") for name in missing),
        *(Fault(name, "expected each column once, but got it twice", "line 1") for name in twice),
    ]
    return None if missing or twice else kind


def write_csv(kind: Kind, things: Iterable[Thing], out: TextIO) -> int:
    """Write the things of one kind; return how many."""
    writer = csv.DictWriter(out, columns_of(kind), lineterminator="\n")
    writer.writeheader()
    count = 0
    for thing in things:
        cells = cells_of(kind, thing.ids, thing.facts)
        writer.writerow({name: text_of(value) for name, value in cells.items()})
        count += 1
    return count


def text_of(value: Any) -> str:
    """A value as a cell of a table has it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ";".join(value)
    if isinstance(value, dict):
        return str(shapely.to_wkt(shape(value), rounding_precision=7, trim=True))
    return repr(value) if isinstance(value, float) else str(value)


# -- GeoJSON ----------------------------------------------------------------------------------


def read_geojson(text: str, name: str, progress: Progress | None = None) -> Reading:
    """Read a FeatureCollection; the properties of each feature say which kind it is."""
    reading = Reading(name)
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as exc:
        reading.faults.append(Fault(None, f"expected JSON, but got: {exc}"))
        return reading
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        reading.faults.append(Fault(None, "expected a GeoJSON FeatureCollection, but got another"))
        return reading
    crs = str(document.get("crs", "CRS84"))
    if "CRS84" not in crs and "4326" not in crs:
        told = f"expected WGS84 as GeoJSON has it, but got {crs[:80]}; save the layer as EPSG:4326"
        reading.faults.append(Fault("crs", told))
        return reading
    for number, feature in enumerate(features, start=1):
        if progress is not None and number % _EVERY == 0:
            progress(number, len(features))
        _take_feature(reading, feature, f"feature {number}")
    return reading


def _take_feature(reading: Reading, feature: Any, place: str) -> None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict) or feature.get("type") != "Feature":
        reading.faults.append(Fault(None, "expected a Feature with properties", place))
        return
    kind = as_kind(properties.get(TYPE)) if TYPE in properties else kind_of(properties)
    if kind is None:
        told = f"expected properties that name a thing ({', '.join(KINDS)}), but got"
        reading.faults.append(Fault(TYPE, f"{told} {', '.join(properties)[:200] or 'none'}", place))
        return
    unknown = unknown_columns(kind, properties, [TYPE])
    reading.faults += [Fault(each.field, each.told, place) for each in unknown]
    given = {name: value for name, value in properties.items() if name != TYPE}
    try:
        given |= _geometry(kind, feature.get("geometry"))
    except ValueError as exc:
        reading.faults.append(Fault("geometry", str(exc), place))
        return
    reading.take(kind, given, place)


def _geometry(kind: Kind, geometry: Any) -> dict[str, Any]:
    """What a geometry says; none says nothing, as a file may hold facts alone."""
    if geometry is None:
        return {}
    found = geometry.get("type") if isinstance(geometry, dict) else None
    if found in _AREAS and "outline" in kind.facts.model_fields:
        return {"outline": outline_in(json.dumps(geometry))}
    if found == "Point" and "location" in kind.facts.model_fields:
        position = geometry.get("coordinates")
        if not isinstance(position, list) or len(position) not in {2, 3}:
            msg = f"expected a Point with [longitude, latitude], but got {position!r:.60}"
            raise ValueError(msg)
        return {"lat": position[1], "lon": position[0]}
    takes = [
        *(["Polygon", "MultiPolygon"] if "outline" in kind.facts.model_fields else []),
        *(["Point"] if "location" in kind.facts.model_fields else []),
    ]
    msg = f"expected {' or '.join(takes) or 'no geometry'} for a {kind.name}, but got {found!r}"
    raise ValueError(msg)


def feature_of(thing: Thing) -> dict[str, Any]:
    """A thing as a GeoJSON feature: its outline, else its point, and what else is known."""
    properties = cells_of(thing.kind, thing.ids, thing.facts)
    outline = properties.pop("outline", None)
    geometry = outline
    if outline is None and properties.get("lat") is not None:
        geometry = {"type": "Point", "coordinates": [properties["lon"], properties["lat"]]}
    return {
        "type": "Feature",
        "properties": {TYPE: thing.kind.name, **properties},
        "geometry": geometry,
    }


def write_geojson(things: Iterable[Thing], out: TextIO) -> int:
    """Write things as one FeatureCollection, a feature a line; return how many."""
    out.write('{"type": "FeatureCollection", "features": [')
    count = 0
    for count, text in enumerate(_feature_lines(things), start=1):
        out.write(",\n" if count > 1 else "\n")
        out.write(text)
    out.write("\n]}\n")
    return count


def _feature_lines(things: Iterable[Thing]) -> Iterator[str]:
    for thing in things:
        yield json.dumps(feature_of(thing), ensure_ascii=False)
