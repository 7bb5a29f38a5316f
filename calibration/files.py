"""Calibration files: loading, saving without ever leaving a broken file, revisions, roll back.

Beside `north.json` lies the folder `north.revisions` with one file for each revision that was ever
saved (`calibration.retention` deletes old ones). A save writes the new revision there, makes it
durable, then replaces `north.json` by a rename, so a crash at any instant leaves either the old
file or the new one. Writers take turns by a lock that the kernel drops when a process dies; POSIX
only, as edge boxes are.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calibration.atomic import replacing
from calibration.check import check_calibration
from calibration.errors import InvalidCalibrationError, RevisionConflictError
from calibration.findings import errors_of
from calibration.parsing import parse_calibration
from calibration.succession import brought_back, format_calibration, next_revision, with_retired
from calibration.types import Calibration
from telemetry.errors import CalibrationError

# A calibration of 1,000 bays is about 200 kB; what is far larger is another kind of file.
LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved state of a calibration file.

    Attributes:
        number: counts up from 1.
        path: the file that holds it.
        calibration: what it holds.
        current: whether it is the one in use.
    """

    number: int
    path: Path
    calibration: Calibration
    current: bool


def load_calibration(path: Path | str, *, verify: bool = True) -> Calibration:
    """Load a calibration that is fit for use.

    Args:
        path: the file.
        verify: whether the checksum must match the content.

    Raises:
        CalibrationError: it cannot be read, is not a calibration, or was changed by other means.
        InvalidCalibrationError: bays in it are wrong; carries the findings.
    """
    path = Path(path)
    calibration = read_calibration(path, verify=verify)
    errors = errors_of(check_calibration(calibration))
    if errors:
        raise InvalidCalibrationError(str(path), errors)
    return calibration


def read_calibration(path: Path | str, *, verify: bool = True) -> Calibration:
    """Load a calibration even when bays in it are wrong, to show or fix it.

    Raises:
        CalibrationError: it cannot be read, is not a calibration, or was changed by other means.
    """
    path = Path(path)
    return parse_calibration(read_bytes(path), str(path), verify=verify)


def read_bytes(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """A file's content, of at most `largest` bytes.

    Raises:
        CalibrationError: there is no such file, it cannot be read, or it is far too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as exc:
        msg = f"{path}: cannot read this file: {exc.strerror}"
        raise CalibrationError(msg) from exc
    if len(content) > largest:
        msg = f"{path}: expected a calibration of at most {largest} bytes, but got more"
        raise CalibrationError(msg)
    return content


def save_calibration(
    path: Path | str,
    calibration: Calibration,
    *,
    author: str,
    expected_revision: int | None = None,
    revives: bool = False,
    now_utc: datetime | None = None,
) -> Calibration:
    """Save a calibration as the next revision of its file.

    The bays are tidied (clockwise, no point twice) and checked; ids of bays that the previous
    revision had and this one lacks are retired.

    Args:
        path: the file; it need not exist for a calibration that was never saved (revision 0).
        calibration: what to save; nothing of it is changed in place.
        author: who saves it.
        expected_revision: the revision that was edited; by default the one that `calibration`
            carries. When the file holds another one, nothing is saved.
        revives: whether bays that were deleted may live again under their ids, as by a roll back.
        now_utc: time of the revision; the machine's wall time by default.

    Returns:
        The calibration as saved: with its revision, time, checksum and retired ids.

    Raises:
        RevisionConflictError: someone else saved in the meantime.
        InvalidCalibrationError: bays are wrong; carries the findings.
        CalibrationError: the file cannot be written, or the present one cannot be read.
    """
    path = Path(path)
    if expected_revision is None:
        expected_revision = calibration.revision
    with locked(path):
        present = _present(path)
        found = present.revision if present is not None else 0
        if found != expected_revision:
            raise RevisionConflictError(path, expected_revision, found)
        succeed = brought_back if revives else with_retired
        return _store(path, succeed(calibration, present), present, (author, now_utc))


def rollback_calibration(
    path: Path | str,
    revision: int,
    *,
    author: str,
    expected_revision: int | None = None,
    now_utc: datetime | None = None,
) -> Calibration:
    """Bring an earlier revision back, as a new revision.

    Bays that it had and that were deleted since live again under their own ids; the ids of bays
    that it lacks are retired.

    Args:
        path: the file.
        revision: number of the revision to bring back.
        author: who does it.
        expected_revision: refuse when the file holds another revision than this; None: any.
        now_utc: time of the new revision; the machine's wall time by default.

    Raises:
        CalibrationError: there is no such revision, or a file cannot be read or written.
        RevisionConflictError: someone else saved in the meantime.
    """
    path = Path(path)
    with locked(path):
        history = list_revisions(path)
        present = history[-1].calibration if history else None
        if present is not None and expected_revision not in {None, present.revision}:
            raise RevisionConflictError(path, expected_revision or 0, present.revision)
        wanted = _pick(path, history, revision)
        content = brought_back(wanted, present).model_copy(
            update={"note": f"roll back to revision {revision}"}
        )
        return _store(path, content, present, (author, now_utc))


def seal_calibration(
    path: Path | str, *, author: str, now_utc: datetime | None = None
) -> Calibration:
    """Accept a file that was changed by other means: its content becomes the next revision.

    Raises:
        InvalidCalibrationError: bays in it are wrong; carries the findings.
        CalibrationError: it is not a calibration, or cannot be written.
    """
    path = Path(path)
    with locked(path):
        content = read_calibration(path, verify=False)
        earlier = [item for item in list_revisions(path) if not item.current]
        last = earlier[-1].calibration if earlier else None
        merged = with_retired(content, last).model_copy(update={"note": "changed manually"})
        return _store(path, merged, last, (author, now_utc))


def load_revision(path: Path | str, revision: int) -> Calibration:
    """Load one saved revision of a calibration file.

    Raises:
        CalibrationError: there is no such revision, or it cannot be read.
    """
    path = Path(path)
    return _pick(path, list_revisions(path), revision)


def list_revisions(path: Path | str) -> tuple[Revision, ...]:
    """All revisions of a calibration file that can be brought back, oldest first.

    When the file itself is missing or damaged none of them is marked as current, so that it can
    still be rolled back.

    Raises:
        CalibrationError: a saved revision cannot be read.
    """
    path = Path(path)
    try:
        present = _present(path)
    except CalibrationError:
        present = None
    found: list[Revision] = []
    for file in sorted(revisions_folder(path).glob("[0-9]*.json")):
        calibration = read_calibration(file)
        # A number above the present one is the trace of a save that a crash cut short.
        if present is None or calibration.revision < present.revision:
            found.append(Revision(calibration.revision, file, calibration, current=False))
    if present is not None:
        found.append(Revision(present.revision, path, present, current=True))
    return tuple(found)


def _pick(path: Path, history: tuple[Revision, ...], number: int) -> Calibration:
    for revision in history:
        if revision.number == number:
            return revision.calibration
    known = ", ".join(str(revision.number) for revision in history) or "none"
    msg = f"{path}: expected a saved revision ({known}), but got {number}"
    raise CalibrationError(msg)


def revisions_folder(path: Path) -> Path:
    """Where the revisions of a calibration file lie: beside it."""
    return path.with_name(f"{path.stem}.revisions")


def _archive_path(path: Path, revision: int) -> Path:
    return revisions_folder(path) / f"{revision:06d}.json"


def _present(path: Path) -> Calibration | None:
    return read_calibration(path) if path.exists() else None


def _store(
    path: Path,
    calibration: Calibration,
    present: Calibration | None,
    signed: tuple[str, datetime | None],
) -> Calibration:
    author, now_utc = signed
    saved = next_revision(calibration, present, source=str(path), author=author, now_utc=now_utc)
    try:
        folder = revisions_folder(path)
        folder.mkdir(exist_ok=True)
        _remove_leftovers(path)
        if present is not None and not _archive_path(path, present.revision).exists():
            write_atomically(_archive_path(path, present.revision), format_calibration(present))
        write_atomically(_archive_path(path, saved.revision), format_calibration(saved))
        write_atomically(path, format_calibration(saved))
    except OSError as exc:
        msg = f"{path}: cannot save: {exc.strerror}; nothing was changed"
        raise CalibrationError(msg) from exc
    return saved


def _remove_leftovers(path: Path) -> None:
    """Delete temporary files of saves that were killed; the lock is held, so none is in use."""
    for folder in (path.parent, revisions_folder(path)):
        pattern = f".{path.name}.*.tmp" if folder == path.parent else ".*.tmp"
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a crash leaves the old content or the new, never a part.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file stands.
    """
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Take the turn of a writer of a calibration file; waits for the others.

    Raises:
        CalibrationError: its folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        msg = f"{path}: expected a writable folder, but got: {exc.strerror}"
        raise CalibrationError(msg) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # drops the lock; the empty file stays, since removing it would race
