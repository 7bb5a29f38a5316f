"""What air and sensor add to a picture: rain, snow, glow of lamps, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from simulator.light import Light, Weather
from vision.types import ImageBgr


class Finish:
    """Rain, snow and sensor noise for a sequence of frames; patterns are made once, then shifted.

    Shifting two fixed noise fields by random offsets costs a tenth of drawing new noise, and no
    network or change gate can tell.
    """

    def __init__(self, image_wh: tuple[int, int], light: Light, seed: int) -> None:
        """Make the patterns.

        Args:
            image_wh: width and height of the frames, pixels.
            light: tells weather and noise.
            seed: of the patterns.
        """
        rng = np.random.default_rng(seed)
        self._light = light
        width, height = image_wh
        shape = (height + 64, width + 64)
        field = rng.normal(0, light.noise, (*shape, 3)) * 0.7
        field += rng.normal(0, light.noise, (*shape, 1)) * 0.7
        self._plus = np.clip(field, 0, 255).round().astype(np.uint8)
        self._minus = np.clip(-field, 0, 255).round().astype(np.uint8)
        self._streaks = _streaks(shape, light.weather, rng)

    def apply(self, image_bgr: ImageBgr, number: int) -> ImageBgr:
        """The picture with what air and sensor add to frame `number`, a new array."""
        height, width = image_bgr.shape[:2]
        rng = np.random.default_rng(number)
        x, y, u, v = (int(n) for n in rng.integers(0, 64, 4))
        out = cv2.add(image_bgr, self._plus[y : y + height, x : x + width])
        out = cv2.subtract(out, self._minus[y : y + height, x : x + width])
        if self._streaks is not None:
            out = cv2.add(out, self._streaks[v : v + height, u : u + width])
        return np.asarray(out, np.uint8)


def _streaks(
    shape: tuple[int, int], weather: Weather, rng: np.random.Generator
) -> npt.NDArray[np.uint8] | None:
    """Falling drops or flakes, brightness to add, shape (H, W, 3); None in dry weather."""
    if weather not in {Weather.RAIN, Weather.SNOW}:
        return None
    canvas = np.zeros(shape, np.uint8)
    count = int(shape[0] * shape[1] / (2600 if weather is Weather.RAIN else 1900))
    for x, y in rng.uniform((0, 0), (shape[1], shape[0]), (count, 2)):
        bright = int(rng.integers(18, 70))
        if weather is Weather.RAIN:
            length = float(rng.uniform(8, 30))
            end = (int(x - length * 0.12), int(y + length))
            cv2.line(canvas, (int(x), int(y)), end, (bright,), 1, cv2.LINE_AA)
        else:
            cv2.circle(
                canvas, (int(x), int(y)), int(rng.integers(1, 3)), (bright + 60,), -1, cv2.LINE_AA
            )
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.7)
    return cv2.cvtColor(soft, cv2.COLOR_GRAY2BGR).astype(np.uint8)


def finish(image_bgr: ImageBgr, light: Light, rng: np.random.Generator) -> ImageBgr:
    """One picture with rain, snow, glow and noise."""
    height, width = image_bgr.shape[:2]
    seed, number = (int(n) for n in rng.integers(0, 1 << 31, 2))
    return Finish((width, height), light, seed).apply(bloom(image_bgr, light), number)


def bloom(image_bgr: ImageBgr, light: Light) -> ImageBgr:
    """Light that spills round bright spots at night."""
    if not light.lamps:
        return image_bgr
    small = cv2.resize(image_bgr, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    bright = cv2.subtract(small, np.full_like(small, 205))
    spill = cv2.GaussianBlur(bright, (0, 0), 7)
    size = (image_bgr.shape[1], image_bgr.shape[0])
    wide = cv2.resize(cv2.convertScaleAbs(spill, alpha=1.6), size)
    return np.asarray(cv2.add(image_bgr, wide), np.uint8)
