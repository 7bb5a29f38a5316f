"""From one form to another: images copied or linked, labels written, a manifest beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from datasets.formats import YoloTask, write_coco, write_yolo
from datasets.frames import LotFrame
from datasets.lots import PICTURES
from datasets.manifest import About, Manifest, hash_files, make_manifest, write_manifest
from datasets.native import (
    UNSPLIT,
    Placing,
    claim_folder,
    picture_names,
    place_pictures,
    write_dataset,
)


class Target(StrEnum):
    """Forms that are written."""

    LOTSIGHT = "lotsight"
    COCO = "coco"
    YOLO = "yolo"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is written.

    Attributes:
        target: the form.
        task: how YOLO's lines give a bay.
        placing: how images get there.
        about: of the version that is written.
    """

    target: Target = Target.LOTSIGHT
    task: YoloTask = YoloTask.SEGMENT
    placing: Placing = Placing.COPY
    about: About = field(default_factory=About)


def convert(
    frames: Sequence[LotFrame],
    folder: Path,
    conversion: Conversion,
    on_picture: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write frames to a new folder.

    Args:
        frames: of all splits.
        folder: new, or empty.
        conversion: what is written.
        on_picture: called after each image that was brought there.

    Returns:
        The manifest, written last.

    Raises:
        DatasetError: the folder is not empty, an image is missing, or the disk does not take it.
    """
    if conversion.target is Target.LOTSIGHT:
        return write_dataset(frames, folder, conversion.about, conversion.placing, on_picture)
    claim_folder(folder)
    names = picture_names(frames)
    by_split = conversion.target is Target.YOLO
    targets = {
        folder / PICTURES / ((frame.split or UNSPLIT) if by_split else "") / names[frame.path]:
        frame.path
        for frame in frames
    }  # fmt: skip
    place_pictures(targets, conversion.placing, on_picture)
    if conversion.target is Target.COCO:
        write_coco(frames, folder, names)
    else:
        write_yolo(frames, folder, names, conversion.task)
    manifest = make_manifest(folder, frames, hash_files(folder), conversion.about)
    write_manifest(folder, manifest)
    return manifest
