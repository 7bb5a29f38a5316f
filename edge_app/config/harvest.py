"""`[privacy]` and `[harvest]`: what images show, and which of them are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from edge_app.config.section import Probability, Seconds, Section
from vision.privacy import PrivacySettings

_MIB = 1024 * 1024
Days = Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)]


class PrivacyConfig(Section):
    """`[privacy]`: what can be made out in live view, harvest and diagnostics; docs/privacy.md."""

    outside: bool = Field(
        default=True,
        title="Outside",
        description="Pixelate everything outside the bays and their surroundings.",
    )
    surroundings_share: Probability = Field(
        default=0.04,
        title="Surroundings",
        description="Margin around the bays, as a fraction of the image width.",
    )
    bay_px: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        default=40.0,
        title="Sharpness",
        description="Maximum resolution of a bay, in pixels along its side, so that no person or "
        "plate is identifiable; 0: full resolution.",
    )
    moving: bool = Field(
        default=True,
        title="Moving",
        description="Pixelate moving people and limit the resolution of passing vehicles, found by "
        "comparison with the static scene.",
    )

    keep_pictures_days: Days = Field(
        default=90.0,
        title="Replaced images",
        description="Delete a camera's reference images this long after they were replaced.",
    )

    def settings(self) -> PrivacySettings:
        """As `vision.privacy` takes them."""
        return PrivacySettings(self.outside, self.surroundings_share, self.bay_px, self.moving)


class HarvestConfig(Section):
    """`[harvest]`: frames worth labelling, kept on the box; see edge_app.harvest."""

    REMOTE: ClassVar = frozenset(
        {"enabled", "keep_days", "frames_per_day", "every_s", "sampled_per_day"}
    )

    enabled: bool = Field(default=False, title="Enabled", description="Keep frames for labelling.")
    max_bytes: Annotated[int, Field(ge=_MIB)] = Field(
        default=200 * _MIB,
        title="Room",
        description="Maximum disk usage; the least valuable frames are evicted first.",
    )
    keep_days: Days = Field(default=30.0, title="Keep", description="Older frames are deleted.")
    frames_per_day: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=24, title="Frames a day", description="Maximum frames per camera and day."
    )
    every_s: Seconds = Field(
        default=60.0,
        title="Every",
        description="Minimum interval between two frames from one camera.",
    )
    least_worth_share: Probability = Field(
        default=0.4,
        title="Minimum worth",
        description="Minimum worth of a frame, 0 to 1; randomly sampled frames are kept "
        "regardless.",
    )
    sampled_per_day: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        default=2.0,
        title="Sampled",
        description="Randomly sampled frames kept per camera and day.",
    )
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = Field(
        default=90, title="JPEG quality", description="JPEG quality of kept frames."
    )
    upload_hosts: tuple[str, ...] = Field(
        default=(),
        title="Upload hosts",
        description="Hosts that jobs may upload bundles to (host or host:port, HTTPS only); empty: "
        "upload jobs are rejected.",
    )
    upload_ca_file: Path | None = Field(
        default=None,
        title="Upload CA",
        description="PEM file of the CAs to trust for these hosts; default: the system's.",
    )
    upload_max_bytes: Annotated[int, Field(ge=_MIB)] = Field(
        default=512 * _MIB,
        title="Maximum upload size",
        description="Maximum size of an uploaded bundle; the most valuable frames go first.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, title="Seed", description="Random seed of the sampling."
    )
