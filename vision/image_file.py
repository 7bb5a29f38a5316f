"""Images as files hold them: decoded upright, and only if they are whole.

libjpeg, and so OpenCV, fills what is missing of a JPEG with grey and says nothing. FFmpeg's
decoder, told to stop at errors, notices missing and surplus data; it checks every JPEG before
OpenCV decodes it. The other formats' decoders fail by themselves.
"""

from __future__ import annotations

import re

import cv2
import numpy as np

from telemetry.errors import CameraError
from vision.types import ImageBgr


class BrokenImageError(CameraError):
    """What came is no image, or not a whole one."""


IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
HEADER_BYTES = 32
"""How much of a file `is_image` wants to see."""

_MAGIC = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|BM.{4}\0\0\0\0|RIFF.{4}WEBP|II\*\0|MM\0\*|GIF8[79]a"
    rb"|.{4}ftyp(avif|avis)|\0\0\0\x0cJXL |\0\0\0\x0cjP  ",
    re.DOTALL,
)
_SOI, _END = b"\xff\xd8", b"\xff\xd9"
_MARK, _EOI, _SOS = 0xFF, 0xD9, 0xDA
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # no length follows these
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Sizes and colours do not matter to the check, so as little as possible is made of them.
_CHECK = {"err_detect": "explode", "lowres": "3", "flags": "gray"}


def is_image(header: bytes) -> bool:
    """Whether a file that begins like this is a still image, whatever it is called."""
    return _MAGIC.match(header) is not None


def decode_image(data: bytes, name: str) -> ImageBgr:
    """Decode a JPEG, PNG, WebP, BMP or TIFF file, turned as its EXIF orientation says.

    Args:
        data: the file's content.
        name: of the file or camera, for errors.

    Returns:
        Shape (H, W, 3), uint8; blue, green, red.

    Raises:
        BrokenImageError: it is no image, or not a whole one.
    """
    if data.startswith(_SOI):
        end = _missing_end(data)
        fault = "it ends too early" if end is None else _jpeg_fault(data)
        if fault:
            msg = f"{name}: expected a whole image, but got {len(data)} bytes of a JPEG: {fault}"
            raise BrokenImageError(msg)
        data += end or b""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as exc:
        msg = f"{name}: cannot decode image ({len(data)} bytes): {exc.err}"
        raise BrokenImageError(msg) from exc
    if image is None:
        what = "an incomplete or damaged one" if is_image(data[:HEADER_BYTES]) else "something else"
        msg = (
            f"{name}: expected a whole image, but got {what}: {len(data)} bytes, "
            f"beginning {data[:16]!r}"
        )
        raise BrokenImageError(msg)
    return np.asarray(image, np.uint8)


def _jpeg_fault(data: bytes) -> str:
    """What is wrong with a JPEG's data; empty when they are whole."""
    import av  # slow to import, and few commands decode images

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    decoder.options = dict(_CHECK)
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.error.PatchWelcomeError:
        return ""  # a rare kind that only OpenCV knows
    except av.FFmpegError:
        return "data is missing or damaged"
    if not frames or any(frame.is_corrupt for frame in frames):
        return "data is missing or damaged"
    return ""


def _missing_end(data: bytes) -> bytes | None:
    """The end marker, where a JPEG lacks it and may; empty where it has it; None where it is cut.

    There are cameras that omit it. In a picture of one scan missing data show all the same; a
    progressive one that ends between two scans looks whole, only coarse, so it needs the marker.
    """
    at, scans, is_progressive = 2, 0, False
    while at + 4 <= len(data) and data[at] == _MARK:
        marker = data[at + 1]
        if marker == _EOI:
            return b""
        if marker == _MARK:  # padding before a marker
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        is_progressive = is_progressive or marker in _PROGRESSIVE
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            scans += 1
            found = _NEXT_MARKER.search(data, at)
            at = len(data) if found is None else found.start()
    if data[at : at + 2] == _END:
        return b""
    return _END if scans == 1 and not is_progressive else None
