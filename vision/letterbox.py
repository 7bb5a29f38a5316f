"""Fitting an image into a network's input without distorting it, and the exact way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vision.types import Floats, ImageBgr, as_floats

PAD_GREY = 114
"""Ultralytics networks are trained with this border; another grey costs accuracy at the rim."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How one image size is fitted into one input size.

    The image is scaled by one factor, rounded to whole pixels and centred. The way back uses the
    rounded sizes, one factor per axis, so that a point goes there and back unchanged.

    Attributes:
        image_wh: size of the image, pixels.
        input_wh: size of the network's input, pixels.
        scaled_wh: size of the scaled image inside the input, pixels.
        offset_xy: left and top border, pixels of the input.
    """

    image_wh: tuple[int, int]
    input_wh: tuple[int, int]
    scaled_wh: tuple[int, int]
    offset_xy: tuple[int, int]

    @classmethod
    def fit(cls, image_wh: tuple[int, int], input_wh: tuple[int, int]) -> Letterbox:
        """Fit an image of `image_wh` pixels centred into `input_wh` pixels.

        Raises:
            ValueError: a side is not positive.
        """
        if min(*image_wh, *input_wh) < 1:
            msg = f"sizes must be positive, but got image_wh={image_wh}, input_wh={input_wh}"
            raise ValueError(msg)
        scale = min(input_wh[0] / image_wh[0], input_wh[1] / image_wh[1])
        width = min(max(round(image_wh[0] * scale), 1), input_wh[0])
        height = min(max(round(image_wh[1] * scale), 1), input_wh[1])
        offset = ((input_wh[0] - width) // 2, (input_wh[1] - height) // 2)
        return cls(image_wh, input_wh, (width, height), offset)

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Input pixels for one pixel of the image, along x and along y."""
        return (self.scaled_wh[0] / self.image_wh[0], self.scaled_wh[1] / self.image_wh[1])

    def apply(self, image_bgr: ImageBgr) -> ImageBgr:
        """Scale and pad an image.

        Args:
            image_bgr: shape (H, W, 3), uint8, of `image_wh`.

        Returns:
            Shape `(input_wh[1], input_wh[0], 3)`, uint8.
        """
        canvas = np.full((self.input_wh[1], self.input_wh[0], 3), PAD_GREY, np.uint8)
        (left, top), (width, height) = self.offset_xy, self.scaled_wh
        inner = canvas[top : top + height, left : left + width]
        if self.scaled_wh == self.image_wh:
            inner[:] = image_bgr
        else:
            # Linear, as the networks were trained: area averaging is sharper than what they know.
            cv2.resize(image_bgr, self.scaled_wh, dst=inner, interpolation=cv2.INTER_LINEAR)
        return canvas

    def to_input_px(self, points_px: Floats) -> Floats:
        """Carry points, shape (..., 2), from pixels of the image to pixels of the input."""
        return as_floats(points_px * as_floats(self.scale_xy) + as_floats(self.offset_xy))

    def to_image_px(self, points_px: Floats) -> Floats:
        """Carry points, shape (..., 2), from pixels of the input to pixels of the image."""
        return as_floats((points_px - as_floats(self.offset_xy)) / as_floats(self.scale_xy))
