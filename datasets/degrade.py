"""What weather, night, lenses and codecs do to an image.

`CHANGES` are the columns of the robustness table, at strengths fixed here, so that figures of
different models compare; training draws its own strengths of the same functions.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from vision.types import Floats, ImageBgr

ImageRgb = npt.NDArray[np.uint8]
Rng = np.random.Generator
Change = Callable[[ImageRgb, Rng], ImageRgb]


def _bytes(image: Floats) -> ImageRgb:
    return np.clip(image, 0, 255).astype(np.uint8)


def darken(image: ImageRgb, strength: float, rng: Rng, lamps: int = 0) -> ImageRgb:
    """Night: less light, halos and tint of lamps, the sensor's noise; strength from 0 to 1."""
    height, width = image.shape[:2]
    light = np.full((height // 8 + 1, width // 8 + 1), 1 - strength, np.float32)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float32)
    for _ in range(lamps):
        at = rng.uniform(0, 1, 2) * light.shape
        reach = rng.uniform(0.04, 0.25) * light.shape[1]
        distance = ((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / reach**2
        light += rng.uniform(0.2, 1.0) * np.exp(-distance)
    lit = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    cast = [rng.uniform(-0.1, 0.35), 0, rng.uniform(-0.35, 0.2)]
    tint = 1 + strength * np.array(cast, np.float32)
    table = 255 * (np.arange(256, dtype=np.float32) / 255) ** (1 + 0.8 * strength)
    dark = table[image] * np.minimum(lit, 1.6) * tint
    grain = rng.standard_normal((height // 2 + 1, width // 2 + 1, 1), np.float32)
    coarse = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return _bytes(dark + strength * 9 * coarse)


def overexpose(image: ImageRgb, gain: float) -> ImageRgb:
    """Too much light: a gain above 1, clipped, and lifted shadows."""
    return _bytes(image.astype(np.float32) * gain + 12 * (gain - 1))


def blur(image: ImageRgb, sigma_px: float) -> ImageRgb:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def motion_blur(image: ImageRgb, length_px: int, angle: float) -> ImageRgb:
    """A shaking pole: a line of `length_px` at `angle` radians."""
    kernel = np.zeros((length_px, length_px), np.float32)
    centre = (length_px - 1) / 2
    for step in np.linspace(-centre, centre, 2 * length_px):
        kernel[round(centre + step * np.sin(angle)), round(centre + step * np.cos(angle))] = 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def rain(image: ImageRgb, drops: int, rng: Rng) -> ImageRgb:
    """Rain streaks, with the loss of contrast that comes with them."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    slant = rng.uniform(-0.4, 0.4)
    starts = rng.uniform(0, 1, (drops, 2)) * [width, height]
    lengths = rng.uniform(8, 34, drops)
    for (x, y), length in zip(starts, lengths, strict=True):
        end = (round(x + slant * length), round(y + length))
        cv2.line(layer, (round(x), round(y)), end, int(rng.integers(90, 220)), 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(layer, (0, 0), 0.8)
    flat = image.astype(np.float32) * 0.82 + 0.18 * 150
    return _bytes(flat + soft[..., None].astype(np.float32) * 0.55)


def jpeg(image: ImageRgb, quality: int) -> ImageRgb:
    """What a camera's codec leaves of it."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def grey(image: ImageRgb) -> ImageRgb:
    """Infra-red mode of a camera: no colour."""
    return np.asarray(
        cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8
    )


def downscale(image: ImageRgb, factor: float) -> ImageRgb:
    """A camera of fewer pixels, its image enlarged again."""
    height, width = image.shape[:2]
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def shadow(image: ImageRgb, rng: Rng) -> ImageRgb:
    """Hard shadow of a building or of trees: dark polygons."""
    height, width = image.shape[:2]
    mask = np.ones((height, width), np.float32)
    for _ in range(rng.integers(1, 5)):
        centre = rng.uniform(0, 1, 2) * [width, height]
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 9)))
        radius = rng.uniform(0.05, 0.4, len(angles)) * width
        polygon = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None]
        cv2.fillPoly(mask, [polygon.astype(np.int32)], float(rng.uniform(0.3, 0.7)))
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.8, 4)))
    return _bytes(image.astype(np.float32) * soft[..., None])


def colour(image: ImageRgb, rng: Rng) -> ImageRgb:
    """Small shifts of hue, saturation, brightness and contrast."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    steps = np.arange(256)
    hue = ((steps + rng.uniform(-4, 4)) % 180).astype(np.uint8)
    saturation = np.clip(steps * rng.uniform(0.5, 1.5), 0, 255).astype(np.uint8)
    contrast, level = rng.uniform(0.7, 1.3), rng.uniform(0.7, 1.3)
    value = np.clip((steps - 120) * contrast + 120 * level, 0, 255).astype(np.uint8)
    channels = [
        cv2.LUT(c, t) for c, t in zip(cv2.split(hsv), (hue, saturation, value), strict=True)
    ]
    return np.asarray(cv2.cvtColor(cv2.merge(channels), cv2.COLOR_HSV2RGB), np.uint8)


def noise(image: ImageRgb, sd: float, rng: Rng) -> ImageRgb:
    """Sensor noise of a standard deviation in grey levels."""
    return _bytes(image.astype(np.float32) + sd * rng.standard_normal(image.shape, np.float32))


_CHANGES: dict[str, Change] = {
    "dark": lambda image, rng: darken(image, 0.75, rng, lamps=3),
    "overexposed": lambda image, _: overexpose(image, 1.9),
    "blur": lambda image, _: blur(image, image.shape[1] / 500),
    "rain": lambda image, rng: rain(image, image.shape[0] * image.shape[1] // 900, rng),
    "jpeg30": lambda image, _: jpeg(image, 30),
    "grey": lambda image, _: grey(image),
    "half_size": lambda image, _: downscale(image, 0.5),
}
CHANGES = tuple(_CHANGES)


def degrade(image_bgr: ImageBgr, name: str, rng: Rng) -> ImageBgr:
    """Degrade an image, shape (H, W, 3), uint8, by the change of a name in CHANGES."""
    image_rgb = np.ascontiguousarray(image_bgr[..., ::-1])
    return np.ascontiguousarray(_CHANGES[name](image_rgb, rng)[..., ::-1])
