"""The queue as a folder: what is asked, about which images, why; written once, then only read.

    QUEUE/queue.json        what is asked
    QUEUE/answers/*.jsonl   what was answered, see `datasets.labelling.journal`

Images stay where they are; the queue holds the way to them and their SHA-256.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from calibration.files import write_atomically
from calibration.types import Polygon, Sha256
from datasets.documents import read_document
from datasets.errors import DatasetError

FILE = "queue.json"
Probability = Annotated[float, Field(ge=0, le=1)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QueuedBay(_Value):
    """A bay in an image.

    Attributes:
        id: of the bay.
        polygon: outline, fractions of the image.
        prob: the network's probability of occupied.
        box_prob: the same from its boxes alone.
        label: that is there; None where there is none.
    """

    id: str
    polygon: Polygon
    prob: Probability
    box_prob: Probability
    label: bool | None = None

    @property
    def suggestion(self) -> bool:
        """The state before anyone looked: the label where there is one, else the network's."""
        return self.prob >= 0.5 if self.label is None else self.label  # noqa: PLR2004 - even odds


class QueuedFrame(_Value):
    """An image and its bays.

    Attributes:
        id: short, from the image's hash.
        picture: path, relative to the queue's folder.
        sha256: of the image file.
        image_wh: width and height, pixels.
        source: where it came from: a bundle, a set.
        split: of the set; empty where there is none.
        camera: where that is known.
        time_local: where that is known; no zone where the source gives none.
        reasons: why the box kept it.
        bays: all that are judged in it.
    """

    id: str
    picture: str
    sha256: Sha256
    image_wh: tuple[int, int]
    source: str
    split: str = ""
    camera: str = ""
    time_local: datetime | None = None
    reasons: tuple[str, ...] = ()
    bays: tuple[QueuedBay, ...]


class QueueItem(_Value):
    """One question: is this bay occupied?

    Attributes:
        frame: index into the frames.
        bay: index into the frame's bays.
        value: worth of the answer, 0 to 1.
        reasons: why it is asked.
        random: whether it belongs to the random sample.
        twice: whether every reviewer is asked.
    """

    frame: Annotated[int, Field(ge=0)]
    bay: Annotated[int, Field(ge=0)]
    value: Probability
    reasons: tuple[str, ...] = ()
    random: bool = False
    twice: bool = False


class Made(_Value):
    """How the queue was made, so that it can be made again.

    Attributes:
        time: when.
        model: name, version and sha256 of the network.
        sources: as they were given.
        settings: of scoring and selection, seed included.
        pool_frames: images among which was chosen.
        pool_bays: bays likewise; the random sample stands for them.
    """

    time: AwareDatetime
    model: dict[str, str]
    sources: tuple[str, ...]
    settings: dict[str, float | int | str]
    pool_frames: int
    pool_bays: int


class Queue(_Value):
    """All questions, in the order of asking.

    Attributes:
        schema_version: of this form.
        made: how.
        frames: images that are asked about.
        items: the questions.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    made: Made
    frames: tuple[QueuedFrame, ...]
    items: tuple[QueueItem, ...]

    @model_validator(mode="after")
    def _items_exist(self) -> Self:
        for number, item in enumerate(self.items):
            if item.frame >= len(self.frames):
                msg = f"item {number}: expected a frame below {len(self.frames)}, got {item.frame}"
                raise ValueError(msg)
            if item.bay >= len(self.frames[item.frame].bays):
                msg = f"item {number}: frame {item.frame} has no bay {item.bay}"
                raise ValueError(msg)
        if len({self.id_of(item) for item in self.items}) != len(self.items):
            msg = "expected each bay of an image once, but one is queued twice"
            raise ValueError(msg)
        return self

    def id_of(self, item: QueueItem) -> str:
        """Name of a question: the image's short hash and the bay's number in it."""
        return f"{self.frames[item.frame].id}-{item.bay}"

    def bay_of(self, item: QueueItem) -> QueuedBay:
        """The bay that is asked about."""
        return self.frames[item.frame].bays[item.bay]


def write_queue(folder: Path, queue: Queue) -> Path:
    """Write a new queue.

    Raises:
        DatasetError: there is one already, or the folder cannot be written.
    """
    path = folder / FILE
    if path.exists():
        msg = f"{path}: a queue already exists here; its answers would be lost"
        raise DatasetError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, queue.model_dump_json(indent=1) + "\n")
    except OSError as exc:
        msg = f"{path}: cannot write the queue: {exc.strerror}"
        raise DatasetError(msg) from exc
    return path


def read_queue(folder: Path) -> Queue:
    """Read a queue.

    Raises:
        DatasetError: there is none, or it is damaged; the text names the field.
    """
    missing = "expected a queue (lotsight label queue makes one), but got"
    return read_document(folder / FILE, Queue, "queue", missing)


def picture_path(folder: Path, frame: QueuedFrame) -> Path:
    """Where the image of a frame lies."""
    return Path(os.path.normpath(folder / frame.picture))
