"""Turned, mirrored and squeezed video is shown as it is meant."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from calibration.clips import ClipReader
from vision.types import ImageBgr
from vision.video_frame import turn_upright

ONE = 0x10000
MATRICES = {
    # a, b, c, d of the track header: x' = a x + c y, y' = b x + d y
    "as it is": (1, 0, 0, 1),
    "mirrored": (-1, 0, 0, 1),
    "half a turn": (-1, 0, 0, -1),
    "upside down mirrored": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "quarter clockwise": (0, 1, -1, 0),
    "transposed the other way": (0, -1, -1, 0),
    "quarter counter-clockwise": (0, -1, 1, 0),
}


def quarters() -> ImageBgr:
    """Four shades, so that every turn shows; 64 x 32."""
    image = np.zeros((32, 64, 3), np.uint8)
    image[:16, :32], image[:16, 32:], image[16:, :32], image[16:, 32:] = 30, 90, 150, 220
    return image


def clip(path: Path, matrix: tuple[int, int, int, int], aspect: Fraction = Fraction(1)) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(quarters(), format="bgr24")))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    for place, value in zip((0, 4, 12, 16), matrix, strict=True):
        data[at + place : at + place + 4] = (value * ONE).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", MATRICES)
def test_a_display_matrix_is_honoured(tmp_path: Path, name: str) -> None:
    a, b, c, d = MATRICES[name]
    with ClipReader(clip(tmp_path / "a.mp4", MATRICES[name])) as reader:
        [(_, image), *_] = list(reader.frames())
        assert reader.image_wh == ((32, 64) if a == 0 else (64, 32))
    height, width = image.shape[:2]
    for x, y, shade in ((-1, -1, 30), (1, -1, 90), (-1, 1, 150), (1, 1, 220)):
        shown_x, shown_y = a * x + c * y, b * x + d * y
        seen = image[height * (2 + shown_y) // 4, width * (2 + shown_x) // 4]
        assert abs(int(seen[0]) - shade) < 12, (x, y)


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", (1, 0, 0, 1), Fraction(16, 11))
    with ClipReader(path) as reader:
        assert reader.image_wh == (93, 32)


def test_a_turn_that_is_none_costs_no_copy() -> None:
    image = quarters()
    assert turn_upright(image, None) is image
