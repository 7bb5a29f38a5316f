"""Cars as lofted meshes: an outline along the length, a cross-section, materials by place.

A body is a row of cross-sections from tail to nose. Each runs from the sill up over the belt line
to the roof; where the outline lies above the belt line there is a cabin, and its sides are glass.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator.camera import Points
from simulator.light import Bgr
from simulator.mesh import Mesh, box, joined, make_mesh


@dataclass(frozen=True, slots=True)
class CarShape:
    """Outline of a kind of car.

    Attributes:
        name: what people call it.
        size_m: length, width, height.
        top: outline of the top, pairs of place along the length (0 tail, 1 nose) and height as a
            share of the whole height.
        belt: height of the belt line, share of the height.
        glass: from where to where along the length the side windows run, 0 to 1.
        pillars: where along the length the pillars between them stand.
        roof: from where to where along the length the roof is; before and behind it is glass.
        tumblehome: how much narrower the roof is, share of half the width.
        wheel_radius_m: radius of the tyres.
    """

    name: str
    size_m: tuple[float, float, float]
    top: tuple[tuple[float, float], ...]
    belt: float
    glass: tuple[float, float]
    pillars: tuple[float, ...]
    roof: tuple[float, float]
    tumblehome: float
    wheel_radius_m: float


SHAPES: tuple[CarShape, ...] = (
    CarShape("sedan", (4.68, 1.83, 1.45),
             ((0, 0.55), (0.015, 0.69), (0.15, 0.725), (0.31, 0.955), (0.40, 1.0), (0.52, 0.99),
              (0.585, 0.955), (0.735, 0.70), (0.88, 0.63), (0.97, 0.55), (1, 0.42)),
             0.655, (0.20, 0.70), (0.455, 0.60), (0.30, 0.59), 0.26, 0.325),
    CarShape("hatch", (4.15, 1.78, 1.47),
             ((0, 0.52), (0.02, 0.66), (0.075, 0.90), (0.12, 0.965), (0.30, 1.0), (0.48, 0.99),
              (0.555, 0.95), (0.73, 0.71), (0.88, 0.64), (0.97, 0.56), (1, 0.44)),
             0.655, (0.11, 0.70), (0.235, 0.445, 0.61), (0.115, 0.56), 0.24, 0.315),
    CarShape("estate", (4.72, 1.83, 1.48),
             ((0, 0.52), (0.015, 0.66), (0.07, 0.92), (0.105, 0.965), (0.30, 1.0), (0.50, 0.99),
              (0.585, 0.95), (0.735, 0.70), (0.88, 0.63), (0.97, 0.55), (1, 0.42)),
             0.645, (0.09, 0.70), (0.255, 0.455, 0.62), (0.10, 0.59), 0.25, 0.325),
    CarShape("suv", (4.52, 1.87, 1.67),
             ((0, 0.50), (0.02, 0.66), (0.06, 0.90), (0.10, 0.965), (0.28, 1.0), (0.50, 0.99),
              (0.575, 0.955), (0.715, 0.73), (0.89, 0.67), (0.97, 0.58), (1, 0.44)),
             0.655, (0.10, 0.69), (0.24, 0.44, 0.60), (0.10, 0.58), 0.22, 0.36),
    CarShape("city", (3.58, 1.64, 1.51),
             ((0, 0.50), (0.02, 0.66), (0.06, 0.90), (0.10, 0.965), (0.32, 1.0), (0.52, 0.99),
              (0.60, 0.95), (0.79, 0.70), (0.91, 0.62), (0.98, 0.54), (1, 0.44)),
             0.63, (0.09, 0.76), (0.235, 0.49, 0.67), (0.10, 0.605), 0.22, 0.29),
    CarShape("van", (4.95, 1.93, 1.96),
             ((0, 0.42), (0.008, 0.60), (0.02, 0.93), (0.05, 0.985), (0.30, 1.0), (0.62, 0.99),
              (0.70, 0.955), (0.835, 0.66), (0.94, 0.56), (0.985, 0.48), (1, 0.36)),
             0.59, (0.60, 0.81), (0.70,), (0.03, 0.70), 0.13, 0.335),
    CarShape("minibus", (4.90, 1.92, 1.90),
             ((0, 0.42), (0.008, 0.60), (0.025, 0.93), (0.06, 0.985), (0.30, 1.0), (0.62, 0.99),
              (0.70, 0.955), (0.83, 0.66), (0.94, 0.57), (0.985, 0.49), (1, 0.36)),
             0.59, (0.05, 0.80), (0.235, 0.45, 0.66), (0.06, 0.70), 0.15, 0.335),
    CarShape("pickup", (5.30, 1.90, 1.80),
             ((0, 0.52), (0.01, 0.60), (0.375, 0.605), (0.385, 0.90), (0.42, 0.985), (0.50, 1.0),
              (0.585, 0.985), (0.63, 0.95), (0.745, 0.70), (0.90, 0.65), (0.975, 0.58), (1, 0.44)),
             0.615, (0.395, 0.73), (0.53, 0.655), (0.40, 0.635), 0.20, 0.385),
)  # fmt: skip
"""Kinds of car by outline, measured off common models."""

PAINTS: tuple[tuple[str, Bgr, float], ...] = (
    ("white", (0.78, 0.80, 0.80), 0.20),
    ("silver", (0.43, 0.42, 0.41), 0.15),
    ("grey", (0.15, 0.145, 0.14), 0.17),
    ("black", (0.016, 0.015, 0.015), 0.18),
    ("blue", (0.30, 0.10, 0.03), 0.10),
    ("red", (0.03, 0.03, 0.36), 0.08),
    ("dark blue", (0.09, 0.035, 0.018), 0.05),
    ("green", (0.06, 0.12, 0.05), 0.02),
    ("sand", (0.28, 0.38, 0.44), 0.03),
    ("orange", (0.02, 0.14, 0.55), 0.02),
)
"""Name, reflectance and share of the market of each paint."""

_GLASS: Bgr = (0.022, 0.019, 0.017)
_TYRE: Bgr = (0.018, 0.018, 0.018)
_TRIM: Bgr = (0.025, 0.025, 0.025)
_STATIONS = 64
_ROWS = ((0, 1, 1), (1, 2, 4), (2, 3, 4), (3, 4, 1), (4, 5, 3), (5, 6, 1), (6, 7, 2))


@dataclass(frozen=True, slots=True)
class Car:
    """One car: outline, paint, and whether its lights are on."""

    shape: CarShape
    paint_bgr: Bgr
    lights_on: bool = False
    braking: bool = False

    @property
    def length_m(self) -> float:
        """From bumper to bumper."""
        return self.shape.size_m[0]

    @property
    def width_m(self) -> float:
        """Without mirrors."""
        return self.shape.size_m[1]

    def footprint(self, position_xy_m: tuple[float, float], heading_rad: float) -> Points:
        """The four corners on the ground, shape (4, 2), rear left first, counter-clockwise."""
        half_l, half_w = self.length_m / 2, self.width_m / 2
        corners = np.array(
            [(-half_l, half_w), (-half_l, -half_w), (half_l, -half_w), (half_l, half_w)]
        )
        sin, cos = math.sin(heading_rad), math.cos(heading_rad)
        return np.asarray(corners @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(position_xy_m))


def random_car(rng: np.random.Generator) -> Car:
    """A car as the market has them."""
    shape_share = np.array([0.24, 0.24, 0.10, 0.22, 0.07, 0.05, 0.04, 0.04])
    shape = SHAPES[int(rng.choice(len(SHAPES), p=shape_share))]
    paint_share = np.array([share for _, _, share in PAINTS])
    _, paint, _ = PAINTS[int(rng.choice(len(PAINTS), p=paint_share / paint_share.sum()))]
    if shape.name == "van" and rng.random() < 0.6:
        paint = PAINTS[0][1]
    tint = 1 + rng.normal(0, 0.08, 3)
    blue, green, red = (float(c) for c in np.clip(np.asarray(paint) * tint, 0.01, 0.85))
    return Car(shape, (blue, green, red))


@lru_cache(maxsize=128)
def car_mesh(car: Car) -> Mesh:
    """The mesh of a car, nose along +x, centre of its footprint at the origin."""
    length, width, height = car.shape.size_m
    parts = [_body(car), _ends(car), *_wheels(car)]
    mirror_x = (car.shape.glass[1] - 0.5) * length - 0.05
    for side in (-1, 1):
        inner, outer = sorted((side * width * 0.47, side * width * 0.56))
        parts.append(
            box(
                (mirror_x, inner, height * car.shape.belt * 0.98),
                (mirror_x + 0.13, outer, height * car.shape.belt * 1.09),
                car.paint_bgr,
            )
        )
    return joined(parts)


def _section(shape: CarShape, along: npt.NDArray[np.float64]) -> Points:
    """Half cross-sections at places along the length, shape (S, 8, 2): half-width and height."""
    _, width, height = shape.size_m
    places, heights = zip(*shape.top, strict=True)
    top = np.interp(along, places, heights) * height
    belt = np.minimum(shape.belt * height, top - 0.012 * height)
    plan = 0.5 * width * (1 - np.abs(2 * along - 1) ** 7 * 0.20)
    cabin = np.clip((top - belt) / (height * (1 - shape.belt)), 0.0, 1.0)
    edge = plan * (0.945 - shape.tumblehome * 0.8 * cabin)
    rise = top - belt
    sill = np.full_like(along, 0.105 * height)
    sill = sill + 0.09 * height * np.clip(np.abs(2 * along - 1) * 6 - 5, 0, 1)
    points = [
        (plan * 0.93, sill),
        (plan * 0.985, np.minimum(0.22 * height, belt * 0.55)),
        (plan, np.minimum(0.42 * height, belt * 0.80)),
        (plan * 0.99, belt * 0.965),
        (plan * 0.955, belt),
        (edge, belt + rise * 0.90),
        (edge * 0.86, belt + rise * 0.975),
        (edge * 0.0, top),
    ]
    return np.stack([np.stack(pair, -1) for pair in points], 1)


def _body(car: Car) -> Mesh:
    length = car.length_m
    along = 0.5 - 0.5 * np.cos(np.linspace(0, math.pi, _STATIONS)) * 0.25
    along = np.linspace(0, 1, _STATIONS) * 0.8 + (along - 0.375) / 0.25 * 0.2
    section = _section(car.shape, along)
    lines = []
    for start, end, steps in _ROWS:
        for step in range(steps):
            share = step / steps
            lines.append(section[:, start] * (1 - share) + section[:, end] * share)
    lines.append(section[:, -1])
    grid = np.stack(lines, 1)
    x = np.broadcast_to(((along - 0.5) * length)[:, None], grid.shape[:2])
    half = np.stack([x, grid[..., 0], grid[..., 1]], -1)
    quads = np.stack([half[:-1, :-1], half[1:, :-1], half[1:, 1:], half[:-1, 1:]], 2)
    row = np.concatenate([np.full(steps, start) for start, _, steps in _ROWS])
    rows = np.broadcast_to(row, quads.shape[:2]).ravel()
    quads = quads.reshape(-1, 4, 3)
    both = np.concatenate([quads, quads * (1.0, -1.0, 1.0)])
    rows = np.concatenate([rows, rows])
    outward = both.mean(1) - np.array([0, 0, 0.4 * car.shape.size_m[2]])
    outward[:, 0] = 0
    mesh = make_mesh(both, outward, car.paint_bgr)
    return _dressed(mesh, rows, car)


def _dressed(mesh: Mesh, rows: npt.NDArray[np.int_], car: Car) -> Mesh:
    """Glass, pillars, arches, seams and bumpers on the painted body."""
    shape = car.shape
    length, _, height = shape.size_m
    centre = mesh.quads_m.mean(1)
    along, z = centre[:, 0] / length + 0.5, centre[:, 2]
    gloss, albedo = mesh.gloss, mesh.albedo_bgr
    gloss[:] = 0.045
    places, heights = zip(*shape.top, strict=True)
    cabin = np.interp(along, places, heights) * height - shape.belt * height > 0.08 * height

    arch = np.zeros(len(z), bool)
    for wheel in _axles(shape):
        arch |= np.hypot(along * length - wheel * length, z - shape.wheel_radius_m) < (
            shape.wheel_radius_m * 1.20
        )
    arch &= rows <= 2
    sill = (rows == 0) | ((z < 0.17 * height) & (rows <= 1))
    albedo[sill | arch] = _TRIM
    gloss[sill | arch] = 0.0

    sides = (rows == 4) & cabin & (along > shape.glass[0]) & (along < shape.glass[1])
    for pillar in shape.pillars:
        sides &= np.abs(along - pillar) > 0.011
    panes = (rows >= 5) & cabin & ((along < shape.roof[0]) | (along > shape.roof[1]))
    if shape.name in {"van", "pickup"}:
        panes &= along > shape.roof[1]
    wedge = (rows == 4) & cabin & (along > shape.roof[1]) & (along >= shape.glass[1])
    for glass in (sides, panes, wedge):
        albedo[glass] = _GLASS
        gloss[glass] = 0.075
    seams = np.zeros(len(z), bool)
    for seam in (*shape.pillars, shape.glass[1]):
        seams |= np.abs(along - seam) < 0.0075
    seams &= (rows >= 1) & (rows <= 3) & (z > 0.22 * height) & ~arch
    albedo[seams] *= 0.45
    if shape.name == "pickup":
        bed = (rows >= 5) & (along < 0.37) & (along > 0.03)
        albedo[bed] = (0.03, 0.03, 0.03)
        gloss[bed] = 0
    return mesh


def _axles(shape: CarShape) -> tuple[float, float]:
    """Places of the rear and front wheels along the length, 0 to 1."""
    return (0.195, 0.815) if shape.name != "pickup" else (0.235, 0.825)


def _ends(car: Car) -> Mesh:
    """Nose and tail: bumpers, grille, lamps, plate."""
    length = car.length_m
    parts = []
    for end in (0.0, 1.0):
        section = _section(car.shape, np.array([end]))[0][:6]
        heights = np.linspace(section[0, 1], section[-1, 1], 9)
        halves = np.interp(heights, section[:, 1], section[:, 0])
        across = np.linspace(-1, 1, 13)
        y = halves[:, None] * across
        bulge = 0.02 + 0.05 * (1 - across**2)
        x = (end - 0.5) * length + np.sign(end - 0.5) * np.broadcast_to(bulge, y.shape)
        grid = np.stack([x, y, np.broadcast_to(heights[:, None], y.shape)], -1)
        quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], 2)
        mesh = make_mesh(quads.reshape(-1, 4, 3), np.array([end - 0.5, 0, 0]), car.paint_bgr)
        mesh.gloss[:] = 0.045
        parts.append(_end_dressed(mesh, car, front=end > 0.5))
    return joined(parts)


def _end_dressed(mesh: Mesh, car: Car, *, front: bool) -> Mesh:
    _, width, _ = car.shape.size_m
    centre = mesh.quads_m.mean(1)
    low, high = centre[:, 2].min(), centre[:, 2].max()
    z = (centre[:, 2] - low) / (high - low)
    side = np.abs(centre[:, 1]) / (width / 2)
    dark = z < 0.22
    mesh.albedo_bgr[dark] = _TRIM
    mesh.gloss[dark] = 0.0
    lamp = (z > 0.60) & (side > 0.56)
    if front:
        grille = (z > 0.38) & (z < 0.80) & (side < 0.46)
        mesh.albedo_bgr[grille] = (0.02, 0.02, 0.02)
        mesh.albedo_bgr[lamp] = (0.62, 0.62, 0.60)
        mesh.gloss[lamp] = 0.12
        if car.lights_on:
            mesh.glow_bgr[lamp & (z < 0.95)] = (2.2, 2.6, 2.8)
    else:
        mesh.albedo_bgr[lamp] = (0.015, 0.015, 0.30)
        mesh.gloss[lamp] = 0.06
        glow = (0.9 if car.braking else 0.28) * (car.lights_on or car.braking)
        mesh.glow_bgr[lamp] = (0.03 * glow, 0.03 * glow, glow)
    plate = (z > 0.30) & (z < 0.52) & (side < 0.24)
    mesh.albedo_bgr[plate] = (0.66, 0.68, 0.66)
    return mesh


def _wheels(car: Car) -> list[Mesh]:
    """Outer faces of the four wheels, as rings of quads."""
    shape = car.shape
    length, width, _ = shape.size_m
    radius = shape.wheel_radius_m
    angles = np.linspace(0, 2 * math.pi, 15)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    rings: tuple[tuple[float, float, Bgr, float], ...] = (
        (1.0, 0.66, _TYRE, 0.0),
        (0.66, 0.20, (0.30, 0.30, 0.30), 0.06),
        (0.20, 0.0, (0.10, 0.10, 0.10), 0.0),
    )
    parts = []
    for place in _axles(shape):
        for side in (-1.0, 1.0):
            for outer, inner, albedo, gloss in rings:
                loops = []
                for share in (outer, inner):
                    loop = np.empty((len(circle), 3))
                    loop[:, 0] = (place - 0.5) * length + circle[:, 0] * radius * share
                    loop[:, 1] = side * (width / 2 * 0.985 + 0.01)
                    loop[:, 2] = radius + circle[:, 1] * radius * share
                    loops.append(loop)
                a, b = loops
                quads = np.stack([a[:-1], a[1:], b[1:], b[:-1]], 1)
                mesh = make_mesh(quads, np.array([0.0, side, 0.0]), albedo)
                mesh.gloss[:] = gloss
                mesh.nearer_m[:] = 0.5
                if inner > 0 and outer < 1:
                    mesh.albedo_bgr[::2] *= 0.45  # spokes
                parts.append(mesh)
    return parts
