"""How accuracy depends on a bay's size in the network's input: why USEFUL_BAY_PX is what it is.

    python benchmarks/vision_input_size.py --model NAME [--set acpds:train] [--every 4]

Judges the same bays at several input sizes. Rows are sizes of a bay in the picture, columns the
long side of the input, the last one what `plan_input` chooses for each camera; each cell is the
share of bays right and the mean log loss. Below them what that costs, in pixels of the input, and
how many bays the chosen size turns from right to wrong and from wrong to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets import LotFrame
from datasets.baselines import RuleName, make_rule
from datasets.judging import FrameJudging, JudgeOptions, Verdicts, judge_frames, plan_for
from datasets.lots import data_root, parse_set, read_lot
from models import default_model, find_model, open_detector
from vision.types import NetworkSpec

CHOSEN = None
LONG_SIDES_PX = (480, 640, 800, 960, 1280, 1600, CHOSEN)
EDGES_PX = (0, 20, 30, 40, 60, 90, 140, 10_000)


def main(
    model: str | None = None,
    sets: Annotated[str, typer.Option("--set")] = "acpds:train",
    every: int = 4,
    threads: int = 2,
) -> None:
    """Judge and print."""
    entry = default_model() if model is None else find_model(model)
    detector = open_detector(entry, threads=threads)
    rule = make_rule(RuleName.AUTO, detector.spec)
    root = data_root()
    frames = [f for name, split in parse_set(sets, root) for f in read_lot(root / name, split)]
    judged = [
        judge_frames(FrameJudging(detector, rule, JudgeOptions(long_side_px=side)), frames[::every])
        for side in track(LONG_SIDES_PX, "input sizes")
    ]
    table = Table(title=f"{entry.name}, {sets}: right / log loss, by long side of the input")
    table.add_column("bay in picture")
    for side in LONG_SIDES_PX:
        table.add_column("as chosen" if side is CHOSEN else f"{side} px", justify="right")
    for low, high in pairwise(EDGES_PX):
        inside = (judged[0].size_px >= low) & (judged[0].size_px < high)
        if inside.any():
            cells = [
                f"{one.right[inside].mean():.3f} / {loss(one)[inside].mean():.3f}" for one in judged
            ]
            table.add_row(f"{low}-{high} px ({inside.sum()})", *cells)
    table.add_section()
    wrong = [f"{(~one.right).sum()} / {loss(one).mean():.4f}" for one in judged]
    table.add_row(f"all: wrong of {len(judged[0].right)} / log loss", *wrong)
    table.add_row("million pixels a picture", *pixels(frames[::every], detector.spec))
    chosen = judged[-1].right
    flips = [f"{(one.right & ~chosen).sum()} / {(~one.right & chosen).sum()}" for one in judged]
    table.add_row("chosen makes wrong / right", *flips)
    Console(width=170).print(table)


def pixels(frames: Sequence[LotFrame], spec: NetworkSpec) -> list[str]:
    """What the network works on for one picture, in the mean, at each size."""
    shapes = [frame.read().shape for frame in frames]
    found = []
    for side in LONG_SIDES_PX:
        plans = [
            plan_for(frame.polygons_norm, (shape[1], shape[0]), spec, side)
            for frame, shape in zip(frames, shapes, strict=True)
        ]
        found.append(f"{np.mean([plan.input_px for plan in plans]) / 1e6:.2f}")
    return found


def loss(verdicts: Verdicts) -> npt.NDArray[np.float64]:
    """Negative log-likelihood of each bay's truth."""
    said = np.where(verdicts.occupied, verdicts.prob, 1 - verdicts.prob).astype(np.float64)
    return np.asarray(-np.log(np.clip(said, 1e-4, 1)), np.float64)


if __name__ == "__main__":
    typer.run(main)
