"""How many vehicles a counted lane gets wrong, and what it costs.

    python benchmarks/counted_lanes.py [--passing 20] [--scenes 1] [--long-side 320]

Rendered entrances (`simulator.entrance`), each flow in each weather, with their exact truth: a
passage is right when a vehicle of that direction touched the line within a second of it; every
passage that is missed or invented is one wrong. The same frames are counted at lower rates, and
with a fifth of them lost at random. Then `road_line.mp4` of LOTSIGHT_DATA, a road with 27 crossings
by hand, which nothing was tuned on; the constants of `vision.lanes` were set before it was first
looked at. The docs say which seeds were seen; others are for the next figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from calibration.clips import ClipReader
from datasets.lots import data_root
from models import default_model, open_detector
from simulator.entrance import SimulatedEntrance, scenes_of
from simulator.passing import Crossing
from telemetry.gates import PassageDirection
from vision.detector import OnnxDetector
from vision.judge import NO_BAYS
from vision.lanes import CountedLine, LaneCounter, LinePassage, LineSide, lane_plan
from vision.types import Detections, ImageBgr

RATE_HZ = 5.0
"""Of the rendered pictures: what a box reads unless told otherwise."""
STEPS = (1, 2)
"""Every so many frames: 5 and 2.5 a second; of the road, which has 30 ..."""
ROAD_STEPS = (2, 3, 6, 10, 15)
"""... 15, 10, 5, 3 and 2."""
NEAR_M = 12.0
"""While no vehicle is as near to the line as this, nothing is rendered and nothing can go wrong."""
WH = (480, 270)
LOST_SHARE = 0.2
TOLERANCE_S = 1.0
ROAD_TOLERANCE_S = 0.5
"""The truth of the road is by eye, when the front wheels reach the line."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What the network saw, and the truth.

    Attributes:
        name: of the condition.
        line: to count over.
        image_wh: of the pictures.
        frames: time and vehicles of each.
        truth: direction and span of each passage.
    """

    name: str
    line: CountedLine
    image_wh: tuple[int, int]
    frames: Sequence[tuple[float, Detections]]
    truth: Sequence[tuple[PassageDirection, float, float]]


@dataclass(frozen=True, slots=True)
class Score:
    """Passages that happened, were missed, were invented."""

    there: int = 0
    missed: int = 0
    invented: int = 0

    def __add__(self, other: Score) -> Score:
        """Of both."""
        return Score(
            self.there + other.there, self.missed + other.missed, self.invented + other.invented
        )

    @property
    def wrong(self) -> int:
        """Missed or invented."""
        return self.missed + self.invented

    def __str__(self) -> str:
        """For a cell of a table."""
        return f"{self.wrong} ({self.wrong / max(self.there, 1):.1%})"


class Looker:
    """Runs the network on one input size and keeps the processor's time."""

    def __init__(self, detector: OnnxDetector, long_side_px: int) -> None:
        self._detector = detector
        self._long_side_px = long_side_px
        self.frames, self.cpu_s = 0, 0.0

    def look(self, image_bgr: ImageBgr) -> Detections:
        """The vehicles of one picture."""
        image_wh = (image_bgr.shape[1], image_bgr.shape[0])
        plan = lane_plan(image_wh, self._detector.spec, self._long_side_px)
        begin_s = time.process_time()
        found = self._detector.detect(image_bgr, NO_BAYS.quads_norm, plan).detections
        self.cpu_s += time.process_time() - begin_s
        self.frames += 1
        return found


def main(
    passing: int = 20, scenes: int = 1, long_side: int = 320, first_seed: int = 1, only: str = ""
) -> None:
    """Measure and print."""
    detector = open_detector(default_model(), threads=1)
    classes = dict(detector.spec.classes)
    looker = Looker(detector, long_side)
    console = Console(width=110, highlight=False)
    clips: list[Clip] = []
    conditions = [each for each in scenes_of(passing, WH) if only in f"{each.flow} {each.weather}"]
    for number in track(range(scenes), "scenes", console=console):
        for index, scene in enumerate(conditions):
            seed = first_seed + number * len(conditions) + index
            clips.append(_rendered(SimulatedEntrance(scene, seed), looker))
    rendered_ms = 1000 * looker.cpu_s / looker.frames
    names = list(dict.fromkeys(clip.name for clip in clips))
    rows = {name: [clip for clip in clips if clip.name == name] for name in names}
    title = f"rendered entrances, {detector.spec.name}, {long_side} px"
    _print(console, rows, classes, (title, STEPS))
    road = _road(looker)
    if road is not None:
        title = "a road, seen by nobody who set a constant"
        _print(console, {road.name: [road]}, classes, (title, ROAD_STEPS))
    counting_ms = _counting_ms(clips, classes)
    console.print(
        f"{rendered_ms:.1f} ms of processor time a frame in the network, {counting_ms:.2f} ms in "
        "tracker and counter"
    )


def _print(
    console: Console,
    rows: dict[str, list[Clip]],
    classes: dict[int, str],
    shown: tuple[str, Sequence[int]],
) -> None:
    title, steps = shown
    first = [time_s for time_s, _ in next(iter(rows.values()))[0].frames]
    rate_hz = 1 / float(np.median(np.diff(first)))
    table = Table(title=f"{title}: passages missed or invented")
    table.add_column("condition")
    table.add_column("passages", justify="right")
    for step in steps:
        table.add_column(f"{rate_hz / step:.3g} Hz", justify="right")
    table.add_column(f"{rate_hz / steps[0]:.3g} Hz, {LOST_SHARE:.0%} lost", justify="right")
    scored = {
        name: [
            *(_sum(_score(clip, classes, clip.frames[::step]) for clip in of) for step in steps),
            _sum(_score(clip, classes, _thinned(clip.frames[:: steps[0]])) for clip in of),
        ]
        for name, of in rows.items()
    }
    for name, scores in sorted(scored.items(), key=lambda item: -item[1][0].wrong):
        table.add_row(name, str(scores[0].there), *map(str, scores))
    if len(scored) > 1:
        sums = [_sum(column) for column in zip(*scored.values(), strict=True)]
        table.add_row("all", str(sums[0].there), *map(str, sums), style="bold")
    console.print(table)


def _sum(scores: Iterable[Score]) -> Score:
    return sum(scores, start=Score())


def _thinned(frames: Sequence[tuple[float, Detections]]) -> list[tuple[float, Detections]]:
    rng = np.random.default_rng(1)
    return [frame for frame in frames if rng.random() >= LOST_SHARE]


def _rendered(entrance: SimulatedEntrance, looker: Looker) -> Clip:
    scene = entrance.scene
    times = [
        time_s
        for time_s in np.arange(0.0, entrance.duration_s, 1 / RATE_HZ).tolist()
        if entrance.nearest_m(time_s) < NEAR_M
    ]
    return Clip(
        name=f"{scene.flow}, {scene.weather}",
        line=CountedLine("gate", entrance.line_norm, LineSide.LEFT),
        image_wh=scene.image_wh,
        frames=[(time_s, looker.look(entrance.frame(time_s))) for time_s in times],
        truth=[_span(each) for each in entrance.crossings()],
    )


def _span(crossing: Crossing) -> tuple[PassageDirection, float, float]:
    begin_s, end_s = crossing.touches_s
    return crossing.direction, begin_s - TOLERANCE_S, end_s + TOLERANCE_S


def _road(looker: Looker) -> Clip | None:
    folder: Path = data_root() / "video"
    file = folder / "parking_crop_topview.truth.json"
    if not file.is_file():
        return None
    truth = json.loads(file.read_text(encoding="utf-8"))["road_line.mp4"]
    with ClipReader(folder / "road_line.mp4") as reader:
        frames = [(time_s, looker.look(image)) for time_s, image in reader.frames()]
        image_wh = reader.image_wh
    points = np.asarray(truth["line"], np.float32) / np.asarray(image_wh, np.float32)
    lanes = truth["frames_by_lane_left_to_right"]
    at_s = [number / truth["fps"] for lane in lanes for number in lane]
    return Clip(
        name="road_line.mp4",
        line=CountedLine("road", points, LineSide.RIGHT),
        image_wh=image_wh,
        frames=frames,
        truth=[(PassageDirection.IN, s - ROAD_TOLERANCE_S, s + ROAD_TOLERANCE_S) for s in at_s],
    )


def _score(
    clip: Clip, classes: dict[int, str], frames: Sequence[tuple[float, Detections]]
) -> Score:
    counter = LaneCounter([clip.line])
    found: list[LinePassage] = []
    for time_s, vehicles in frames:
        found += counter.update(vehicles, classes, clip.image_wh, time_s)
    fits = np.array(
        [
            [way is passage.direction and begin_s <= passage.time_s <= end_s for passage in found]
            for way, begin_s, end_s in clip.truth
        ]
    ).reshape(len(clip.truth), len(found))
    rows, columns = linear_sum_assignment(fits, maximize=True)
    right = int(fits[rows, columns].sum())
    return Score(len(clip.truth), len(clip.truth) - right, len(found) - right)


def _counting_ms(clips: Sequence[Clip], classes: dict[int, str]) -> float:
    begin_s, frames = time.process_time(), 0
    for clip in clips:
        counter = LaneCounter([clip.line])
        for time_s, vehicles in clip.frames:
            counter.update(vehicles, classes, clip.image_wh, time_s)
        frames += len(clip.frames)
    return 1000 * (time.process_time() - begin_s) / frames


if __name__ == "__main__":
    typer.run(main)
