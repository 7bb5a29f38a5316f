"""What stands round the cars: trees, lamp posts, buildings, kerbs, people, and their shadows."""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Points
from simulator.ground import GroundMap
from simulator.layout import LotLayout, Post, Tree, Wall
from simulator.light import Bgr, Lamp, Light
from simulator.mesh import Mesh, box, joined, make_mesh, tube

_LEAVES = 1500
_ARM_M = 1.4


def lamp_of(post: Post, bgr: Bgr) -> Lamp:
    """The lamp at the end of a post's arm."""
    x = post.foot_m[0] + math.cos(post.arm_rad) * _ARM_M
    y = post.foot_m[1] + math.sin(post.arm_rad) * _ARM_M
    return Lamp((x, y, post.height_m - 0.15), bgr)


def tree_mesh(tree: Tree, rng: np.random.Generator) -> Mesh:
    """A trunk and a crown of leaf tufts that look outwards from several clumps."""
    x, y = tree.foot_m
    trunk = tube(
        [((x, y, 0.0), 0.17, 0.17), ((x, y, tree.height_m * 0.6), 0.10, 0.10)],
        (0.05, 0.075, 0.10),
    )
    clumps = 14
    centre = np.array([x, y, tree.height_m - tree.radius_m * 0.95])
    spread = rng.normal(0, 0.42, (clumps, 3)) * tree.radius_m
    which = rng.integers(0, clumps, _LEAVES)
    outward = rng.normal(0, 1, (_LEAVES, 3))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    reach = tree.radius_m * rng.uniform(0.30, 0.62, (_LEAVES, 1))
    spots = centre + spread[which] + outward * reach * (1.0, 1.0, 0.85)
    tilt = outward + rng.normal(0, 0.45, outward.shape)
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    side = np.cross(tilt, rng.normal(0, 1, tilt.shape))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tilt, side)
    size = rng.uniform(0.09, 0.21, (_LEAVES, 1)) * tree.radius_m / 2.2
    quads = np.stack(
        [spots - side * size, spots - other * size, spots + side * size, spots + other * size], 1
    )
    depth = np.clip(0.55 + 0.45 * (spots[:, 2] - centre[2]) / tree.radius_m, 0.35, 1.0)
    hue = np.array([0.030, 0.105, 0.055]) * (1 + rng.normal(0, 0.10, 3))
    colour = hue * depth[:, None] * (1 + rng.normal(0, 0.14, (_LEAVES, 1)))
    crown = make_mesh(quads, tilt, np.clip(colour, 0.004, 0.5))
    return joined([trunk, crown])


def post_mesh(post: Post, *, lit: bool) -> Mesh:
    """A mast, an arm and a lamp head."""
    x, y = post.foot_m
    head = lamp_of(post, (1.0, 1.0, 1.0)).position_m
    mast = tube(
        [((x, y, 0.0), 0.085, 0.085), ((x, y, post.height_m), 0.05, 0.05)], (0.22, 0.22, 0.21), 6
    )
    xs, ys = sorted((x, head[0])), sorted((y, head[1]))
    arm = box(
        (xs[0] - 0.035, ys[0] - 0.035, post.height_m - 0.08),
        (xs[1] + 0.035, ys[1] + 0.035, post.height_m),
        (0.22, 0.22, 0.21),
    )
    shade = box(
        (head[0] - 0.25, head[1] - 0.16, post.height_m - 0.14),
        (head[0] + 0.25, head[1] + 0.16, post.height_m + 0.02),
        (0.25, 0.25, 0.25),
    )
    if lit:
        shade.glow_bgr[:] = (0.35, 0.45, 0.5)
    return joined([mast, arm, shade])


def wall_mesh(wall: Wall, rng: np.random.Generator, *, night: bool) -> Mesh:
    """A building: facades cut into cells, some of which are windows; at night a few are lit."""
    x0, y0, x1, y1 = wall.rect_m
    storeys = max(int(wall.height_m / 3.1), 1)
    columns = max(int((x1 - x0) / 1.6), 2)
    xs = np.linspace(x0, x1, columns * 2 + 2)
    zs = np.concatenate([[0.0], *[
        np.array([s + 0.32, s + 0.78]) * wall.height_m / storeys for s in range(storeys)
    ], [wall.height_m]])  # fmt: skip
    grid = np.stack(np.meshgrid(xs, [y0], zs, indexing="ij"), -1)[:, 0]
    quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], 2)
    rows, cells = quads.shape[:2]
    front = make_mesh(quads.reshape(-1, 4, 3), np.array([0.0, -1.0, 0.0]), wall.albedo_bgr)
    across, up = np.meshgrid(np.arange(rows), np.arange(cells), indexing="ij")
    window = ((across % 2 == 1) & (up % 2 == 1)).ravel()
    front.albedo_bgr[window] = (0.035, 0.03, 0.028)
    front.gloss[window] = 0.10
    if night:
        lit = window & (rng.random(len(window)) < 0.16)
        front.glow_bgr[lit] = (0.035, 0.07, 0.10)
    rest = box((x0, y0 + 0.02, 0), (x1, y1, wall.height_m), wall.albedo_bgr)
    return joined([rest.taken(np.array([1, 2, 3, 4])), front])


def kerb_mesh(rect: tuple[float, float, float, float]) -> Mesh:
    """The upright faces of an island's kerb, in pieces so that near ones may leave the picture."""
    x0, y0, x1, y1 = rect
    height = 0.13
    xs = [(x, min(x + 2.0, x1)) for x in np.arange(x0, x1, 2.0)]
    ys = [(y, min(y + 2.0, y1)) for y in np.arange(y0, y1, 2.0)]
    pieces = [
        [(a, y, 0), (b, y, 0), (b, y, height), (a, y, height)] for a, b in xs for y in (y0, y1)
    ]
    pieces += [
        [(x, a, 0), (x, b, 0), (x, b, height), (x, a, height)] for a, b in ys for x in (x0, x1)
    ]
    quads = np.array(pieces, np.float64)
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2, 0.0])
    outward = quads.mean(1) - centre
    flat = np.abs(quads[:, 1, 1] - quads[:, 0, 1]) < 1e-9
    outward[flat, 0] = 0
    outward[~flat, 1] = 0
    outward[:, 2] = 0
    return make_mesh(quads, outward, (0.36, 0.38, 0.39))


def pillar_mesh(rect: tuple[float, float, float, float], height_m: float) -> Mesh:
    """A concrete pillar with a yellow foot, as garages paint them."""
    x0, y0, x1, y1 = rect
    foot = box((x0, y0, 0.0), (x1, y1, 0.9), (0.08, 0.50, 0.62))
    return joined([foot, box((x0, y0, 0.9), (x1, y1, height_m), (0.44, 0.46, 0.47))])


def person_mesh(height_m: float, stride: float, shirt_bgr: Bgr, trousers_bgr: Bgr) -> Mesh:
    """A walking person at the origin, facing +x; `stride` in -1..1 swings legs and arms."""
    hip, shoulder = height_m * 0.50, height_m * 0.82
    swing = 0.30 * stride
    skin: Bgr = (0.22, 0.30, 0.42)
    parts = []
    for side, sign in ((0.09, 1.0), (-0.09, -1.0)):
        foot = swing * sign
        parts.append(tube([((foot, side, 0.0), 0.07, 0.055), ((foot * 0.5, side, hip * 0.5),
                     0.07, 0.06), ((0.0, side, hip), 0.095, 0.085)], trousers_bgr, 7))  # fmt: skip
        hand = -swing * sign * 0.8
        arm = side * 2.5
        parts.append(tube([((hand, arm, hip * 0.98), 0.045, 0.045),
                           ((0.0, arm * 0.92, shoulder), 0.055, 0.055)], shirt_bgr, 6))  # fmt: skip
    parts.append(tube([((0, 0, hip * 0.97), 0.12, 0.16), ((0, 0, height_m * 0.66), 0.12, 0.165),
                       ((0, 0, shoulder), 0.09, 0.20), ((0, 0, shoulder + 0.05), 0.06, 0.07)],
                      shirt_bgr, 9))  # fmt: skip
    top = height_m
    head = [((0.02, 0, top * 0.855), 0.05, 0.05), ((0.02, 0, top * 0.90), 0.10, 0.085),
            ((0.02, 0, top * 0.96), 0.105, 0.09), ((0.0, 0, top), 0.05, 0.05)]  # fmt: skip
    parts.append(tube(head[:2], skin, 8))
    parts.append(tube(head[1:], (0.03, 0.035, 0.05), 8))
    return joined(parts)


def shadow_outlines(mesh: Mesh, light: Light, split_m: float | None) -> list[Points]:
    """Outlines of a mesh's sun shadow on the ground, each (K, 2), convex.

    A body that is convex casts the hull of its projected corners; a car counts as two bodies, one
    up to the height `split_m` and one above it.
    """
    corners = mesh.quads_m.reshape(-1, 3)
    if light.to_sun[2] < 0.05:
        return []
    shift = np.asarray(light.to_sun[:2]) / light.to_sun[2]
    on_ground = corners[:, :2] - corners[:, 2:] * shift
    groups = [np.ones(len(corners), bool)]
    if split_m is not None:
        groups = [corners[:, 2] <= split_m, corners[:, 2] >= split_m * 0.95]
    return [
        cv2.convexHull(on_ground[group].astype(np.float32))[:, 0].astype(np.float64)
        for group in groups
        if group.sum() >= 3
    ]


def sun_map(
    layout: LotLayout,
    trees: list[Mesh],
    light: Light,
    window_m: tuple[float, float, float, float],
    cells_per_m: float,
) -> GroundMap:
    """How much of the sun each spot of ground sees beside what stands still, 0 to 1."""
    x0, y0, x1, y1 = window_m
    shape = (math.ceil((y1 - y0) * cells_per_m), math.ceil((x1 - x0) * cells_per_m))
    seen = GroundMap((x0, y0), cells_per_m, np.ones(shape, np.float32))
    if light.to_sun[2] < 0.05 or max(light.sun_bgr) <= 0:
        return seen
    shift = np.asarray(light.to_sun[:2]) / light.to_sun[2]
    for mesh in trees:
        for quad in mesh.quads_m[:, :, :2] - mesh.quads_m[:, :, 2:] * shift:
            seen.fill(quad, 0.0)
    solids = [post_mesh(post, lit=False) for post in layout.posts]
    solids += [
        box((*w.rect_m[:2], 0.0), (*w.rect_m[2:], w.height_m), (0, 0, 0)) for w in layout.walls
    ]
    for mesh in solids:
        for outline in _solid_shadows(mesh, shift):
            seen.fill(outline, 0.0)
    soft: npt.NDArray[np.float32] = cv2.GaussianBlur(
        seen.values, (0, 0), max(cells_per_m * 0.06, 0.5)
    ).astype(np.float32)
    return GroundMap((x0, y0), cells_per_m, soft)


def _solid_shadows(mesh: Mesh, shift: Points) -> list[Points]:
    return [
        cv2.convexHull((quad[:, :2] - quad[:, 2:] * shift).astype(np.float32))[:, 0].astype(
            np.float64
        )
        for quad in mesh.quads_m
    ]
