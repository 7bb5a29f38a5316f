"""Images that calibrations refer to: reading, hashing, frames of a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from calibration.clips import ClipReader
from telemetry.errors import CalibrationError, CameraError
from vision.image_file import HEADER_BYTES, IMAGE_SUFFIXES, decode_image, is_image
from vision.types import ImageBgr

PICTURE_SUFFIXES = IMAGE_SUFFIXES


def read_picture(path: Path) -> ImageBgr:
    """Read an image, shape (H, W, 3), blue, green, red.

    Raises:
        CalibrationError: there is none, or it is not whole.
    """
    try:
        return decode_image(path.read_bytes(), str(path))
    except OSError as exc:
        msg = f"{path}: cannot read this image: {exc.strerror}"
        raise CalibrationError(msg) from exc
    except CameraError as exc:
        raise CalibrationError(str(exc)) from exc


def is_picture(path: Path) -> bool:
    """Whether a file is a still image: by its content, since names lie."""
    try:
        with path.open("rb") as file:
            return is_image(file.read(HEADER_BYTES))
    except OSError:
        return False


def write_picture(path: Path, image_bgr: ImageBgr) -> None:
    """Write an image in the format of the file's suffix.

    Raises:
        CalibrationError: the suffix is of no image, or the file cannot be written.
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
        msg = f"{path}: cannot write: {exc.strerror}"
        raise CalibrationError(msg) from exc


def picture_sha256(path: Path) -> str:
    """SHA-256 of an image file, lower-case hex.

    Raises:
        CalibrationError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        msg = f"{path}: cannot read this image: {exc.strerror}"
        raise CalibrationError(msg) from exc


def spread_frames(path: Path, count: int) -> Iterator[ImageBgr]:
    """Frames of a clip, spread evenly over it; of an image, the image; of a folder, its own.

    Args:
        path: a clip, an image, or a folder of images of one camera.
        count: how many frames at most.

    Yields:
        Images, shape (H, W, 3), in order of time.

    Raises:
        CalibrationError: it cannot be read, or holds no image.
    """
    if path.is_dir():
        pictures = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        if not pictures:
            msg = f"{path}: expected a folder of images, but it contains none"
            raise CalibrationError(msg)
        for index in _spread(len(pictures), count):
            yield read_picture(pictures[index])
    elif not path.is_file():
        msg = f"{path}: expected a clip, image or folder, but it does not exist"
        raise CalibrationError(msg)
    elif is_picture(path):
        yield read_picture(path)
    else:
        yield from _clip_frames(path, count)


def _spread(available: int, count: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, available - 1, min(count, available))})


def _clip_frames(path: Path, count: int) -> Iterator[ImageBgr]:
    try:
        with ClipReader(path) as clip:
            wanted = set(_spread(max(clip.frame_count or 0, 1), count))
            # Frames between are decoded too; seeking is not exact in all files.
            for index, (_, image) in enumerate(clip.frames()):
                if index in wanted:
                    yield image
                if index >= max(wanted):
                    break
    except CameraError as exc:
        raise CalibrationError(str(exc)) from exc
