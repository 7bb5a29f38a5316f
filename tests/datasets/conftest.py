"""Pictures that look like something: textures of several scales, each seed another place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.frames import LotFrame
from vision.types import ImageBgr, as_floats

MakeFrame = Callable[..., LotFrame]


def place(seed: int, size_wh: tuple[int, int] = (480, 360)) -> ImageBgr:
    """A picture of another place for each seed."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size_wh[1], size_wh[0], 3))
    for side in (3, 8, 24, 80):
        coarse = rng.normal(0, 1, (side, side, 3)).astype(np.float32)
        total += cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)
    low, high = total.min(), total.max()
    return np.asarray((total - low) / (high - low) * 215 + 20, np.uint8)


@pytest.fixture
def make_frame(tmp_path: Path) -> MakeFrame:
    """A labelled picture on disk: `make_frame("a", split="train", seed=1)`."""

    def make(name: str, *, split: str = "train", seed: int = 0, image: ImageBgr | None = None,
             set_name: str = "made", **more: object) -> LotFrame:  # fmt: skip
        path = tmp_path / "pictures" / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        picture = place(seed) if image is None else image
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        values: dict[str, object] = {
            "polygons_norm": (
                as_floats([[0.1, 0.1], [0.3, 0.1], [0.3, 0.4], [0.1, 0.4]]),
                as_floats([[0.5, 0.1], [0.7, 0.1], [0.8, 0.3], [0.7, 0.4], [0.5, 0.4]]),
            ),
            "states": (True, False),
            "bay_ids": ("A1", "A2"),
            "image_wh": (picture.shape[1], picture.shape[0]),
        }
        return LotFrame(set_name, split, path, **(values | more))  # type: ignore[arg-type]

    return make
