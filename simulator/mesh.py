"""Meshes of four-cornered faces, and simple bodies made of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.camera import Points
from simulator.light import Bgr, Surface


@dataclass(frozen=True, slots=True)
class Mesh:
    """Faces with materials.

    Attributes:
        quads_m: corners, shape (F, 4, 3); a triangle repeats a corner.
        normals: outward unit normals, shape (F, 3).
        albedo_bgr: diffuse reflectance, shape (F, 3).
        gloss: mirror reflectance at right angles, shape (F,).
        glow_bgr: own light, shape (F, 3).
        nearer_m: how much nearer than its centre a face counts when faces are sorted, shape (F,).
    """

    quads_m: Points
    normals: Points
    albedo_bgr: Points
    gloss: Points
    glow_bgr: Points
    nearer_m: Points

    def placed(self, position_xy_m: tuple[float, float], heading_rad: float) -> Mesh:
        """The mesh turned by `heading_rad` about z and moved to `position_xy_m`."""
        sin, cos = math.sin(heading_rad), math.cos(heading_rad)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        quads = self.quads_m @ turn.T + np.array([*position_xy_m, 0.0])
        normals = self.normals @ turn.T
        return Mesh(quads, normals, self.albedo_bgr, self.gloss, self.glow_bgr, self.nearer_m)

    def taken(self, index: Points) -> Mesh:
        """The faces chosen by an index or mask."""
        return Mesh(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def surface(self) -> Surface:
        """What light needs to know of the faces."""
        return Surface(
            self.quads_m.mean(1), self.normals, self.albedo_bgr, self.gloss, self.glow_bgr
        )


def joined(meshes: list[Mesh]) -> Mesh:
    """One mesh of several."""
    fields = Mesh.__dataclass_fields__
    return Mesh(*(np.concatenate([getattr(mesh, name) for mesh in meshes]) for name in fields))


def make_mesh(quads_m: Points, outward: Points, albedo_bgr: Points | Bgr) -> Mesh:
    """A matt mesh; normals are turned to agree with `outward`, shape (F, 3) or (3,)."""
    diagonal_a = quads_m[:, 2] - quads_m[:, 0]
    diagonal_b = quads_m[:, 3] - quads_m[:, 1]
    normals = np.cross(diagonal_a, diagonal_b)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    flip = (normals * outward).sum(1) < 0
    normals[flip] *= -1
    count = len(quads_m)
    albedo = np.broadcast_to(np.asarray(albedo_bgr, np.float64), (count, 3)).copy()
    zeros = np.zeros(count)
    return Mesh(quads_m, normals, albedo, zeros, np.zeros((count, 3)), zeros.copy())


def box(
    low_m: tuple[float, float, float], high_m: tuple[float, float, float], albedo_bgr: Bgr
) -> Mesh:
    """An upright box without its bottom."""
    (x0, y0, z0), (x1, y1, z1) = low_m, high_m
    quads = np.array(
        [
            [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
            [(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)],
            [(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)],
            [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
            [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)],
        ],
        np.float64,
    )
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2])
    return make_mesh(quads, quads.mean(1) - centre, albedo_bgr)


def tube(
    rings: Sequence[tuple[tuple[float, float, float], float, float]],
    albedo_bgr: Bgr,
    sides: int = 8,
) -> Mesh:
    """A body of rotation-like rings (centre, radius along x, radius along y), closed on top."""
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    loops = []
    for centre, radius_x, radius_y in rings:
        loop = np.empty((sides, 3))
        loop[:, :2] = circle * (radius_x, radius_y) + centre[:2]
        loop[:, 2] = centre[2]
        loops.append(loop)
    quads = [
        np.stack([low, np.roll(low, -1, 0), np.roll(high, -1, 0), high], 1)
        for low, high in itertools.pairwise(loops)
    ]
    top = loops[-1]
    hub = np.broadcast_to(top.mean(0), top.shape)
    quads.append(np.stack([top, np.roll(top, -1, 0), hub, hub], 1))
    outward = [
        q.mean(1) - np.array([*ring[0][:2], 0.0]) for q, ring in zip(quads, rings, strict=True)
    ]
    for side in outward[:-1]:
        side[:, 2] = 0.0
    outward[-1][:] = (0.0, 0.0, 1.0)
    return make_mesh(np.concatenate(quads), np.concatenate(outward), albedo_bgr)
