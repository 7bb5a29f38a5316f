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
    """GeoJSON: rings, outer ring first."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: tuple[Ring, ...]


class MultiPolygon(_View):
    """GeoJSON: polygons."""

    type: Literal["MultiPolygon"] = "MultiPolygon"
    coordinates: tuple[tuple[Ring, ...], ...]


Area: TypeAlias = Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
Geometry: TypeAlias = Annotated[Point | Polygon | MultiPolygon, Field(discriminator="type")]


class LotState(StrEnum):
    """How current a lot's state is."""

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
    """Properties of a lot on the map."""

    site: str
    lot: str
    name: str | None
    point: Position = Field(description="position of the label: [longitude, latitude]")
    bays: int
    occupied: int
    free: int
    unknown: int
    stale: int
    closed: int
    capacity: int = Field(description="bays that drivers may take when free")
    available: int = Field(description="those of them known to be free now")
    occupancy: float | None = Field(description="occupied / (occupied + free), or null")
    on_street: bool | None = Field(description="null if unknown")
    state: LotState = Field(
        description="live; part: some edges are unreachable; stale: nothing is known"
    )


class MapFeature(_View):
    """A lot on the map: its outline if known, else its point."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(description="site/lot")
    geometry: Geometry
    properties: MapLot


class MapLots(_View):
    """GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[MapFeature, ...]
    truncated: bool = Field(description="there are more; request a smaller window")


class PlanBay(_View):
    """Position of a bay."""

    edge: str
    bay: str
    camera: str
    level: str | None
    zone: str | None
    kind: str
    angle: str
    ground: Ring | None = Field(description="outline, [longitude, latitude]; null: unknown")
    picture: tuple[tuple[float, float], ...] | None = Field(
        description="outline in the camera image, fractions of width and height; null: unknown"
    )
    label: str


class LotPlan(_View):
    """A lot's geometry, independent of its occupancy."""

    site: str
    lot: str
    name: str | None
    time_zone: str | None = Field(description="IANA name; null if unknown")
    levels: tuple[str, ...] = Field(description="lowest first; taken from its bays if not set")
    point: Position | None
    outline: Area | None
    bays: tuple[PlanBay, ...]
    counted: bool = Field(description="counted at gates")


class HitKind(StrEnum):
    """Search results."""

    LOT = "lot"
    SITE = "site"
    EDGE = "edge"
    DEVICE = "device"
    ZONE = "zone"
    BAY = "bay"


class SearchHit(_View):
    """A search result."""

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
    """Number of open alerts."""

    open: int
    by_severity: dict[str, int] = Field(description="info, warning, critical")


class Overview(_View):
    """Key figures of the sites that the caller can see."""

    lots: int
    bays: int
    counts: Counts
    occupancy: float | None = Field(description="occupied / (occupied + free), or null")
    edges: EdgeCounts
    alerts: AlertCounts
    incidents_open: int
