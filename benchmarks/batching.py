"""Batching: does judging several cameras' pictures in one pass cost less than one by one?

    .venv/bin/python benchmarks/batching.py [--rounds 5] [--model NAME ...]    # four minutes

For each network, each number of threads and each batch: processor time and wall time for one
picture, and how long a pass takes, which the first picture of a batch must wait for. Pictures and
input sizes are equal in all rows; rows take turns, so that other programs disturb all alike, and
the least of the rounds counts. A batch is given as one wide picture whose tiles are the pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence

import numpy as np

from models import ModelEntry, list_models, open_detector
from simulator import SimulatedLot, demo_scene
from vision.input_size import InputPlan, plan_input
from vision.types import Floats, ImageBgr, NetworkSpec, as_floats

BATCHES = (1, 2, 4, 8)
THREADS = (1, 2)


def pictures(count: int) -> tuple[list[ImageBgr], Floats]:
    """Pictures of one lot at different times, 1280 px wide, and its bays' quads."""
    lot = SimulatedLot(demo_scene(), seed=3, detail=1)
    return [lot.frame(60.0 * minute) for minute in range(count)], lot.quads_norm()


def batch_of(
    images: Sequence[ImageBgr], quads_norm: Floats, spec: NetworkSpec
) -> tuple[ImageBgr, Floats, InputPlan]:
    """Pictures side by side, the bays of each, and the plan that judges them in one pass."""
    count, (height, width) = len(images), images[0].shape[:2]
    shifts = [as_floats([i, 0]) for i in range(count)]
    beside = np.concatenate([(quads_norm + shift) / as_floats([count, 1]) for shift in shifts])
    tiles = tuple((i * width, 0, (i + 1) * width, height) for i in range(count))
    input_wh = plan_input([], (width, height), spec).input_wh
    plan = InputPlan((count * width, height), input_wh, tiles, 0, 0)
    return np.hstack(images), as_floats(beside), plan


def measure(entry: ModelEntry, rounds: int) -> Iterator[dict[str, float | int | str]]:
    """Judge batches, all sizes and numbers of threads by turns."""
    images, quads = pictures(max(BATCHES))
    batches = {batch: batch_of(images[:batch], quads, entry.manifest.spec()) for batch in BATCHES}
    detectors = {threads: open_detector(entry, threads=threads) for threads in THREADS}
    best: dict[tuple[int, int], tuple[float, float]] = {}
    for turn in range(rounds + 1):
        for threads, detector in detectors.items():
            for batch in BATCHES:
                begin_s, cpu_s = time.perf_counter(), time.process_time()
                for _ in range(max(BATCHES) // batch):
                    detector.detect(*batches[batch])
                cpu_s = (time.process_time() - cpu_s) / max(BATCHES)
                wall_s = (time.perf_counter() - begin_s) / max(BATCHES)
                least = best.get((threads, batch), (float("inf"), float("inf")))
                if turn:  # the first round warms up
                    best[threads, batch] = (min(least[0], cpu_s), min(least[1], wall_s))
    for (threads, batch), (cpu_s, wall_s) in best.items():
        yield {
            "model": f"{entry.manifest.name} {entry.manifest.version}",
            "threads": threads, "batch": batch,
            "cpu_ms_per_picture": round(1000 * cpu_s, 1),
            "wall_ms_per_picture": round(1000 * wall_s, 1),
            "wall_ms_per_pass": round(1000 * wall_s * batch, 1),
        }  # fmt: skip


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", nargs="*", help="names; by default all that are installed")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    for entry in list_models():
        if not options.model or entry.manifest.name in options.model:
            for line in measure(entry, options.rounds):
                print(json.dumps(line), flush=True)
    print(json.dumps({"cpus": os.cpu_count(), "load_at_start": round(load, 1)}))


if __name__ == "__main__":
    main()
