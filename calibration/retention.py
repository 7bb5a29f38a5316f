"""What a calibration file leaves behind, and when that goes: old revisions, replaced images.

The file itself, the image that it names and whatever is above its revision are never touched, and
nothing is while the file cannot be read: then each revision may be the one to go back to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from calibration.files import locked, read_calibration, revisions_folder
from telemetry.errors import CalibrationError


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted.

    Attributes:
        revisions: their numbers, rising.
        pictures: names of reference images.
    """

    revisions: tuple[int, ...] = ()
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What is needed of an earlier revision.

    Attributes:
        number: of it.
        path: its file.
        picture: the reference image that it names, if any.
        time: when it was saved, if it says so.
    """

    number: int
    path: Path
    picture: str | None
    time: datetime | None


def forget_old(
    path: Path, *, keep: int, pictures_since: datetime, named: Collection[str] = ()
) -> Forgotten:
    """Delete what is old beside a calibration file.

    Args:
        path: the file.
        keep: how many revisions before the present one stay; the newest.
        pictures_since: reference images that were replaced before that go, even if a revision
            that stays names them: it can still be brought back, without its image.
        named: images that stay in any case.

    Raises:
        CalibrationError: the folder cannot be written, or the file cannot be read.
    """
    pictures = _pictures(path)
    if not pictures and len(_revision_files(path)) <= keep + 1:
        return Forgotten()
    with locked(path):
        present = read_calibration(path)
        earlier = [each for each in _earlier(path) if each.number < present.revision]
        stays = earlier[max(len(earlier) - keep, 0) :]
        goes = earlier[: len(earlier) - len(stays)]
        wanted = {*named, *_recent(stays, present.time, pictures_since)}
        if present.reference is not None:
            wanted.add(present.reference.file)
        unwanted = [
            picture
            for picture in pictures
            # One that was stored just now may belong to a save that is under way.
            if picture.name not in wanted and _stored(picture) < pictures_since
        ]
        try:
            for file in (*(each.path for each in goes), *unwanted):
                file.unlink(missing_ok=True)
        except OSError as exc:
            msg = f"{path}: cannot delete old revisions: {exc.strerror}"
            raise CalibrationError(msg) from exc
    return Forgotten(
        tuple(each.number for each in goes), tuple(picture.name for picture in unwanted)
    )


def _recent(
    stays: list[_Earlier], present_time: datetime | None, since: datetime
) -> Iterable[str | None]:
    """Images of revisions that were in use since then: until the next revision's time."""
    ends = [*(each.time for each in stays), present_time][1:]
    for each, end in zip(stays, ends, strict=True):
        if end is None or end >= since:
            yield each.picture


def _earlier(path: Path) -> list[_Earlier]:
    """All revisions in the folder, rising; those that are no JSON have neither image nor time."""
    found = []
    for file in _revision_files(path):
        picture, time = None, None
        try:
            body = json.loads(file.read_bytes())
            picture = body["reference"]["file"] if body.get("reference") else None
            time = datetime.fromisoformat(body["time"]) if body.get("time") else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        if time is not None and time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        found.append(_Earlier(int(file.stem), file, picture, time))
    return sorted(found, key=lambda each: each.number)


def _revision_files(path: Path) -> list[Path]:
    return [file for file in revisions_folder(path).glob("[0-9]*.json") if file.stem.isdecimal()]


def _pictures(path: Path) -> list[Path]:
    """Reference images that `reference_files.store_reference` named."""
    own = re.compile(re.escape(path.stem) + r"\.reference-[0-9a-f]{12}\.(jpg|part)")
    return sorted(file for file in path.parent.glob("*.reference-*") if own.fullmatch(file.name))


def _stored(picture: Path) -> datetime:
    try:
        return datetime.fromtimestamp(picture.stat().st_mtime, UTC)
    except OSError:
        return datetime.max.replace(tzinfo=UTC)
