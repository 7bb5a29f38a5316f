"""Self-specialisation measured: learnt on a lot's earlier pictures, judged on its later days.

    PYTHONPATH=. python benchmarks/specialise.py --checkpoint runs/mean/last.pt   # extra `train`

No label of a lot is used but to judge. Pictures as they are, and harmed (dark and blurred), so that
there is something to learn. What the gate decides is told beside what would have come of it;
figures of a run are in docs/retraining.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets.degrade import degrade
from datasets.frames import LotFrame
from datasets.lots import data_root, read_dataset, read_lot, read_sequence
from datasets.pseudo_labels import ADAPT, CHECK, LabelSettings, pseudo_label
from models import find_model
from models.training.config import TrainConfig
from models.training.export import export_onnx
from models.training.loop import trained_net
from models.training.network.net import LotNet
from models.training.specialise import (
    Features,
    SpecialiseConfig,
    features_of,
    gate_refusals,
    specialise,
    verdicts_of,
)
from vision.detector import OnnxDetector

ANCHORS = 96


@dataclass(frozen=True)
class Case:
    """Learn on what was taken before `until`, judge what came after."""

    name: str
    until: datetime
    changes: tuple[str, ...] = ()


NIGHT = datetime.fromisoformat("2019-09-14T03:00")
DAY2, DAY4 = datetime.fromisoformat("2013-03-01"), datetime.fromisoformat("2013-04-01")
APRIL1, APRIL2 = datetime.fromisoformat("2019-04-01"), datetime.fromisoformat("2019-04-02")
HARM, WORSE_HARM = ("dark", "blur"), ("half_size", "dark", "rain")
CASES = (
    *(Case("smartlot", day) for day in (APRIL1, APRIL2)),
    Case("nightlot", NIGHT),
    *(Case("pklot_ufpr05", day) for day in (DAY2, DAY4)),
    Case("smartlot", APRIL2, HARM),
    Case("nightlot", NIGHT, HARM),
    *(Case("pklot_ufpr05", day, HARM) for day in (DAY2, DAY4)),
    Case("pklot_ufpr05", DAY4, WORSE_HARM),
)


def frames_of(case: Case, root: Path, folder: Path) -> list[LotFrame]:
    """All pictures of the set, harmed; the labelled ones with their truth."""
    truth = {frame.path.name: frame for frame in read_dataset(root / case.name)}
    frames = list(truth.values())
    if case.name == "smartlot":
        for one in read_sequence(root / case.name):
            if one.polygons_norm and one.path.name not in truth:
                count = len(one.polygons_norm)
                ids = tuple(str(bay) for bay in range(count))
                frames.append(
                    replace(frames[0], path=one.path, polygons_norm=one.polygons_norm,
                            states=(None,) * count, bay_ids=ids, time_local=one.time_local)
                )  # fmt: skip
    frames.sort(key=lambda frame: str(frame.time_local))
    if not case.changes:
        return frames
    harmed = []
    rng = np.random.default_rng(0)
    for frame in frames:
        image = frame.read()
        for change in case.changes:
            image = degrade(image, change, rng)
        path = folder / f"{frame.path.stem}.png"
        cv2.imwrite(str(path), image)
        harmed.append(replace(frame, path=path))
    return harmed


def right(net: LotNet, pictures: Sequence[Features]) -> float:
    return 100 * float(verdicts_of(net, pictures).right.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=data_root())
    parser.add_argument("--case", type=int, action="append", help="number, from 0; all by default")
    arguments = parser.parse_args()
    cases = [CASES[number] for number in arguments.case or range(len(CASES))]
    console = Console(highlight=False)
    net = trained_net(arguments.checkpoint)
    wh = TrainConfig().input_wh
    table = Table(box=None)
    for heading in ("lot", "learnt until", "pictures", "labels right %", "general %",
                    "specialised %", "anchors %", "gate"):  # fmt: skip
        table.add_column(heading, no_wrap=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        export_onnx(net, folder / "net.onnx")
        detector = OnnxDetector(folder / "net.onnx", find_model("lotsight-n").manifest.spec())
        general = read_lot(arguments.data / "acpds", "train")
        anchors = features_of(net, general[:: len(general) // ANCHORS], wh)
        for case in track(cases, "specialising", console=console, transient=True):
            own = folder / f"{case.name}{len(case.changes)}"
            own.mkdir(exist_ok=True)
            table.add_row(
                *measure(case, frames_of(case, arguments.data, own), detector, net, anchors)
            )
    console.print(table)


def measure(
    case: Case, frames: list[LotFrame], detector: OnnxDetector, net: LotNet, anchors: list[Features]
) -> tuple[str, ...]:
    wh = TrainConfig().input_wh
    early = [f for f in frames if f.time_local is not None and f.time_local < case.until]
    labelled = pseudo_label(detector, early, LabelSettings())
    truth = {f.path: f.states for f in early}
    agreed = [
        said == true
        for frame in labelled
        for said, true in zip(frame.states, truth[frame.path], strict=True)
        if said is not None and true is not None
    ]
    parts = {
        split: features_of(net, [f for f in labelled if f.split == split], wh)
        for split in (ADAPT, CHECK)
    }
    candidate = specialise(net, parts[ADAPT], anchors[::2], SpecialiseConfig())
    refusals = gate_refusals(net, candidate, parts[CHECK], anchors[1::2])
    days = features_of(net, [f for f in frames if f not in early], wh)
    return (
        ", ".join((case.name, *case.changes)),
        f"{case.until:%d %b %Hh}",
        str(len(early)),
        f"{100 * np.mean(agreed):.2f}",
        f"{right(net, days):.2f}",
        f"{right(candidate, days):.2f}",
        f"{right(net, anchors[1::2]):.2f} > {right(candidate, anchors[1::2]):.2f}",
        "refused: " + "; ".join(r.split(":")[0] for r in refusals) if refusals else "accepted",
    )


if __name__ == "__main__":
    main()
