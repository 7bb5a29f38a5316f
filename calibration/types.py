"""The calibration artefact: what ties the bays of a lot to the picture of one camera.

Values are frozen. A type refuses what has no meaning (a polygon of two points, an id with a slash);
what an installer may draw by mistake (a crossing, an overlap, the same id twice) can be held, so
that a draft can be kept and shown, and is reported by `calibration.check_calibration`.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from telemetry.vocabulary import BayAngle, BayId, BayKind, CameraId, Identifier, ZoneId
from vision.geometry import to_norm, to_pixels
from vision.judge import BayShapes
from vision.quads import CORNERS, polygon_to_quad
from vision.types import Floats

SCHEMA_VERSION = 1

# 1e-6 of a 4K picture is 0.004 px, far below any hand; fixed decimals make the saved file equal to
# the one in memory and its checksum independent of the machine that computed the points.
COORDINATE_DECIMALS = 6


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        msg = f"expected a finite number, but got {value}"
        raise ValueError(msg)
    # Adding 0.0 turns -0.0 into 0.0, which JSON would keep apart.
    return round(value, COORDINATE_DECIMALS) + 0.0


# A point outside 0..1 can be held while it is drawn, and is reported; a saved file has none, which
# is what the schema says.
Coordinate = Annotated[
    float,
    AfterValidator(_rounded),
    Field(json_schema_extra={"minimum": 0, "maximum": 1}),
]
Point = tuple[Coordinate, Coordinate]
"""x and y as fractions of the picture's width and height, y down."""
MOST_POINTS = 64
Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=MOST_POINTS)]
Quad = Annotated[tuple[Point, ...], Field(min_length=CORNERS, max_length=CORNERS)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Side = Annotated[int, Field(ge=16, le=32768)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Street(StrEnum):
    """Whether a lot is part of the street or off-street."""

    ON_STREET = "on_street"
    OFF_STREET = "off_street"


class Location(_Value):
    """A place on Earth, WGS84."""

    lat_deg: float = Field(ge=-90, le=90, title="Latitude", description="Degrees, north positive.")
    lon_deg: float = Field(ge=-180, le=180, title="Longitude", description="Degrees, east positive")


class Lot(_Value):
    """The car park, or stretch of street, that the camera sees."""

    name: Name = Field("lot", title="Name", description="Name in everyday use.")
    location: Location | None = Field(None, title="Location", description="Location of the lot.")
    street: Street = Field(
        Street.OFF_STREET, title="On or off street", description="Kerbside bays, or a car park."
    )
    levels: tuple[Identifier, ...] = Field(
        (), title="Levels", description="Levels of a building, lowest first; empty for a flat lot."
    )


class ReferencePicture(_Value):
    """The picture that the bays were drawn on; a moved camera is measured against it."""

    file: Name = Field(title="File", description="Path relative to the calibration file.")
    sha256: Sha256 = Field(title="SHA-256", description="Of the image file, lower-case hex.")


class ControlPoint(_Value):
    """One place whose position is known both in the picture and on Earth."""

    image: Point = Field(title="In the image", description="Fractions of width and height.")
    place: Location = Field(title="On Earth", description="The same place, WGS84.")


class Bay(_Value):
    """One marked space for one vehicle, as this camera sees it."""

    id: BayId = Field(title="Id", description="Permanent id; never reused for another bay.")
    polygon: Polygon = Field(
        title="Outline",
        description="3 or more points, fractions of the image, simple, clockwise as seen.",
    )
    kind: BayKind = Field(BayKind.STANDARD, title="Kind", description="Who may use it.")
    angle: BayAngle = Field(BayAngle.PERPENDICULAR, title="Angle", description="Angle to its lane.")
    zone: ZoneId | None = Field(None, title="Zone", description="Pricing or level group.")
    level: Identifier | None = Field(None, title="Level", description="One of the lot's levels.")
    ground_quad: Quad | None = Field(
        None,
        title="Ground quad",
        description="The bay's four corners on the ground, if the outline has another shape.",
    )

    def polygon_norm(self) -> Floats:
        """The outline, shape (K, 2), float32, fractions of width and height."""
        return np.asarray(self.polygon, np.float32)

    @property
    def quad_source(self) -> tuple[Point, ...]:
        """The points from which the bay's four corners are taken."""
        if len(self.polygon) != CORNERS and self.ground_quad is not None:
            return self.ground_quad
        return self.polygon


class Mask(_Value):
    """A part of the picture that is blackened before anything is shown or stored (privacy)."""

    name: Name = Field(title="Name", description="Name of what is hidden, for display.")
    polygon: Polygon = Field(title="Outline", description="Fractions of the image.")


class Area(_Value):
    """Ground on which no vehicle may stand outside a bay: a lane, a fire lane, a hatched corner."""

    name: Name = Field(title="Name", description="Name of the area, for display.")
    polygon: Polygon = Field(title="Outline", description="On the ground, fractions.")


RegionT = TypeVar("RegionT", Mask, Area)
"""A part of the picture: what becomes of a mask is a mask, of an area an area."""


class Calibration(_Value):
    """All that is known of one camera's view of the bays; one JSON file.

    Raises:
        pydantic.ValidationError: a field is missing, unknown or of the wrong form.
    """

    schema_version: int = Field(
        SCHEMA_VERSION, ge=SCHEMA_VERSION, le=SCHEMA_VERSION, title="Version of this format"
    )
    camera: CameraId = Field(title="Camera", description="Camera id.")
    image_wh: tuple[Side, Side] = Field(
        title="Image size", description="Width and height in pixels of the image drawn on."
    )
    lot: Lot = Field(default_factory=Lot, title="Lot")
    reference: ReferencePicture | None = Field(None, title="Reference image")
    bays: tuple[Bay, ...] = Field((), title="Bays", description="In layout order.")
    masks: tuple[Mask, ...] = Field((), title="Privacy masks")
    areas: tuple[Area, ...] = Field(
        (),
        title="Watched areas",
        description="Where no vehicle may stand outside a bay; none: all ground between the bays.",
    )
    control_points: tuple[ControlPoint, ...] = Field(
        (), title="Control points", description="4 or more georeference the image; else none."
    )
    retired_ids: tuple[BayId, ...] = Field(
        (), title="Retired ids", description="Of deleted bays, sorted; never used again."
    )
    revision: int = Field(0, ge=0, title="Revision", description="0 until first saved.")
    author: Name = Field("unknown", title="Author", description="Who saved this revision.")
    time: AwareDatetime | None = Field(None, title="Time", description="When it was saved, UTC.")
    note: Annotated[str, StringConstraints(max_length=500)] = Field(
        "", title="Note", description="What this revision changed, for display."
    )
    checksum: Sha256 | None = Field(
        None, title="Checksum", description="SHA-256 over the canonical form without this field."
    )

    @model_validator(mode="after")
    def _enough_control_points(self) -> Self:
        if 0 < len(self.control_points) < CORNERS:
            msg = f"control_points: expected none or at least 4, but got {len(self.control_points)}"
            raise ValueError(msg)
        return self

    @model_serializer(mode="wrap")
    def _leave_out_no_areas(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Files that are older than areas keep their form, and with it their checksum.
        body: dict[str, Any] = write(self)
        if not body.get("areas"):
            body.pop("areas", None)
        return body

    @property
    def bay_ids(self) -> tuple[str, ...]:
        """Ids in layout order."""
        return tuple(bay.id for bay in self.bays)

    def bay(self, bay_id: str) -> Bay:
        """The bay of that id.

        Raises:
            KeyError: there is none.
        """
        for bay in self.bays:
            if bay.id == bay_id:
                return bay
        raise KeyError(bay_id)

    def polygons_norm(self) -> list[Floats]:
        """Outlines in layout order: M arrays of shape (K, 2), float32."""
        return [bay.polygon_norm() for bay in self.bays]

    def shapes(self) -> BayShapes:
        """The bays as the network and the occupancy rules take them, in layout order."""
        return BayShapes(self.polygons_norm(), self.quads_norm())

    def quads_norm(self) -> Floats:
        """Four corners for each bay, shape (M, 4, 2), float32, in the network's canonical order.

        An outline of four points is taken as it is, since that is what the network was trained on;
        for any other its ground quad, and without one the rectangle of least area round it.
        """
        quads = [
            polygon_to_quad(to_pixels(np.asarray(bay.quad_source, np.float32), self.image_wh))
            for bay in self.bays
        ]
        return to_norm(np.asarray(quads, np.float32).reshape(-1, CORNERS, 2), self.image_wh)
