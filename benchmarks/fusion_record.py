"""What a network says about labelled pictures, recorded for `vision_fit_fusion.py`.

The lots that may be trained on, as they are and under the changes of `fusion_changes`, and pictures
that the simulator renders; or the lots that no choice may depend on, as they are.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import numpy as np
from fusion_changes import CHANGES, Scene, changed

from datasets.frames import Bools, LotFrame
from datasets.lots import data_root, read_lot
from models import find_model, open_detector
from simulator import LotKind, make_sample
from vision.detector import DetectorSettings
from vision.input_size import plan_input
from vision.judge import BayShapes
from vision.types import Floats, NetworkOutput

FIT_SETS = ("acpds:train", "pklot_ufpr05:train", "pklot_ufpr05:valid", "pklot_pucpr:test")
JUDGE_SETS = (
    "pklot_ufpr04:test", "winter_t10:test", "street_night:test", "smartlot:train",
    "smartlot:valid", "nightlot:train", "nightlot:valid", "acpds:valid",
)  # fmt: skip
SEED = 14
RENDER_SEEDS = range(50_000, 50_210)
"""Those that the network was trained on begin at 0."""
ROUNDS = {"acpds": 1, "pklot_ufpr05": 7, "pklot_pucpr": 7}
"""How often each frame is changed: acpds has eight times the frames of the others."""


class Part(StrEnum):
    """Which pictures."""

    FIT = "fit"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Record:
    """What a network said about one picture.

    Attributes:
        lot: whose camera took it; renders are lots of their own kind.
        source: set, split and file, or the seed.
        changes: that were made, in order.
        image_wh: size of the picture judged, pixels.
        input_wh: size of the network's input, pixels.
        polygons_norm: M bays.
        occupied: the truth, shape (M,).
        output: of the network.
    """

    lot: str
    source: str
    changes: tuple[str, ...]
    image_wh: tuple[int, int]
    input_wh: tuple[int, int]
    polygons_norm: list[Floats]
    occupied: Bools
    output: NetworkOutput


def lot_scenes(texts: tuple[str, ...]) -> Iterator[tuple[str, LotFrame, int]]:
    """Lot, frame and its index in its set."""
    for text in texts:
        name, split = text.split(":")
        for index, frame in enumerate(read_lot(data_root() / name, split)):
            yield name, frame.with_known_bays(), index


def to_fit() -> Iterator[tuple[str, str, str]]:
    """Lot, source and first change of all that is fitted on, mixed, so that a part is a sample."""
    jobs = []
    names = tuple(CHANGES)
    for lot, frame, index in lot_scenes(FIT_SETS):
        source = f"{lot}:{frame.split}:{index}"
        jobs.append((lot, source, ""))
        first = index * ROUNDS[lot]
        turns = range(first, first + ROUNDS[lot])
        jobs += [(lot, source, names[turn % len(names)]) for turn in turns]
    kinds = tuple(LotKind)
    for seed in RENDER_SEEDS:
        kind = kinds[(0, 0, 1, 2)[seed % 4]]
        jobs.append((f"render_{kind}", f"{kind}:{seed}", ("", *names)[seed % 5 and seed % 13]))
    order = np.random.default_rng(SEED).permutation(len(jobs))
    return iter([jobs[i] for i in order])


def scene_of(frame: LotFrame) -> Scene:
    """A labelled picture."""
    return Scene(frame.read(), frame.polygons_norm, frame.occupied.tolist())


def rendered(source: str) -> Scene:
    """A picture of the simulator."""
    kind, seed = source.split(":")
    sample = make_sample(int(seed), (1280, 720), LotKind(kind))
    return Scene(sample.image_bgr, list(sample.quads_norm), sample.occupied.tolist())


def record(out: Path, model: str, part: Part, threads: int, limit: int) -> None:
    """Judge the pictures of a part and save what the network says; a file that exists is continued.

    The pictures come in an order that mixes lots and changes, so the first `limit` are a sample.
    """
    done: dict[tuple[str, str], Record] = {}
    if out.exists():
        done = pickle.loads(out.read_bytes())
    detector = open_detector(find_model(model), threads, DetectorSettings(min_confidence=0.02))
    frames = {
        f"{lot}:{frame.split}:{index}": frame
        for lot, frame, index in lot_scenes(FIT_SETS if part is Part.FIT else JUDGE_SETS)
    }
    jobs = (
        to_fit()
        if part is Part.FIT
        else iter([(source.split(":")[0], source, "") for source in frames])
    )
    for count, (lot, source, change) in enumerate(islice(jobs, limit)):
        if (source, change) in done:
            continue
        scene = scene_of(frames[source]) if source in frames else rendered(source)
        names: tuple[str, ...] = ()
        if change:
            key = [SEED, *source.encode(), *change.encode()]
            scene, names = changed(scene, change, np.random.default_rng(key))
        bays = BayShapes.of(scene.polygons_norm, scene.wh)
        plan = plan_input(scene.polygons_norm, scene.wh, detector.spec)
        output = detector.detect(scene.image_bgr, bays.quads_norm, plan)
        done[source, change] = Record(
            lot, source, names, scene.wh, plan.input_wh, list(scene.polygons_norm),
            np.array(scene.occupied, np.bool), output,
        )  # fmt: skip
        if count % 50 == 0:
            out.write_bytes(pickle.dumps(done))
            print(count, flush=True)
    out.write_bytes(pickle.dumps(done))
