"""A version of a data set: `manifest.json` beside the data, small, with nothing absolute in it.

It holds the SHA-256 of every file, where the images come from, under which licence, and the
version it was made from. The version is a hash of the content: equal content, equal version, on
whatever machine. DVC, git-annex or a bucket keep the images; git keeps `manifest.json` and
`annotations.json`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from calibration.files import write_atomically
from calibration.types import Sha256
from datasets.documents import read_document
from datasets.errors import DatasetError
from datasets.frames import LotFrame

MANIFEST = "manifest.json"
VERSION_CHARACTERS = 12
"""Of the content's hash: no two of a million versions share them by chance."""
PASSING_SUFFIXES = frozenset({".cache", ".dvc"})
"""What Ultralytics leaves beside the labels, and DVC's pointers: no part of a version."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Value):
    """Where some of the images come from.

    Attributes:
        source: who made them; empty where not known.
        licence: as stated there; empty where not stated.
        pictures: how many.
    """

    source: str = ""
    licence: str = ""
    pictures: Annotated[int, Field(ge=0)]


class Counts(_Value):
    """How much there is.

    Attributes:
        pictures: of all splits.
        occupied: bays.
        free: bays.
        unknown: bays whose state is unknown.
        vehicles: boxes.
    """

    pictures: int = 0
    occupied: int = 0
    free: int = 0
    unknown: int = 0
    vehicles: int = 0

    @classmethod
    def of(cls, frames: Iterable[LotFrame]) -> Self:
        """Count."""
        pictures, vehicles = 0, 0
        states: Counter[bool | None] = Counter()
        for frame in frames:
            pictures, vehicles = pictures + 1, vehicles + len(frame.vehicles)
            states.update(frame.states)
        return cls(
            pictures=pictures,
            occupied=states[True],
            free=states[False],
            unknown=states[None],
            vehicles=vehicles,
        )


class Manifest(_Value):
    """What a version holds.

    Attributes:
        schema_version: of this form.
        name: of the set.
        version: hash of the content, see `version_of`.
        parent: version this one was made from; None for a first one.
        note: what changed, for people.
        made: when.
        tool: what wrote it.
        counts: how much there is.
        sources: where the images come from, and their licences.
        files: SHA-256 by path, relative to the folder, with `/`.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    name: str
    version: str
    parent: str | None = None
    note: str = ""
    made: AwareDatetime
    tool: str
    counts: Counts
    sources: tuple[Source, ...] = ()
    files: Mapping[str, Sha256]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name:
                msg = f"files: expected paths inside the folder, but got '{name}'"
                raise ValueError(msg)
        if self.version != version_of(self.files):
            msg = f"version: expected {version_of(self.files)}, the files' hash, got {self.version}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class About:
    """What the files do not say of a version.

    Attributes:
        name: of the set; the folder's name where empty.
        parent: version it was made from.
        note: what changed, for people.
        made: when; now by default.
    """

    name: str = ""
    parent: str | None = None
    note: str = ""
    made: datetime | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sets of files differ.

    Attributes:
        added: paths that only the second has.
        removed: paths that only the first has.
        changed: paths with another content.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def of(cls, old: Mapping[str, str], new: Mapping[str, str]) -> Self:
        """From hashes by path."""
        both = old.keys() & new.keys()
        return cls(
            added=tuple(sorted(new.keys() - old.keys())),
            removed=tuple(sorted(old.keys() - new.keys())),
            changed=tuple(sorted(name for name in both if old[name] != new[name])),
        )

    def __bool__(self) -> bool:
        """Whether there is a difference."""
        return bool(self.added or self.removed or self.changed)


def version_of(files: Mapping[str, str]) -> str:
    """The version of a content: over the lines of `sha256sum`, sorted by path."""
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:VERSION_CHARACTERS]


def hash_files(folder: Path, on_file: Callable[[], None] = lambda: None) -> dict[str, str]:
    """SHA-256 of every file below a folder but the manifest; hidden and passing files do not count.

    Raises:
        DatasetError: the folder is missing or a file cannot be read.
    """
    hashes = {}
    for path in list_files(folder):
        hashes[path.relative_to(folder).as_posix()] = sha256_of(path)
        on_file()
    return hashes


def list_files(folder: Path) -> list[Path]:
    """The files that a version holds, sorted.

    Raises:
        DatasetError: the folder is missing.
    """
    if not folder.is_dir():
        msg = f"{folder}: expected the folder of a data set, but it does not exist"
        raise DatasetError(msg)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path != folder / MANIFEST
        and path.suffix not in PASSING_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        msg = f"{path}: cannot read: {exc.strerror}"
        raise DatasetError(msg) from exc


def make_manifest(
    folder: Path, frames: Sequence[LotFrame], files: Mapping[str, str], about: About
) -> Manifest:
    """Describe what lies in a folder."""
    origins = Counter(frame.origin for frame in frames)
    return Manifest(
        name=about.name or folder.resolve().name,
        version=version_of(files),
        parent=about.parent,
        note=about.note,
        made=about.made or datetime.now(UTC),
        tool=_tool(),
        counts=Counts.of(frames),
        sources=tuple(
            Source(source=origin.source, licence=origin.licence, pictures=count)
            for origin, count in sorted(origins.items(), key=lambda item: -item[1])
        ),
        files=dict(sorted(files.items())),
    )


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write it beside the data.

    Raises:
        DatasetError: the folder cannot be written.
    """
    path = folder / MANIFEST
    try:
        write_atomically(path, manifest.model_dump_json(indent=1) + "\n")
    except OSError as exc:
        msg = f"{path}: cannot write: {exc.strerror}"
        raise DatasetError(msg) from exc
    return path


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder.

    Raises:
        DatasetError: there is none, or it is damaged; the text names the field.
    """
    missing = "expected a manifest (lotsight dataset freeze makes one)"
    return read_document(folder / MANIFEST, Manifest, "manifest", missing)


def _tool() -> str:
    try:
        return f"lotsight {version('lotsight')}"
    except PackageNotFoundError:
        return "lotsight, not installed"
