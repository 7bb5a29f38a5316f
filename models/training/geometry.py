"""Geometric augmentation: images, bays and boxes are warped together into the network input."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from datasets.degrade import ImageRgb
from models.training.config import AugmentConfig
from models.training.samples import Sample
from vision.types import Floats

PAD_VALUE = 114  # grey of Ultralytics' letterbox, which the run time uses too
FIXED_POINT_STEPS = 8
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Warp:
    """A projective map from image to network input, then a barrel distortion about its centre.

    Attributes:
        matrix: Image to undistorted input, shape `(3, 3)`.
        barrel: Strength of the distortion; 0 for none. A point at radius r of the input (1 at the
            half diagonal) shows what stands at r * (1 + barrel * r^2) of the undistorted one.
        size_wh: Network input in pixels.
    """

    matrix: Matrix
    barrel: float
    size_wh: tuple[int, int]

    def image(self, image: ImageRgb) -> ImageRgb:
        """Warp an image."""
        fill = (PAD_VALUE, PAD_VALUE, PAD_VALUE)
        if not self.barrel:
            warped = cv2.warpPerspective(
                image, self.matrix, self.size_wh, flags=cv2.INTER_LINEAR, borderValue=fill
            )
            return np.asarray(warped, np.uint8)
        width, height = self.size_wh
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
        centre, radius = self._frame()
        offset = (grid - centre) / radius
        source = centre + radius * offset * (1 + self.barrel * (offset**2).sum(-1, keepdims=True))
        inverse = np.linalg.inv(self.matrix)
        mapped = cv2.perspectiveTransform(source.reshape(1, -1, 2).astype(np.float32), inverse)
        x, y = np.moveaxis(mapped.reshape(height, width, 2).astype(np.float32), -1, 0)
        bent = cv2.remap(image, x.copy(), y.copy(), cv2.INTER_LINEAR, borderValue=fill)
        return np.asarray(bent, np.uint8)

    def points(self, points_px: Floats) -> Floats:
        """Warp points of any shape `(..., 2)`."""
        if not points_px.size:
            return points_px
        flat = points_px.reshape(1, -1, 2).astype(np.float32)
        straight = cv2.perspectiveTransform(flat, self.matrix)
        if self.barrel:
            centre, radius = self._frame()
            offset = (straight - centre) / radius
            bent = offset.copy()
            for _ in range(FIXED_POINT_STEPS):
                bent = offset / (1 + self.barrel * (bent**2).sum(-1, keepdims=True))
            straight = centre + radius * bent
        return np.asarray(straight, np.float32).reshape(points_px.shape)

    def _frame(self) -> tuple[Floats, float]:
        width, height = self.size_wh
        return np.array([width / 2, height / 2], np.float32), float(np.hypot(width, height) / 2)


def letterbox_matrix(image_wh: tuple[int, int], size_wh: tuple[int, int]) -> Matrix:
    """Fit an image into the network input, centred, aspect kept."""
    scale = min(size_wh[0] / image_wh[0], size_wh[1] / image_wh[1])
    shift = [(size - scale * image) / 2 for size, image in zip(size_wh, image_wh, strict=True)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]], np.float64)


def random_warp(
    sample: Sample,
    image_wh: tuple[int, int],
    size_wh: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Warp:
    """Draw a warp: letterbox, scale, turn, shear, perspective, flip, shift, at times a fisheye."""
    width, height = size_wh
    to_centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]], np.float64)
    turn = np.deg2rad(rng.normal(0, config.rotation_sd_deg))
    if sample.near_vertical:
        turn += np.pi / 2 * rng.integers(4)
    scale = float(np.exp(rng.uniform(np.log(config.scale_min), np.log(config.scale_max))))
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    shear = rng.normal(0, config.shear_sd, 2)
    linear = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.array(
        [[1, shear[0], 0], [shear[1], 1, 0], [0, 0, 1]]
    )
    linear = np.diag([np.exp(rng.normal(0, config.aspect_sd)), 1, 1]) @ linear
    if rng.random() < 0.5:  # noqa: PLR2004 - a mirror image is as likely
        linear = linear @ np.diag([-1.0, 1.0, 1.0])
    perspective = np.eye(3)
    perspective[2, :2] = rng.normal(0, config.perspective_sd, 2) / np.array([width, height])
    # An image larger than the input is shifted over all of itself, a smaller one by a fifth of the
    # input.
    slack = 0.5 * max(scale - 1, 0.4)
    shift = rng.uniform(-slack, slack, 2) * np.array([width, height])
    back = np.array([[1, 0, width / 2 + shift[0]], [0, 1, height / 2 + shift[1]], [0, 0, 1]])
    matrix = back @ perspective @ linear @ to_centre @ letterbox_matrix(image_wh, size_wh)
    barrel = rng.uniform(0, config.barrel_max) if rng.random() < config.barrel_share else 0.0
    return Warp(matrix, float(barrel), size_wh)


def warp_boxes(
    warp: Warp, boxes_px: Floats, min_seen: float = 0.3
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Warp boxes and cut them at the border.

    Args:
        warp: The map.
        boxes_px: Shape `(K, 4)`.
        min_seen: Boxes with a smaller share inside the input are dropped.

    Returns:
        The kept boxes, shape `(K', 4)`, and which of the K they are.
    """
    if not len(boxes_px):
        return boxes_px, np.zeros(0, np.bool_)
    x0, y0, x1, y1 = boxes_px.T
    # Mid points of the sides, not corners: a turned box's corners lie outside of the vehicle, and
    # its own rectangle would grow with every turn.
    ring = np.stack(
        [
            np.stack([(x0 + x1) / 2, y0], -1),
            np.stack([x1, (y0 + y1) / 2], -1),
            np.stack([(x0 + x1) / 2, y1], -1),
            np.stack([x0, (y0 + y1) / 2], -1),
            *(
                np.stack([a * x0 + (1 - a) * x1, b * y0 + (1 - b) * y1], -1)
                for a in (0.12, 0.88)
                for b in (0.12, 0.88)
            ),
        ],
        1,
    )
    ring = warp.points(ring)
    whole = np.concatenate([ring.min(1), ring.max(1)], 1)
    limit = np.array(warp.size_wh, np.float32)
    cut = np.concatenate([whole[:, :2].clip(0, limit), whole[:, 2:].clip(0, limit)], 1)
    area = np.prod(whole[:, 2:] - whole[:, :2], 1)
    sides = cut[:, 2:] - cut[:, :2]
    keep = (np.prod(sides, 1) > min_seen * area) & (sides.min(1) > 3)  # noqa: PLR2004 - under 4 px nothing is seen
    return cut[keep].astype(np.float32), keep
