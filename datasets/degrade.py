"""What weather, night, lenses and codecs do to a picture: the columns of the robustness table.

The changes are those of the trainer (`models.training.photometric`), at strengths fixed here, so
that figures of different models compare.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.training import photometric
from vision.types import ImageBgr

Change = Callable[[ImageBgr, np.random.Generator], ImageBgr]

# The trainer works on red, green, blue.
_CHANGES: dict[str, Change] = {
    "dark": lambda image, rng: photometric.darken(image, 0.75, rng, lamps=3),
    "overexposed": lambda image, _: photometric.overexpose(image, 1.9),
    "blur": lambda image, _: photometric.blur(image, image.shape[1] / 500),
    "rain": lambda image, rng: photometric.rain(image, image.shape[0] * image.shape[1] // 900, rng),
    "jpeg30": lambda image, _: photometric.jpeg(image, 30),
    "grey": lambda image, _: photometric.grey(image),
    "half_size": lambda image, _: photometric.downscale(image, 0.5),
}
CHANGES = tuple(_CHANGES)


def degrade(image_bgr: ImageBgr, name: str, rng: np.random.Generator) -> ImageBgr:
    """Degrade a picture, shape (H, W, 3), uint8, by the change of a name in CHANGES."""
    image_rgb = np.ascontiguousarray(image_bgr[..., ::-1])
    return np.ascontiguousarray(_CHANGES[name](image_rgb, rng)[..., ::-1])
