"""What is known of each thing of the registry: frozen values that check themselves.

Every fact may be unknown (null), since layouts, files and people each know a part. What depends on
other things, such as a bay that lies in its lot, is `cloud_app.registry.checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # its stub lacks it
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from cloud_app.registry.geometry import DIGITS, Box, Outline
from cloud_app.registry.time_zones import check_time_zone
from sensors.decoders import profile_of
from sensors.errors import SensorError
from sensors.gates import GateWiring
from telemetry import BayAngle, BayId, BayKind, Identifier, LotId, SiteId, ZoneId

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_HOURS_MAX = 255
"""OpenStreetMap's own bound of a value."""


def _texts(longest: int) -> StringConstraints:
    return StringConstraints(
        min_length=1, max_length=longest, strip_whitespace=True, pattern=_PRINTABLE
    )


Text32 = Annotated[str, _texts(32)]
Text128 = Annotated[str, _texts(128)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,3}$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ()/.-]{3,32}$")]
Url = Annotated[str, StringConstraints(max_length=255, pattern=r"^https?://[^\s\x00-\x1f]+$")]


Iccid = Annotated[
    str,
    BeforeValidator(lambda value: value.replace(" ", "") if isinstance(value, str) else value),
    StringConstraints(pattern=r"^[0-9]{18,20}$"),
]


def check_opening_hours(text: str) -> str:
    """`text`, if it is OpenStreetMap's opening_hours syntax.

    Raises:
        ValueError: it is not; with the character where reading ended.
    """
    example = "expected opening hours as OpenStreetMap writes them, such as Mo-Fr 08:00-18:00"
    if len(text) > _HOURS_MAX:
        msg = f"{example}, at most {_HOURS_MAX} characters, but got {len(text)}"
        raise ValueError(msg)
    try:
        OpeningHours(text)
    except ParserError as exc:
        place = str(exc).split("-->", 1)[-1].splitlines()[0].strip().rpartition(":")[2]
        msg = f"{example}, but got {text!r}, which cannot be read at character {place}"
        raise ValueError(msg) from exc
    return text


def _area_between(least_m2: float, most_m2: float) -> Callable[[Any], Any]:
    def check(outline: Any) -> Any:
        area = outline.area_m2
        if not least_m2 <= area <= most_m2:
            msg = f"expected an area of {least_m2:g} to {most_m2:g} m², but got {area:.4g} m²"
            raise ValueError(msg)
        return outline

    return check


def _check_profile(profile: str) -> str:
    try:
        return profile_of(profile).id
    except SensorError as exc:
        raise ValueError(str(exc).removeprefix("profile: ")) from exc


SensorProfile = Annotated[Text128, AfterValidator(_check_profile)]
LotOutline = Annotated[Outline, AfterValidator(_area_between(10, 2e7))]
ZoneOutline = Annotated[Outline, AfterValidator(_area_between(2, 2e7))]
# From a motorcycle's bay to a lorry's.
BayOutline = Annotated[Outline, AfterValidator(_area_between(1, 500))]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
OpeningHoursText = Annotated[str, AfterValidator(check_opening_hours)]
TimeZone = Annotated[str, AfterValidator(check_time_zone)]


def _in_cell(value: Any) -> Any:
    # As a cell of a table has several of them.
    return [each for each in value.split(";") if each.strip()] if isinstance(value, str) else value


Levels = Annotated[
    tuple[Text32, ...], BeforeValidator(_in_cell), Field(max_length=200, description="lowest first")
]
LevelCapacities = Annotated[
    tuple[Annotated[int, Field(ge=0, le=100_000)], ...],
    BeforeValidator(_in_cell),
    Field(max_length=200, description="places of each of `levels`, in their order"),
]


class Value(BaseModel):
    """A frozen value; a name that is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Place(Value):
    """A point on WGS84, in degrees, to the centimetre."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]

    @field_validator("lat", "lon")
    @classmethod
    def _rounded(cls, value: float) -> float:
        return round(value, DIGITS)


class Facts(Value):
    """What is known of a thing; null where nobody said it."""

    name: Text128 | None = None

    def box(self) -> Box | None:
        """Where it lies; None where nothing says so."""
        outline, place = getattr(self, "outline", None), getattr(self, "location", None)
        if outline is not None:
            box: Box = outline.box
            return box
        return None if place is None else Box(place.lon, place.lat, place.lon, place.lat)


class _Contacts(Facts):
    contact: Text128 | None = Field(default=None, description="a person or an office")
    email: Email | None = None
    phone: Phone | None = None
    website: Url | None = None


class _Address(_Contacts):
    street: Text128 | None = Field(default=None, description="including the house number")
    postcode: Text32 | None = None
    city: Text128 | None = None
    country: Country | None = Field(default=None, description="ISO 3166-1, two letters")
    location: Place | None = None


class CouncilFacts(_Contacts):
    """The owner of the kerb; bills its operators."""


class OperatorFacts(_Contacts):
    """Who runs sites."""

    council: Identifier | None = None


class SiteFacts(_Address):
    """An operator's location; its time zone applies to everything in it."""

    operator: Identifier | None = None
    time_zone: TimeZone | None = Field(default=None, description="IANA, such as Europe/Berlin")
    region: Region | None = Field(
        default=None,
        description="ISO 3166-2 without the country, such as BY: whose public holidays count",
    )


class Placement(StrEnum):
    """Whether a lot lies on the street."""

    ON_STREET = "on_street"
    OFF_STREET = "off_street"


class LotFacts(_Address):
    """A car park or a stretch of kerb."""

    placement: Placement | None = None
    levels: Levels | None = None
    level_capacities: LevelCapacities | None = None
    outline: LotOutline | None = None
    opening_hours: OpeningHoursText | None = Field(
        default=None, description="OpenStreetMap's opening_hours, in the site's time zone"
    )
    height_limit_m: Annotated[float, Field(ge=1, le=10)] | None = None
    capacity: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="for a lot without individually known bays"
    )
    held_back: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="part of the capacity that is not offered, such as season tickets"
    )
    empty_at: LocalTime | None = Field(
        default=None,
        description="local time from which a gate-counted lot is taken to be empty, such as 03:00",
    )
    empty_after_min: Annotated[int, Field(ge=1, le=720)] | None = Field(
        default=None, description="after this long without a passage; default: 30"
    )
    empty_count: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="vehicles that stay overnight; default: 0"
    )

    def capacity_of(self, level: str) -> int | None:
        """Places of a level, of the whole lot for the empty text; None if unknown."""
        if not level:
            known = self.capacity is not None or not self.level_capacities
            return self.capacity if known else sum(self.level_capacities or ())
        return dict(zip(self.levels or (), self.level_capacities or (), strict=False)).get(level)


class ZoneFacts(Facts):
    """A group of bays, for pricing or a level."""

    level: Text32 | None = None
    outline: ZoneOutline | None = None


class BayFacts(Facts):
    """One marked parking space."""

    zone: ZoneId | None = None
    level: Text32 | None = None
    kind: BayKind | None = None
    angle: BayAngle | None = None
    length_m: Annotated[float, Field(ge=1, le=30)] | None = None
    width_m: Annotated[float, Field(ge=0.5, le=10)] | None = None
    location: Place | None = None
    outline: BayOutline | None = Field(default=None, description="ground outline, if known")


class DeviceKind(StrEnum):
    """The kind of a device."""

    EDGE = "edge"
    SENSOR = "sensor"
    GATEWAY = "gateway"
    GATE_COUNTER = "gate_counter"
    SIGN = "sign"


class DeviceFacts(Facts):
    """An edge box, bay sensor, gateway, gate counter or sign."""

    site: SiteId | None = None
    lot: LotId | None = None
    bay: BayId | None = None
    kind: DeviceKind | None = None
    model: Text128 | None = None
    serial: Text128 | None = Field(default=None, description="for a LoRaWAN device: its DevEUI")
    profile: SensorProfile | None = Field(
        default=None, description="payload decoder; see docs/sensors.md"
    )
    firmware: Text32 | None = None
    period_s: Annotated[float, Field(ge=10, le=2_678_400)] | None = Field(
        default=None, description="maximum reporting interval; default: that of the profile"
    )
    threshold_mm: Annotated[float, Field(ge=50, le=20_000)] | None = Field(
        default=None, description="for an overhead sensor: a vehicle is closer than this"
    )
    location: Place | None = None
    sim_iccid: Iccid | None = Field(default=None, description="of the SIM: 18 to 20 digits")
    apn: Text128 | None = Field(default=None, description="access point name of the mobile network")
    network_address: Text128 | None = Field(
        default=None, description="where it is reached, such as an address of the VPN"
    )
    level: Text32 | None = Field(
        default=None, description="for a gate inside the lot: it counts this level, not the lot"
    )
    level_from: Text32 | None = Field(
        default=None,
        description="of a gate between two levels: what comes into `level` leaves this one",
    )
    wiring: GateWiring | None = Field(
        default=None, description="for a gate: how to interpret the directions it reports"
    )
    modulus: Annotated[int, Field(ge=2, le=2**53)] | None = Field(
        default=None, description="for running totals of a gate: the value at which they wrap to 0"
    )
