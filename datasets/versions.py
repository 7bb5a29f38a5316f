"""Versions of a set in a folder: freeze it, verify it, tell two apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import DatasetError
from datasets.formats import read_set
from datasets.frames import UNKNOWN_ORIGIN, LotFrame, Origin, State, with_origin
from datasets.manifest import (
    MANIFEST,
    About,
    Difference,
    Manifest,
    hash_files,
    make_manifest,
    read_manifest,
    write_manifest,
)


def freeze(
    folder: Path,
    about: About,
    origin: Origin = UNKNOWN_ORIGIN,
    on_file: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write the manifest of a folder in any format.

    Where there is a manifest already and the content has changed, its version becomes the parent,
    unless another is given. The same content keeps its version and parent; name, note, source and
    licence are overwritten where they are given.

    Args:
        folder: of the set.
        about: name, parent and note.
        origin: source and licence of images that do not say theirs.
        on_file: called after each file.

    Raises:
        DatasetError: it holds no labelled set, or cannot be read or written.
    """
    reading = read_set(folder)
    files = hash_files(folder, on_file)
    if (folder / MANIFEST).exists():
        present = read_manifest(folder)
        is_same = present.files == files
        if is_same and about == About() and origin == UNKNOWN_ORIGIN:
            return present
        about = About(
            name=about.name or present.name,
            parent=about.parent or (present.parent if is_same else present.version),
            note=about.note or (present.note if is_same else ""),
            made=about.made,
        )
        if origin == UNKNOWN_ORIGIN and len(present.sources) == 1:
            # Told to an earlier freeze; the files need not say it.
            origin = Origin(present.sources[0].source, present.sources[0].licence)
    manifest = make_manifest(folder, with_origin(reading.frames, origin), files, about)
    write_manifest(folder, manifest)
    return manifest


def verify(folder: Path, on_file: Callable[[], None] = lambda: None) -> Difference:
    """Compare a folder with its manifest.

    Returns:
        What was added, removed or changed since; nothing where all is as it was.

    Raises:
        DatasetError: there is no manifest, it is damaged, or a file cannot be read.
    """
    return Difference.of(read_manifest(folder).files, hash_files(folder, on_file))


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """How labels of images that both versions have differ.

    Attributes:
        states: bays whose state differs.
        outlines: bays that lie elsewhere.
        added: bays that only the second has.
        removed: bays that only the first has.
        splits: images in another split.
    """

    states: int = 0
    outlines: int = 0
    added: int = 0
    removed: int = 0
    splits: int = 0


def compare_labels(old: Iterable[LotFrame], new: Iterable[LotFrame]) -> LabelChanges:
    """Compare the labels of images of one file name."""
    former = {frame.path.name: frame for frame in old}
    states = outlines = added = removed = splits = 0
    for frame in new:
        before = former.get(frame.path.name)
        if before is None:
            continue
        ours, theirs = _bays(before), _bays(frame)
        both = ours.keys() & theirs.keys()
        splits += before.split != frame.split
        states += sum(ours[bay][0] != theirs[bay][0] for bay in both)
        outlines += sum(ours[bay][1] != theirs[bay][1] for bay in both)
        added += len(theirs.keys() - ours.keys())
        removed += len(ours.keys() - theirs.keys())
    return LabelChanges(states, outlines, added, removed, splits)


def _bays(frame: LotFrame) -> dict[str, tuple[State, tuple[float, ...]]]:
    rows = zip(frame.bay_ids, frame.states, frame.polygons_norm, strict=True)
    return {
        bay: (state, tuple(polygon.astype(float).round(4).ravel().tolist()))
        for bay, state, polygon in rows
    }


def files_of(folder: Path, on_file: Callable[[], None] = lambda: None) -> dict[str, str]:
    """Hashes by path: as the manifest says, else of what lies there.

    Raises:
        DatasetError: the manifest is damaged, or the folder is missing.
    """
    if (folder / MANIFEST).exists():
        return dict(read_manifest(folder).files)
    if not folder.is_dir():
        msg = f"{folder}: expected the folder of a data set, but it does not exist"
        raise DatasetError(msg)
    return hash_files(folder, on_file)
