"""Side by side with the peers: Ultralytics' ParkingManagement and supervision's PolygonZone.

    .venv/bin/python benchmarks/peers.py [--python PEERS_PYTHON] [--runtime onnx|pytorch]
        [--out X.json] [--limit 0] [--clip-frames 20]

Without --python a throw-away environment is made (torch, ultralytics, supervision by pip). Needs
the labelled sets, the clips and `weights/yolo11n.pt` (LOTSIGHT_DATA). Each picture goes to lotsight
and then to every peer, one after the other, so that all of them meet the same load of the machine:
the ratios hold even where the milliseconds do not. The peers' networks run in ONNX Runtime as ours
does, or in PyTorch as their examples have it. All start from the decoded picture and end with
a state for each bay, with the same number of threads; the peers' networks are the stock COCO ones
at 640 and at 1280 px. ParkingManagement also draws, which is part of its `process`; it is given its
default tracker (which needs to see a picture three times) and ByteTrack.

On two busy cores `--limit 16 --clip-frames 10` (66 pictures) took seven minutes; all 131 take about
twice as long. The environment is a download of some gigabytes before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets import LotFrame, data_root, read_lot
from datasets.judging import Verdicts
from datasets.metrics import measure
from models import default_model, open_detector
from vision.detector import DetectorSettings
from vision.geometry import bay_sizes_px, to_pixels
from vision.input_size import plan_input
from vision.judge import BayShapes, judge_bays
from vision.runtime import ort
from vision.session import SessionSettings
from vision.types import Floats, ImageBgr, as_floats

PACKAGES = (
    "torch==2.14.1", "torchvision==0.29.1", "ultralytics==8.4.190", "lap>=0.5.12",
    "shapely>=2", "supervision==0.31.2", "onnx", "onnxslim",
    "onnxruntime==" + ort.__version__,
)  # fmt: skip
SETS = (
    ("acpds", ("valid",)), ("pklot_ufpr05", ("valid",)), ("smartlot", ("train", "valid")),
    ("nightlot", ("train", "valid")),
)  # fmt: skip
SIZES = (640, 1280)
OURS = "lotsight"
console = Console(width=140)


class Lotsight:
    """The default network and its rule."""

    def __init__(self, threads: int) -> None:
        settings = DetectorSettings(session=SessionSettings(threads=threads))
        self._detector = open_detector(default_model(), settings=settings)

    def judge(self, image: ImageBgr, polygons: list[Floats]) -> tuple[Floats, float]:
        wh = (image.shape[1], image.shape[0])
        bays = BayShapes.of(polygons, wh)
        plan = plan_input(polygons, wh, self._detector.spec)
        begin_s = time.perf_counter()
        prob = judge_bays(self._detector, image, bays, plan).evidence.prob
        return prob, 1000 * (time.perf_counter() - begin_s)


class Peers:
    """The worker process."""

    def __init__(
        self, python: Path, weights: Path, folder: Path, *, threads: int, runtime: str
    ) -> None:
        answers, theirs = os.pipe()
        command = [
            str(python), str(Path(__file__).with_name("peers_worker.py").resolve()),
            "--weights", str(weights), "--threads", str(threads), "--runtime", runtime,
            "--answers", str(theirs), "--sizes", *map(str, SIZES),
        ]  # fmt: skip
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        env |= {
            "YOLO_OFFLINE": "true",
            "YOLO_CONFIG_DIR": str(folder),
            "OMP_NUM_THREADS": str(threads),
        }
        self.log = folder / "peers.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True,
                env=env, cwd=folder, pass_fds=(theirs,),
            )  # fmt: skip
        os.close(theirs)
        self._answers = os.fdopen(answers)

    def judge(
        self, picture: Path, polygons: list[Floats], wh: tuple[int, int], is_clip: bool
    ) -> Any:
        bays = [to_pixels(polygon, wh).tolist() for polygon in polygons]
        job = {"picture": str(picture), "bays": bays, "is_clip": is_clip}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        if not line:
            sys.exit(f"the peers' process ended:\n{self.log.read_text()[-3000:]}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@dataclass
class Tally:
    """What each contestant said of one set."""

    prob: dict[str, list[Floats]] = field(default_factory=dict)
    ms: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, prob: Floats, ms: float) -> None:
        self.prob.setdefault(name, []).append(prob)
        self.ms.setdefault(name, []).append(ms)


def judged(frames: list[LotFrame], ours: Lotsight, peers: Peers, what: str) -> Tally:
    """All contestants over the labelled pictures of one set."""
    tally = Tally()
    for frame in track(frames, what, console=Console(stderr=True)):
        image = frame.read()
        one_picture(
            tally, frame.path, image, list(frame.polygons_norm), (ours, peers), is_clip=False
        )
    return tally


def one_picture(
    tally: Tally,
    path: Path,
    image: ImageBgr,
    polygons: list[Floats],
    contestants: tuple[Lotsight, Peers],
    *,
    is_clip: bool,
) -> None:
    ours, peers = contestants
    tally.add(OURS, *ours.judge(image, polygons))
    wh = (image.shape[1], image.shape[0])
    for name, (occupied, ms) in peers.judge(path, polygons, wh, is_clip).items():
        tally.add(name, as_floats(np.array(occupied, np.float32)), ms)


def clip(path: Path, ours: Lotsight, peers: Peers, limit: int, folder: Path) -> Tally:
    """Frames of a clip, evenly spread; no labels, so speed alone."""
    about = json.loads(path.with_suffix("").with_suffix(".bays.json").read_text())
    wh = (about["width"], about["height"])
    polygons = [as_floats(np.array(bay, np.float32) / wh) for bay in about["bays"]]
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    tally, picture = Tally(), folder / "frame.png"
    for number in track(
        np.linspace(0, count - 2, limit).astype(int), path.stem, console=Console(stderr=True)
    ):
        capture.set(cv2.CAP_PROP_POS_FRAMES, int(number))
        good, image = capture.read()
        if not good:
            continue
        cv2.imwrite(str(picture), image)
        one_picture(tally, picture, np.asarray(image), polygons, (ours, peers), is_clip=True)
    return tally


def rows(what: str, tally: Tally, frames: list[LotFrame]) -> list[dict[str, Any]]:
    """A row for each contestant: accuracy with its interval, milliseconds, ratio to ours."""
    found = []
    base_ms = float(np.median(tally.ms[OURS]))
    for name, probs in tally.prob.items():
        row: dict[str, Any] = {"on": what, "who": name, "frames": len(probs)}
        if frames:
            accuracy = measure(verdicts(what, frames, probs)).accuracy
            row["accuracy"] = round(accuracy.value, 4)
            row["interval_95"] = [round(accuracy.low, 4), round(accuracy.high, 4)]
        median_ms = float(np.median(tally.ms[name]))
        row |= {"median_ms": round(median_ms, 1), "times_ours": round(median_ms / base_ms, 2)}
        found.append(row)
    return found


def verdicts(what: str, frames: list[LotFrame], probs: list[Floats]) -> Verdicts:
    """In the form that `datasets.metrics` measures; bays of unknown truth are left out."""
    known = [np.array([s is not None for s in frame.states]) for frame in frames]
    counts = [int(each.sum()) for each in known]
    states = [s for frame in frames for s in frame.states if s is not None]
    sizes = [bay_sizes_px(f.polygons_norm, (1, 1))[k] for f, k in zip(frames, known, strict=True)]
    return Verdicts(
        name=what,
        frames=tuple(frames),
        frame=np.repeat(np.arange(len(frames)), counts),
        bay=np.concatenate([np.arange(count) for count in counts]),
        prob=np.concatenate([p[k] for p, k in zip(probs, known, strict=True)]),
        occupied=np.array(states, np.bool),
        size_px=np.concatenate(sizes),
        y_norm=np.zeros(len(states), np.float32),
    )


def make_environment(folder: Path) -> Path:
    """A throw-away environment with the peers in it."""
    console.print(f"making an environment with {', '.join(PACKAGES)}; takes minutes")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    subprocess.run([str(folder / "venv/bin/pip"), "install", "-q", *PACKAGES], check=True)
    return folder / "venv/bin/python"


def show(found: list[dict[str, Any]]) -> None:
    table = Table("on", "who", "accuracy, %", "95 %", "median ms", "x lotsight")
    for row in found:
        low, high = row.get("interval_95", (None, None))
        table.add_row(
            row["on"], row["who"], f"{100 * row['accuracy']:.2f}" if low is not None else "",
            f"{100 * low:.1f} to {100 * high:.1f}" if low is not None else "",
            f"{row['median_ms']:.0f}", f"{row['times_ours']:.2f}",
        )  # fmt: skip
    console.print(table)


def main() -> None:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, help="an environment that has the peers already")
    parser.add_argument(
        "--runtime", choices=("onnx", "pytorch"), default="onnx", help="of the peers' networks"
    )
    parser.add_argument("--threads", type=int, default=2, help="of each contestant; 2 by default")
    parser.add_argument("--limit", type=int, default=0, help="at most so many of a set; 0: all")
    parser.add_argument("--clip-frames", type=int, default=20, help="of each clip; 20 by default")
    parser.add_argument("--out", type=Path, help="JSON of the figures")
    options = parser.parse_args()
    root, found = data_root(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = options.python or make_environment(folder)
        ours = Lotsight(options.threads)
        weights = root / "weights" / "yolo11n.pt"
        peers = Peers(python, weights, folder, threads=options.threads, runtime=options.runtime)
        warm_up = read_lot(root / "acpds", "valid")[:2]
        judged(warm_up, ours, peers, "warm-up")
        for set_name, splits in SETS:
            frames = [f for split in splits for f in read_lot(root / set_name, split)]
            if options.limit:
                frames = frames[:: max(1, -(-len(frames) // options.limit))]
            what = f"{set_name} {'+'.join(splits)}"
            found += rows(what, judged(frames, ours, peers, what), frames)
        for path in sorted((root / "video").glob("*.mp4")):
            tally = clip(path, ours, peers, options.clip_frames, folder)
            found += rows(path.stem, tally, [])
        peers.close()
    show(found)
    if options.out is not None:
        spec = default_model().manifest
        about = {
            "model": f"{spec.name} {spec.version}", "peers": PACKAGES, "weights": "yolo11n.pt",
            "runtime": options.runtime,
            "threads": options.threads, "cpus": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 1),
        }  # fmt: skip
        options.out.write_text(json.dumps({"about": about, "rows": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
