"""`[remote]`: what may be done and changed from the cloud."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from edge_app.config.section import Seconds, Section


class RemoteLevel(StrEnum):
    """Which settings may be changed from the cloud."""

    NONE = "none"
    SAFE = "safe"
    GUARDED = "guarded"


class RemoteConfig(Section):
    """`[remote]`: what the cloud may do; it reaches the box through the broker alone."""

    settings: RemoteLevel = Field(
        default=RemoteLevel.SAFE,
        title="Settings",
        description="Settings that the cloud may change: none, safe (how bays are judged, how "
        "often is reported), or guarded (the broker's address, too). Every change is tried out, "
        "and undone if the box does not come back healthy.",
    )
    trial_s: Seconds = Field(
        default=300.0,
        title="Trial",
        description="A change is undone if within this time the cloud does not answer, or a camera "
        "that worked before does not.",
    )
    pictures: bool = Field(
        default=True,
        title="Pictures",
        description="Answer requests for a still image, with [privacy] applied.",
    )

    @property
    def allows_changes(self) -> bool:
        """Whether the cloud may change anything: settings, or bays of a calibration."""
        return self.settings is not RemoteLevel.NONE
