"""`[sensing]`, `[[sensor_network]]`, `[[sensor]]`, `[[vehicle_gate]]`, `[[counted_lot]]`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from edge_app.config.local_broker import FilterText, TopicText
from edge_app.config.section import Seconds, Section
from sensors.decoders import Measures, profile_of
from sensors.errors import SensorError
from sensors.levels import GatePlace
from telemetry import BayId, BayKind, Identifier, LotId, ZoneId

_Level = Annotated[str, Field(min_length=1, max_length=32)]
_Name = Annotated[str, Field(min_length=1, max_length=128)]
_Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _profile(value: str) -> str:
    try:
        return profile_of(value).id
    except SensorError as exc:
        raise ValueError(str(exc).removeprefix("profile: expected ")) from exc


_Profile = Annotated[str, AfterValidator(_profile)]


class NetworkKind(StrEnum):
    """Whose messages of bay sensors are read."""

    CHIRPSTACK = "chirpstack"
    THINGS_STACK = "things-stack"
    PLAIN = "plain"
    ZIGBEE2MQTT = "zigbee2mqtt"


class Wiring(StrEnum):
    """How a gate's directions are to be taken, as it hangs there."""

    AS_TOLD = "as_told"
    REVERSED = "reversed"
    IN = "in"
    OUT = "out"


class SensingConfig(Section):
    """`[sensing]`: messages of sensors, gates and alarm inputs over HTTP."""

    token: SecretStr | None = Field(
        default=None,
        title="Token",
        description="Bearer token of POST /api/v1/intake/... and /api/v1/inputs/...; it opens no "
        "page. Without one these take what the pages take: anybody on loopback, or the password.",
    )
    differ_after_s: Seconds = Field(
        default=900.0,
        title="Differ after",
        description="Camera and sensor of a bay that say otherwise for so long are an alarm.",
    )


class SensorNetworkConfig(Section):
    """`[[sensor_network]]`: bay sensors behind the local broker; see docs/sensors-at-the-box.md."""

    kind: NetworkKind = Field(
        title="Kind", description="chirpstack, things-stack, plain or zigbee2mqtt."
    )
    topic: FilterText = Field(
        title="Topic", description="Filter at the local broker, with + and #."
    )
    occupied_key: _Name = Field(
        default="occupancy", title="Occupied", description="zigbee2mqtt: key of the bay's state."
    )
    occupied_inverted: bool = Field(
        default=False,
        title="Inverted",
        description="zigbee2mqtt: true means free, as with a contact that a car opens.",
    )


class SensorConfig(Section):
    """`[[sensor]]`: one bay sensor."""

    id: Identifier = Field(title="Id", description="Of the sensor: DevEUI or serial number.")
    bay: BayId = Field(title="Bay", description="That it watches.")
    profile: _Profile = Field(
        title="Profile", description="Device profile, such as nwave-nps405, or plain."
    )
    firmware: _Name | None = Field(
        default=None, title="Firmware", description="Where a maker changed its layout between two."
    )
    device: _Name | None = Field(
        default=None, title="Device", description="Its name in its network, where it is not the id."
    )
    period_s: Seconds = Field(
        default=90_000.0,
        title="Period",
        description="A healthy sensor is heard at least so often; unheard for longer it is silent, "
        "and its bay unknown or left to the camera.",
    )
    threshold_mm: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None, title="Threshold", description="Overhead: nearer than this is a vehicle."
    )
    lot: LotId | None = Field(
        default=None, title="Lot", description="Of a bay that no camera sees, as the rest here."
    )
    level: _Level | None = Field(default=None, title="Level", description="Of the lot.")
    zone: ZoneId | None = Field(default=None, title="Zone", description="Of the bay.")
    kind: BayKind = Field(
        default=BayKind.STANDARD, title="Kind", description="Who the bay is meant for."
    )

    @model_validator(mode="after")
    def _watches_a_bay(self) -> Self:
        measures = profile_of(self.profile).measures
        if measures is Measures.COUNTER:
            msg = f"profile {self.profile!r} counts vehicles, and watches no bay"
            raise ValueError(msg)
        if measures is Measures.DISTANCE and self.threshold_mm is None:
            msg = f"profile {self.profile!r} needs threshold_mm"
            raise ValueError(msg)
        return self


class VehicleGateConfig(Section):
    """`[[vehicle_gate]]`: a loop, barrier contact or counter that tells who passes."""

    id: Identifier = Field(title="Id", description="Of the gate.")
    lot: LotId = Field(title="Lot", description="That it leads into.")
    level: _Level | None = Field(
        default=None, title="Level", description="Of the lot, if it leads to one of them."
    )
    level_from: _Level | None = Field(
        default=None,
        title="Level from",
        description="Of a gate between two levels: what comes into level leaves this one.",
    )
    wiring: Wiring = Field(
        default=Wiring.AS_TOLD,
        title="Wiring",
        description="as_told, reversed, or in / out for a lane of one way.",
    )
    topic: TopicText | None = Field(
        default=None,
        title="Topic",
        description="At the local broker. POST /api/v1/intake/gates is open to every gate.",
    )
    modulus: Annotated[int, Field(ge=2, le=2**53)] | None = Field(
        default=None,
        title="Modulus",
        description="Where its running totals begin at 0 again, such as 65_536.",
    )
    period_s: Seconds | None = Field(
        default=None,
        title="Period",
        description="Unheard for longer it is an alarm; absent: never.",
    )

    @model_validator(mode="after")
    def _leads_from_one_level_to_another(self) -> Self:
        if self.level_from is not None and self.level in {None, self.level_from}:
            got = "none" if self.level is None else repr(self.level)
            msg = f"level: expected another level than level_from, but got {got}"
            raise ValueError(msg)
        return self

    @property
    def place(self) -> GatePlace:
        """Where it leads."""
        return GatePlace(self.level, self.level_from)


class CountedLotConfig(Section):
    """`[[counted_lot]]`: a lot whose vehicles are counted at its gates."""

    id: LotId = Field(title="Id", description="Of the lot.")
    capacity: Annotated[int, Field(ge=1, le=100_000)] = Field(
        title="Capacity", description="Bays, on the same basis as the count."
    )
    level: _Level | None = Field(
        default=None, title="Level", description="Counted alone, by the gates of this level."
    )
    zero_at: _Clock | None = Field(
        default=None,
        title="Zero at",
        description="Local time at which the lot is empty each night, such as 03:30.",
    )
    time_zone: _Name = Field(
        default="UTC", title="Time zone", description="Of zero_at, such as Europe/Berlin."
    )
    told_every_s: Seconds = Field(
        default=300.0, title="Told", description="Most time between two counts that are told."
    )

    @model_validator(mode="after")
    def _zone_exists(self) -> Self:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            msg = f"time_zone: expected one such as Europe/Berlin, but got {self.time_zone!r}"
            raise ValueError(msg) from exc
        return self
