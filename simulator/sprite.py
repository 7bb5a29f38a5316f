"""Painting a mesh into a small anti-aliased picture with coverage, and laying it on a frame.

Faces are painted from far to near on a canvas that is finer than the frame and then averaged down:
since empty canvas is zero, the average is already colour times coverage.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in metres and shares

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, Points
from simulator.light import Light
from simulator.mesh import Mesh

_SHIFT = 4
"""Sub-pixel bits of OpenCV's polygon painter."""
_MAX_CANVAS_PX = 4000


@dataclass(frozen=True, slots=True)
class Sprite:
    """A painted object.

    Attributes:
        left_px: column of its first pixel in the frame.
        top_px: row of its first pixel in the frame.
        colour: display values times coverage, shape (h, w, 3), float32.
        cover: coverage, shape (h, w), float32, 0 to 1.
        distance_m: from the camera, along the ground; what is nearer hides it.
    """

    left_px: int
    top_px: int
    colour: npt.NDArray[np.float32]
    cover: npt.NDArray[np.float32]
    distance_m: float

    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the frame that it covers."""
        height, width = self.cover.shape
        return (
            slice(self.top_px, self.top_px + height),
            slice(self.left_px, self.left_px + width),
        )

    def lay_on(
        self, image_bgr: npt.NDArray[np.uint8], nearest_m: npt.NDArray[np.float32] | None
    ) -> None:
        """Blend it into the frame, in place, behind all that is nearer.

        Args:
            image_bgr: the frame.
            nearest_m: distance of the nearest object drawn so far, per pixel, infinite on the
                ground; updated in place. None lays the sprite flat on the ground.
        """
        window = self.window()
        cover = self.cover
        if nearest_m is not None:
            depth = nearest_m[window]
            cover = np.where(depth > self.distance_m, cover, 0)
            np.copyto(depth, np.float32(self.distance_m), where=cover > 0.5)
            colour = self.colour * (cover > 0)[..., None]
        else:
            colour = self.colour
        region = image_bgr[window]
        region[:] = (region * (1 - cover)[..., None] + colour + 0.5).astype(np.uint8)


def paint_mesh(
    mesh: Mesh, camera: Camera, light: Light, sun_seen: Points, supersample: int = 3
) -> Sprite | None:
    """Paint a placed mesh; None when it lies outside the picture.

    Args:
        mesh: in world coordinates.
        camera: that looks at it.
        light: that falls on it.
        sun_seen: how much of the sun each face sees, shape (F,), 0 to 1.
        supersample: canvas pixels per frame pixel, each way.
    """
    eye = np.asarray(camera.position_m)
    centres = mesh.quads_m.mean(1)
    to_eye = eye - centres
    facing = (mesh.normals * to_eye).sum(1) > 0
    pixels, visible = camera.project(mesh.quads_m)
    keep = facing & visible.all(1)
    if not keep.any():
        return None
    window = _window(pixels[keep], camera.image_wh)
    if window is None:
        return None
    left, top, width, height = window
    mesh, pixels, to_eye = mesh.taken(keep), pixels[keep], to_eye[keep]
    distance = np.linalg.norm(to_eye, axis=1) - mesh.nearer_m
    order = np.argsort(-distance)
    colours = light.develop(light.shade(mesh.surface(), eye, sun_seen[keep]))
    corners = (pixels - (left, top)) * supersample - 0.5
    fixed = np.round(corners * (1 << _SHIFT)).astype(np.int32)
    canvas = np.zeros((height * supersample, width * supersample, 4), np.uint8)
    values = np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], 1)
    shades = values[order].tolist()
    for corner, shade in zip(fixed[order], shades, strict=True):
        cv2.fillConvexPoly(canvas, corner, shade, cv2.LINE_8, _SHIFT)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    ground = np.hypot(*(centres.mean(0) - eye)[:2])
    return Sprite(left, top, small[..., :3], small[..., 3] / 255.0, float(ground))


def _window(pixels: Points, image_wh: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, width, height of the pixels, cut to the picture; None when outside."""
    low = np.floor(pixels.reshape(-1, 2).min(0)).astype(int) - 1
    high = np.ceil(pixels.reshape(-1, 2).max(0)).astype(int) + 1
    low = np.maximum(low, 0)
    high = np.minimum(high, image_wh)
    width, height = high - low
    if width < 2 or height < 2 or max(width, height) > _MAX_CANVAS_PX:
        return None
    return int(low[0]), int(low[1]), int(width), int(height)
