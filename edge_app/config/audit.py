"""`[audit]`: second opinions on sampled images."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from edge_app.config.section import Probability, Seconds, Section


class AuditConfig(Section):
    """`[audit]`: how often states are right, by sampled second opinions; see edge_app.audit."""

    REMOTE: ClassVar = frozenset(
        {"enabled", "every_s", "settle_s", "budget_share", "alarm_below_share"}
    )

    enabled: bool = Field(
        default=True, title="Enabled", description="Enable sampled second opinions."
    )
    every_s: Seconds = Field(
        default=600.0,
        title="Every",
        description="Mean interval between second opinions per camera; the times are random.",
    )
    settle_s: Seconds = Field(
        default=30.0,
        title="Settle",
        description="Ignore bays whose state changed within this time of a second opinion.",
    )
    window_s: Seconds = Field(
        default=7 * 86_400.0, title="Window", description="Ignore second opinions older than this."
    )
    budget_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.02,
        title="Budget",
        description="Maximum share of time for second opinions per camera; they run only when no "
        "frame is waiting.",
    )
    alarm_below_share: Probability = Field(
        default=0.95,
        title="Alarm",
        description="Raise an alarm when the upper bound of the accuracy interval falls below "
        "this.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, title="Seed", description="Random seed of the sampling."
    )
