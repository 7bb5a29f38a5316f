"""Images of another shape than the calibrated one, and turned ones.

A sub-stream may squeeze the whole view into other sides: bays, being fractions of the sides, stay
right. Or it may cut the view, or the camera hangs on its side: then they are wrong.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from vision.geometry import to_pixels
from vision.types import as_floats
from vision.view_match import Matrix, apply_matrix

Grey = npt.NDArray[np.uint8]

SHAPE_TOLERANCE = 0.02
"""A sub-stream may cut a row of pixels; more is another shape."""


def same_shape(first_wh: tuple[int, int], second_wh: tuple[int, int]) -> bool:
    """Whether two images have the same ratio of their sides."""
    ratio = first_wh[0] * second_wh[1] / (first_wh[1] * second_wh[0])
    return abs(ratio - 1) <= SHAPE_TOLERANCE


def squeezed(grey: Grey, to_wh: tuple[int, int]) -> Grey:
    """A small grey image, brought to the shape of `to_wh`."""
    width = grey.shape[1]
    size = (width, max(1, round(width * to_wh[1] / to_wh[0])))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def turned_deg(matrix: Matrix, image_wh: tuple[int, int]) -> float:
    """By how much a view is turned about its axis, degrees clockwise, at the image's centre."""
    centre = as_floats([[0.5, 0.5], [0.51, 0.5], [0.5, 0.51]])
    origin, across, down = to_pixels(apply_matrix(centre, matrix), image_wh)
    right, below = across - origin, down - origin
    return math.degrees(math.atan2(right[1] - below[0], right[0] + below[1]))


def is_cut(matrix: Matrix, least_share: float) -> bool:
    """Whether an image's corners stand elsewhere, by more than that share of its sides."""
    corners = as_floats([[0, 0], [1, 0], [1, 1], [0, 1]])
    return bool(np.abs(apply_matrix(corners, matrix) - corners).max() > least_share)


def shape_fault(drawn_wh: tuple[int, int], image_wh: tuple[int, int], *, compared: bool) -> str:
    """What is wrong with an image of another shape, and what to do; for people.

    Args:
        drawn_wh: size of the image that the bays were drawn on.
        image_wh: size of the present one.
        compared: whether it was compared with a reference image.
    """
    text = (
        f"expected an image with the aspect ratio of {drawn_wh[0]}x{drawn_wh[1]}, on which the "
        f"bays were drawn, but got {image_wh[0]}x{image_wh[1]}"
    )
    if same_shape(drawn_wh, (image_wh[1], image_wh[0])):
        return f"{text}: is the camera rotated?"
    if compared:
        return (
            f"{text}, cropped differently: restore the camera's settings, or redraw the bays on "
            "this image"
        )
    return (
        f"{text}; only a reference image shows whether it is stretched or cropped: set the camera "
        "to that resolution, and capture one with `lotsight calibration reference`"
    )
