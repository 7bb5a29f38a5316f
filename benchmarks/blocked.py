"""Bays that a neighbour blocks: found in renders of known truth, and told falsely on labelled sets.

    python benchmarks/blocked.py [--scenes 120] [--real]

Each scene is the demo's lot under another sky, seen by another camera; some cars stand beside the
middle of their bay by up to half the distance to the next one. Truth is the share of the next bay's
width that their ground rectangle covers. `--real` counts instead what is told on every labelled
set, where hardly any bay is blocked: list what is told and look at it. One look each, without the
hold time, which takes a flicker out but no error that lasts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from seen_sets import seen_frames

from models import default_model, open_detector
from simulator import Activity, Scene, SimulatedLot, Weather, demo_scene, look_at
from simulator.cars import random_car
from simulator.driving import Pose
from simulator.misplaced import Misplaced
from telemetry.vocabulary import BayAngle, IncidentKind
from vision.geometry import to_pixels
from vision.incidents import BlockSettings, FindingSettings, LotGround, neighbour_reach, place
from vision.judge import BayShapes, Judgement, judge_bays
from vision.types import Floats

WH = (1280, 720)
SKIES = (Weather.SUN, Weather.OVERCAST, Weather.RAIN, Weather.DUSK, Weather.NIGHT)
BINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5)
BLOCK = BlockSettings()
console = Console(width=110, highlight=False)


@dataclass(frozen=True, slots=True)
class Bay:
    """One bay that is judged free: what covers it in truth, and what is measured."""

    truth: float
    measured: float


def main(scenes: int = 120, real: bool = False) -> None:
    """Measure and print."""
    if real:
        _real()
        return
    detector = open_detector(default_model(), threads=1)
    bays: list[Bay] = []
    for seed in track(range(7000, 7000 + scenes), "scenes", console=console):
        scene, truth = _scene(seed)
        lot = SimulatedLot(scene, seed, detail=1)
        quads = list(lot.quads_norm())
        said = judge_bays(detector, lot.frame(0.5), BayShapes.of(quads, WH))
        shares = _shares(said, quads, WH, [bay.angle for bay in lot.bays])
        free = said.evidence.prob < 0.5
        found = zip(lot.bay_ids, free, shares, strict=True)
        bays += [Bay(truth.get(bay, 0.0), float(share)) for bay, is_free, share in found if is_free]
    table = Table(title=f"{scenes} scenes, bays judged free, told from {BLOCK.enter_share:g} on")
    for head in ("covered in truth", "bays", "told blocked", "share"):
        table.add_column(head, justify="right")
    for low, high in pairwise(BINS):
        part = [bay for bay in bays if low <= max(bay.truth, 0.0) < high]
        told = sum(bay.measured >= BLOCK.enter_share for bay in part)
        if part:
            name = f"{low:g} to {high:g}"
            table.add_row(name, str(len(part)), str(told), f"{told / len(part):.1%}")
    console.print(table)
    _fit(bays)


def _scene(seed: int) -> tuple[Scene, dict[str, float]]:
    """A scene, and the share of each bay's width that a neighbour covers."""
    rng = np.random.default_rng(seed)
    at = (float(rng.uniform(-9, 9)), float(rng.uniform(-19, -13)), float(rng.uniform(5, 12)))
    camera = look_at(at, (float(rng.uniform(-2, 2)), 3.0), WH, float(rng.uniform(60, 75)))
    plain = demo_scene(SKIES[seed % len(SKIES)], WH)
    spots = {bay.id: bay for bay in plain.layout.bays}
    badly: list[Misplaced] = []
    truth: dict[str, float] = {}
    for row in "AB":
        count = sum(name.startswith(row) for name in spots)
        for first in range(2, count - 1, 3):
            if rng.random() < 0.3:
                continue
            own, beside = spots[f"{row}{first:02d}"], spots[f"{row}{first + 1:02d}"]
            if rng.random() < 0.5:
                own, beside = beside, own
            car, way = random_car(rng), float(rng.uniform(0, 0.5))
            apart = np.subtract(beside.centre_m, own.centre_m)
            pitch = float(np.linalg.norm(apart))
            x, y = np.add(own.centre_m, apart * way)
            pose = Pose((float(x), float(y)), own.heading_rad + float(rng.normal(0, 0.03)))
            kind, both = IncidentKind.STRADDLING, (own.id, beside.id)
            badly.append(Misplaced(kind, both, car, pose, -1.0, 1e9))
            for bay, gone in ((beside, way), (own, 1 - way)):
                over_m = gone * pitch + car.width_m / 2 - (pitch - bay.width_m / 2)
                truth[bay.id] = over_m / bay.width_m if gone < 0.6 else 0.0
    calm = Activity(initial_share=float(rng.uniform(0.3, 0.9)), interval_s=1e9)
    return replace(plain, camera=camera, activity=calm, misplaced=tuple(badly)), truth


def _shares(
    said: Judgement, polygons: list[Floats], image_wh: tuple[int, int], angles: list[BayAngle]
) -> Floats:
    ground = LotGround.of([to_pixels(each, image_wh) for each in polygons], angles)
    head = said.output.bay_prob
    prob = said.evidence.prob if head is None else head
    placed = place(said.output.detections, prob, ground, FindingSettings())
    return neighbour_reach(placed, said.evidence.prob, ground, image_wh, BLOCK).share


def _fit(bays: list[Bay]) -> None:
    """Log-odds that at least 0.15 is covered, by what is measured."""
    seen = [bay for bay in bays if bay.measured > 0]
    terms = np.array([(1.0, bay.measured) for bay in seen])
    truth = np.array([bay.truth >= 0.15 for bay in seen])
    weights = np.zeros(2)
    for _ in range(50):
        prob = 1 / (1 + np.exp(-terms @ weights))
        slope = terms.T @ (prob - truth) + 0.01 * weights
        bend = (terms.T * (prob * (1 - prob))) @ terms + 0.01 * np.eye(2)
        weights -= np.linalg.solve(bend, slope)
    console.print(f"confidence: {weights[0]:.2f} + {weights[1]:.1f} x share, from {len(seen)} bays")


def _real() -> None:
    table = Table(title="labelled sets, single looks")
    for head in ("set", "judged free", "told blocked"):
        table.add_column(head, justify="right")
    counts: dict[str, list[int]] = {}
    for seen in seen_frames():
        polygons = list(seen.frame.polygons_norm)
        angles = [BayAngle.PERPENDICULAR] * len(polygons)
        shares = _shares(seen.judgement, polygons, seen.image_wh, angles)
        free = seen.judgement.evidence.prob < 0.5
        told = np.flatnonzero(free & (shares >= BLOCK.enter_share))
        count = counts.setdefault(seen.lot, [0, 0])
        count[0] += int(free.sum())
        count[1] += len(told)
        for bay in told:
            name, share = seen.frame.bay_ids[bay], shares[bay]
            console.print(f"{seen.lot} {seen.frame.path.name} {name} {share:.2f}")
    for name, (free_bays, blocked) in counts.items():
        table.add_row(name, str(free_bays), str(blocked))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
