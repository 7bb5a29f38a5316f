"""How accuracy depends on a bay's size in the network's input: why USEFUL_BAY_PX is what it is.

    python benchmarks/vision_input_size.py --model NAME [--set acpds:train] [--every 4]

Judges the same bays at several input sizes. Rows are sizes of a bay in the picture, columns the
long side of the input; each cell is the share of bays right and the mean log loss.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets.baselines import RuleName, make_rule
from datasets.judging import FrameJudging, JudgeOptions, Verdicts, judge_frames
from datasets.lots import data_root, parse_set, read_lot
from models import default_model, find_model, open_detector

LONG_SIDES_PX = (480, 640, 800, 960, 1280, 1600)
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
        table.add_column(f"{side} px", justify="right")
    for low, high in pairwise(EDGES_PX):
        inside = (judged[0].size_px >= low) & (judged[0].size_px < high)
        if inside.any():
            cells = [
                f"{one.right[inside].mean():.3f} / {loss(one)[inside].mean():.3f}" for one in judged
            ]
            table.add_row(f"{low}-{high} px ({inside.sum()})", *cells)
    Console().print(table)


def loss(verdicts: Verdicts) -> npt.NDArray[np.float64]:
    """Negative log-likelihood of each bay's truth."""
    said = np.where(verdicts.occupied, verdicts.prob, 1 - verdicts.prob).astype(np.float64)
    return np.asarray(-np.log(np.clip(said, 1e-4, 1)), np.float64)


if __name__ == "__main__":
    typer.run(main)
