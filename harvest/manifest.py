"""Frames worth labelling, as an edge box keeps them and a data set takes them.

The box writes them, the label queue reads them; `harvest.bundle` packs them. What is known of
a frame was known on the box: the bays as the view guard had moved them, what the network said, why
the frame was kept, and what of it was made unrecognisable before it was stored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from calibration.types import Polygon, Sha256, Side
from telemetry.messages import ModelRef
from telemetry.vocabulary import BayId, CameraId, EdgeId, SiteId, UnknownReason

SCHEMA_VERSION = 1

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
FrameFile = Annotated[
    str,
    # One plain name: what a bundle of a stranger names must never leave its folder.
    StringConstraints(pattern=r"^frames/[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.jpg$"),
]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HarvestReason(StrEnum):
    """Why a frame was kept."""

    UNCERTAIN = "uncertain"
    """The network was unsure of a bay."""
    DISAGREEMENT = "disagreement"
    """Vehicle boxes and bay head contradicted each other."""
    LIGHT_CHANGED = "light_changed"
    """The light was another one than in the frames before."""
    AFTER_ALARM = "after_alarm"
    """The view had just come back: blind, dark, moved, lost before."""
    FLAPPING = "flapping"
    """A bay changed its state again and again."""
    SAMPLED = "sampled"
    """Randomly sampled, so that undoubted frames are included."""


class HarvestedBay(_Value):
    """A bay, as it was judged in a frame.

    Attributes:
        id: of the bay.
        polygon_norm: outline as it was used, fractions of the image.
        prob: the network's probability of occupied in this frame.
        box_prob: the same from vehicle boxes alone; None for a network without bay head.
        occ: the published state after this frame; None: unknown.
        reason: why it was unknown.
    """

    id: BayId
    polygon_norm: Polygon
    prob: Share
    box_prob: Share | None = None
    occ: bool | None
    reason: UnknownReason | None = None


class HarvestedBox(_Value):
    """A vehicle that the network found.

    Attributes:
        xyxy_norm: x_min, y_min, x_max, y_max, fractions of the image.
        confidence: 0 to 1.
        vehicle: name of its class.
    """

    xyxy_norm: tuple[Share, Share, Share, Share]
    confidence: Share
    vehicle: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        x_min, y_min, x_max, y_max = self.xyxy_norm
        if x_max < x_min or y_max < y_min:
            msg = f"xyxy_norm: expected x_min <= x_max and y_min <= y_max, but got {self.xyxy_norm}"
            raise ValueError(msg)
        return self


class Obscured(_Value):
    """What of an image was made unrecognisable before it was stored or shown.

    Attributes:
        masks: privacy masks of the calibration, painted black.
        outside: whether all that lies outside the bays' surroundings was.
        bay_px: samples that the side of a bay kept at most; 0: as sharp as the camera's.
        vehicles: vehicles that were made coarser than the bays about them.
        share: of the image's pixels that any of it touched, 0 to 1.
    """

    masks: Annotated[int, Field(ge=0)]
    outside: bool
    bay_px: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    vehicles: Annotated[int, Field(ge=0)]
    share: Share


class HarvestedFrame(_Value):
    """An image that is worth labelling.

    Attributes:
        file: of the image, in the bundle.
        sha256: of that file.
        camera: which took it.
        captured_utc: when.
        image_wh: width and height, pixels.
        revision: of the calibration that was in use.
        model: the network that judged it.
        bays: all that were judged.
        boxes: vehicles that were found.
        reasons: why it was kept, weightiest first.
        score: how much it is worth, 0 to 1.
        privacy: what was made unrecognisable.
    """

    file: FrameFile
    sha256: Sha256
    camera: CameraId
    captured_utc: AwareDatetime
    image_wh: tuple[Side, Side]
    revision: Annotated[int, Field(ge=0)]
    model: ModelRef
    bays: Annotated[tuple[HarvestedBay, ...], Field(min_length=1)]
    boxes: tuple[HarvestedBox, ...] = ()
    reasons: Annotated[tuple[HarvestReason, ...], Field(min_length=1)]
    score: Share
    privacy: Obscured


class HarvestManifest(_Value):
    """What a bundle holds; `manifest.json`.

    Attributes:
        schema_version: of this form.
        site: where the box stands.
        edge: the box.
        made_utc: when the bundle was made.
        software: name and version of the program that made it.
        model: the network in use then; each frame names its own.
        frames: oldest first.
    """

    schema_version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    site: SiteId
    edge: EdgeId
    made_utc: AwareDatetime
    software: str
    model: ModelRef | None = None
    frames: tuple[HarvestedFrame, ...]

    @field_validator("frames")
    @classmethod
    def _distinct(cls, frames: tuple[HarvestedFrame, ...]) -> tuple[HarvestedFrame, ...]:
        seen: set[str] = set()
        for frame in frames:
            if frame.file in seen:
                msg = f"each frame needs its own file, but {frame.file} is named twice"
                raise ValueError(msg)
            seen.add(frame.file)
        return frames
