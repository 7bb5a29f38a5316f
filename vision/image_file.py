"""Images as files hold them: decoded upright, and only if they are whole.

libjpeg, and so OpenCV, fills what is missing of a JPEG with grey and says nothing. FFmpeg's
decoder, set to stop at errors, notices missing and surplus data; it checks every JPEG before
OpenCV decodes it. The other formats' decoders fail by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

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
_MARK, _EOI, _SOS, _DHT = 0xFF, 0xD9, 0xDA, 0xC4
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # no length follows these
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_COUNTS = 17
"""Bytes of a Huffman table before its symbols."""
_NO_DETAIL = frozenset({0x00, 0xF0})  # end of block; sixteen zeros
_ZEROS = bytes(32)
"""With the usual tables, 85 faintest details one after the other."""
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
        segments = list(_segments_of(data))
        fault = _jpeg_fault(data, segments)
        if fault:
            msg = f"{name}: expected a whole image, but got {len(data)} bytes of a JPEG: {fault}"
            raise BrokenImageError(msg)
        data += _missing_end(segments) or b""
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


def _jpeg_fault(data: bytes, segments: list[_Segment]) -> str:
    """What is wrong with a JPEG's data; empty when they are whole."""
    if _missing_end(segments) is None:
        return "it ends too early"
    if _is_zeroed(segments):
        return "a part of it was overwritten with zeros"
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


def _missing_end(segments: list[_Segment]) -> bytes | None:
    """The end marker, where a JPEG lacks it and may; empty where it has it; None where it is cut.

    There are cameras that omit it. In an image of one scan missing data show anyway; a
    progressive one that ends between two scans looks whole, only coarse, so it needs the marker.
    """
    markers = [segment.marker for segment in segments]
    if _EOI in markers:
        return b""
    return _END if markers.count(_SOS) == 1 and not _PROGRESSIVE.intersection(markers) else None


def _is_zeroed(segments: list[_Segment]) -> bool:
    """Whether a part of a JPEG's image was overwritten with zeros, as lost disk blocks are.

    They decode: to rubbish, after which the rest of the image is shifted. A whole image has no
    such run, unless zeros stand for blocks without detail, in brightness and in colour; an
    encoder's own Huffman tables may have it so for a black image.
    """
    scans = [segment.body for segment in segments if segment.marker == _SOS]
    is_progressive = _PROGRESSIVE.intersection(segment.marker for segment in segments)
    if len(scans) != 1 or is_progressive or _ZEROS not in scans[0]:
        return False
    zeros_mean = set()
    for segment in segments:
        tables = segment.body if segment.marker == _DHT else b""
        while len(tables) > _COUNTS:
            # Class and number, how many codes there are of each length, and their symbols by
            # length: the first one's code is all zeros.
            if tables[0] >> 4:
                zeros_mean.add(tables[_COUNTS])
            tables = tables[_COUNTS + sum(tables[1:_COUNTS]) :]
    return not zeros_mean or not zeros_mean <= _NO_DETAIL


@dataclass(frozen=True, slots=True)
class _Segment:
    """A piece of a JPEG: its marker's second byte; what follows, coded data of a scan included."""

    marker: int
    body: bytes


def _segments_of(jpeg: bytes) -> Iterator[_Segment]:
    """The segments of a JPEG, as far as it can be read."""
    at = 2
    while jpeg[at : at + 1] == b"\xff" and at + 1 < len(jpeg):
        marker = jpeg[at + 1]
        if marker == _MARK:  # padding before a marker
            at += 1
            continue
        if marker == _EOI:
            yield _Segment(marker, b"")
            return
        begin = at = at + 2
        if marker not in _STANDALONE:
            at += int.from_bytes(jpeg[at : at + 2], "big")
        if marker == _SOS:
            found = _NEXT_MARKER.search(jpeg, at)
            at = len(jpeg) if found is None else found.start()
        yield _Segment(marker, jpeg[begin + 2 : at])
