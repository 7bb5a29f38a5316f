"""View shift: what a camera that moved costs, with the view guard and without.

    .venv/bin/python benchmarks/view_shift.py [--part all] [--out X.json] [--chart X.svg]

Needs the labelled sets (LOTSIGHT_DATA). Parts, each printed as it is done:

1. Steps: pan, tilt, roll, zoom and all together, in steps, over photographs of acpds (valid split;
   the picture after the movement is the same photograph at another exposure, gamma, white balance
   and noise) and pklot_ufpr05 (the reference is a picture of another day). Told for each step: the
   accuracy if the bays stay where they were drawn; how many views were followed, how many were
   called `view_moved`; the accuracy of the states that are still told; where the followed bays
   stand beside where they should (median and 95 % of their corners, pixels).
2. Drift: smartlot's camera, which moves by up to 43 px over five days.
3. Nothing moved: weather, night, cars, exposure; every alarm and every false following counts.
4. Return: a view that was `view_moved` comes back; seconds until its bays are judged again.

One look of a camera: the reference's view, ten seconds later the moved one, and if that is not
recognised, again until the guard's hold time is over, as on a box.

All of it took nine and a half minutes on two busy cores, most of it for the steps; `--part drift`
takes one, `--part steps --acpds 2 --pklot 2` one and a half. docs/view-shift.md and
benchmarks/view_shift.json have a run's figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from view_shift_chart import draw_chart
from view_shift_motion import STEPS, UNITS, View, look, movement, other_light

from datasets import LotFrame, data_root, read_lot, read_sequence
from datasets.degrade import CHANGES, degrade
from models import default_model, open_detector
from simulator import SimulatedLot, Weather, demo_scene
from telemetry import UnknownReason
from vision.geometry import to_pixels
from vision.judge import BayShapes, judge_bays
from vision.types import Floats, Frame, ImageBgr
from vision.view_guard import GuardSettings, ViewGuard, ViewReport
from vision.view_match import apply_matrix

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOLD_S = GuardSettings().unsure_hold_s
console = Console(width=120)


class Watched:
    """A view guard and the clock of its camera."""

    def __init__(self, reference: ImageBgr | None, polygons: Sequence[Floats]) -> None:
        self.guard, self.now_s, self.number = ViewGuard(reference, polygons), 0.0, 0

    def show(self, image: ImageBgr, after_s: float = 10.0) -> ViewReport:
        self.now_s += after_s
        self.number += 1
        return self.guard.look(Frame("c", image, self.now_s, NOW, self.number))

    def settle(self, image: ImageBgr) -> ViewReport:
        """The verdict that stands: of the first look, or of the hold time's end."""
        report = self.show(image)
        if report.is_usable or report.reason is not None:
            return report
        # A shade brighter: a picture that stays the same to the bit is a frozen camera.
        return self.show(np.asarray(cv2.add(image, (2, 2, 2, 0)), np.uint8), HOLD_S + 1)


class Judge:
    """The default network on pictures."""

    def __init__(self) -> None:
        self._detector = open_detector(default_model())

    def right(
        self, image: ImageBgr, polygons: Sequence[Floats], truth: Sequence[bool | None]
    ) -> tuple[int, int]:
        """Bays judged right, and bays whose truth is known."""
        known = [i for i, state in enumerate(truth) if state is not None]
        wh = (image.shape[1], image.shape[0])
        kept = [np.clip(polygons[i], -0.5, 1.5) for i in known]
        prob = judge_bays(self._detector, image, BayShapes.of(kept, wh)).evidence.prob
        return sum(bool(prob[n] >= 0.5) == truth[i] for n, i in enumerate(known)), len(known)


@dataclass
class Tally:
    """Sums over the views of one step."""

    views: int = 0
    bays: int = 0
    right_without: int = 0
    followed: int = 0
    view_moved: int = 0
    told: int = 0
    right_told: int = 0
    errors_px: list[float] = field(default_factory=list)
    filled: list[float] = field(default_factory=list)

    def as_row(self, kind: str, step: float) -> dict[str, Any]:
        p50, p95 = np.percentile(self.errors_px or [np.nan], [50, 95])
        return {
            "movement": kind, "step": step, "unit": UNITS[kind], "views": self.views,
            "bays": self.bays, "accuracy_without": share(self.right_without, self.bays),
            "followed": share(self.followed, self.views),
            "view_moved": share(self.view_moved, self.views),
            "told": share(self.told, self.bays),
            "accuracy_told": share(self.right_told, self.told),
            "error_px": [round(float(p50), 2), round(float(p95), 2)] if self.errors_px else None,
            "filled": round(float(np.mean(self.filled)), 3),
        }  # fmt: skip


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


@dataclass(frozen=True)
class Place:
    """A photograph to be moved over, and the one its bays were drawn on."""

    frame: LotFrame
    reference: LotFrame
    relit: bool


def places(root: Path, acpds: int, pklot: int) -> list[tuple[str, list[Place]]]:
    """Evenly spread photographs of both sets."""
    lots = read_lot(root / "acpds", "valid")
    lots = [lots[i] for i in np.linspace(0, len(lots) - 1, min(acpds, len(lots))).astype(int)]
    days = [*read_lot(root / "pklot_ufpr05", "train"), *read_lot(root / "pklot_ufpr05", "valid")]
    days.sort(key=lambda f: str(f.time_local))
    picked = [days[i] for i in np.linspace(0, len(days) - 1, min(pklot, len(days))).astype(int)]
    others = [days[(days.index(frame) + len(days) // 2) % len(days)] for frame in picked]
    return [
        ("acpds", [Place(frame, frame, relit=True) for frame in lots]),
        ("pklot", [Place(f, other, relit=False) for f, other in zip(picked, others, strict=True)]),
    ]


def moved_over(
    place: Place, number: int, judge: Judge, tallies: dict[tuple[str, float], Tally]
) -> None:
    """One photograph through all movements."""
    photo, frame = place.frame.read(), place.frame
    reference = look(place.reference.read(), frame.polygons_norm)
    aimed = look(photo, frame.polygons_norm)
    wh = (aimed.image_bgr.shape[1], aimed.image_bgr.shape[0])
    rng = np.random.default_rng(number)
    for kind, steps in STEPS.items():
        for step in steps:
            matrix = movement(kind, step, wh, 1 if number % 2 else -1)
            seen = look(photo, frame.polygons_norm, matrix)
            image = other_light(seen.image_bgr, rng) if place.relit else seen.image_bgr
            one_view(reference, seen, image, frame, judge, tallies[kind, step])


def one_view(
    reference: View, seen: View, image: ImageBgr, frame: LotFrame, judge: Judge, tally: Tally
) -> None:
    """Accuracy with and without the guard in one moved view."""
    both = [i for i in seen.kept if i in reference.kept]
    if not both:
        return
    drawn = [reference.polygons_norm[reference.kept.index(i)] for i in both]
    real = [seen.polygons_norm[seen.kept.index(i)] for i in both]
    truth = [frame.states[i] for i in both]
    right, bays = judge.right(image, drawn, truth)
    camera = Watched(reference.image_bgr, reference.polygons_norm)
    camera.show(reference.image_bgr)
    report = camera.settle(image)
    tally.views += 1
    tally.bays += bays
    tally.right_without += right
    tally.filled.append(seen.filled_share)
    tally.view_moved += report.reason is UnknownReason.VIEW_MOVED
    if not report.is_usable:
        return
    tally.followed += 1
    followed = carried(drawn, report)
    tally.errors_px += corner_errors(followed, real, image)
    right, bays = (
        (right, bays) if report.homography is None else judge.right(image, followed, truth)
    )
    tally.told += bays
    tally.right_told += right


def carried(polygons: Sequence[Floats], report: ViewReport) -> list[Floats]:
    """The bays where the guard says that they are."""
    if report.homography is None:
        return list(polygons)
    return [apply_matrix(p, report.homography.astype(np.float64)) for p in polygons]


def corner_errors(a: Sequence[Floats], b: Sequence[Floats], image: ImageBgr) -> list[float]:
    wh = (image.shape[1], image.shape[0])
    gaps = to_pixels(np.concatenate(a), wh) - to_pixels(np.concatenate(b), wh)
    return [float(each) for each in np.hypot(gaps[:, 0], gaps[:, 1])]


def steps(root: Path, judge: Judge, acpds: int, pklot: int) -> dict[str, list[dict[str, Any]]]:
    """Part 1."""
    tables = {}
    for name, chosen in places(root, acpds, pklot):
        tallies = {(kind, step): Tally() for kind in STEPS for step in STEPS[kind]}
        for number, place in enumerate(track(chosen, name, console=Console(stderr=True))):
            moved_over(place, number, judge, tallies)
        tables[name] = [tally.as_row(*key) for key, tally in tallies.items()]
        for row in tables[name]:
            console.print(json.dumps({"set": name} | row), soft_wrap=True)
    return tables


def drift(root: Path, judge: Judge) -> dict[str, Any]:
    """Part 2: smartlot's own movement; its bays' places were measured by SIFT, see its README."""
    folder = root / "smartlot"
    labelled = {f.path.name: f for split in ("train", "valid") for f in read_lot(folder, split)}
    sequence = [each for each in read_sequence(folder) if each.polygons_norm]
    first, *rest = sequence
    start = cv2.imread(str(first.path))
    camera = Watched(start, first.polygons_norm)
    found = {"frames": len(rest), "usable": 0, "view_moved": 0, "other": 0}
    errors: list[float] = []
    shifts: list[float] = []
    sums = np.zeros((2, 2), int)
    for each in track(rest, "smartlot", console=Console(stderr=True)):
        image = np.asarray(cv2.imread(str(each.path)), np.uint8)
        report = camera.settle(image)
        found["usable"] += report.is_usable
        found["view_moved"] += report.reason is UnknownReason.VIEW_MOVED
        found["other"] += not report.is_usable and report.reason is not UnknownReason.VIEW_MOVED
        if not report.is_usable:
            continue
        shifts.append(report.shift_px or 0.0)
        followed = carried(first.polygons_norm, report)
        errors += corner_errors(followed, each.polygons_norm, image)
        if each.path.name in labelled:
            sums += accuracies(judge, image, labelled[each.path.name], first.polygons_norm, report)
    p50, p95 = np.percentile(errors, [50, 95])
    return found | {
        "largest_shift_px": max(shifts), "error_px": [round(float(p50), 2), round(float(p95), 2)],
        "bays": int(sums[0, 1]), "accuracy_without": share(int(sums[0, 0]), int(sums[0, 1])),
        "accuracy_with": share(int(sums[1, 0]), int(sums[1, 1])),
    }  # fmt: skip


def accuracies(
    judge: Judge, image: ImageBgr, frame: LotFrame, first: Sequence[Floats], report: ViewReport
) -> np.ndarray:
    """Right and judged bays without the guard and with it; bays by their number in the set."""
    drawn = [first[int(name)] for name in frame.bay_ids]
    return np.array(
        [
            judge.right(image, drawn, frame.states),
            judge.right(image, carried(drawn, report), frame.states),
        ]
    )


def unmoved(root: Path, acpds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Part 3: pictures of cameras that did not move."""
    frames = read_lot(root / "acpds", "valid")[:: max(1, 35 // acpds)]
    for change in CHANGES:
        verdicts = []
        for number, frame in enumerate(frames):
            image = frame.read()
            camera = Watched(image, frame.polygons_norm)
            camera.show(image)
            worse = degrade(image, change, np.random.default_rng(number))
            verdicts.append(camera.settle(worse))
        yield f"acpds, {change}", verdict_row(verdicts)
    for gain in (0.4, 0.6, 1.6, 2.2):
        verdicts = []
        for frame in frames:
            image = frame.read()
            camera = Watched(image, frame.polygons_norm)
            camera.show(image)
            verdicts.append(camera.settle(cv2.convertScaleAbs(image, alpha=gain)))
        yield f"acpds, exposure x {gain:g}", verdict_row(verdicts)
    for name in ("pklot_ufpr05", "nightlot"):
        days = [*read_lot(root / name, "train"), *read_lot(root / name, "valid")]
        days.sort(key=lambda f: str(f.time_local))
        camera = Watched(days[0].read(), days[0].polygons_norm)
        yield f"{name}, all pictures in time", verdict_row([camera.settle(f.read()) for f in days])
    for weather in Weather:
        lot = SimulatedLot(demo_scene(weather), seed=4, detail=1)
        camera = Watched(lot.frame(0.0), lot.quads_norm())
        verdicts = [camera.show(lot.frame(1.0 + second), 1.0) for second in range(120)]
        yield f"simulator, {weather.value}, driving cars, 2 minutes", verdict_row(verdicts)


def verdict_row(verdicts: Sequence[ViewReport]) -> dict[str, Any]:
    usable = [each for each in verdicts if each.is_usable]
    return {
        "pictures": len(verdicts), "usable": len(usable),
        "moved_along": sum(each.homography is not None for each in usable),
        "largest_shift_px": max((each.shift_px or 0.0 for each in usable), default=None),
        "view_moved": sum(each.reason is UnknownReason.VIEW_MOVED for each in verdicts),
        "dark_or_blind": sum(
            each.reason in {UnknownReason.DARK, UnknownReason.BLIND} for each in verdicts
        ),
    }  # fmt: skip


def returns(root: Path, acpds: int, pklot: int) -> dict[str, Any]:
    """Part 4: from the moment the view is back until it is judged where it was, 1 picture/s."""
    waits: list[float] = []
    for _, chosen in places(root, acpds, pklot):
        for number, place in enumerate(chosen):
            photo = place.frame.read()
            reference = look(place.reference.read(), place.frame.polygons_norm)
            aimed = look(photo, place.frame.polygons_norm)
            wh = (aimed.image_bgr.shape[1], aimed.image_bgr.shape[0])
            away = look(photo, place.frame.polygons_norm, movement("pan", 160, wh, 1))
            camera = Watched(reference.image_bgr, reference.polygons_norm)
            # pklot's camera hangs a few pixels beside the reference: that is home.
            home_px = camera.show(aimed.image_bgr).shift_px or 0.0
            if camera.settle(away.image_bgr).reason is not UnknownReason.VIEW_MOVED:
                continue
            rng = np.random.default_rng(number)
            wait_s = next(
                (
                    s
                    for s in range(1, 121)
                    if is_home(camera, other_light(aimed.image_bgr, rng), home_px)
                ),
                np.inf,
            )
            waits.append(float(wait_s))
    return {"views": len(waits), "median_s": float(np.median(waits)), "longest_s": max(waits)}


def is_home(camera: Watched, image: ImageBgr, home_px: float) -> bool:
    report = camera.show(image, 1.0)
    return report.is_usable and abs((report.shift_px or 0.0) - home_px) < 2.0


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--acpds", type=int, default=8, help="photographs of acpds; 8 by default")
    parser.add_argument("--pklot", type=int, default=5, help="photographs of pklot; 5 by default")
    parser.add_argument(
        "--part", choices=["all", "steps", "drift", "unmoved", "return"], default="all"
    )
    parser.add_argument("--out", type=Path, help="JSON of the figures")
    parser.add_argument("--chart", type=Path, help="SVG of the steps")
    options = parser.parse_args()
    root, judge = data_root(), Judge()
    spec = default_model().manifest
    found: dict[str, Any] = {"model": f"{spec.name} {spec.version}"}
    wanted = {"steps", "drift", "unmoved", "return"} if options.part == "all" else {options.part}
    if "unmoved" in wanted:
        found["unmoved"] = {}
        for name, row in unmoved(root, options.acpds):
            found["unmoved"][name] = row
            console.print(json.dumps({"unmoved": name} | row), soft_wrap=True)
    if "drift" in wanted:
        found["drift"] = drift(root, judge)
        console.print(json.dumps({"drift": found["drift"]}), soft_wrap=True)
    if "return" in wanted:
        found["return"] = returns(root, options.acpds, options.pklot)
        console.print(json.dumps({"return": found["return"]}), soft_wrap=True)
    if "steps" in wanted:
        found["steps"] = steps(root, judge, options.acpds, options.pklot)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    if options.chart is not None and "steps" in found:
        options.chart.write_text(draw_chart(found["steps"]))


if __name__ == "__main__":
    main()
