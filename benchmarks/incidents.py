"""How many badly parked cars are found, and how many good ones accused: rendered lots, one frame.

    python benchmarks/incidents.py [--scenes 30] [--real]    # a minute, on a busy core too

Each scene is the demo's lot under another weather, with other cars, seen by another camera; one car
straddles two bays, one stands before a bay, one in the lane. Whether the tracker then waits a
minute changes nothing here, since nothing moves: the figures are those of a single look. `--real`
lists instead what is found on the pictures of LOTSIGHT_DATA, to be judged by eye: acpds valid, both
splits of pklot_ufpr05 and nightlot, all of smartlot's five days with their bays (its labelled
pictures lack the bays in deep shadow), and every half second of the clips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from calibration.clips import ClipReader
from datasets.lots import data_root, read_lot, read_sequence
from edge_app.judging.calibrations import read_bays
from models import default_model, open_detector
from simulator import Activity, Scene, SimulatedLot, Weather, demo_scene, look_at
from simulator.cars import random_car
from simulator.misplaced import Misplaced, before, in_lane, straddling
from telemetry.vocabulary import BayAngle, BayKind, IncidentKind
from vision.detector import OnnxDetector
from vision.geometry import to_pixels
from vision.incidents import FindingSettings, Lot, LotGround, Sighting, sightings
from vision.judge import BayShapes, judge_bays
from vision.types import Floats, ImageBgr

WH = (1280, 720)
LABELLED = {
    "acpds": ("valid",),
    "pklot_ufpr05": ("train", "valid"),
    "nightlot": ("train", "valid"),
}
SKIES = (Weather.SUN, Weather.OVERCAST, Weather.RAIN, Weather.DUSK, Weather.NIGHT)


@dataclass
class Tally:
    """What came of all scenes."""

    there: Counter[IncidentKind] = field(default_factory=Counter)
    found: Counter[IncidentKind] = field(default_factory=Counter)
    wrong: Counter[IncidentKind] = field(default_factory=Counter)
    good_cars: int = 0


def main(scenes: int = 30, threads: int = 2, real: bool = False) -> None:
    """Measure and print."""
    detector = open_detector(default_model(), threads=threads)
    console = Console(width=110, highlight=False)
    if real:
        _print_real(console, detector)
        return
    tally = Tally()
    for seed in track(range(scenes), "scenes", console=console):
        _one_scene(detector, seed, tally)
    table = Table(title=f"{scenes} rendered scenes, {detector.spec.name}, single looks")
    for name in ("kind", "there", "found", "good cars accused"):
        table.add_column(name, justify="right")
    for kind in (IncidentKind.STRADDLING, IncidentKind.DOUBLE_PARKING, IncidentKind.OUTSIDE_BAY):
        there, found = tally.there[kind], tally.found[kind]
        share = f"{found} ({found / max(there, 1):.0%})"
        table.add_row(kind.value, str(there), share, str(tally.wrong[kind]))
    console.print(table)
    console.print(f"{tally.good_cars} well parked cars in all")


def _one_scene(detector: OnnxDetector, seed: int, tally: Tally) -> None:
    rng = np.random.default_rng(seed)
    scene = _scene(rng, seed)
    lot = SimulatedLot(scene, seed, detail=1)
    image = lot.frame(0.5)
    seen = _look(detector, image, list(lot.quads_norm()), lot)
    taken = lot.truth(0.5)
    there = {each for each in scene.misplaced if set(each.bays) <= set(lot.bay_ids)}
    spoilt = {bay for each in scene.misplaced for bay in each.taken}
    tally.good_cars += sum(taken[bay] for bay in lot.bay_ids if bay not in spoilt)
    told = [each.finding for each in seen if each.finding is not None]
    hits: set[Misplaced] = set()
    for finding in told:
        match = next(
            (each for each in there - hits if _is_told(each, finding.kind, finding.bays)), None
        )
        if match is None:
            tally.wrong[finding.kind] += 1
        else:
            hits.add(match)
    tally.there.update(each.kind for each in there)
    tally.found.update(each.kind for each in hits)


def _is_told(truth: Misplaced, kind: IncidentKind, bays: tuple[str, ...]) -> bool:
    if truth.kind is IncidentKind.STRADDLING:
        return kind is truth.kind and set(bays) == set(truth.bays)
    # In the lane of a narrow lot a car bars bays on either side, so both words are right.
    return kind in {IncidentKind.DOUBLE_PARKING, IncidentKind.OUTSIDE_BAY}


def _scene(rng: np.random.Generator, seed: int) -> Scene:
    place = (float(rng.uniform(-9, 9)), float(rng.uniform(-19, -13)), float(rng.uniform(6, 11)))
    camera = look_at(place, (float(rng.uniform(-2, 2)), 3.0), WH, float(rng.uniform(60, 75)))
    plain = demo_scene(SKIES[seed % len(SKIES)], WH)
    layout = plain.layout
    first = int(rng.integers(2, 6))
    row = str(rng.choice(["A", "B"]))
    behind = int(rng.integers(8, 11))
    always = (-1.0, 1e9)
    cars = [random_car(rng) for _ in range(3)]
    misplaced = (
        straddling(layout, f"{row}{first:02d}", f"{row}{first + 1:02d}", cars[0], always),
        before(layout, f"B{behind:02d}", cars[1], always),
        in_lane(layout.lanes[0], float(rng.uniform(-9, -5)), cars[2], always),
    )
    calm = Activity(initial_share=float(rng.uniform(0.3, 0.9)), interval_s=1e9)
    return replace(plain, camera=camera, activity=calm, misplaced=misplaced)


def _look(
    detector: OnnxDetector, image: ImageBgr, polygons: list[Floats], lot: SimulatedLot | None
) -> list[Sighting]:
    height, width = image.shape[:2]
    px = [to_pixels(polygon, (width, height)) for polygon in polygons]
    output = judge_bays(detector, image, BayShapes.of(polygons, (width, height))).output
    angles = [BayAngle.PERPENDICULAR] * len(px) if lot is None else [b.angle for b in lot.bays]
    ids = tuple(map(str, range(len(px)))) if lot is None else lot.bay_ids
    ground = LotGround.of(px, angles)
    about = Lot(ids, (BayKind.STANDARD,) * len(px), ground, (("", ground.hull()),), (width, height))
    classes = [detector.spec.classes[int(c)] for c in output.detections.class_id]
    prob = np.zeros(len(px), np.float32) if output.bay_prob is None else output.bay_prob
    return sightings(output.detections, classes, prob, about, FindingSettings())


def _real_frames() -> Iterator[tuple[str, str, ImageBgr, list[Floats]]]:
    """Name of the set and of the picture, the picture, its bays."""
    root = data_root()
    for name, splits in LABELLED.items():
        for split in splits:
            for frame in read_lot(root / name, split):
                yield name, frame.path.name, frame.read(), list(frame.polygons_norm)
    for each in read_sequence(root / "smartlot"):
        if each.polygons_norm:
            image = np.asarray(cv2.imread(str(each.path)), np.uint8)
            yield "smartlot", each.path.name, image, list(each.polygons_norm)
    for path in sorted((root / "video").glob("*.mp4")):
        with ClipReader(path) as reader:
            bays = read_bays(path.with_suffix(".bays.json"), reader.image_wh).polygons_norm()
            next_s = 0.0
            for time_s, image in reader.frames():
                if time_s >= next_s - 0.001:
                    next_s += 0.5
                    yield path.stem, f"{time_s:.1f} s", image, bays


def _print_real(console: Console, detector: OnnxDetector) -> None:
    frames, vehicles, told = Counter[str](), Counter[str](), Counter[tuple[str, IncidentKind]]()
    for name, file, image, polygons in _real_frames():
        seen = _look(detector, image, polygons, None)
        frames[name] += 1
        vehicles[name] += len(seen)
        for each in seen:
            if each.finding is not None:
                told[name, each.finding.kind] += 1
                bays = " ".join(each.finding.bays)
                console.print(f"{name} {file}: {each.finding.kind} {bays} {each.confidence:.2f}")
    for name in frames:
        found = {kind.value: told[name, kind] for kind in IncidentKind if told[name, kind]}
        console.print(f"{name}: {frames[name]} frames, {vehicles[name]} vehicles, {found}")


if __name__ == "__main__":
    typer.run(main)
