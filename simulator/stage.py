"""One lot under one camera and one light: the still background, and cars laid on it.

What stands still (ground, trees, posts, buildings) is drawn once. A car becomes a sprite and a
shadow; both are kept for as long as it does not move.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, Points
from simulator.cars import Car, car_mesh
from simulator.garage import shell_mesh
from simulator.ground import GroundMap, ground_albedo, ground_lookup, look_down
from simulator.layout import LotLayout
from simulator.light import Light, Weather
from simulator.mesh import Mesh
from simulator.scenery import (
    kerb_mesh,
    pillar_mesh,
    post_mesh,
    shadow_outlines,
    sun_map,
    tree_mesh,
    wall_mesh,
)
from simulator.sprite import Sprite, paint_mesh
from vision.types import ImageBgr

_CONTACT = 0.80
"""How dark the ground is right under a car: light hardly gets there."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What an object takes from the ground's light: a factor for each pixel of a window."""

    left_px: int
    top_px: int
    sun: npt.NDArray[np.float32]
    contact: npt.NDArray[np.float32]

    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        height, width = self.sun.shape
        return (
            slice(self.top_px, self.top_px + height),
            slice(self.left_px, self.left_px + width),
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """Something painted that can be laid on the background."""

    sprite: Sprite
    shadow: Shadow | None
    glow: Sprite | None = None


class Stage:
    """The still part of a scene, and how things are laid on it.

    Attributes:
        layout: the lot.
        camera: that looks at it.
        light: that falls on it.
        background_bgr: the empty lot, shape (H, W, 3); do not write to it.
        nearest_m: distance of the nearest thing per pixel, infinite on the ground, (H, W).
    """

    def __init__(
        self,
        layout: LotLayout,
        camera: Camera,
        light: Light,
        seed: int,
        detail: int = 2,
    ) -> None:
        """Draw what stands still; the slow part.

        Args:
            layout: the lot.
            camera: that looks at it.
            light: that falls on it.
            seed: of textures and leaves.
            detail: 1 draws the ground coarsely and fast, 2 finely.
        """
        self.layout, self.camera, self.light = layout, camera, light
        rng = np.random.default_rng(seed)
        window, cells_per_m = _seen_window(layout, camera), 18.0 * detail
        trees = [tree_mesh(tree, rng) for tree in layout.trees]
        self._sun = sun_map(layout, trees, light, window, cells_per_m / 3)
        albedo = ground_albedo(layout, light, window, cells_per_m, rng)
        lit = _lit(albedo, self._sun, light)
        far = lit.values[-1].mean(0).astype(np.float64)
        self.background_bgr: ImageBgr = look_down(camera, lit, far, light, detail)
        height, width = self.background_bgr.shape[:2]
        self.nearest_m = np.full((height, width), np.inf, np.float32)
        self._stand(trees, rng)
        self._sun_picture = _sun_picture(camera, self._sun)

    def _stand(self, trees: list[Mesh], rng: np.random.Generator) -> None:
        night = self.light.weather in {Weather.NIGHT, Weather.DUSK}
        for rect in self.layout.islands_m:
            sprite = self._sprite(kerb_mesh(rect), 2)
            if sprite is not None:
                sprite.lay_on(self.background_bgr, None)
        if self.layout.ceiling_m is not None:
            shell = self._sprite(shell_mesh(self.layout), 2)
            if shell is not None:  # it encloses everything, so it lies behind everything
                shell.lay_on(self.background_bgr, None)
        meshes = [wall_mesh(wall, rng, night=night) for wall in self.layout.walls]
        meshes += [pillar_mesh(p, self.layout.ceiling_m or 3.0) for p in self.layout.pillars_m]
        meshes += trees
        meshes += [post_mesh(post, lit=bool(self.light.lamps)) for post in self.layout.posts]
        sprites = [sprite for mesh in meshes if (sprite := self._sprite(mesh, 2)) is not None]
        for sprite in sorted(sprites, key=lambda s: -s.distance_m):
            sprite.lay_on(self.background_bgr, self.nearest_m)

    def _sprite(self, mesh: Mesh, supersample: int) -> Sprite | None:
        centres = mesh.quads_m.mean(1)
        to_sun = np.asarray(self.light.to_sun)
        lift = np.where(to_sun[2] > 0.05, centres[:, 2] / max(to_sun[2], 0.05), 0.0)
        seen = self._sun.at(centres[:, :2] - lift[:, None] * to_sun[:2])
        seen = np.where(centres[:, 2] > 2.4, 1.0, seen)
        return paint_mesh(mesh, self.camera, self.light, seen, supersample)

    def paint(self, mesh: Mesh, supersample: int = 3, split_m: float | None = None) -> Actor | None:
        """Paint a placed mesh with its shadow; None when it is out of the picture."""
        sprite = self._sprite(mesh, supersample)
        if sprite is None:
            return None
        return Actor(sprite, self._shadow(mesh, split_m))

    def paint_car(
        self, car: Car, position_xy_m: tuple[float, float], heading_rad: float
    ) -> Actor | None:
        """Paint a car; None when it is out of the picture."""
        mesh = _placed(car, position_xy_m, heading_rad)
        split = car.shape.belt * car.shape.size_m[2]
        actor = self.paint(mesh, 3, split)
        if actor is None or not (car.lights_on and self.light.lamps):
            return actor
        return Actor(actor.sprite, actor.shadow, self._beam(position_xy_m, heading_rad, car))

    def _beam(self, at_m: tuple[float, float], heading_rad: float, car: Car) -> Sprite | None:
        """The light of a car's headlights on the ground before it."""
        front = car.length_m / 2
        outline = np.array([(front, 0.7), (front, -0.7), (front + 9, -3.2), (front + 9, 3.2)])
        sin, cos = np.sin(heading_rad), np.cos(heading_rad)
        ground = outline @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(at_m)
        filled = self._fill([ground], 4.0, blur_m=0.35)
        if filled is None:
            return None
        left, top, cover = filled
        colour = cover[..., None] * np.array([52, 60, 66], np.float32)
        return Sprite(left, top, colour, np.zeros_like(cover), np.inf)

    def _shadow(self, mesh: Mesh, split_m: float | None) -> Shadow | None:
        hull = cv2.convexHull(mesh.quads_m[..., :2].reshape(-1, 2).astype(np.float32))[:, 0]
        footprint = hull.astype(np.float64)
        outlines = shadow_outlines(mesh, self.light, split_m) if max(self.light.sun_bgr) > 0 else []
        window = self._span([footprint, *outlines], 0.5)
        if window is None:
            return None
        left, top, width, height, px_per_m = window
        canvas = np.zeros((height * 2, width * 2), np.uint8)
        for outline in outlines:
            _fill_ground(canvas, self.camera, outline, (left, top))
        sun = cv2.GaussianBlur(canvas, (0, 0), 0.8 + px_per_m * 0.02)
        under = np.zeros_like(canvas)
        _fill_ground(under, self.camera, footprint, (left, top))
        near = _softened(under, 0.8 + px_per_m * 2 * 0.07)
        wide = _softened(under, 0.8 + px_per_m * 2 * 0.30)
        size = (width, height)
        contact = (near * 0.65 + wide * 0.35) * (_CONTACT / 255.0)
        return Shadow(
            left,
            top,
            cv2.resize(sun, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0,
            cv2.resize(contact, size, interpolation=cv2.INTER_AREA).astype(np.float32),
        )

    def compose(self, actors: list[Actor]) -> tuple[ImageBgr, npt.NDArray[np.float32]]:
        """The background with actors on it.

        Returns:
            The picture, shape (H, W, 3), and the distance of the nearest thing per pixel, (H, W).
        """
        image, nearest = self.background_bgr.copy(), self.nearest_m.copy()
        self.lay(image, nearest, actors)
        return image, nearest

    def lay(
        self, image_bgr: ImageBgr, nearest_m: npt.NDArray[np.float32], actors: list[Actor]
    ) -> None:
        """Lay actors on a picture, in place: shadows first, then from far to near."""
        loss = 1 - self.light.sun_shadow
        for actor in actors:
            if actor.shadow is not None:
                window = actor.shadow.window()
                ground = np.isinf(nearest_m[window])
                sun = 1 - loss * actor.shadow.sun * self._sun_picture[window]
                factor = np.where(ground, sun * (1 - actor.shadow.contact), 1.0)
                region = image_bgr[window]
                region[:] = (region * factor[..., None]).astype(np.uint8)
        for actor in actors:
            if actor.glow is not None:
                window = actor.glow.window()
                ground = np.isinf(nearest_m[window])[..., None]
                region = image_bgr[window]
                region[:] = np.minimum(region + actor.glow.colour * ground, 255).astype(np.uint8)
        for actor in sorted(actors, key=lambda a: -a.sprite.distance_m):
            actor.sprite.lay_on(image_bgr, nearest_m)

    def _span(
        self, outlines_m: list[Points], margin_m: float
    ) -> tuple[int, int, int, int, float] | None:
        """Window of ground outlines in pixels, with its scale in pixels per metre."""
        points = np.concatenate(outlines_m)
        low, high = points.min(0) - margin_m, points.max(0) + margin_m
        corners = np.array(
            [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
        )
        pixels, visible = self.camera.project(np.concatenate([corners, np.zeros((4, 1))], 1))
        if not visible.all():
            return None
        width, height = self.camera.image_wh
        left, top = np.clip(np.floor(pixels.min(0)).astype(int), 0, (width, height))
        right, bottom = np.clip(np.ceil(pixels.max(0)).astype(int), 0, (width, height))
        if right - left < 2 or bottom - top < 2:
            return None
        area = cv2.contourArea(pixels.astype(np.float32))
        scale = (area / float(np.prod(high - low))) ** 0.5
        return int(left), int(top), int(right - left), int(bottom - top), float(scale)

    def _fill(
        self, outlines_m: list[Points], margin_m: float, blur_m: float
    ) -> tuple[int, int, npt.NDArray[np.float32]] | None:
        """Coverage of ground outlines, softened; left, top and the coverage (h, w)."""
        window = self._span(outlines_m, margin_m)
        if window is None:
            return None
        left, top, width, height, px_per_m = window
        canvas = np.zeros((height * 2, width * 2), np.uint8)
        for outline in outlines_m:
            _fill_ground(canvas, self.camera, outline, (left, top))
        soft = _softened(canvas, px_per_m * 2 * blur_m + 1)
        small = cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA)
        return left, top, small.astype(np.float32) / 255.0


@lru_cache(maxsize=64)
def _placed(car: Car, position_xy_m: tuple[float, float], heading_rad: float) -> Mesh:
    return car_mesh(car).placed(position_xy_m, heading_rad)


def _softened(canvas: npt.NDArray[np.uint8], sigma_px: float) -> npt.NDArray[np.float32]:
    """A Gaussian blur whose cost does not grow with its width: wide ones work on a small copy."""
    height, width = canvas.shape
    shrink = max(int(sigma_px / 3), 1)
    size = (max(width // shrink, 1), max(height // shrink, 1))
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA) if shrink > 1 else canvas
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma_px / shrink)
    if shrink > 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, np.float32)


def _fill_ground(
    canvas: npt.NDArray[np.uint8], camera: Camera, outline_m: Points, origin_px: tuple[int, int]
) -> None:
    """Fill a ground outline on a canvas of two cells a pixel."""
    flat = np.concatenate([outline_m, np.zeros((len(outline_m), 1))], 1)
    pixels, visible = camera.project(flat)
    if visible.all():
        corners = np.round((pixels - origin_px) * 2 * 16).astype(np.int32)
        cv2.fillPoly(canvas, [corners], (255,), cv2.LINE_AA, 4)


def _seen_window(layout: LotLayout, camera: Camera) -> tuple[float, float, float, float]:
    """The part of the ground that is worth a fine raster: the lot, and what lies before it."""
    corners = _outline(layout)
    rays = camera.rays()[:: max(camera.image_wh[1] // 24, 1), :: max(camera.image_wh[0] // 24, 1)]
    rays = rays.reshape(-1, 3)
    down = rays[rays[:, 2] < -0.05]
    hits = np.asarray(camera.position_m[:2]) + down[:, :2] * (-camera.position_m[2] / down[:, 2:])
    reach = np.linalg.norm(hits - np.asarray(camera.position_m[:2]), axis=1) < 45
    points = np.concatenate([hits[reach], np.empty((0, 2))])
    low = np.maximum(points.min(0) - 1, corners.min(0) - 14) if len(points) else corners.min(0) - 6
    high = np.minimum(points.max(0) + 1, corners.max(0) + 14) if len(points) else corners.max(0) + 6
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _outline(layout: LotLayout) -> Points:
    """Corners of all bays; of a place without bays, of its lanes."""
    if layout.bays:
        return np.concatenate([bay.corners() for bay in layout.bays])
    return np.array([(x, lane.y_m) for lane in layout.lanes for x in (lane.x_min_m, lane.x_max_m)])


def _lit(albedo: GroundMap, sun: GroundMap, light: Light) -> GroundMap:
    """Radiance of the ground, BGR."""
    rows, columns = albedo.values.shape[:2]
    seen = cv2.resize(sun.values, (columns, rows), interpolation=cv2.INTER_LINEAR)[..., None]
    sun_part = np.asarray(light.sun_bgr, np.float32) * np.float32(light.to_sun[2])
    irradiance = seen * sun_part + np.asarray(light.sky_bgr, np.float32)
    if light.lamps:
        coarse = (max(columns // 12, 2), max(rows // 12, 2))
        x = (np.arange(coarse[0]) + 0.5) / coarse[0] * columns / albedo.cells_per_m
        y = (np.arange(coarse[1]) + 0.5) / coarse[1] * rows / albedo.cells_per_m
        grid = np.stack([*np.meshgrid(x + albedo.origin_m[0], y + albedo.origin_m[1])], -1)
        points = np.concatenate([grid, np.zeros((*grid.shape[:2], 1))], -1)
        lamps = light.lamp_irradiance(points, np.array([0.0, 0.0, 1.0])).astype(np.float32)
        irradiance = irradiance + cv2.resize(lamps, (columns, rows))
    radiance = (albedo.values * irradiance / np.float32(np.pi)).astype(np.float32)
    return GroundMap(albedo.origin_m, albedo.cells_per_m, radiance)


def _sun_picture(camera: Camera, sun: GroundMap) -> npt.NDArray[np.float32]:
    """How much of the sun the ground in each pixel sees, shape (H, W)."""
    _, maps, _ = ground_lookup(camera, sun, camera.rays())
    seen = cv2.remap(
        sun.values, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(seen, np.float32)
