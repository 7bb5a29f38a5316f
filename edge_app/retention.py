"""What would pile up on the box's disk, and what bounds it; docs/operations.md has the table.

Deleted is only what is old and replaced, or what a crash left behind. Never the file in use, never
an event that waits: those have their own limits (`[outbox]`), and leave a gap event behind.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from calibration.files import load_calibration
from calibration.retention import forget_old
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.delivery.database import STORE_FILE
from edge_app.harvest.store import FOLDER as HARVEST_FOLDER
from edge_app.harvest.store import open_store
from harvest import HarvestError
from telemetry import CalibrationError, Clock

_log = logging.getLogger(__name__)

EVERY_S = 6 * 3600.0
DAMAGED_KEPT = 2
"""Copies of damaged stores: the newest may be worth reviewing, none can be sent any more."""
_DAMAGED = f"{STORE_FILE}.damaged-"
DOWNLOAD = ".download-"
"""Prefix of files that are made on request and deleted once sent."""
_DOWNLOAD_S = 3600.0
"""Longer than any download takes; one that is older was discarded."""
_MIB = 1024 * 1024
# Beside its rows a store has indices and free pages (`delivery.room`), and a journal of 4 MiB.
_STORE_SHARE = 1.5
_STORE_MORE_BYTES = 16 * _MIB
# Two slots of networks, and what is fetched for the next; the largest that we know has 40 MB.
_ROLLOUT_BYTES = 512 * _MIB
# Fifty revisions of a large lot, and as many reference images as anyone takes in three months.
_CALIBRATION_BYTES = 64 * _MIB
_OTHER_BYTES = 64 * _MIB


class Retention:
    """Deletes what is too old to be kept. One thread at a time.

    What a service that was killed left behind goes at once: it is made by the one that starts, once
    the store is open, so that no other service uses the folder.

    Args:
        config: how much may be kept, how long, and where.
        clock: time.
    """

    def __init__(self, config: LotsightConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._due_s = clock.mono_s()
        _delete_leftovers(config.edge.state_dir)

    def tidy_if_due(self) -> None:
        """Delete what is too old, if the last time was some hours ago."""
        now_s = self._clock.mono_s()
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        _delete_downloads(self._config.edge.state_dir)
        for camera in self._config.camera:
            self._tidy_calibration(camera)
        self._expire_frames()

    def _tidy_calibration(self, camera: CameraConfig) -> None:
        days = timedelta(days=self._config.privacy.keep_pictures_days)
        try:
            gone = forget_old(
                camera.calibration_file,
                keep=self._config.edge.keep_revisions,
                pictures_since=self._clock.utc() - days,
                named=_named_by_copy(self._config.edge.state_dir, camera.id),
            )
        except CalibrationError as exc:
            # It lies where the service may not write, or is damaged, which is an alarm already.
            _log.debug("camera %s: cleanup failed: %s", camera.id, exc)
            return
        if gone.revisions or gone.pictures:
            _log.info(
                "camera %s: %d old revisions and %d replaced reference images deleted",
                camera.id,
                len(gone.revisions),
                len(gone.pictures),
            )

    def _expire_frames(self) -> None:
        """Frames grow old too where the harvest was disabled."""
        folder = self._config.edge.state_dir / HARVEST_FOLDER
        if self._config.harvest.enabled or not folder.is_dir():
            return
        try:
            open_store(self._config).expire(self._clock.utc())
        except HarvestError as exc:
            _log.warning("cannot delete kept frames: %s", exc)


def _delete_leftovers(state_dir: Path) -> None:
    for path in state_dir.glob(f"{DOWNLOAD}*"):
        _delete(path)
    for folder in (state_dir / HARVEST_FOLDER, state_dir / "rollout" / "calibration"):
        for path in folder.glob("tmp*"):
            _delete(path)
    copies = sorted(state_dir.glob(f"{_DAMAGED}*"), key=_mtime_s, reverse=True)
    for path in copies[DAMAGED_KEPT:]:
        _delete(path)


def _delete_downloads(state_dir: Path) -> None:
    for path in state_dir.glob(f"{DOWNLOAD}*"):
        if time.time() - _mtime_s(path) > _DOWNLOAD_S:
            _delete(path)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one part of the state folder takes.

    Attributes:
        part: in words.
        size_bytes: of its files.
        expected_bytes: it should not be more.
        remedy: what to do when it is.
    """

    part: str
    size_bytes: int
    expected_bytes: int
    remedy: str

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than it should be."""
        return self.size_bytes > self.expected_bytes


def state_usage(config: LotsightConfig) -> tuple[Usage, ...]:
    """What each part of the state folder takes, and should take at most."""
    folder = config.edge.state_dir
    sizes: dict[str, int] = {}
    for path, size in _files(folder):
        part = _part(path.relative_to(folder), config)
        sizes[part] = sizes.get(part, 0) + size
    harvest = config.harvest
    frames = harvest.max_bytes + harvest.upload_max_bytes if harvest.enabled else 0
    store = int(_STORE_SHARE * config.outbox.max_bytes) + _STORE_MORE_BYTES
    known = (
        ("store", store, "see [outbox]; space is freed after delivery"),
        ("copies of damaged stores", 0, "check the disk's health, then delete them"),
        ("kept frames", frames, "`lotsight harvest purge`, or see [harvest]"),
        ("roll-outs", _ROLLOUT_BYTES, "check the contents of the folder rollout"),
        ("calibrations", _CALIBRATION_BYTES * len(config.camera), "see edge.keep_revisions"),
        ("other files", _OTHER_BYTES, "check what they are: the service does not write such files"),
    )
    return tuple(Usage(part, sizes.get(part, 0), most, text) for part, most, text in known)


def _part(path: Path, config: LotsightConfig) -> str:
    top = path.parts[0]
    if top.startswith(_DAMAGED):
        return "copies of damaged stores"
    if top.startswith(STORE_FILE):
        return "store"
    if any(top.startswith(f"{camera.calibration_file.stem}.") for camera in config.camera):
        return "calibrations"  # the place for those that the editor writes
    names = {HARVEST_FOLDER: "kept frames", "rollout": "roll-outs", "calibrations": "calibrations"}
    return names.get(top, "other files")


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                yield path, path.stat().st_size
        except OSError:  # gone in the meantime, or not for us
            continue


def _named_by_copy(state_dir: Path, camera: str) -> tuple[str, ...]:
    """The reference image of the last valid calibration, which may not be the present one's."""
    try:
        kept = load_calibration(state_dir / "calibrations" / f"{camera}.json")
    except CalibrationError:
        return ()
    return () if kept.reference is None else (kept.reference.file,)


def _mtime_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _delete(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as exc:
        _log.warning("cannot delete %s: %s", path, exc.strerror)
        return
    _log.info("%s: left behind by a crash, deleted", path.name)
