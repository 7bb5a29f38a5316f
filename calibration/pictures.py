"""Pictures that calibrations refer to: reading, hashing, frames of a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from telemetry.errors import CalibrationError
from vision.types import ImageBgr

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def read_picture(path: Path) -> ImageBgr:
    """Read a picture, shape (H, W, 3), blue, green, red.

    Raises:
        CalibrationError: there is none, or it cannot be decoded.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        msg = f"{path}: expected a picture, but got: {exc.strerror}"
        raise CalibrationError(msg) from exc
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        msg = f"{path}: expected a picture, but got {len(content)} bytes that are none"
        raise CalibrationError(msg)
    return np.asarray(image, np.uint8)


def write_picture(path: Path, image_bgr: ImageBgr) -> None:
    """Write a picture in the format of the file's suffix.

    Raises:
        CalibrationError: the suffix is of no picture, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        msg = f"{path}: expected a file name with one of {known}, but got '{path.suffix}'"
        raise CalibrationError(msg)
    _, content = cv2.imencode(suffix, image_bgr)
    try:
        path.write_bytes(content.tobytes())
    except OSError as exc:
        msg = f"{path}: expected to be able to write, but got: {exc.strerror}"
        raise CalibrationError(msg) from exc


def picture_sha256(path: Path) -> str:
    """SHA-256 of a picture file, lower-case hex.

    Raises:
        CalibrationError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        msg = f"{path}: expected a picture, but got: {exc.strerror}"
        raise CalibrationError(msg) from exc


def spread_frames(path: Path, count: int) -> Iterator[ImageBgr]:
    """Frames of a clip, spread evenly over it; of a picture, the picture; of a folder, its own.

    Args:
        path: a clip, a picture, or a folder of pictures of one camera.
        count: how many frames at most.

    Yields:
        Pictures, shape (H, W, 3), in order of time.

    Raises:
        CalibrationError: it cannot be read, or holds no picture.
    """
    if path.is_dir():
        pictures = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        if not pictures:
            msg = f"{path}: expected a folder of pictures, but got one without any"
            raise CalibrationError(msg)
        for index in _spread(len(pictures), count):
            yield read_picture(pictures[index])
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        yield read_picture(path)
    else:
        yield from _clip_frames(path, count)


def _spread(available: int, count: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, available - 1, min(count, available))})


def _clip_frames(path: Path, count: int) -> Iterator[ImageBgr]:
    if not path.is_file():
        msg = f"{path}: expected a clip, picture or folder, but there is none"
        raise CalibrationError(msg)
    clip = cv2.VideoCapture(str(path))
    try:
        wanted = set(_spread(max(int(clip.get(cv2.CAP_PROP_FRAME_COUNT)), 1), count))
        found = 0
        # Frames between are grabbed, not decoded into pictures; seeking is not exact in all files.
        for index in range(max(wanted) + 1):
            if not clip.grab():
                break
            if index in wanted:
                read, image = clip.retrieve()
                if read:
                    found += 1
                    yield np.asarray(image, np.uint8)
    finally:
        clip.release()
    if not found:
        msg = f"{path}: expected a clip that can be decoded, but got no frame of it"
        raise CalibrationError(msg)
