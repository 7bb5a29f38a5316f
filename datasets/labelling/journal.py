"""What people answered: one append-only file for each reviewer, one JSON line for each action.

An action is durable before the page hears of it: the line is written with one call and synced to
the disk, so `kill -9` or a power cut loses at most a line that was not yet acknowledged, and
reading drops such a torn tail. Undoing is an action as well; nothing is ever rewritten. Files of
reviewers on several machines are joined by putting them into one folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from datasets.errors import AnswerNotKeptError, DatasetError

ANSWERS = "answers"
LOCK = ".review.lock"
Reviewer = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
EntryId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
State = Literal["occupied", "free", "unknown"]
Mode = Literal["single", "grid", "settle"]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Value):
    """What a person says of one bay.

    Attributes:
        item: name of the question.
        state: what is seen; unknown: it cannot be seen in the image.
    """

    item: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}-\d{1,5}$")]
    state: State


class Entry(_Value):
    """One action of one person.

    Attributes:
        id: given by the page, so that what is sent twice counts once.
        reviewer: who.
        time: when the server took it.
        mode: one bay on the screen, many, or a dispute between reviewers that is settled.
        spent_s: seconds between the showing and the answer.
        answers: of one screen; none when something is undone.
        undoes: id of the action that is taken back.
    """

    id: EntryId
    reviewer: Reviewer
    time: AwareDatetime
    mode: Mode = "single"
    spent_s: Annotated[float, Field(ge=0)] = 0.0
    answers: tuple[Answer, ...] = ()
    undoes: EntryId | None = None


def append_entry(path: Path, entry: Entry) -> None:
    """Write an action and wait until the disk has it; the caller holds the lock.

    Raises:
        AnswerNotKeptError: the disk does not take it; nothing was added.
    """
    line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _write_whole(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _sync_folder(path.parent)
            _sync_folder(path.parent.parent)
    except OSError as exc:
        msg = f"{path}: cannot save the answer: {exc.strerror}"
        raise AnswerNotKeptError(msg) from exc


def repair_journals(folder: Path) -> None:
    """Cut off lines that a crash tore; the caller holds the lock.

    Raises:
        DatasetError: a file cannot be read or is damaged before its last line.
    """
    for path in (folder / ANSWERS).glob("*.jsonl"):
        _, whole = read_entries(path)
        if whole < path.stat().st_size:
            os.truncate(path, whole)


def journal_path(folder: Path, reviewer: str) -> Path:
    """The file of a reviewer, whatever signs the name holds.

    Raises:
        DatasetError: the name is too long for a file.
    """
    name = f"{quote(reviewer, safe=' ')}.jsonl"
    if len(name) > 200:  # noqa: PLR2004 - file systems take 255 bytes
        msg = f"reviewer: expected a shorter name, but got '{reviewer}'"
        raise DatasetError(msg)
    return folder / ANSWERS / name


def read_journals(folder: Path) -> dict[str, list[Entry]]:
    """All actions by reviewer, undone ones included, each list in the order of time.

    An action that is in two files, since one was copied, counts once.

    Raises:
        DatasetError: a file cannot be read or is damaged.
    """
    entries = {
        entry.id: entry
        for path in sorted((folder / ANSWERS).glob("*.jsonl"))
        for entry in read_entries(path)[0]
    }
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries.values(), key=lambda entry: entry.time):
        found.setdefault(entry.reviewer, []).append(entry)
    return found


def read_entries(path: Path) -> tuple[list[Entry], int]:
    """The actions of one file, and how many of its bytes are whole lines.

    Raises:
        DatasetError: it cannot be read, or a line that was ended is no action.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        msg = f"{path}: cannot read answers: {exc.strerror}"
        raise DatasetError(msg) from exc
    whole = content.rfind(b"\n") + 1
    entries = []
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as exc:
            msg = f"{path}:{number}: expected an answer, but got: {exc.errors()[0]['msg']}"
            raise DatasetError(msg) from exc
    return entries, whole


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """The actions that hold: neither undone nor an undoing."""
    undone = {entry.undoes for entry in entries if entry.undoes is not None}
    return [entry for entry in entries if entry.undoes is None and entry.id not in undone]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the one process that takes answers to a queue; the kernel drops the lock of a dead one.

    Raises:
        DatasetError: another process has it, or the folder cannot be written.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        msg = f"{path}: expected a writable folder, but got: {exc.strerror}"
        raise DatasetError(msg) from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"{folder}: this queue is already under review by another process"
            raise DatasetError(msg) from None
        yield
    finally:
        os.close(handle)


def _write_whole(handle: int, line: bytes) -> None:
    start = os.fstat(handle).st_size
    written = os.write(handle, line)
    if written < len(line):
        # A full disk took a part: take it back, or the next line would be glued to it.
        os.ftruncate(handle, start)
        msg = "no space left for the whole line"
        raise OSError(None, msg)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
