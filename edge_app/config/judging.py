"""`[evidence]`, `[guard]`, `[gate]`: how cameras' pictures are judged."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from edge_app.config.section import Probability, Seconds, Section
from vision.change_gate import GateSettings
from vision.evidence import EvidenceSettings
from vision.types import NetworkSpec
from vision.view_guard import GuardSettings


class EvidenceConfig(Section):
    """`[evidence]`: when a bay changes its state; see vision.evidence for the reasons."""

    REMOTE: ClassVar = frozenset(
        {
            "memory_s",
            "enter_prob",
            "leave_prob",
            "enter_hold_s",
            "leave_hold_s",
            "start_hold_s",
            "doubt_s",
            "occluded_s",
        }
    )

    memory_s: Seconds = Field(
        default=1.5, title="Memory", description="Time constant of the belief."
    )
    enter_prob: Probability = Field(
        default=0.7, title="Enter", description="Belief at or above this is evidence for occupied."
    )
    leave_prob: Probability = Field(
        default=0.3, title="Leave", description="Belief at or below this is evidence for free."
    )
    enter_hold_s: Annotated[float, Field(ge=0)] = Field(
        default=4.0, title="Enter hold", description="Longer than a car takes to drive through."
    )
    leave_hold_s: Annotated[float, Field(ge=0)] = Field(
        default=4.0, title="Leave hold", description="Longer than a person takes to walk past."
    )
    start_hold_s: Annotated[float, Field(ge=0)] = Field(
        default=0.5, title="Start hold", description="Before an unknown bay becomes known."
    )
    doubt_s: Seconds = Field(
        default=15.0,
        title="Doubt",
        description="After this long in doubt, a bay becomes unknown (unsure).",
    )
    occluded_s: Seconds = Field(
        default=60.0,
        title="Occluded",
        description="After this long without evidence, a bay becomes unknown (occluded).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        EvidenceSettings(**self.model_dump())
        return self

    def for_network(self, spec: NetworkSpec) -> EvidenceSettings:
        """The settings, with the abstain band that was measured for the network."""
        return EvidenceSettings(
            **self.model_dump(), abstain_low=spec.abstain_low, abstain_high=spec.abstain_high
        )


class GuardConfig(Section):
    """`[guard]`: does a camera still show what was calibrated? See vision.view_guard."""

    REMOTE: ClassVar = frozenset(
        {
            "enabled",
            "check_every_s",
            "frozen_after_s",
            "bad_hold_s",
            "unsure_hold_s",
            "follow_share",
        }
    )

    enabled: bool = Field(default=True, title="Enabled", description="Enable the view guard.")
    check_every_s: Seconds = Field(
        default=10.0,
        title="Check",
        description="How often camera movement is measured while the view is stable.",
    )
    frozen_after_s: Seconds = Field(
        default=60.0,
        title="Frozen",
        description="Bit-identical frames for this long mean a frozen camera. Does not apply to "
        "folders and still images.",
    )
    bad_hold_s: Seconds = Field(
        default=3.0,
        title="Bad",
        description="How long frames must be blind or dark before it counts.",
    )
    unsure_hold_s: Seconds = Field(
        default=60.0,
        title="Unsure",
        description="A view not recognised for this long counts as moved.",
    )
    follow_share: Probability = Field(
        default=0.06,
        title="Follow",
        description="Maximum movement that bays follow, as a fraction of the image diagonal; "
        "beyond it they are unknown (view_moved).",
    )

    def settings(self, *, is_still: bool) -> GuardSettings:
        """Thresholds; `is_still` is for a camera whose pictures are meant to stay the same."""
        frozen_after_s = math.inf if is_still else self.frozen_after_s
        return GuardSettings(
            check_every_s=self.check_every_s,
            frozen_after_s=frozen_after_s,
            bad_hold_s=self.bad_hold_s,
            unsure_hold_s=self.unsure_hold_s,
            follow_share=self.follow_share,
        )


class GateConfig(Section):
    """`[gate]`: frames in which nothing changed spare the network. See vision.change_gate."""

    REMOTE: ClassVar = frozenset({"enabled", "heartbeat_s", "least_change"})

    enabled: bool = Field(
        default=True, title="Enabled", description="Skip inference on unchanged frames."
    )
    heartbeat_s: Seconds = Field(
        default=30.0, title="Heartbeat", description="Maximum interval between inference passes."
    )
    least_change: Annotated[float, Field(gt=0, le=2)] = Field(
        default=0.35,
        title="Minimum change",
        description="Minimum change of a bay's normalised pixels, in standard deviations.",
    )

    def settings(self) -> GateSettings:
        """Thresholds and times."""
        return GateSettings(heartbeat_s=self.heartbeat_s, least_change=self.least_change)
