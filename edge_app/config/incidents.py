"""`[incidents]`: vehicles that stand as they should not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from edge_app.config.section import Probability, Seconds, Section
from telemetry import BayKind, IncidentKind, ZoneId
from vision.incidents import FindingSettings, IncidentSettings

_VehicleClass = Annotated[str, Field(min_length=1, max_length=64)]


class IncidentsConfig(Section):
    """`[incidents]`: what is looked for beyond occupancy; see docs/incidents.md."""

    REMOTE: ClassVar = frozenset({"enabled", "hold_s", "clear_s", "min_confidence", "between_bays"})

    enabled: bool = Field(default=True, title="Enabled", description="Detect and report incidents.")
    kinds: tuple[IncidentKind, ...] = Field(
        default=tuple(IncidentKind), title="Kinds", description="Kinds of incident to detect."
    )
    hold_s: Seconds = Field(
        default=60.0,
        title="Hold",
        description="Minimum duration of an incident; too short a value counts every vehicle that "
        "waits.",
    )
    clear_s: Seconds = Field(
        default=60.0,
        title="Clear",
        description="How long the vehicle must be gone. Keep it above [gate] heartbeat_s, or one "
        "missed detection ends an incident.",
    )
    min_confidence: Probability = Field(
        default=0.4,
        title="Minimum confidence",
        description="Minimum confidence of a vehicle box outside the bays.",
    )
    between_bays: bool = Field(
        default=True,
        title="Between the bays",
        description="If the calibration has no watched areas, watch all ground between its bays. "
        "Disable it where some bays between the drawn ones are not drawn.",
    )
    overstay_s: Mapping[BayKind, Seconds] = Field(
        default={},
        title="Overstay",
        description="Maximum stay by kind of bay, such as { loading = 1800 }; other kinds have no "
        "limit.",
    )
    overstay_zone_s: Mapping[ZoneId, Seconds] = Field(
        default={},
        title="Overstay by zone",
        description="Maximum stay by zone; overrides the limit of the kind.",
    )
    allowed: Mapping[BayKind, tuple[_VehicleClass, ...]] = Field(
        default={},
        title="Allowed",
        description="Vehicle classes of the network that may use a kind of bay, such as { "
        'standard = ["car"] }; kinds not listed accept all. Wrong use is detected only for '
        "listed kinds.",
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
