"""Files that may be replaced while the service runs: calibrations and the model.

A new file that is wrong changes nothing but an alarm: the last valid one stays in use, also over a
restart.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from calibration import Calibration, load_calibration
from telemetry import CalibrationError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells without reading it that a file was replaced."""

    mtime_ns: int
    size: int
    inode: int


class FileWatch:
    """Detects whether a file's content has changed since the last check.

    Looking costs one `stat`; the content is read only when that differs, so that `touch` or a copy
    of the same file is no news.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = self._look()
        self._hash = self._digest()

    def changed(self) -> bool:
        """Whether the content is another one than at the last call."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        digest = self._digest()
        self._stamp = stamp
        different = digest != self._hash
        self._hash = digest
        return different

    def _look(self) -> _Stamp | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return _Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino)

    def _digest(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return None


class CalibrationKeeper:
    """One camera's calibration file, and a copy of the last revision that was good.

    Args:
        camera: whose calibration it must be.
        path: the file.
        keep_dir: where copies are kept.
    """

    def __init__(self, camera: str, path: Path, keep_dir: Path) -> None:
        self.camera = camera
        self._path = path
        self._kept = keep_dir / f"{camera}.json"
        self._watch = FileWatch(path)

    def changed(self) -> bool:
        """Whether the file was replaced since the last look."""
        return self._watch.changed()

    def load(self) -> Calibration:
        """Load the file as it is now, and keep a copy of it.

        Raises:
            CalibrationError: it cannot be used, or is another camera's.
        """
        calibration = load_calibration(self._path)
        if calibration.camera != self.camera:
            msg = (
                f"{self._path}: expected the calibration of camera {self.camera!r}, "
                f"but got that of {calibration.camera!r}"
            )
            raise CalibrationError(msg)
        self._keep()
        return calibration

    def last_good(self) -> Calibration | None:
        """The copy of the last valid one; None when there is none."""
        if not self._kept.is_file():
            return None
        try:
            return load_calibration(self._kept)
        except CalibrationError as exc:
            _log.warning("cannot use the stored calibration: %s", exc)
            return None

    def _keep(self) -> None:
        try:
            content = self._path.read_bytes()
            if self._kept.is_file() and self._kept.read_bytes() == content:
                return
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._kept.with_suffix(".tmp")
            temporary.write_bytes(content)
            os.replace(temporary, self._kept)  # noqa: PTH105 - one atomic step
        except OSError as exc:  # a full disk costs the copy, not the service
            _log.warning("cannot store a copy of %s: %s", self._path, exc)
