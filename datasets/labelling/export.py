"""Answers become a revision of a data set: states, who gave them, when and how, and its parent.

The revision holds the images of its base, if there is one, and those of the queue. Bays that were
asked about get the decided state; undecidable or disputed ones become unknown, and
bays that were not asked about keep the label that they had. Beside the form's own files lies
`reviews.jsonl`, a line for each reviewed bay, those of earlier revisions included.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin, State
from datasets.labelling.queue import Queue, QueuedFrame, picture_path
from datasets.labelling.results import How, Outcome, Results
from datasets.lots import PICTURES, read_dataset
from datasets.manifest import (
    MANIFEST,
    About,
    Manifest,
    hash_files,
    make_manifest,
    read_manifest,
    sha256_of,
    write_manifest,
)
from datasets.native import Placing, picture_names, write_dataset, write_text
from vision.types import as_floats

REVIEWS = "reviews.jsonl"


@dataclass(frozen=True, slots=True)
class Base:
    """The data set that is revised.

    Attributes:
        folder: of it.
        frames: all of them.
        by_sha256: place of an image among the frames.
        version: of it; None when it has no manifest.
        reviews: lines of its earlier reviews.
    """

    folder: Path | None
    frames: tuple[LotFrame, ...]
    by_sha256: Mapping[str, int]
    version: str | None
    reviews: tuple[str, ...]


NO_BASE = Base(None, (), {}, None, ())


@dataclass(frozen=True, slots=True)
class Target:
    """What is written.

    Attributes:
        folder: new, or empty.
        split: of images that have none.
        licence: of images that the base does not know; empty where it is not stated.
        placing: how images get there.
    """

    folder: Path
    split: str = "train"
    licence: str = ""
    placing: Placing = Placing.COPY


def read_base(folder: Path) -> Base:
    """Read the data set that is revised.

    Raises:
        DatasetError: it is damaged, or an image is missing.
    """
    frames = tuple(read_dataset(folder))
    manifest = read_manifest(folder) if (folder / MANIFEST).is_file() else None
    known = manifest.files if manifest is not None else {}
    hashes = [
        known.get(f"{PICTURES}/{frame.path.name}") or sha256_of(frame.path) for frame in frames
    ]
    return Base(
        folder=folder,
        frames=frames,
        by_sha256={sha256: number for number, sha256 in enumerate(hashes)},
        version=None if manifest is None else manifest.version,
        reviews=_earlier_reviews(folder / REVIEWS),
    )


def _earlier_reviews(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
    except (OSError, UnicodeError) as exc:
        msg = f"{path}: cannot read earlier reviews: {exc}"
        raise DatasetError(msg) from exc


def export_revision(
    queue_folder: Path,
    queue: Queue,
    results: Results,
    base: Base,
    target: Target,
    on_picture: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write the revision.

    Args:
        queue_folder: where the queue lies.
        queue: what was asked.
        results: what was answered.
        base: what is revised; `NO_BASE` for a first version.
        target: where to.
        on_picture: called after each image.

    Returns:
        Its manifest.

    Raises:
        DatasetError: nothing was answered, base and queue know other bays in an image, an image
            changed since the queue was made, or the folder cannot be written.
    """
    if not results.outcomes:
        msg = f"{queue_folder}: expected answers to export, but there are none yet"
        raise DatasetError(msg)
    frames, reviewed = _revised(queue_folder, queue, results, base, target)
    names = picture_names(frames)
    about = About(parent=base.version, note=_note(queue_folder, results))
    write_dataset(frames, target.folder, about, target.placing, on_picture)
    lines = [
        json.dumps(_review(queue, names[one.frame.path], one.queued, outcome), ensure_ascii=False)
        for one in reviewed
        for outcome in one.outcomes
    ]
    write_text(target.folder / REVIEWS, "\n".join([*base.reviews, *lines]) + "\n")
    manifest = make_manifest(target.folder, frames, hash_files(target.folder), about)
    write_manifest(target.folder, manifest)
    return manifest


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """An image with its new states, and where they come from."""

    frame: LotFrame
    queued: QueuedFrame
    outcomes: tuple[Outcome, ...]


def _revised(
    folder: Path, queue: Queue, results: Results, base: Base, target: Target
) -> tuple[list[LotFrame], list[_Reviewed]]:
    """All frames of the revision, and those that were reviewed."""
    by_frame: dict[int, list[Outcome]] = {}
    for outcome in results.outcomes.values():
        by_frame.setdefault(outcome.item.frame, []).append(outcome)
    frames, reviewed = list(base.frames), []
    for number, outcomes in sorted(by_frame.items()):
        queued = queue.frames[number]
        place = base.by_sha256.get(queued.sha256)
        if place is None:
            place = len(frames)
            frames.append(_new_frame(folder, queued, target))
        frame = _same_bays(frames[place], queued)
        frames[place] = replace(frame, states=_states(frame.states, outcomes))
        reviewed.append(_Reviewed(frames[place], queued, tuple(outcomes)))
    return frames, reviewed


def _new_frame(folder: Path, queued: QueuedFrame, target: Target) -> LotFrame:
    path = picture_path(folder, queued)
    if sha256_of(path) != queued.sha256:
        msg = f"{path}: expected the image that was reviewed, but it has changed since"
        raise DatasetError(msg)
    return LotFrame(
        set_name=queued.source,
        split=queued.split or target.split,
        path=path,
        polygons_norm=tuple(as_floats(bay.polygon) for bay in queued.bays),
        states=tuple(bay.label for bay in queued.bays),
        bay_ids=tuple(bay.id for bay in queued.bays),
        camera=queued.camera,
        time_local=queued.time_local,
        image_wh=queued.image_wh,
        origin=Origin(queued.source, target.licence),
    )


def _same_bays(frame: LotFrame, queued: QueuedFrame) -> LotFrame:
    ids = tuple(bay.id for bay in queued.bays)
    if frame.bay_ids != ids:
        msg = (
            f"{frame.path}: expected the queued bays ({', '.join(ids[:5])}, ...), but got "
            f"{', '.join(frame.bay_ids[:5])}, ...: the base has changed since"
        )
        raise DatasetError(msg)
    return frame


def _states(states: Sequence[State], outcomes: Sequence[Outcome]) -> tuple[State, ...]:
    changed = list(states)
    for outcome in outcomes:
        changed[outcome.item.bay] = outcome.occupied
    return tuple(changed)


def _review(queue: Queue, picture: str, queued: QueuedFrame, outcome: Outcome) -> dict[str, Any]:
    bay = queued.bays[outcome.item.bay]
    return {
        "picture": picture,
        "sha256": queued.sha256,
        "bay": bay.id,
        "how": str(outcome.how),
        "occupied": outcome.occupied,
        "suggested": bay.suggestion,
        "label_before": bay.label,
        "prob": bay.prob,
        "reasons": list(outcome.item.reasons),
        "random": outcome.item.random,
        "votes": [
            {"reviewer": vote.reviewer, "state": vote.state, "time": vote.time.isoformat()}
            | ({"settles": True} if vote.settles else {})
            for vote in outcome.votes
        ],
        "model": queue.made.model,
    }


def _note(folder: Path, results: Results) -> str:
    counts = Counter(str(outcome.how) for outcome in results.outcomes.values())
    told = ", ".join(f"{counts[str(how)]} {how}" for how in How if counts[str(how)])
    people = ", ".join(sorted(results.reviewers))
    return f"labels reviewed by {people} ({folder.resolve().name}): {told}"
