"""The ground, seen from above: asphalt, paint, islands, dirt, and what light falls on it.

Everything flat is painted once into a raster of the ground and lit there; the camera then only
looks the raster up along its rays.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, Points
from simulator.layout import BaySpot, LotLayout
from simulator.light import Light, Weather
from telemetry.vocabulary import BayKind

Raster = npt.NDArray[np.float32]
_SHIFT = 5
_LINE_M = 0.11
_PAD_M = 1.5


@dataclass(frozen=True, slots=True)
class GroundMap:
    """A raster of the ground.

    Attributes:
        origin_m: x and y of the first cell's corner.
        cells_per_m: resolution.
        values: shape (rows along y, columns along x, ...).
    """

    origin_m: tuple[float, float]
    cells_per_m: float
    values: Raster

    def cells(self, points_m: Points) -> Points:
        """Ground points in cells (column, row), for any (..., 2) metres."""
        return np.asarray((points_m - np.asarray(self.origin_m)) * self.cells_per_m)

    def at(self, points_m: Points) -> Points:
        """Nearest values at ground points (F, 2); the border's value outside."""
        column, row = np.round(self.cells(points_m) - 0.5).astype(int).T
        rows, columns = self.values.shape[:2]
        found = self.values[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        return np.asarray(found, np.float64)

    def fill(self, corners_m: Points, value: float | tuple[float, ...]) -> None:
        """Paint a convex polygon (K, 2) in metres, anti-aliased by its neighbours' blur later."""
        fixed = np.round(self.cells(corners_m) * (1 << _SHIFT)).astype(np.int32)
        scalar = value if isinstance(value, tuple) else (value,)
        cv2.fillPoly(self.values, [fixed], scalar, cv2.LINE_8, _SHIFT)


def noise_field(
    rng: np.random.Generator, shape: tuple[int, int], cell_px: float, octaves: int = 4
) -> Raster:
    """Smooth random field, mean 0, about -1 to 1, features of `cell_px` and halves of it."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        step = max(cell_px / 2**octave, 1.0)
        small = (max(int(shape[1] / step), 2), max(int(shape[0] / step), 2))
        values = rng.standard_normal((small[1], small[0]), dtype=np.float32)
        grown = cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        total += grown.astype(np.float32) * np.float32(0.5**octave * 0.6)
    return total


def ground_albedo(
    layout: LotLayout,
    light: Light,
    window_m: tuple[float, float, float, float],
    cells_per_m: float,
    rng: np.random.Generator,
) -> GroundMap:
    """Reflectance of the ground inside `window_m` (x_min, y_min, x_max, y_max), BGR."""
    x0, y0, x1, y1 = window_m
    shape = (math.ceil((y1 - y0) * cells_per_m), math.ceil((x1 - x0) * cells_per_m))
    fine = noise_field(rng, shape, cells_per_m * 0.06, 2)
    broad = noise_field(rng, shape, cells_per_m * 5.0, 5)
    grass = (
        np.array([0.030, 0.085, 0.055], np.float32) * (1 + 0.28 * fine + 0.18 * broad)[..., None]
    )
    tone = float(rng.uniform(0.085, 0.16))
    if layout.ceiling_m is not None:
        tone *= 1.9  # concrete
    asphalt_tone = tone * (1 + 0.13 * fine + 0.12 * broad)
    asphalt = asphalt_tone[..., None] * np.array([1.0, 0.99, 0.965], np.float32)
    ground = GroundMap((x0, y0), cells_per_m, grass.astype(np.float32))
    paved = GroundMap((x0, y0), cells_per_m, np.zeros(shape, np.float32))
    paved.fill(_on_lot(layout, _rect_outline(layout.paved_m)), 1.0)
    mask = (paved.values > 0.5) | (layout.ceiling_m is not None)
    ground.values[mask] = asphalt[mask]
    _wear(ground, layout, rng)
    _paint(ground, layout, broad + fine * 0.7)
    for rect in layout.islands_m:
        _island(ground, rect, grass)
    np.clip(ground.values, 0.004, 0.9, out=ground.values)
    if light.wet > 0:
        puddle = np.clip(0.75 + 0.35 * broad, 0.4, 1.0)[..., None]
        ground.values[:] *= 1 - light.wet * 0.55 * puddle
    if light.weather is Weather.SNOW:
        _snow(ground, layout, broad + fine * 0.3)
    return ground


def _rect(rect: tuple[float, float, float, float], grow_m: float = 0.0) -> Points:
    x0, y0, x1, y1 = rect
    x0, y0, x1, y1 = x0 - grow_m, y0 - grow_m, x1 + grow_m, y1 + grow_m
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _rect_outline(rect: tuple[float, float, float, float]) -> Points:
    """Corners of a rectangle and points along its sides, fine enough to be bent."""
    corners = _rect(rect)
    share = np.linspace(0, 1, 40, endpoint=False)[:, None]
    return np.concatenate(
        [a + (b - a) * share for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
    )


def _on_lot(layout: LotLayout, plan_m: Points) -> Points:
    """Points of the plan where they lie on the ground."""
    return plan_m if layout.bend is None else layout.bend.points(plan_m)


def _plan_y(layout: LotLayout, ground: GroundMap) -> Points:
    """How far across the lanes each cell lies: (rows, 1), or (rows, columns) of a bent lot."""
    rows, columns = ground.values.shape[:2]
    y = np.arange(rows) / ground.cells_per_m + ground.origin_m[1]
    if layout.bend is None:
        return y[:, None]
    x = np.arange(columns) / ground.cells_per_m + ground.origin_m[0]
    return layout.bend.plan_y(np.stack(np.meshgrid(x, y), -1))


def _island(ground: GroundMap, rect: tuple[float, float, float, float], grass: Raster) -> None:
    ground.fill(_rect(rect), (0.33, 0.35, 0.36))
    inner = GroundMap(ground.origin_m, ground.cells_per_m, np.zeros(grass.shape[:2], np.float32))
    inner.fill(_rect(rect, -0.18), 1.0)
    mask = inner.values > 0.5
    ground.values[mask] = grass[mask]


def _wear(ground: GroundMap, layout: LotLayout, rng: np.random.Generator) -> None:
    """Oil in the bays, tracks in the lanes, patches, cracks."""
    shade = np.ones(ground.values.shape[:2], np.float32)
    layer = GroundMap(ground.origin_m, ground.cells_per_m, shade)
    for bay in layout.bays:
        for _ in range(int(rng.integers(0, 3))):
            spot = np.asarray(bay.centre_m) + rng.normal(0, 0.5, 2)
            ring = rng.uniform(0.15, 0.4) * (1 + 0.3 * rng.normal(0, 1, 12))
            angle = np.linspace(0, 2 * math.pi, 12, endpoint=False)
            blob = spot + np.stack([np.cos(angle), np.sin(angle)], 1) * ring[:, None]
            layer.fill(blob, float(rng.uniform(0.62, 0.88)))
    for _ in range(int(rng.integers(1, 5))):
        x0, y0, x1, y1 = layout.paved_m
        x, y = rng.uniform(max(x0, -20), min(x1, 20)), rng.uniform(y0, y1)
        patch = (x, y, x + float(rng.uniform(0.8, 5)), y + float(rng.uniform(0.6, 2)))
        layer.fill(_rect(patch), float(rng.uniform(0.75, 1.12)))
    for _ in range(int(rng.integers(4, 14))):
        start = rng.uniform((-22, layout.paved_m[1]), (22, layout.paved_m[3]))
        steps = np.cumsum(rng.normal(0, 0.35, (26, 2)) + rng.normal(0, 0.22, 2), axis=0)
        path = np.round(layer.cells(start + steps)).astype(np.int32)
        cv2.polylines(shade, [path], False, (0.6,), 1)
    blurred = cv2.GaussianBlur(shade, (0, 0), max(ground.cells_per_m * 0.02, 0.6))
    band = _plan_y(layout, ground)
    for lane in layout.lanes:
        for offset in (-0.8, 0.8):
            track = np.exp(-(((band - lane.y_m - offset) / 0.45) ** 2)) * 0.07
            blurred = blurred * (1 + track.astype(np.float32))
    ground.values[:] *= blurred[..., None]


def _paint(ground: GroundMap, layout: LotLayout, wear: Raster) -> None:
    """Lines, symbols and arrows, worn off where `wear` is high."""
    cover = GroundMap(ground.origin_m, ground.cells_per_m, np.zeros(wear.shape, np.float32))
    blue = GroundMap(ground.origin_m, ground.cells_per_m, np.zeros(wear.shape, np.float32))
    for bay in layout.bays:
        for a, b in _strokes(bay, layout.line_style):
            cover.fill(_stroke(a, b, _LINE_M), 1.0)
        if bay.kind in {BayKind.DISABLED, BayKind.EV}:
            pad = bay if layout.whole_pads else replace(bay, length_m=_PAD_M, width_m=_PAD_M)
            blue.fill(pad.corners(0.35 * layout.whole_pads), 1.0)
            _symbol(cover, bay)
    for lane in layout.lanes:
        for x in (-16.0, -4.0, 8.0, 20.0):
            for outline in _arrow((x, lane.y_m - lane.width_m * 0.23)):
                cover.fill(_on_lot(layout, outline), 1.0)
    keep = np.clip(1.05 - np.clip(wear * 0.55, 0, None), 0.15, 1.0)
    tint = np.array([0.36, 0.13, 0.05], np.float32)
    for layer, colour in ((blue, tint), (cover, np.asarray(layout.line_bgr, np.float32))):
        soft = cv2.GaussianBlur(layer.values, (0, 0), 0.7) * keep
        ground.values[:] = ground.values * (1 - soft[..., None]) + colour * soft[..., None]


def _strokes(bay: BaySpot, style: str) -> list[tuple[Points, Points]]:
    near_left, near_right, far_right, far_left = bay.corners()
    sides = [(near_left, far_left), (near_right, far_right)]
    if style == "box" or bay.angle.value == "parallel":
        return [*sides, (far_left, far_right), (near_left, near_right)]
    if style == "tee":
        return [(a, a + (b - a) * 0.16) for a, b in sides] + [
            (b, b + (a - b) * 0.16) for a, b in sides
        ]
    return [*sides, (far_left, far_right)]


def _stroke(start: Points, end: Points, width_m: float) -> Points:
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    across = np.array([-along[1], along[0]]) * width_m / 2
    return np.array([start - across, end - across, end + across, start + across])


def _symbol(cover: GroundMap, bay: BaySpot) -> None:
    """A plain pictogram in the middle of a bay: a wheel and a seat, or a plug."""
    sin, cos = math.sin(bay.heading_rad), math.cos(bay.heading_rad)
    turn = np.array([[cos, sin], [-sin, cos]])
    centre = np.asarray(bay.centre_m)
    angle = np.linspace(0, 2 * math.pi, 17)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * 0.42
    marks = [(ring[i], ring[i + 1]) for i in range(16 if bay.kind is BayKind.EV else 12)]
    marks += [((0.1, 0.0), (0.75, 0.0)), ((0.1, 0.0), (0.0, 0.4))]
    for a, b in marks:
        cover.fill(_stroke(np.asarray(a) @ turn + centre, np.asarray(b) @ turn + centre, 0.12), 1.0)


def _arrow(tail_m: tuple[float, float]) -> tuple[Points, Points]:
    """Shaft and head of an arrow on the plan."""
    x, y = tail_m
    return (
        _stroke(np.array([x, y]), np.array([x + 1.7, y]), 0.16),
        np.array([(x + 1.6, y - 0.38), (x + 2.6, y), (x + 1.6, y + 0.38)]),
    )


def _snow(ground: GroundMap, layout: LotLayout, noise: Raster) -> None:
    """Snow lies where nobody drives, and is thin in the lanes."""
    cover = np.clip(0.75 + 0.4 * noise, 0.0, 1.0)
    y = _plan_y(layout, ground)
    for lane in layout.lanes:
        inside = np.clip(1.3 - np.abs(y - lane.y_m) / (lane.width_m / 2), 0, 1)
        cover = cover * (1 - 0.8 * inside)
    mix = (cover * 0.85)[..., None].astype(np.float32)
    ground.values[:] = ground.values * (1 - mix) + 0.78 * mix


def look_down(
    camera: Camera, lit: GroundMap, far_bgr: Points, light: Light, supersample: int
) -> npt.NDArray[np.uint8]:
    """The ground and the sky as the camera sees them, without anything on the ground.

    Args:
        camera: that looks.
        lit: radiance of the ground near the lot, BGR.
        far_bgr: radiance of the ground beyond it, shape (3,).
        light: for sky and haze.
        supersample: rays per pixel, each way.

    Returns:
        Display values, shape (H, W, 3).
    """
    width, height = camera.image_wh
    rays: Raster = camera.rays()
    if supersample > 1:
        fine = (width * supersample, height * supersample)
        rays = np.asarray(cv2.resize(rays, fine, interpolation=cv2.INTER_LINEAR), np.float32)
    down, maps, reach = ground_lookup(camera, lit, rays)
    near = _remap(lit.values, maps)
    blurred = np.asarray(cv2.GaussianBlur(lit.values, (0, 0), 2.5), np.float32)
    soft = _remap(blurred, maps)
    footprint = reach**2 * np.float32(lit.cells_per_m / camera.position_m[2] / camera.focal_px)
    near += (soft - near) * np.clip(footprint / (4 * supersample) - 0.25, 0, 1)[..., None]
    rows, columns = lit.values.shape[:2]
    beside = np.abs((maps[..., 0] + 0.5) / np.float32(columns) - 0.5)
    beside = np.maximum(beside, np.abs((maps[..., 1] + 0.5) / np.float32(rows) - 0.5))
    fade = np.clip((beside - np.float32(0.5)) * 20, 0, 1)[..., None]
    near += (far_bgr.astype(np.float32) - near) * fade
    if light.wet > 0:
        grazing = np.clip((1 + rays[..., 2:]) ** 5, 0.02, 1) * np.float32(light.wet * 0.38)
        near += light.sky_radiance(-rays[..., 2]) * grazing
    ground = light.through_haze(near, reach)
    radiance = np.where(down[..., None], ground, light.sky_radiance(rays[..., 2]))
    display = light.develop(radiance)
    if supersample == 1:
        return display
    return cv2.resize(display, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def ground_lookup(
    camera: Camera, ground: GroundMap, rays: Raster
) -> tuple[npt.NDArray[np.bool_], Raster, Raster]:
    """Where rays meet the ground.

    Returns:
        Whether each ray goes down, (H, W); the cell of the raster that it hits, column and row,
        (H, W, 2); how far it runs, metres, (H, W).
    """
    down = rays[..., 2] < np.float32(-0.004)
    steep = np.minimum(rays[..., 2], np.float32(-0.004))
    reach = np.asarray(np.float32(-camera.position_m[2]) / steep, np.float32)
    origin = (np.asarray(camera.position_m[:2]) - ground.origin_m) * ground.cells_per_m - 0.5
    cells = rays[..., :2] * (reach * np.float32(ground.cells_per_m))[..., None]
    cells += origin.astype(np.float32)
    return down, np.clip(cells, -30_000, 30_000), reach


def _remap(values: Raster, maps: Raster) -> Raster:
    found = cv2.remap(
        values, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float32)
