"""A labelled image as the network takes it: red green blue, labels in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from datasets.degrade import ImageRgb
from datasets.frames import Bools, LotFrame
from vision.geometry import to_pixels
from vision.letterbox import Letterbox
from vision.quads import CORNERS, canonical_quads, polygon_to_quad
from vision.types import Floats, Ints, as_floats

CLASSES = {"car": 0, "motorcycle": 1, "bus": 2, "minibus": 2, "truck": 3}
"""What sets call a vehicle to the classes of our network; others are skipped."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, and its labels, which augmentation changes along with it.

    Attributes:
        frame: the image.
        quads_px: bays of known state, shape `(M, 4, 2)`, pixels of the image.
        occupied: shape `(M,)`.
        boxes_px: vehicles, shape `(K, 4)`, x_min, y_min, x_max, y_max.
        classes: shape `(K,)`, indices of our classes.
        near_vertical: seen from straight above: any rotation of it is as likely, and bays may be
            made of its boxes.
    """

    frame: LotFrame
    quads_px: Floats = field(repr=False)
    occupied: Bools = field(repr=False)
    boxes_px: Floats = field(repr=False)
    classes: Ints = field(repr=False)
    near_vertical: bool = False

    @classmethod
    def of(cls, frame: LotFrame, *, near_vertical: bool = False) -> Sample:
        """The labels of a frame.

        Raises:
            DatasetError: the image's size is not stated, and it cannot be decoded.
        """
        known = frame.with_known_bays()
        image_wh = frame.size_wh()
        vehicles = [one for one in frame.vehicles if one.kind in CLASSES]
        corners = as_floats([one.xyxy_norm for one in vehicles]).reshape(-1, 2, 2)
        return cls(
            frame=frame,
            quads_px=quads_px(known, image_wh),
            occupied=known.occupied,
            boxes_px=to_pixels(corners, image_wh).reshape(-1, 4),
            classes=np.array([CLASSES[one.kind] for one in vehicles], np.int64),
            near_vertical=near_vertical,
        )


def samples_of(frames: Sequence[LotFrame], *, near_vertical: bool = False) -> list[Sample]:
    """The labels of frames; see `Sample.of`."""
    return [Sample.of(frame, near_vertical=near_vertical) for frame in frames]


def quads_px(frame: LotFrame, image_wh: tuple[int, int]) -> Floats:
    """Four corners of each bay, shape `(M, 4, 2)`; outlines of four keep their order."""
    polygons = [to_pixels(polygon, image_wh) for polygon in frame.polygons_norm]
    quads = [p if len(p) == CORNERS else polygon_to_quad(p) for p in polygons]
    return np.stack(quads) if quads else np.zeros((0, CORNERS, 2), np.float32)


def read_rgb(frame: LotFrame) -> ImageRgb:
    """Decode an image, shape `(H, W, 3)`, uint8, red green blue.

    Raises:
        DatasetError: it is missing, or cannot be decoded.
    """
    return np.ascontiguousarray(frame.read()[..., ::-1])


def network_input(
    image_rgb: npt.NDArray[np.uint8], bays_px: Floats, input_wh: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Letterbox an image and its bays as the run time does.

    Returns:
        Images `(1, 3, H, W)`, float32 0-1, and canonical quads as shares of the input, `(M, 4, 2)`.
    """
    box = Letterbox.fit((image_rgb.shape[1], image_rgb.shape[0]), input_wh)
    pixels = box.apply(image_rgb).transpose(2, 0, 1)[None].astype(np.float32) / 255
    quads = canonical_quads(box.to_input_px(bays_px)) / np.array(input_wh, np.float32)
    return np.ascontiguousarray(pixels), quads.astype(np.float32)
