"""Changes of labelled pictures under which a bay head errs: for the fit of `vision.fusion`.

On the lots that may be trained on, the bay head is so good that a fit learns to trust it alone.
These changes make pictures that it does not know: weather, lenses, far and low cameras, things
before a bay, things in a free one, and outlines drawn badly. Each is drawn from `rng`, so a seed
always gives the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.judging import jittered
from models.training import photometric
from vision.geometry import extents, to_pixels
from vision.types import Floats, ImageBgr

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with its bays.

    Attributes:
        image_bgr: shape (H, W, 3), uint8.
        polygons_norm: M outlines, each (K, 2), fractions of width and height.
        occupied: whether each bay is, M.
    """

    image_bgr: ImageBgr
    polygons_norm: Sequence[Floats]
    occupied: Sequence[bool]

    @property
    def wh(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.image_bgr.shape[1], self.image_bgr.shape[0]

    def extents_px(self) -> Floats:
        """Bounding boxes of the bays, shape (M, 4), pixels."""
        return extents([to_pixels(polygon, self.wh) for polygon in self.polygons_norm])

    def shown(self, image_bgr: ImageBgr) -> Scene:
        """The same bays in another picture."""
        return Scene(np.ascontiguousarray(image_bgr), self.polygons_norm, self.occupied)


Change = Callable[[Scene, Rng], Scene]


def _photo(change: Callable[[ImageBgr, Rng], ImageBgr]) -> Change:
    def apply(scene: Scene, rng: Rng) -> Scene:
        image_rgb = np.ascontiguousarray(scene.image_bgr[..., ::-1])
        return scene.shown(change(image_rgb, rng)[..., ::-1])

    return apply


def _night(image: ImageBgr, rng: Rng) -> ImageBgr:
    dark = photometric.darken(image, rng.uniform(0.7, 0.93), rng, int(rng.integers(0, 7)))
    return photometric.noise(dark, rng.uniform(1, 7), rng)


def _fog(image: ImageBgr, rng: Rng) -> ImageBgr:
    """Thicker towards the top of the picture, where an oblique view is farther."""
    depth = np.linspace(1.0, rng.uniform(0.3, 0.9), len(image), dtype=np.float32)[:, None, None]
    thick = rng.uniform(0.55, 0.88) * depth
    grey = rng.uniform(120, 225)
    return np.clip(image * (1 - thick) + grey * thick, 0, 255).astype(np.uint8)


def _rain(image: ImageBgr, rng: Rng) -> ImageBgr:
    drops = int(image.shape[0] * image.shape[1] * rng.uniform(0.0008, 0.003))
    return photometric.blur(photometric.rain(image, drops, rng), rng.uniform(0.5, 1.8))


def _blur(image: ImageBgr, rng: Rng) -> ImageBgr:
    scale = image.shape[1] / 1000
    if rng.random() < 0.5:
        return photometric.blur(image, scale * rng.uniform(1.5, 4.0))
    return photometric.motion_blur(image, int(scale * rng.uniform(6, 18)), rng.uniform(0, np.pi))


def _cheap_camera(image: ImageBgr, rng: Rng) -> ImageBgr:
    coarse = photometric.downscale(image, rng.uniform(0.2, 0.45))
    return photometric.jpeg(photometric.noise(coarse, rng.uniform(2, 16), rng), 25)


def _harsh_sun(image: ImageBgr, rng: Rng) -> ImageBgr:
    return photometric.overexpose(photometric.shadow(image, rng), rng.uniform(1.3, 2.3))


def low_view(scene: Scene, rng: Rng) -> Scene:
    """Pressed flat, as rows are that a low camera sees: one car hides the next."""
    width, height = scene.wh
    size = (width, max(round(height * rng.uniform(0.4, 0.65)), 64))
    return scene.shown(cv2.resize(scene.image_bgr, size, interpolation=cv2.INTER_AREA))


def narrow_view(scene: Scene, rng: Rng) -> Scene:
    """Pressed from the sides."""
    width, height = scene.wh
    size = (max(round(width * rng.uniform(0.45, 0.7)), 64), height)
    return scene.shown(cv2.resize(scene.image_bgr, size, interpolation=cv2.INTER_AREA))


def far_view(scene: Scene, rng: Rng) -> Scene:
    """A third of the pixels a side: every bay is small."""
    share = rng.uniform(0.25, 0.5)
    return scene.shown(
        cv2.resize(scene.image_bgr, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    )


def _texture(size_wh: tuple[int, int], rng: Rng, contrast: float) -> Floats:
    """Clouds of three grain sizes around 0, shape (H, W)."""
    total = np.zeros(size_wh[::-1], np.float32)
    for grain in (2, 6, 20):
        small = rng.standard_normal((size_wh[1] // grain + 2, size_wh[0] // grain + 2), np.float32)
        total += cv2.resize(small, size_wh, interpolation=cv2.INTER_LINEAR)
    return total * contrast


def foliage(scene: Scene, rng: Rng) -> Scene:
    """Trees and posts before some bays."""
    width, height = scene.wh
    mask = np.zeros((height, width), np.float32)
    for left, top, right, bottom in scene.extents_px():
        if rng.random() > 0.45:
            continue
        wide, tall = right - left, bottom - top
        if rng.random() < 0.4:
            x = int(rng.uniform(left, right))
            thick = max(int(wide * rng.uniform(0.08, 0.3)), 2)
            cv2.line(mask, (x, 0), (x, int(bottom)), 1.0, thick)
            continue
        for _ in range(int(rng.integers(8, 40))):
            at = (int(rng.uniform(left, right)), int(top + tall * rng.uniform(-0.6, 0.7)))
            cv2.circle(mask, at, max(int(wide * rng.uniform(0.03, 0.13)), 1), 1.0, -1)
    colour = np.array([rng.uniform(20, 70), rng.uniform(40, 110), rng.uniform(30, 90)])
    leaves = colour * (1 + _texture((width, height), rng, 0.2)[..., None])
    cover = mask[..., None] * rng.uniform(0.75, 1.0)
    return scene.shown(
        np.clip(scene.image_bgr * (1 - cover) + leaves * cover, 0, 255).astype(np.uint8)
    )


def heaps(scene: Scene, rng: Rng) -> Scene:
    """Snow, dirt, puddles and paint in free bays."""
    width, height = scene.wh
    mask = np.zeros((height, width), np.float32)
    for (left, top, right, bottom), taken in zip(scene.extents_px(), scene.occupied, strict=True):
        if taken or rng.random() > 0.4:
            continue
        wide, tall = float(right - left), float(bottom - top)
        at = (int(rng.uniform(left, right)), int(rng.uniform(top, bottom)))
        axes = (
            max(int(wide * rng.uniform(0.1, 0.4)), 2),
            max(int(tall * rng.uniform(0.1, 0.4)), 2),
        )
        cv2.ellipse(mask, at, axes, rng.uniform(0, 180), 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), max(width / 700, 0.8))[..., None]
    level = rng.uniform(15, 245)
    stuff = level * (1 + _texture((width, height), rng, 0.12)[..., None])
    cover = soft * rng.uniform(0.6, 1.0)
    return scene.shown(
        np.clip(scene.image_bgr * (1 - cover) + stuff * cover, 0, 255).astype(np.uint8)
    )


def careless_outlines(scene: Scene, rng: Rng) -> Scene:
    """Corners that an installer set in a hurry."""
    moved = jittered(scene.polygons_norm, scene.wh, rng.uniform(0.08, 0.16), rng)
    return Scene(scene.image_bgr, moved, scene.occupied)


CHANGES: dict[str, Change] = {
    "night": _photo(_night),
    "fog": _photo(_fog),
    "rain": _photo(_rain),
    "blur": _photo(_blur),
    "cheap": _photo(_cheap_camera),
    "sun": _photo(_harsh_sun),
    "low": low_view,
    "narrow": narrow_view,
    "far": far_view,
    "foliage": foliage,
    "heaps": heaps,
    "outlines": careless_outlines,
}


def changed(scene: Scene, first: str, rng: Rng) -> tuple[Scene, tuple[str, ...]]:
    """The change of a name, in half of the pictures with another on top of it."""
    names = [first]
    if rng.random() < 0.5:
        names.append(str(rng.choice([name for name in CHANGES if name != first])))
    # Outlines and things in the scene come before what lens and sensor do to it.
    order = ("outlines", "heaps", "foliage", "low", "narrow", "far")
    names.sort(key=lambda name: order.index(name) if name in order else len(order))
    for name in names:
        scene = CHANGES[name](scene, rng)
    return scene, tuple(names)
