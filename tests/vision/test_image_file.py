"""Whole images are decoded upright; what was cut or damaged is no image."""

from __future__ import annotations

import io
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from telemetry import CameraError
from vision.image_file import BrokenImageError, decode_image, is_image
from vision.types import ImageBgr

LOT = Path(__file__).parents[1] / "pictures" / "lot.jpg"
JPEG_KINDS = {
    "baseline": [cv2.IMWRITE_JPEG_QUALITY, 85],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 8],
    "optimised": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "444": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111],
    "411": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x411111],
}


def lot(scale: float = 0.5) -> ImageBgr:
    image = decode_image(LOT.read_bytes(), "lot.jpg")
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)


def jpeg(kind: str) -> bytes:
    return bytes(cv2.imencode(".jpg", lot(), JPEG_KINDS[kind])[1])


def other(extension: str) -> bytes:
    return bytes(cv2.imencode(extension, lot(0.25))[1])


def test_the_case_of_the_issue_a_jpeg_cut_at_35_percent() -> None:
    data = LOT.read_bytes()
    with pytest.raises(BrokenImageError) as caught:
        decode_image(data[: len(data) * 35 // 100], "cut35.jpg")
    assert str(caught.value) == (
        "cut35.jpg: expected a whole image, but got 85606 bytes of a JPEG: "
        "data is missing or damaged"
    )


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_a_jpeg_cut_anywhere_is_refused(kind: str) -> None:
    data = jpeg(kind)
    for percent in (1, 5, 10, 20, 35, 50, 65, 80, 90, 95, 98, 99):
        with pytest.raises(CameraError):
            decode_image(data[: len(data) * percent // 100], f"{percent} %")


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_a_jpeg_that_lacks_a_piece_is_refused(kind: str) -> None:
    """As when a packet of 1460 bytes was lost; a piece of a progressive scan may go unseen."""
    data, rng = jpeg(kind), random.Random(3)
    found = 0
    for _ in range(20):
        at = rng.randrange(1000, len(data) - 1500)
        try:
            decode_image(data[:at] + data[at + 1460 :], kind)
        except CameraError:
            found += 1
    assert found == 20 if kind != "progressive" else found >= 16


@pytest.mark.parametrize("size", [64, 512, 4096])
@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_zeroed_blocks_are_seen(kind: str, size: int) -> None:
    """As lost disk blocks read; in a progressive JPEG zeros may be details that do not change."""
    data, rng = jpeg(kind), random.Random(4)
    found = 0
    for _ in range(20):
        at = rng.randrange(data.index(b"\xff\xda") + 20, len(data) - size - 2)
        try:
            decode_image(data[:at] + bytes(size) + data[at + size :], "zeroed")
        except CameraError:
            found += 1
    assert found == 20 if kind != "progressive" else found >= 10


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_a_picture_without_detail_is_whole(kind: str, grey: int) -> None:
    image = np.full((360, 640, 3), grey, np.uint8)
    image[:100] = lot()[:100]
    data = bytes(cv2.imencode(".jpg", image, JPEG_KINDS[kind])[1])
    assert decode_image(data, kind).shape == image.shape
    blank = bytes(cv2.imencode(".jpg", np.full_like(image, grey), JPEG_KINDS[kind])[1])
    assert decode_image(blank, kind).shape == image.shape


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_whole_jpegs_pass_with_what_cameras_add(kind: str) -> None:
    data = jpeg(kind)
    expected = decode_image(data, kind)
    padded = [data + bytes(100), data + b"\xff" * 7, data + b"<trailer>" + data[:50]]
    if kind != "progressive":
        padded += [data[:-2], data[:-2] + bytes(4) + data[-2:]]  # no end marker; padding before it
    for each in padded:
        assert np.array_equal(decode_image(each, kind), expected)


def test_a_progressive_jpeg_that_ends_between_two_scans_is_refused() -> None:
    data = jpeg("progressive")
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    with pytest.raises(CameraError, match="it ends too early"):
        decode_image(data[:second_scan], "coarse.jpg")


@pytest.mark.parametrize("extension", [".png", ".webp", ".bmp", ".tiff"])
def test_other_formats_cut_anywhere_are_refused(extension: str) -> None:
    data = other(extension)
    assert decode_image(data, extension).shape == (180, 320, 3)
    for percent in (1, 10, 35, 60, 90, 99):
        with pytest.raises(CameraError, match="expected a whole image, but got"):
            decode_image(data[: len(data) * percent // 100], extension)


@pytest.mark.parametrize("data", [b"", b"<html>login</html>", b"\xff\xd8", b"\xff\xd8\xff\xd9"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(CameraError, match=r"page: expected a whole image, but got"):
        decode_image(data, "page")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(file_format: str, orientation: int) -> None:
    upright = lot(0.25)
    turns = {
        1: lambda i: i,
        2: lambda i: i[:, ::-1],
        3: lambda i: i[::-1, ::-1],
        4: lambda i: i[::-1],
        5: lambda i: i.transpose(1, 0, 2),
        6: lambda i: i[::-1].transpose(1, 0, 2)[::-1, ::-1],
        7: lambda i: i[::-1, ::-1].transpose(1, 0, 2),
        8: lambda i: i[:, ::-1].transpose(1, 0, 2)[::-1, ::-1],
    }
    stored = np.ascontiguousarray(turns[orientation](upright)[..., ::-1])
    exif = Image.Exif()
    exif[0x112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(stored).save(buffer, file_format, exif=exif)
    shown = decode_image(buffer.getvalue(), file_format)
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_an_image_is_known_by_its_beginning(extension: str) -> None:
    assert is_image(other(extension)[:32])
    assert not is_image(b"\0\0\0\x20ftypisom")
    assert not is_image(b"")
