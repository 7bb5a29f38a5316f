"""`[incidents]`: vehicles that stand as they should not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from edge_app.config.section import Probability, Seconds, Section
from telemetry import BayKind, IncidentKind, ZoneId
from vision.incidents import FindingSettings, IncidentSettings

_VehicleClass = Annotated[str, Field(min_length=1, max_length=64)]


class IncidentsConfig(Section):
    """`[incidents]`: what is looked for beyond occupancy; see docs/incidents.md."""

    enabled: bool = Field(
        default=True, title="Enabled", description="Whether incidents are looked for and told."
    )
    kinds: tuple[IncidentKind, ...] = Field(
        default=tuple(IncidentKind), title="Kinds", description="What is looked for."
    )
    hold_s: Seconds = Field(
        default=60.0,
        title="Hold",
        description="How long a vehicle must stand so; less, and everybody who waits counts.",
    )
    clear_s: Seconds = Field(
        default=60.0,
        title="Clear",
        description="How long it must be gone. Keep it above [gate] heartbeat_s, or one missed "
        "look ends an incident.",
    )
    min_confidence: Probability = Field(
        default=0.4, title="Least confidence", description="Of a vehicle box outside the bays."
    )
    between_bays: bool = Field(
        default=True,
        title="Between the bays",
        description="Without watched areas in the calibration all ground between its bays is "
        "watched. Switch it off where bays between the drawn ones are left out.",
    )
    overstay_s: Mapping[BayKind, Seconds] = Field(
        default={},
        title="Overstay",
        description="Longest stay by kind of bay, such as { loading = 1800 }; no limit for others.",
    )
    overstay_zone_s: Mapping[ZoneId, Seconds] = Field(
        default={},
        title="Overstay by zone",
        description="Longest stay by zone; comes before the limit of the kind.",
    )
    allowed: Mapping[BayKind, tuple[_VehicleClass, ...]] = Field(
        default={},
        title="Allowed",
        description="Vehicle classes of the network that may use a kind of bay, such as { standard "
        '= ["car"] }; other kinds of bay take all. Wrong use is looked for only where this says '
        "something.",
    )

    @model_validator(mode="after")
    def _each_kind_once(self) -> Self:
        if len(set(self.kinds)) != len(self.kinds):
            msg = f"kinds: expected each once, but got {', '.join(self.kinds)}"
            raise ValueError(msg)
        return self

    def finding_settings(self) -> FindingSettings:
        """Thresholds of one frame."""
        return FindingSettings(
            min_confidence=self.min_confidence,
            kinds=frozenset(self.kinds),
            allowed={kind: frozenset(classes) for kind, classes in self.allowed.items()},
        )

    def incident_settings(self) -> IncidentSettings:
        """Times and limits."""
        limited = IncidentKind.OVERSTAY in self.kinds
        return IncidentSettings(
            hold_s=self.hold_s,
            clear_s=self.clear_s,
            overstay_s=self.overstay_s if limited else {},
            overstay_zone_s=self.overstay_zone_s if limited else {},
        )
