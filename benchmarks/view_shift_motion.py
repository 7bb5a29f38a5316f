"""Movements of a camera, put onto photographs: which, how far, and what the moved camera sees.

The virtual camera sees the middle three quarters of a photograph, so what comes into view when it
turns is really there; only beyond the photograph's own edge is the border pixel repeated, and how
large that part is gets told with the figures. Pan, tilt and roll turn the camera about its optical
centre (`simulator.turn_homography`), zoom scales about the middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from simulator import Camera, turn_homography
from vision.geometry import to_norm, to_pixels
from vision.types import Floats, ImageBgr

Matrix = npt.NDArray[np.float64]
VIEW_SHARE = 0.75
FOCAL_SHARE = 0.9  # focal length as a share of the width: 58 degrees across, a usual lot camera
SHIFTS_PX = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
STEPS: dict[str, tuple[float, ...]] = {
    "still": (0.0,),
    "pan": SHIFTS_PX,
    "tilt": SHIFTS_PX,
    "roll": (0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0),
    "zoom": (1.0, 2.0, 5.0, 10.0, 15.0, 20.0),
    "combined": SHIFTS_PX,
}
UNITS = {"still": "px", "pan": "px", "tilt": "px", "roll": "deg", "zoom": "%", "combined": "px"}


@dataclass(frozen=True, slots=True)
class View:
    """What a virtual camera sees of a photograph.

    Attributes:
        image_bgr: its picture.
        polygons_norm: the bays that are whole in the picture.
        kept: which bays of the photograph these are.
        filled_share: of the picture, that lies beyond the photograph.
    """

    image_bgr: ImageBgr
    polygons_norm: tuple[Floats, ...]
    kept: tuple[int, ...]
    filled_share: float


def view_wh(photo_wh: tuple[int, int]) -> tuple[int, int]:
    """Size of the virtual camera's picture."""
    return round(photo_wh[0] * VIEW_SHARE), round(photo_wh[1] * VIEW_SHARE)


def movement(kind: str, step: float, wh: tuple[int, int], sign: int) -> Matrix:
    """From pixels of the view before to pixels of the view after, shape (3, 3).

    Args:
        kind: a name in STEPS.
        step: how far, in the kind's unit.
        wh: of the view, pixels.
        sign: 1 or -1: which way.
    """
    focal_px = FOCAL_SHARE * wh[0]
    aimed = Camera((0.0, 0.0, 8.0), 0.0, 0.5, focal_px, wh)
    turn = math.atan2(step, focal_px) * sign
    if kind == "pan":
        # Across the axis of the picture, not of the plumb line: the shift is the stated one.
        return _turned(0.0, turn, 0.0, focal_px, wh)
    if kind == "tilt":
        return turn_homography(aimed, replace(aimed, pitch_rad=aimed.pitch_rad + turn))
    if kind == "roll":
        return turn_homography(aimed, replace(aimed, roll_rad=math.radians(step) * sign))
    if kind == "zoom":
        return _scaled(1 + sign * step / 100, wh)
    if kind == "combined":
        # A knock: the shift along a diagonal, with a roll and a zoom that grow with it.
        part = math.atan2(step / math.sqrt(2), focal_px)
        turned = _turned(part * sign, part, math.radians(step / 40) * sign, focal_px, wh)
        return _scaled(1 + sign * step / 2000, wh) @ turned
    return np.eye(3)


def look(
    photo_bgr: ImageBgr, polygons_norm: tuple[Floats, ...], moved: Matrix | None = None
) -> View:
    """What the virtual camera sees, aimed or moved."""
    photo_wh = (photo_bgr.shape[1], photo_bgr.shape[0])
    wh = view_wh(photo_wh)
    aim = np.eye(3)
    aim[:2, 2] = -(np.array(photo_wh) - wh) / 2
    matrix = aim if moved is None else moved @ aim
    image = cv2.warpPerspective(
        photo_bgr, matrix, wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpPerspective(np.full(photo_bgr.shape[:2], 255, np.uint8), matrix, wh)
    carried = [to_norm(carry(to_pixels(p, photo_wh), matrix), wh) for p in polygons_norm]
    kept = tuple(i for i, p in enumerate(carried) if p.min() >= 0 and p.max() <= 1)
    return View(
        np.asarray(image, np.uint8),
        tuple(carried[i] for i in kept),
        kept,
        float((inside < 128).mean()),
    )


def carry(points_px: Floats, matrix: Matrix) -> Floats:
    """Points, shape (K, 2), through a homography."""
    carried = np.column_stack([points_px, np.ones(len(points_px))]) @ matrix.T
    return np.asarray(carried[:, :2] / carried[:, 2:], np.float32)


def other_light(image_bgr: ImageBgr, rng: np.random.Generator) -> ImageBgr:
    """The picture at another exposure, gamma and white balance, with sensor noise."""
    gain, gamma = rng.uniform(0.75, 1.25), rng.uniform(0.8, 1.25)
    colour = rng.uniform(0.94, 1.06, 3)
    lit = 255 * gain * (image_bgr / 255.0) ** gamma * colour + rng.normal(0, 3, image_bgr.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _turned(pitch: float, yaw: float, roll: float, focal_px: float, wh: tuple[int, int]) -> Matrix:
    """A turn about the camera's own axes."""
    vector = np.array([pitch, -yaw, -roll])
    rotation, _ = cv2.Rodrigues(vector)
    intrinsic = np.array([[focal_px, 0, wh[0] / 2], [0, focal_px, wh[1] / 2], [0, 0, 1.0]])
    matrix = intrinsic @ rotation @ np.linalg.inv(intrinsic)
    return np.asarray(matrix / matrix[2, 2])


def _scaled(scale: float, wh: tuple[int, int]) -> Matrix:
    middle = np.array(wh) / 2
    matrix = np.diag([scale, scale, 1.0])
    matrix[:2, 2] = middle - scale * middle
    return matrix
