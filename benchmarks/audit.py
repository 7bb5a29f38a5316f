"""How far the audit's figure is from the truth, and whether its interval holds it.

    python benchmarks/audit.py --data ../shared/data    # three minutes on a busy core

Every labelled picture is one look: the usual pass stands for the published state, and the truth
says how often that was right. Sets as they are, and harmed (dark and blurred together, so that the
network really errs). Figures of a run are in docs/retraining.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets import LotFrame, data_root, read_lot
from datasets.degrade import degrade
from edge_app.audit import LookTally, estimate_accuracy, tally_look
from models import default_model, find_model, open_detector
from vision.detector import OnnxDetector
from vision.judge import BayShapes, judge_bays
from vision.second_opinion import second_opinion

SETS = (
    ("acpds", ("valid",)),
    ("pklot_ufpr05", ("train", "valid")),
    ("smartlot", ("train", "valid")),
    ("nightlot", ("train", "valid")),
)
HARM: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "dark": ("dark",),
    "blurred": ("blur",),
    "dark, blurred": ("dark", "blur"),
}


@dataclass(frozen=True)
class Audited:
    tallies: list[LookTally]
    right: int
    bays: int


def audit(detector: OnnxDetector, frames: list[LotFrame], changes: tuple[str, ...]) -> Audited:
    rng = np.random.default_rng(0)
    tallies, right, bays = [], 0, 0
    for frame in frames:
        image = frame.read()
        for change in changes:
            image = degrade(image, change, rng)
        image_wh = (image.shape[1], image.shape[0])
        shapes = BayShapes.of(frame.polygons_norm, image_wh)
        first = judge_bays(detector, image, shapes)
        opinion = second_opinion(detector, image, shapes, first.output)
        tallies.append(tally_look(opinion, first.evidence.prob))
        right += int(((first.evidence.prob >= 0.5) == frame.occupied).sum())
        bays += len(frame.polygons_norm)
    return Audited(tallies, right, bays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=data_root())
    parser.add_argument("--model", help="name or path; the default model if not given")
    arguments = parser.parse_args()
    entry = find_model(arguments.model) if arguments.model else default_model()
    detector = open_detector(entry)
    console = Console(width=110, highlight=False)  # a pipe's 80 columns would cut the figures
    table = Table(title=f"{entry.name} {entry.manifest.version}", box=None)
    for heading in ("set", "pictures", "bays", "true %", "audit %", "interval %", "holds it"):
        table.add_column(heading, justify="left" if heading == "set" else "right", no_wrap=True)
    cases = [(name, splits, harm) for name, splits in SETS for harm in HARM]
    for name, splits, harm in track(cases, "auditing", console=console, transient=True):
        frames = [f for split in splits for f in read_lot(arguments.data / name, split)]
        found = audit(detector, frames, HARM[harm])
        estimate = estimate_accuracy(found.tallies)
        assert estimate is not None
        true = found.right / found.bays
        table.add_row(
            f"{name}, {harm}",
            str(estimate.looks),
            str(found.bays),
            f"{100 * true:.2f}",
            f"{100 * estimate.accuracy:.2f}",
            f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}",
            "yes" if estimate.low <= true <= estimate.high else "[bold]no[/]",
        )
    console.print(table)


if __name__ == "__main__":
    main()
