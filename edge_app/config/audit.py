"""`[audit]`: second opinions on sampled pictures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_app.config.section import Probability, Seconds, Section


class AuditConfig(Section):
    """`[audit]`: how often states are right, by sampled second opinions; see edge_app.audit."""

    enabled: bool = Field(
        default=True, title="Enabled", description="Whether pictures are looked at again."
    )
    every_s: Seconds = Field(
        default=600.0,
        title="Every",
        description="Mean time between two second looks at one camera; the moments are random.",
    )
    settle_s: Seconds = Field(
        default=30.0,
        title="Settle",
        description="Bays whose state changed so shortly before or after a look do not count.",
    )
    window_s: Seconds = Field(
        default=7 * 86_400.0, title="Window", description="Older looks do not count."
    )
    budget_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.02,
        title="Budget",
        description="Share of the time that second looks at one camera may take; they wait until "
        "no frame does.",
    )
    alarm_below_share: Probability = Field(
        default=0.95,
        title="Alarm",
        description="An alarm is raised when the upper end of the accuracy's interval is below.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, title="Seed", description="Of the random moments."
    )
