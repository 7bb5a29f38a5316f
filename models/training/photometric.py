"""Random weather, night, lenses and codecs: the changes of `datasets.degrade`, drawn at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from datasets.degrade import (
    ImageRgb,
    Rng,
    blur,
    colour,
    darken,
    downscale,
    grey,
    jpeg,
    motion_blur,
    noise,
    overexpose,
    rain,
    shadow,
)
from models.training.config import AugmentConfig

OUT_OF_FOCUS_SHARE = 0.6  # of blurred images; the others are shaken


def degrade(image: ImageRgb, config: AugmentConfig, rng: Rng) -> ImageRgb:
    """Draw from all changes, in the order in which light, lens, sensor and codec act."""

    def drawn(share: float) -> bool:
        return bool(rng.random() < share)

    image = colour(image, rng)
    if drawn(config.shadow_share):
        image = shadow(image, rng)
    if drawn(config.dark_share):
        image = darken(image, rng.uniform(0.35, 0.88), rng, int(rng.integers(0, 6)))
    elif drawn(config.bright_share):
        image = overexpose(image, rng.uniform(1.2, 2.1))
    later: tuple[tuple[float, Callable[[ImageRgb], ImageRgb]], ...] = (
        (config.rain_share, lambda i: rain(i, int(rng.integers(200, 1500)), rng)),
        (config.blur_share, lambda i: _any_blur(i, config.blur_max_px, rng)),
        (config.downscale_share, lambda i: downscale(i, rng.uniform(0.35, 0.7))),
        (config.noise_share, lambda i: noise(i, rng.uniform(2, 14), rng)),
        (config.grey_share, grey),
        (config.jpeg_share, lambda i: jpeg(i, int(rng.integers(18, 70)))),
    )
    for share, change in later:
        if drawn(share):
            image = change(image)
    return image


def _any_blur(image: ImageRgb, max_px: float, rng: Rng) -> ImageRgb:
    if rng.random() < OUT_OF_FOCUS_SHARE:
        return blur(image, rng.uniform(0.6, max_px))
    return motion_blur(image, int(rng.integers(3, 10)), rng.uniform(0, np.pi))
