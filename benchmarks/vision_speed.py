"""Time of each step from a frame to bay states, and of networks against each other.

    python benchmarks/vision_speed.py [--model lotsight-n --model lotsight-n-int8] [--threads 2]

Models take turns within each round, so that a machine that is busy with other work slows all of
them alike; compare ratios, not milliseconds. The picture is noise: networks take as long on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models import find_model, open_detector
from vision import Detections, EvidenceFilter, Floats, ImageBgr, InputPlan, NetworkOutput
from vision.assignment import OverlapRule
from vision.change_gate import ChangeGate
from vision.draw import annotate
from vision.letterbox import Letterbox
from vision.types import BayEvidence, Frame, as_floats
from vision.view_guard import ViewGuard

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE_WH = (1600, 1200)
INPUT_WH = (960, 736)
BAY_COUNTS = (1, 60, 200)


def grid_of_bays(count: int) -> Floats:
    """Square bays in rows, shape (count, 4, 2)."""
    spots = as_floats([(0.05 + 0.045 * (n % 20), 0.1 + 0.08 * (n // 20)) for n in range(count)])
    square = as_floats([0.04, 0.06]) * as_floats([[0, 0], [1, 0], [1, 1], [0, 1]])
    return as_floats(square[None] + spots[:, None])


def median_ms(step: Callable[[], object], rounds: int) -> float:
    """Median time of a step, milliseconds."""
    times = []
    for _ in range(rounds):
        begin_s = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin_s)
    return 1000 * float(np.median(times))


def networks(names: list[str], threads: int, rounds: int, image: ImageBgr) -> Table:
    """Time of a pass for each model and number of bays, and the ratio to the first model."""
    detectors = {name: open_detector(find_model(name), threads=threads) for name in names}
    plan = InputPlan(IMAGE_WH, INPUT_WH, ((0, 0, *IMAGE_WH),), 0.0, 0.0)
    table = Table(title=f"one pass at {INPUT_WH[0]}x{INPUT_WH[1]}, {threads} threads, ms (ratio)")
    table.add_column("bays")
    for name in names:
        table.add_column(name, justify="right")
    for count in BAY_COUNTS:
        quads = grid_of_bays(count)
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name, detector in detectors.items():
                begin_s = time.perf_counter()
                detector.detect(image, quads, plan)
                times[name].append(1000 * (time.perf_counter() - begin_s))
        medians = {name: float(np.median(values)) for name, values in times.items()}
        first = medians[names[0]]
        table.add_row(str(count), *(f"{m:.1f} ({first / m:.2f}x)" for m in medians.values()))
    return table


def steps(rounds: int, image: ImageBgr) -> Table:
    """Time of everything but the network, for 200 bays and 60 vehicles."""
    quads = grid_of_bays(200)
    polygons = list(quads)
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 1100, (60, 2))
    boxes = as_floats(np.concatenate([low, low + rng.uniform(40, 90, (60, 2))], 1))
    found = Detections(boxes, as_floats(rng.uniform(0.3, 1, 60)), np.zeros(60, np.int64))
    output = NetworkOutput(found, None)
    evidence = BayEvidence(as_floats(rng.uniform(0, 1, 200)), np.ones(200, np.float32))
    filtering = EvidenceFilter([f"b{n}" for n in range(200)], start_utc=NOW)
    guard, gate, rule = ViewGuard(image, polygons), ChangeGate(), OverlapRule()
    box = Letterbox.fit(IMAGE_WH, INPUT_WH)
    clock = iter(range(10**9))

    def frame() -> Frame:
        return Frame("c", image, next(clock) / 5, NOW, 0)

    work: dict[str, Callable[[], object]] = {
        "letterbox": lambda: box.apply(image),
        "overlap rule": lambda: rule.judge(output, polygons, IMAGE_WH),
        "evidence filter": lambda: filtering.update(evidence, next(clock) / 5, NOW),
        "change gate": lambda: gate.wants(frame(), polygons, settling=False),
        "view guard, between checks": lambda: guard.look(frame()),
        "annotate": lambda: annotate(image, polygons, filtering.states(), found),
    }
    table = Table(title="everything else, 200 bays, 60 vehicles, 1600x1200")
    table.add_column("step")
    table.add_column("ms", justify="right")
    for name, step in work.items():
        table.add_row(name, f"{median_ms(step, rounds):.2f}")
    return table


def main(
    model: Annotated[list[str] | None, typer.Option("--model")] = None,
    threads: int = 2,
    rounds: int = 15,
) -> None:
    """Measure and print."""
    image = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3)).astype(np.uint8)
    console = Console()
    console.print(networks(model or ["lotsight-n", "lotsight-n-int8"], threads, rounds, image))
    console.print(steps(rounds, image))


if __name__ == "__main__":
    typer.run(main)
