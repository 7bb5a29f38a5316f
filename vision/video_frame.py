"""Decoded video frames as images: upright, with square pixels, no wider than wanted."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from vision.types import ImageBgr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_LIKELY_ASPECTS = (Fraction(2, 5), Fraction(5, 2))
"""Of a pixel. What lies outside is a slip in the stream, not a lens."""

Matrix2 = tuple[int, int, int, int]
"""a, b, c, d of a display matrix: x' = a x + c y, y' = b x + d y; y points down."""


def pixel_aspect(stream: VideoStream, context: VideoCodecContext | None = None) -> Fraction:
    """Width of a stream's pixels by their height; 1 where it does not tell.

    Args:
        stream: of the container.
        context: what decodes it, which knows more once it has decoded; None: the stream's own.
    """
    known = stream.codec_context if context is None else context
    aspect = stream.sample_aspect_ratio or known.sample_aspect_ratio
    if not aspect or not _LIKELY_ASPECTS[0] <= aspect <= _LIKELY_ASPECTS[1]:
        return Fraction(1)
    return Fraction(aspect)


def frame_to_bgr(
    frame: VideoFrame, aspect: Fraction = Fraction(1), max_width_px: int | None = None
) -> ImageBgr:
    """A decoded frame as it is to be shown, shape (H, W, 3).

    Args:
        frame: as decoded.
        aspect: of its pixels; see `pixel_aspect`.
        max_width_px: a wider image is scaled down.
    """
    matrix = display_matrix(frame)
    width, height = max(1, round(frame.width * aspect)), frame.height
    upright_width = height if _is_transposed(matrix) else width
    how = "FAST_BILINEAR"  # only chroma is enlarged; half the time of the usual filter
    if max_width_px is not None and upright_width > max_width_px:
        scale = max_width_px / upright_width
        width, height = max(2, round(width * scale)), max(2, round(height * scale))
        how = "AREA"
    # One thread: by default swscale starts one per core for each image, which costs three times
    # what the conversion itself does.
    picture = frame.to_ndarray(
        format="bgr24", width=width, height=height, interpolation=how, threads=1
    )
    return turn_upright(np.asarray(picture, np.uint8), matrix)


def display_matrix(frame: VideoFrame) -> Matrix2 | None:
    """How a frame is to be turned, from its container or its own stream; None for not at all."""
    from av.sidedata.sidedata import Type

    # Its type stubs know other keys than it takes.
    found = cast("Mapping[Type, bytes]", frame.side_data).get(Type.DISPLAYMATRIX)
    if found is None:
        return None
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].tolist()
    return None if (a, b, c, d) == (0, 0, 0, 0) else (a, b, c, d)


def turn_upright(image_bgr: ImageBgr, matrix: Matrix2 | None) -> ImageBgr:
    """Turn and mirror an image as a display matrix says, by the nearest quarter turns."""
    if matrix is None:
        return image_bgr
    a, b, c, d = matrix
    if _is_transposed(matrix):
        image_bgr, across, down = image_bgr.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(image_bgr[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _is_transposed(matrix: Matrix2 | None) -> bool:
    return matrix is not None and abs(matrix[1]) > abs(matrix[0])
