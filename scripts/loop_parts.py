"""What `scripts/retraining_loop` plays: the lot's pictures, a person's answers, a box's audit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from datasets.degrade import degrade
from datasets.labelling.journal import Answer, Entry, State, append_entry, journal_path
from datasets.labelling.queue import read_queue
from datasets.lots import data_root, read_dataset
from datasets.native import Placing, write_dataset
from edge_app.audit import estimate_accuracy, tally_look
from models import find_model, open_detector
from vision.judge import BayShapes, judge_bays
from vision.second_opinion import second_opinion

SOURCE = "pklot_ufpr05"
SPLITS = {"train": "week", "valid": "later"}
HARM = ("dark", "blur")
REVIEWER = "played"
console = Console(highlight=False, soft_wrap=True)


def lot(folder: str) -> None:
    """A lot that the general network sees badly: its days are `week` and, after it, `later`.

    Beside it, in `<folder>-truth`, what a person would say; nothing else looks there.
    """
    harmed = Path(folder).with_name("harmed")
    harmed.mkdir()
    rng = np.random.default_rng(0)
    frames = []
    for frame in read_dataset(data_root() / SOURCE):
        image = frame.read()
        for change in HARM:
            image = degrade(image, change, rng)
        path = harmed / f"{frame.path.stem}.png"
        cv2.imwrite(str(path), image)
        frames.append(replace(frame, path=path, split=SPLITS[frame.split]))
    write_dataset(frames, Path(f"{folder}-truth"), placing=Placing.LINK)
    unlabelled = [replace(frame, states=(None,) * len(frame.states)) for frame in frames]
    counts = write_dataset(unlabelled, Path(folder), placing=Placing.LINK).counts
    console.print(f"{folder}: {counts.pictures} pictures, {counts.unknown} bays of unknown state")


def answer(queue_folder: str, truth_folder: str) -> None:
    """Answer every question of a queue as the set's labels do."""
    folder = Path(queue_folder)
    queue = read_queue(folder)
    truth = {
        (frame.path.name, bay): state
        for frame in read_dataset(Path(truth_folder))
        for bay, state in zip(frame.bay_ids, frame.states, strict=True)
    }
    for number, item in enumerate(queue.items):
        name = Path(queue.frames[item.frame].picture).name
        state = truth[name, queue.bay_of(item).id]
        said: State = "unknown" if state is None else "occupied" if state else "free"
        entry = Entry(
            id=f"played-{number:08d}",
            reviewer=REVIEWER,
            time=datetime.now(UTC),
            answers=(Answer(item=queue.id_of(item), state=said),),
        )
        append_entry(journal_path(folder, REVIEWER), entry)
    console.print(f"{len(queue.items)} questions answered")


def audit(model: str, folder: str) -> None:
    """What a box's audit would say of a model on this lot, and what is true."""
    detector = open_detector(find_model(model))
    tallies, right, bays = [], 0, 0
    for frame in read_dataset(Path(folder)):
        image = frame.read()
        image_wh = (image.shape[1], image.shape[0])
        bays_there = BayShapes.of(frame.polygons_norm, image_wh)
        first = judge_bays(detector, image, bays_there)
        if first.output.bay_prob is None:
            continue
        opinion = second_opinion(detector, image, bays_there, first.output)
        tallies.append(tally_look(opinion, first.evidence.prob))
        right += int(np.equal(first.evidence.prob >= 0.5, frame.occupied).sum())  # noqa: PLR2004
        bays += len(frame.polygons_norm)
    found = estimate_accuracy(tallies)
    if found is not None:
        console.print(
            f"{Path(model).stem}: audit {100 * found.accuracy:.1f} % "
            f"({100 * found.low:.1f} to {100 * found.high:.1f}), truth {100 * right / bays:.1f} %"
        )


PARTS: dict[str, Callable[..., None]] = {"lot": lot, "answer": answer, "audit": audit}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
