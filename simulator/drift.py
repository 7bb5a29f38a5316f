"""Cameras that do not hang still: slow sagging and warping with the day, swaying, a knock.

A turn of the camera about its own centre moves the picture in a way that does not depend on what
the picture shows, so one rendered picture, a little wider than needed, serves every pose.
"""

# ruff: noqa: PLR2004 - what is compared here are measures of things, in degrees and pixels

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from simulator.camera import Camera, Points
from vision.types import ImageBgr


@dataclass(frozen=True, slots=True)
class Drift:
    """How a camera turns away from where it was aimed.

    Attributes:
        swing_deg: yaw, pitch and roll at the widest of the slow swing.
        swing_period_s: of the slow swing, such as a day.
        sway_deg: of yaw and pitch in the wind.
        sway_period_s: of the swaying.
        knock_deg: yaw, pitch and roll that a knock leaves it with.
        knock_at_s: when; infinite: never.
    """

    swing_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    swing_period_s: float = 86_400.0
    sway_deg: float = 0.0
    sway_period_s: float = 1.3
    knock_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    knock_at_s: float = math.inf

    def __post_init__(self) -> None:
        """Refuse turns that are no drift any more."""
        turn = max(map(abs, (*self.swing_deg, *self.knock_deg, self.sway_deg)))
        if turn > 20.0 or min(self.swing_period_s, self.sway_period_s) <= 0:
            msg = (
                "expected turns of at most 20 degrees and periods above 0 s, but got "
                f"{turn} degrees, {self.swing_period_s} s and {self.sway_period_s} s"
            )
            raise ValueError(msg)

    def turned(self, camera: Camera, time_s: float) -> Camera:
        """The camera as it hangs at a time; at time 0 as it was aimed, unless knocked by then."""
        swing = math.sin(2 * math.pi * time_s / self.swing_period_s)
        phase = 2 * math.pi * time_s / self.sway_period_s
        knocked = time_s >= self.knock_at_s
        yaw, pitch, roll = (
            swing * turn + knocked * knock
            for turn, knock in zip(self.swing_deg, self.knock_deg, strict=True)
        )
        yaw += self.sway_deg * math.sin(phase)
        pitch += self.sway_deg * 0.6 * math.sin(phase * 1.31)
        return replace(
            camera,
            yaw_rad=camera.yaw_rad + math.radians(yaw),
            pitch_rad=camera.pitch_rad + math.radians(pitch),
            roll_rad=camera.roll_rad + math.radians(roll),
        )

    def widest_deg(self) -> float:
        """Largest turn that it may come to, about any axis."""
        return max(
            abs(swing) + abs(knock) + self.sway_deg
            for swing, knock in zip(self.swing_deg, self.knock_deg, strict=True)
        )


def widened(camera: Camera, turn_deg: float) -> Camera:
    """A camera that sees as far beyond each edge as a turn of `turn_deg` may bring into view."""
    width, height = camera.image_wh
    turn = math.radians(turn_deg)
    half = math.hypot(width, height) / 2
    margin = math.ceil(camera.focal_px * math.tan(turn) * 1.3 + half * math.sin(turn)) + 2
    return replace(camera, image_wh=(width + 2 * margin, height + 2 * margin))


def turn_map(wide: Camera, turned: Camera) -> npt.NDArray[np.float32]:
    """Where each pixel of `turned` lies in the picture of `wide`, (H, W, 2), for `cv2.remap`.

    Both hang at the same place; lenses may distort.
    """
    rays = turned.rays().astype(np.float64)
    pixels, _ = wide.project(np.asarray(wide.position_m) + rays * 100.0)
    return np.asarray(pixels - 0.5, np.float32)


def through(wide_bgr: ImageBgr, lookup: npt.NDArray[np.float32]) -> ImageBgr:
    """The picture of a turned camera, out of the wide one."""
    return np.asarray(
        cv2.remap(
            wide_bgr, lookup[..., 0], lookup[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )  # fmt: skip


def turn_homography(aimed: Camera, turned: Camera) -> Points:
    """Pixels of the aimed camera to pixels of the turned one, (3, 3), where lenses do not distort.

    `H = K R K^-1` (Hartley and Zisserman, Multiple View Geometry, 8.4.2).
    """
    width, height = aimed.image_wh
    intrinsic = np.array(
        [[aimed.focal_px, 0, width / 2], [0, aimed.focal_px, height / 2], [0, 0, 1.0]]
    )
    rotation = turned.axes() @ aimed.axes().T
    matrix = intrinsic @ rotation @ np.linalg.inv(intrinsic)
    return np.asarray(matrix / matrix[2, 2])
