"""Images that lie in a folder, in the order of their names."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_app.sources.base import Grab
from telemetry import CameraError
from vision.image_file import IMAGE_SUFFIXES, decode_image

_log = logging.getLogger(__name__)


class FolderSource:
    """A folder of images, or one image again and again.

    The folder is listed again at each pass, so images may be added while it is read. A broken
    image is skipped and reported; a pass without one good image is a fault.

    Args:
        path: folder, or one image.
        loop: whether to begin again at the end.
    """

    def __init__(self, path: Path, *, loop: bool) -> None:
        self._path = path
        self._loop = loop
        self._pending: list[Path] = []
        self._good_in_pass = 0
        self._last_fault = ""
        self._told: set[str] = set()

    @property
    def self_paced(self) -> bool:
        """An image on each call."""
        return False

    def open(self) -> None:
        """List the images.

        Raises:
            CameraError: no such folder, or no image in it.
        """
        try:
            if self._path.is_dir():
                found = sorted(
                    p for p in self._path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES
                )
            else:
                found = [self._path] if self._path.is_file() else []
        except OSError as exc:
            msg = f"camera source {self._path}: cannot list: {exc}"
            raise CameraError(msg) from exc
        if not found:
            kinds = ", ".join(sorted(IMAGE_SUFFIXES))
            msg = f"camera source {self._path}: expected images ({kinds}), but found none"
            raise CameraError(msg)
        self._pending = found[::-1]
        self._good_in_pass = 0

    def read(self) -> Grab | None:
        """The next image; None at the end when not looped.

        Raises:
            CameraError: a whole pass held no image that can be decoded.
        """
        broken = 0
        while True:
            if not self._pending:
                if self._good_in_pass == 0:
                    msg = f"camera source {self._path}: cannot decode any image; {self._last_fault}"
                    raise CameraError(msg)
                if not self._loop:
                    return None
                self.open()
            path = self._pending.pop()
            try:
                image_bgr = decode_image(path.read_bytes(), str(path))
            except (OSError, CameraError) as exc:
                if str(exc) not in self._told:
                    _log.warning("skipped: %s", exc)
                    self._told.add(str(exc))
                self._last_fault = str(exc)
                broken += 1
                continue
            self._good_in_pass += 1
            return Grab(image_bgr, broken=broken)

    def close(self) -> None:
        """Forget the list."""
        self._pending = []
