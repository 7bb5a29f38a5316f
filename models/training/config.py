"""Configuration of a training run; one TOML file, unknown keys refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AugmentConfig(_Strict):
    """Augmentation; every `_share` is the share of images (or bays) that get it."""

    scale_min: float = Field(0.6, gt=0)
    scale_max: float = Field(1.7, gt=0)
    rotation_sd_deg: float = Field(7.0, ge=0)
    shear_sd: float = Field(0.06, ge=0)
    aspect_sd: float = Field(0.08, ge=0)
    perspective_sd: float = Field(0.12, ge=0)
    barrel_share: float = Field(0.15, ge=0, le=1)
    barrel_max: float = Field(0.35, ge=0)
    corner_jitter_sd: float = Field(
        0.045, ge=0, description="of each corner, as a fraction of the bay's size"
    )
    bay_shift_sd: float = Field(
        0.045, ge=0, description="of the whole bay, as a fraction of its size"
    )
    bay_scale_sd: float = Field(0.06, ge=0)
    shuffle_corners_share: float = Field(0.15, ge=0, le=1)
    dark_share: float = Field(0.15, ge=0, le=1)
    bright_share: float = Field(0.1, ge=0, le=1)
    shadow_share: float = Field(0.15, ge=0, le=1)
    rain_share: float = Field(0.08, ge=0, le=1)
    blur_share: float = Field(0.15, ge=0, le=1)
    blur_max_px: float = Field(2.6, ge=0.6, description="blur sigma, input pixels")
    grey_share: float = Field(0.1, ge=0, le=1)
    noise_share: float = Field(0.2, ge=0, le=1)
    jpeg_share: float = Field(0.15, ge=0, le=1)
    downscale_share: float = Field(0.12, ge=0, le=1)


class TrainConfig(_Strict):
    """Everything that decides what comes out of a run, besides the images."""

    seed: int = 7
    lots: tuple[str, ...] = ("acpds/train",)
    leave_out_groups: tuple[str, ...] = ()
    vehicles_share: float = Field(0.5, ge=0, le=1, description="images of vehicles/ per epoch")
    renders: int = Field(0, ge=0, description="images from the simulator, seeds 0, 1, 2, ...")
    renders_share: float = Field(0.5, ge=0, le=1, description="renders per epoch")
    input_wh: tuple[int, int] = (960, 736)
    batch: int = Field(4, ge=1)
    epochs: int = Field(36, ge=1)
    trunk_rate: float = Field(5e-4, gt=0)
    head_rate: float = Field(2e-3, gt=0)
    detect_rate: float = Field(5e-4, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warm_up: float = Field(
        0.15, gt=0, lt=1, description="fraction of the steps for learning-rate warm-up"
    )
    ema_decay: float = Field(0.995, gt=0, lt=1)
    label_smoothing: float = Field(0.04, ge=0, lt=0.5)
    detect_weight: float = Field(
        0.1, ge=0, description="weight of the vehicle loss relative to the bay loss"
    )
    clip_norm: float = Field(5.0, gt=0)
    augment: AugmentConfig = AugmentConfig()


def read_config(path: Path | None) -> TrainConfig:
    """Read a TOML file; without one, the defaults, which made the released model's first stage."""
    if path is None:
        return TrainConfig()
    return TrainConfig.model_validate(tomllib.loads(path.read_text()))
