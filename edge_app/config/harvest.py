"""`[privacy]` and `[harvest]`: what pictures show, and which of them are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
        description="Whether all that lies outside the bays' surroundings becomes a mosaic.",
    )
    surroundings_share: Probability = Field(
        default=0.04,
        title="Surroundings",
        description="How far round the bays these reach, as a share of the picture's width.",
    )
    bay_px: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        default=40.0,
        title="Sharpness",
        description="Samples along the side of a bay at most, so that nobody is recognised and no "
        "plate is read; 0: as sharp as the camera.",
    )
    moving: bool = Field(
        default=True,
        title="Moving",
        description="Whether people who move become a mosaic and passing vehicles are bounded, "
        "found by comparison with the standing scene.",
    )

    keep_pictures_days: Days = Field(
        default=90.0,
        title="Replaced pictures",
        description="Reference pictures of cameras are deleted so long after they were replaced.",
    )

    def settings(self) -> PrivacySettings:
        """As `vision.privacy` takes them."""
        return PrivacySettings(self.outside, self.surroundings_share, self.bay_px, self.moving)


class HarvestConfig(Section):
    """`[harvest]`: frames worth labelling, kept on the box; see edge_app.harvest."""

    enabled: bool = Field(
        default=False, title="Enabled", description="Whether frames are kept; none are by default."
    )
    max_bytes: Annotated[int, Field(ge=_MIB)] = Field(
        default=200 * _MIB,
        title="Room",
        description="On disk; the least valuable frames make way.",
    )
    keep_days: Days = Field(default=30.0, title="Keep", description="Older frames are deleted.")
    frames_per_day: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=24, title="Frames a day", description="Of one camera at most."
    )
    every_s: Seconds = Field(
        default=60.0, title="Every", description="Least time between two frames of one camera."
    )
    least_worth_share: Probability = Field(
        default=0.4,
        title="Least worth",
        description="How much a frame must be worth, 0 to 1; sampled ones are kept all the same.",
    )
    sampled_per_day: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        default=2.0,
        title="Sampled",
        description="Frames a day of one camera that are kept by chance alone.",
    )
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = Field(
        default=90, title="JPEG quality", description="Of the kept pictures."
    )
    upload_hosts: tuple[str, ...] = Field(
        default=(),
        title="Upload hosts",
        description="Where bundles may be sent by a job (host or host:port, HTTPS only); none: "
        "such jobs are refused.",
    )
    upload_ca_file: Path | None = Field(
        default=None,
        title="Upload CA",
        description="PEM of who signs those hosts' certificates; else the system's.",
    )
    upload_max_bytes: Annotated[int, Field(ge=_MIB)] = Field(
        default=512 * _MIB,
        title="Largest upload",
        description="A bundle for a job holds no more; the most valuable frames go first.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, title="Seed", description="Of the sampled moments."
    )
