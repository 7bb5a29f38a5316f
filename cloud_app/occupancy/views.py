"""The map, a lot's plan, search and the overview as the API shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from cloud_app.views import Counts

Position: TypeAlias = tuple[float, float]
"""Longitude and latitude in degrees."""
Ring: TypeAlias = tuple[Position, ...]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Point(_View):
    """GeoJSON."""

    type: Literal["Point"] = "Point"
    coordinates: Position


class Polygon(_View):
    """GeoJSON: rings, the outer one first."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: tuple[Ring, ...]


class MultiPolygon(_View):
    """GeoJSON: polygons."""

    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: tuple[tuple[Ring, ...], ...]


Area: TypeAlias = Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
Geometry: TypeAlias = Annotated[Point | Polygon | MultiPolygon, Field(discriminator="type")]


class LotState(StrEnum):
    """How much of a lot is known now."""

    LIVE = "live"
    """Every edge of it speaks."""
    PART = "part"
    """Some are away."""
    STALE = "stale"
    """All are away, or nothing watches it."""

    @classmethod
    def of(cls, counts: Counts) -> LotState:
        """By its counts."""
        is_open = counts.bays - counts.closed
        if counts.stale:
            return cls.PART if counts.stale < is_open else cls.STALE
        return cls.LIVE if counts.bays else cls.STALE


class MapLot(_View):
    """What a map tells of a lot."""

    site: str
    lot: str
    name: str | None
    point: Position = Field(description="where a label stands: [longitude, latitude]")
    bays: int
    occupied: int
    free: int
    unknown: int
    stale: int
    closed: int
    capacity: int = Field(description="bays that drivers may take when free")
    available: int = Field(description="of these the ones that are known to be free now")
    occupancy: float | None = Field(description="occupied / (occupied + free), or null")
    on_street: bool | None = Field(description="null where nobody said it")
    state: LotState = Field(description="live; part: some edges are away; stale: nothing is known")


class MapFeature(_View):
    """A lot on the map: its outline where it is known, else its point."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(description="site/lot")
    geometry: Geometry
    properties: MapLot


class MapLots(_View):
    """GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[MapFeature, ...]
    truncated: bool = Field(description="there are more: ask for a smaller window")


class PlanBay(_View):
    """Where a bay lies."""

    edge: str
    bay: str
    camera: str
    level: str | None
    zone: str | None
    kind: str
    angle: str
    ground: Ring | None = Field(description="outline, [longitude, latitude]; null: not known")
    picture: tuple[tuple[float, float], ...] | None = Field(
        description="outline in the camera's picture, fractions of width and height; null: not told"
    )
    label: str


class LotPlan(_View):
    """A lot as a drawing: what does not change with its occupancy."""

    site: str
    lot: str
    name: str | None
    time_zone: str | None = Field(description="IANA; null where nobody said it")
    levels: tuple[str, ...] = Field(description="lowest first; those of its bays where not told")
    point: Position | None
    outline: Area | None
    bays: tuple[PlanBay, ...]
    counted: bool = Field(description="whether it is counted at gates")


class HitKind(StrEnum):
    """What was found."""

    LOT = "lot"
    SITE = "site"
    EDGE = "edge"
    DEVICE = "device"
    ZONE = "zone"
    BAY = "bay"


class SearchHit(_View):
    """A thing that fits what was typed."""

    kind: HitKind = Field(description="`device` is any but an edge box")
    key: str = Field(description="its ids, joined by /")
    name: str | None
    site: str | None
    lot: str | None
    point: Position | None


class EdgeCounts(_View):
    """Edge boxes."""

    online: int
    stale: int


class AlertCounts(_View):
    """Open alerts."""

    open: int
    by_severity: dict[str, int] = Field(description="info, warning, critical")


class Overview(_View):
    """The city in figures: what the caller sees of it."""

    lots: int
    bays: int
    counts: Counts
    occupancy: float | None = Field(description="occupied / (occupied + free), or null")
    edges: EdgeCounts
    alerts: AlertCounts
    incidents_open: int
