"""A camera above a flat lot: where things on the ground appear, and where pixels lie on the ground.

Enough of a camera to reason about cars and bays: focal length, tilt, roll, height, and the one
parameter of the division model for lens distortion (Fitzgibbon 2001). The ground is the plane
z = 0 in metres, the camera stands at (0, 0, height) and looks along +y, downward by its tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.geometry import Doubles

# Nearer to the camera's plane, or to the horizon, than this is taken as beyond it.
_NEAREST = 1e-6


@dataclass(frozen=True, slots=True)
class GroundCamera:
    """A camera above the plane z = 0.

    Attributes:
        image_wh: the image's width and height, pixels.
        focal_px: focal length, pixels; the principal point is the image's middle.
        tilt_rad: downward from the horizontal; pi / 2 looks straight down.
        roll_rad: about the line of sight, clockwise as seen.
        height_m: above the ground.
        distortion: of the division model, for radii in half diagonals; 0 none, below 0 barrel.
    """

    image_wh: tuple[int, int]
    focal_px: float
    tilt_rad: float
    roll_rad: float
    height_m: float
    distortion: float = 0.0

    def project(self, points_m: Doubles) -> Doubles:
        """Points of space as pixels: shape (..., 3) to (..., 2); NaN behind the camera."""
        sin, cos = np.sin(self.tilt_rad), np.cos(self.tilt_rad)
        x, y, z = points_m[..., 0], points_m[..., 1], points_m[..., 2] - self.height_m
        ahead = y * cos - z * sin
        down = -y * sin - z * cos
        with np.errstate(divide="ignore", invalid="ignore"):
            plane = np.stack([x, down], -1) / np.where(ahead > _NEAREST, ahead, np.nan)[..., None]
        return self._lens(_turned(plane * self.focal_px, self.roll_rad))

    def to_plane(self, points_px: Doubles, height_m: float = 0.0) -> Doubles:
        """Pixels as points of the plane at a height: shape (..., 2) to (..., 2), metres.

        NaN at and above the horizon.
        """
        ray = _turned(self._unlens(points_px), -self.roll_rad) / self.focal_px
        sin, cos = np.sin(self.tilt_rad), np.cos(self.tilt_rad)
        fall = sin + ray[..., 1] * cos
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = (self.height_m - height_m) / np.where(fall > _NEAREST, fall, np.nan)
        return np.stack([ray[..., 0] * reach, (cos - ray[..., 1] * sin) * reach], -1)

    def _lens(self, plane_px: Doubles) -> Doubles:
        """From ideal offsets of the middle to pixels of the distorted image."""
        middle = np.asarray(self.image_wh) / 2
        if not self.distortion:
            return plane_px + middle
        half = float(np.hypot(*middle))
        radius = np.linalg.norm(plane_px, axis=-1, keepdims=True) / half
        # The root of radius = r / (1 + distortion r^2) that goes to r = radius at the middle,
        # written so that it does not divide by zero there.
        with np.errstate(invalid="ignore"):
            root = np.sqrt(1 - 4 * self.distortion * radius**2)
        return np.asarray(plane_px * 2 / (1 + root) + middle, np.float64)

    def _unlens(self, points_px: Doubles) -> Doubles:
        offset = points_px - np.asarray(self.image_wh) / 2
        half = float(np.hypot(*self.image_wh)) / 2
        radius2 = (offset**2).sum(-1, keepdims=True) / half**2
        shrink = 1 + self.distortion * radius2
        # So far out no ray of this lens ends; that is beyond any real image's rim.
        return np.asarray(offset / np.where(shrink > _NEAREST, shrink, np.nan), np.float64)


def _turned(points: Doubles, angle_rad: float) -> Doubles:
    sin, cos = np.sin(angle_rad), np.cos(angle_rad)
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], -1)


def ground_points(points_m: Doubles, height_m: float = 0.0) -> Doubles:
    """Points of the ground, shape (..., 2), as points of space at a height, shape (..., 3)."""
    return np.concatenate([points_m, np.full((*points_m.shape[:-1], 1), height_m)], -1)
