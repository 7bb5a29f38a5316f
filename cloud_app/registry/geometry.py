"""Points and outlines on WGS84 as GeoJSON has them: [longitude, latitude], checked by Shapely."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeAlias

import shapely
from pydantic import BaseModel, ConfigDict, Field, model_validator
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]
"""Longitude and latitude in degrees."""
Ring = Annotated[tuple[Position, ...], Field(max_length=10_000)]
Rings = Annotated[tuple[Ring, ...], Field(min_length=1, max_length=1_000)]

# Seven digits are a centimetre: finer is noise, and equal outlines must stay equal in files.
DIGITS = 7
_M_PER_DEG = 111_320.0
_EARTH_M = 6_371_000.0
_LAT_MAX = 90.0
_LON_MAX = 180.0
_RING_MIN = 4
_PLACE = re.compile(r"^(?P<what>.*?)\[(?P<lon>\S+) (?P<lat>[^\s\]]+).*\]$")
_CROSSING = {"Self-intersection", "Ring Self-intersection"}


class Box(NamedTuple):
    """A rectangle in degrees; none crosses the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def meets(self, other: Box) -> bool:
        """Whether they share a point."""
        return (
            self.west <= other.east
            and other.west <= self.east
            and self.south <= other.north
            and other.south <= self.north
        )

    @property
    def centre(self) -> Position:
        """Its middle."""
        return (self.west + self.east) / 2, (self.south + self.north) / 2


class _Area(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def _polygons(self) -> tuple[tuple[tuple[Position, ...], ...], ...]:
        raise NotImplementedError

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for ring in (ring for polygon in self._polygons() for ring in polygon):
            _check_ring(ring)
        reason = shapely.is_valid_reason(self.shape)
        if reason != "Valid Geometry":
            raise ValueError(_explained(str(reason)))
        return self

    @cached_property
    def shape(self) -> BaseGeometry:
        """As Shapely has it, in degrees."""
        return shape(self.model_dump(include={"type", "coordinates"}))

    @property
    def box(self) -> Box:
        """The smallest that holds it."""
        return Box(*self.shape.bounds)

    @property
    def area_m2(self) -> float:
        """On the ground, to within a percent below 50 km across."""
        return float(in_metres(self.shape, self.box.centre).area)


class PolygonOutline(_Area):
    """One area, optionally with holes: rings of [longitude, latitude], outer ring first."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: Rings

    def _polygons(self) -> tuple[tuple[tuple[Position, ...], ...], ...]:
        return (self.coordinates,)


class MultiPolygonOutline(_Area):
    """Several areas, such as both sides of a street."""

    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: Annotated[tuple[Rings, ...], Field(min_length=1, max_length=1_000)]

    def _polygons(self) -> tuple[tuple[tuple[Position, ...], ...], ...]:
        return self.coordinates


Outline: TypeAlias = Annotated[
    PolygonOutline | MultiPolygonOutline, Field(discriminator="type", description="GeoJSON")
]


def _check_ring(ring: tuple[Position, ...]) -> None:
    for position in ring:
        check_position(position)
    if len(ring) < _RING_MIN or ring[0] != ring[-1]:
        got = f"{len(ring)} positions" if len(ring) < _RING_MIN else f"an end at {list(ring[-1])}"
        msg = f"expected a ring of 4 positions or more that ends where it began, but got {got}"
        raise ValueError(msg)


def check_position(position: Position) -> None:
    """Refuse what lies nowhere.

    Raises:
        ValueError: with what was expected, and whether the two numbers look swapped.
    """
    lon, lat = position
    if abs(lon) <= _LON_MAX and abs(lat) <= _LAT_MAX:
        return
    told = "expected [longitude, latitude] of at most 180 and 90 degrees"
    hint = ""
    if abs(lon) <= _LAT_MAX and abs(lat) <= _LON_MAX:
        hint = ": longitude and latitude look swapped"
    msg = f"{told}, but got [{lon}, {lat}]{hint}"
    raise ValueError(msg)


def _explained(reason: str) -> str:
    found = _PLACE.match(reason)
    if found is None:
        return f"expected a valid outline, but got: {reason}"
    place = f"[{float(found['lon']):.7g}, {float(found['lat']):.7g}]"
    what = found["what"].strip()
    if what in _CROSSING:
        return f"expected an outline that does not cross itself, but it does at {place}"
    return f"expected a valid outline, but got: {what.lower()} at {place}"


def in_metres(area: BaseGeometry, origin: Position) -> BaseGeometry:
    """A shape in metres east and north of a point: flat ground, right for a lot or a town."""
    lon, lat = origin
    scale = _M_PER_DEG * max(0.01, math.cos(math.radians(lat)))
    return shapely.transform(area, lambda xy: (xy - (lon, lat)) * (scale, _M_PER_DEG))


def distance_m(one: Position, other: Position) -> float:
    """Great-circle distance of two points."""
    (lon_1, lat_1), (lon_2, lat_2) = (map(math.radians, each) for each in (one, other))
    half = (
        math.sin((lat_2 - lat_1) / 2) ** 2
        + math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    )
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def looks_swapped(position: Position, near: Position, far_m: float) -> bool:
    """Whether a point far from where it should be lies much nearer with its numbers swapped.

    Args:
        position: as it was given.
        near: where it should be about.
        far_m: nearer than that it is taken as it is.
    """
    lon, lat = position
    if abs(lon) > _LAT_MAX:
        return False
    gap = distance_m(position, near)
    return gap > far_m and distance_m((lat, lon), near) < gap / 2


def rounded(area: BaseGeometry) -> dict[str, Any]:
    """GeoJSON of an area, without altitudes and what is finer than a centimetre."""
    found: dict[str, Any] = mapping(shapely.force_2d(area))
    return {"type": found["type"], "coordinates": _rounded(found["coordinates"])}


def _rounded(value: Any) -> Any:
    if isinstance(value, float | int):
        return round(float(value), DIGITS)
    return tuple(_rounded(each) for each in value)


# -- Which things a map window may show, by a plain index -------------------------------------
#
# The world is halved in both directions again and again; a thing's cell is the smallest square that
# holds all of it, named by one digit for each step. What lies in a window has a cell that is inside
# of one of a few squares around the window, or that holds one of them: ranges and single keys of a
# text index, the same on SQLite and PostgreSQL without an extension.

_STEPS_MAX = 22


def cell_of(box: Box) -> str:
    """The smallest square that holds a box, as digits 0-3 from the whole world ('') down."""
    low, high = _digits(box.west, box.south), _digits(box.east, box.north)
    return "".join(a for a, _ in _same(low, high))


def _same(one: str, other: str) -> Iterator[tuple[str, str]]:
    for pair in zip(one, other, strict=True):
        if pair[0] != pair[1]:
            return
        yield pair


def _digits(lon: float, lat: float) -> str:
    scale = 1 << _STEPS_MAX
    x = min(scale - 1, max(0, int((lon + 180) / 360 * scale)))
    y = min(scale - 1, max(0, int((lat + 90) / 180 * scale)))
    return "".join(
        str((x >> step & 1) + 2 * (y >> step & 1)) for step in range(_STEPS_MAX - 1, -1, -1)
    )


def cells_around(window: Box) -> tuple[list[str], list[str]]:
    """Where to look for what meets a window.

    Returns:
        Squares that cover the window, at most four, whose insides are looked through; and the
        larger squares around them, each looked at alone.
    """
    corners = [
        (lon, lat) for lon in (window.west, window.east) for lat in (window.south, window.north)
    ]
    size = max((window.east - window.west) / 360, (window.north - window.south) / 180)
    # At this step a square is at least as large as the window, so four corners cover it.
    steps = _STEPS_MAX if size <= 0 else min(_STEPS_MAX, int(-math.log2(min(1.0, size))))
    squares = sorted({_digits(*corner)[:steps] for corner in corners})
    around = sorted({square[:n] for square in squares for n in range(len(square))})
    return squares, around
