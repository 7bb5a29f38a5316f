"""A pinhole camera over a flat lot, with radial lens distortion.

World: metres, x along the lane, y away from the camera's usual side, z up; the ground is z = 0.
Camera axes: x right, y down, z forward. Distortion follows the usual radial model of Brown (1966):
`x_d = x (1 + k1 r^2 + k2 r^4)` on the normalised picture plane.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

NEAR_M = 0.4
"""Nothing nearer than this is drawn: it would cross the picture plane."""
_UNDISTORT_STEPS = 12


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera hangs and how it looks.

    Attributes:
        position_m: x, y, z of the optical centre; z is the height over the ground.
        yaw_rad: 0 looks along +y; positive turns towards +x.
        pitch_rad: positive looks down.
        roll_rad: positive turns the picture clockwise.
        focal_px: focal length in pixels of `image_wh`.
        image_wh: width and height in pixels.
        k1: first radial distortion coefficient; negative is barrel (wide lenses).
        k2: second one.
    """

    position_m: tuple[float, float, float]
    yaw_rad: float
    pitch_rad: float
    focal_px: float
    image_wh: tuple[int, int]
    roll_rad: float = 0.0
    k1: float = 0.0
    k2: float = 0.0

    def __post_init__(self) -> None:
        """Refuse cameras that cannot see the ground."""
        if self.position_m[2] <= 0 or self.focal_px <= 0 or min(self.image_wh) < 16:
            msg = (
                "a camera needs a height above 0 m, a focal length above 0 px and at least 16 px "
                f"a side, but got {self.position_m[2]} m, {self.focal_px} px, {self.image_wh}"
            )
            raise ValueError(msg)

    def axes(self) -> Points:
        """Rows right, down, forward in world coordinates, shape (3, 3)."""
        sin_y, cos_y = math.sin(self.yaw_rad), math.cos(self.yaw_rad)
        sin_p, cos_p = math.sin(self.pitch_rad), math.cos(self.pitch_rad)
        right = np.array([cos_y, -sin_y, 0.0])
        forward = np.array([sin_y * cos_p, cos_y * cos_p, -sin_p])
        down = np.cross(forward, right)
        sin_r, cos_r = math.sin(self.roll_rad), math.cos(self.roll_rad)
        return np.stack([cos_r * right - sin_r * down, sin_r * right + cos_r * down, forward])

    def project(self, points_m: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
        """Project points into the picture.

        Args:
            points_m: shape (..., 3), world metres.

        Returns:
            Pixels, shape (..., 2), and whether each point lies before the camera and inside the
            range in which the lens model is monotonic, shape (...).
        """
        local = (points_m - np.asarray(self.position_m)) @ self.axes().T
        depth = local[..., 2]
        visible = depth > NEAR_M
        flat = local[..., :2] / np.where(visible, depth, 1.0)[..., None]
        radius2 = (flat**2).sum(-1)
        visible = visible & (radius2 < self._radius2_limit())
        factor = 1 + self.k1 * radius2 + self.k2 * radius2**2
        centre = np.array(self.image_wh, np.float64) / 2
        return flat * (factor * self.focal_px)[..., None] + centre, visible

    def _radius2_limit(self) -> float:
        """Squared radius up to which the distorted radius still grows."""
        radius2 = np.linspace(0.0, 12.0, 600)
        slope = 1 + 3 * self.k1 * radius2 + 5 * self.k2 * radius2**2
        folded = np.flatnonzero(slope <= 0.05)
        return float(radius2[folded[0]]) if folded.size else 12.0

    def rays(self) -> npt.NDArray[np.float32]:
        """Unit direction of each pixel's ray in the world, shape (H, W, 3), float32."""
        width, height = self.image_wh
        x = np.arange(width, dtype=np.float32) + np.float32(0.5 - width / 2)
        y = np.arange(height, dtype=np.float32) + np.float32(0.5 - height / 2)
        distorted = np.stack(np.meshgrid(x, y), -1) / np.float32(self.focal_px)
        flat = distorted
        if self.k1 or self.k2:
            limit = np.float32(self._radius2_limit())
            for _ in range(_UNDISTORT_STEPS):
                radius2 = np.minimum(flat[..., 0] ** 2 + flat[..., 1] ** 2, limit)
                factor = 1 + np.float32(self.k1) * radius2 + np.float32(self.k2) * radius2**2
                flat = distorted / np.maximum(factor, np.float32(0.2))[..., None]
        axes = self.axes().astype(np.float32)
        world = flat[..., :1] * axes[0] + flat[..., 1:] * axes[1] + axes[2]
        length = np.sqrt(1 + flat[..., 0] ** 2 + flat[..., 1] ** 2)
        unit: npt.NDArray[np.float32] = world / length[..., None]
        return unit

    def ground_homography(self) -> Points:
        """Homography from ground metres (x, y, 1) to pixels of an undistorted picture, (3, 3)."""
        width, height = self.image_wh
        intrinsic = np.array(
            [[self.focal_px, 0, width / 2], [0, self.focal_px, height / 2], [0, 0, 1.0]]
        )
        axes = self.axes()
        translation = -axes @ np.asarray(self.position_m)
        return np.asarray(intrinsic @ np.stack([axes[:, 0], axes[:, 1], translation], 1))

    def to_norm(self, points_px: Points) -> npt.NDArray[np.float32]:
        """Pixels as fractions of width and height, float32."""
        return (points_px / np.array(self.image_wh, np.float64)).astype(np.float32)


def look_at(
    position_m: tuple[float, float, float],
    target_xy_m: tuple[float, float],
    image_wh: tuple[int, int],
    horizontal_fov_deg: float,
) -> Camera:
    """A camera without roll whose centre pixel sees the ground point `target_xy_m`."""
    offset_x = target_xy_m[0] - position_m[0]
    offset_y = target_xy_m[1] - position_m[1]
    return Camera(
        position_m=position_m,
        yaw_rad=math.atan2(offset_x, offset_y),
        pitch_rad=math.atan2(position_m[2], math.hypot(offset_x, offset_y)),
        focal_px=image_wh[0] / 2 / math.tan(math.radians(horizontal_fov_deg) / 2),
        image_wh=image_wh,
    )
