"""Time the network's variants side by side: float and INT8, ONNX Runtime and OpenVINO.

All variants take turns within each round, a few passes each (one run time's threads spin on for a
while and would slow the next one's first pass), and the least time of each is compared, so that
other work on the machine disturbs the ratios as little as can be. Only ratios are worth keeping;
milliseconds belong to the machine.

    python benchmarks/model_speed.py models/weights/lotsight-n.onnx
    models/weights/lotsight-n-int8.onnx
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.runtime import ort

Feed = dict[str, npt.NDArray[Any]]
Runner = Callable[[Feed], object]
BAY_COUNTS = (1, 60, 200)
INPUT_WH = (960, 736)
PASSES = 4


def ort_runner(model: Path, threads: int) -> Runner:
    """Run with ONNX Runtime."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, feed)


def openvino_runner(model: Path, threads: int, precision: str) -> Runner:
    """Run with OpenVINO, which reads the same ONNX files."""
    import openvino as ov

    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
    }
    compiled = core.compile_model(core.read_model(str(model)), "CPU", settings)
    request = compiled.create_infer_request()
    return request.infer


def feed_for(bays: int, seed: int = 0) -> Feed:
    """One picture of noise with bays of 20 to 90 pixels."""
    rng = np.random.default_rng(seed)
    width, height = INPUT_WH
    centre = rng.uniform(0.05, 0.95, (bays, 1, 2))
    half = rng.uniform(10, 45, (bays, 1, 2)) / np.array([width, height])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return {
        "images": rng.random((1, 3, height, width), np.float32),
        "bay_quads": (centre + half * corners).astype(np.float32),
        "bay_image": np.zeros(bays, np.int64),
    }


def measure(runners: dict[str, Runner], rounds: int) -> dict[str, list[float]]:
    """Least milliseconds of each variant for each number of bays."""
    feeds = [feed_for(bays) for bays in BAY_COUNTS]
    best = {name: [float("inf")] * len(feeds) for name in runners}
    for turn in range(rounds + 1):
        for name, runner in runners.items():
            for column, feed in enumerate(feeds):
                for _ in range(PASSES):
                    start_s = time.perf_counter()
                    runner(feed)
                    spent_ms = (time.perf_counter() - start_s) * 1e3
                    if turn:  # the first round warms up
                        best[name][column] = min(best[name][column], spent_ms)
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("float_model", type=Path)
    parser.add_argument("int8_model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    models = {"float": args.float_model, "int8": args.int8_model}
    runners: dict[str, Runner] = {}
    for name, model in models.items():
        runners[f"onnxruntime {name}"] = ort_runner(model, args.threads)
    if importlib.util.find_spec("openvino"):
        runners["openvino float"] = openvino_runner(args.float_model, args.threads, "f32")
        runners["openvino bfloat16"] = openvino_runner(args.float_model, args.threads, "bf16")
        runners["openvino int8"] = openvino_runner(args.int8_model, args.threads, "f32")
        runners["openvino int8 + bfloat16"] = openvino_runner(args.int8_model, args.threads, "bf16")
    best = measure(runners, args.rounds)
    base = best["onnxruntime float"]
    print(
        f"{'variant':34s}"
        + "".join(f"{bays:>6d} bays" for bays in BAY_COUNTS)
        + "   times as fast (60)   200/1"
    )
    for name, times in best.items():
        cells = "".join(f"{value:8.1f} ms" for value in times)
        print(f"{name:34s}{cells}{base[1] / times[1]:15.2f}x{times[2] / times[0]:12.2f}")


if __name__ == "__main__":
    main()
