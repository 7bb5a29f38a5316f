"""Pictures that the project renders itself, as training samples with exact truth.

They bring what the photographed lots lack: night under lamps, snow, painted bays, wide lenses, low
poles. `vision.simulator.sample` makes them; one seed is one picture, for ever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from models.training.records import Sample
from telemetry.errors import ModelError
from vision.simulator import Sample as Render
from vision.simulator import make_sample

RENDERS = "renders"
IMAGE_WH = (1280, 960)
MIN_BOX_PX = 12.0
"""Of the shorter side: a box of less is a car that hardly shows."""
CAR = 0


def render_samples(folder: Path, seeds: Sequence[int]) -> list[Sample]:
    """Render what is not yet in `folder`, and read it all.

    Args:
        folder: of the run; receives `renders/<seed>.jpg` and `.json`.
        seeds: one for each picture.

    Raises:
        ModelError: a picture could not be written.
    """
    home = folder / RENDERS
    home.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not (home / f"{seed}.json").exists()]
    for seed in track(missing, "rendering", disable=not missing):
        _write(home, seed, make_sample(seed, IMAGE_WH))
    return [_read(home, seed) for seed in seeds]


def _write(home: Path, seed: int, render: Render) -> None:
    picture = home / f"{seed}.jpg"
    if not cv2.imwrite(str(picture), render.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95]):
        msg = f"cannot write the rendered picture {picture}"
        raise ModelError(msg)
    sides = render.boxes_px[:, 2:] - render.boxes_px[:, :2]
    boxes = render.boxes_px[sides.min(1, initial=np.inf) >= MIN_BOX_PX]
    labels = {
        "quads_norm": render.quads_norm.round(5).tolist(),
        "occupied": render.occupied.tolist(),
        "boxes_px": boxes.tolist(),
    }
    # The labels come last: a picture without them is rendered again.
    (home / f"{seed}.json").write_text(json.dumps(labels))


def _read(home: Path, seed: int) -> Sample:
    labels = json.loads((home / f"{seed}.json").read_text())
    quads = np.asarray(labels["quads_norm"], np.float32).reshape(-1, 4, 2)
    boxes = np.asarray(labels["boxes_px"], np.float32).reshape(-1, 4)
    return Sample(
        key=f"{RENDERS}/simulator/{seed}.jpg",
        group=f"{RENDERS}-{seed}",
        path=home / f"{seed}.jpg",
        quads_px=quads * np.array(IMAGE_WH, np.float32),
        occupied=np.asarray(labels["occupied"], np.bool_),
        boxes_px=boxes,
        classes=np.full(len(boxes), CAR, np.int64),
    )
