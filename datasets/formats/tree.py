"""The files of a set, listed once: what is there, what it seems to be, where an image lies."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from calibration.importers import Document
from calibration.pictures import PICTURE_SUFFIXES
from datasets.errors import DatasetError

_HEAD_BYTES = 65_536
"""Enough for the keys of a JSON file of annotations: whatever comes first holds less."""
SPLITS = ("train", "training", "val", "valid", "validation", "test")


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a folder, or one file and what lies beside it.

    Attributes:
        root: the folder.
        files: annotation files and the like, sorted; the one file where one was named.
        pictures: paths of all images, by file name.
    """

    root: Path
    files: tuple[Path, ...] = field(repr=False)
    pictures: dict[str, list[Path]] = field(repr=False)

    def with_suffix(self, *suffixes: str) -> list[Path]:
        """Files whose name ends so."""
        return [path for path in self.files if path.suffix.lower() in suffixes]

    def find_picture(self, name: str, near: Path, split: str = "") -> Path:
        """Where the image lies that a file calls `name`.

        Args:
            name: path or file name in the annotations.
            near: folder of the annotation file.
            split: of the set; settles which of several of one name is meant.

        Returns:
            Its path; where nothing is found, the one beside the annotations: whoever opens it is
            told, and a set can be looked at without its images.
        """
        relative = name.replace("\\", "/").lstrip("/")
        last = relative.rsplit("/", 1)[-1]
        known = self.pictures.get(last, [])
        wanted = near / relative
        if len(known) == 1:
            return known[0]
        for path in known:
            if path == wanted:
                return path
        ending = Path(relative).parts
        alike = [path for path in known if path.parts[-len(ending) :] == ending]
        for path in alike:
            if split and split in path.parts:
                return path
        return alike[0] if alike else wanted


def survey(source: Path) -> Tree:
    """List a folder, or a file's folder.

    Raises:
        DatasetError: there is nothing at this path.
    """
    if not source.exists():
        msg = f"{source}: expected the folder or file of a labelled set, but it does not exist"
        raise DatasetError(msg)
    is_file = source.is_file()
    # A file of annotations often lies in a folder beside that of its images.
    top = source.parent if is_file else source
    if is_file and top.name.lower() in {"annotations", "labels"}:
        top = top.parent
    files, pictures = [], defaultdict(list)
    for path in _walk(top):
        if path.suffix.lower() in PICTURE_SUFFIXES:
            pictures[path.name].append(path)
        else:
            files.append(path)
    return Tree(top, (source,) if is_file else tuple(files), dict(pictures))


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name)


def head_of(path: Path) -> str:
    """The beginning of a text file.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError as exc:
        msg = f"{path}: cannot read: {exc.strerror}"
        raise DatasetError(msg) from exc


def root_element(path: Path) -> str:
    """Name of the first element of an XML file; empty where there is none."""
    found = re.search(r"<([A-Za-z_][\w.-]*)", head_of(path))
    return found.group(1) if found else ""


def read_document(path: Path) -> Document:
    """A file with its content.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return Document(path, path.read_bytes())
    except OSError as exc:
        msg = f"{path}: cannot read: {exc.strerror}"
        raise DatasetError(msg) from exc


def split_of(path: Path, root: Path) -> str:
    """The split that a file's folders or name tell: `train/x.xml`, `instances_val.json`."""
    for folder in reversed(path.relative_to(root).parts[:-1]):
        if folder.lower() in SPLITS:
            return folder
    words = re.split(r"[._-]", path.stem.lower())
    found = [word for word in words if re.sub(r"\d+$", "", word) in SPLITS]
    return re.sub(r"\d+$", "", found[-1]) if found else ""
