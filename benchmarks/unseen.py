"""Bays that are too dark or hidden: what calling them unknown costs, and what it saves.

    python benchmarks/unseen.py                 # every labelled set, per camera, the worst first
    python benchmarks/unseen.py --darkened      # sets that may be trained on, made darker

The thresholds were chosen on the sets that may be trained on; the others are only reported.
"""

from __future__ import annotations

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from seen_sets import TRAINABLE, frames_of, seen_frames

from models import find_model, open_detector
from telemetry.vocabulary import UnknownReason
from vision import unseen
from vision.judge import BayShapes, judge_bays
from vision.types import ImageBgr

LEVELS = (4, 6, 9, 13, 19)
"""Brightness of the brightest twentieth of the image, 0 to 255."""
READ_NOISE = 2.0
console = Console(width=110, highlight=False)


def main(darkened: bool = False) -> None:
    """Measure and print."""
    if darkened:
        _by_level()
    else:
        _by_camera()


def _by_camera() -> None:
    cameras: dict[str, list[tuple[bool, bool, bool]]] = {}
    for seen in seen_frames():
        evidence = seen.judgement.evidence
        wrong = (evidence.prob >= 0.5) != seen.occupied
        for bay, is_wrong in enumerate(wrong):
            reason = evidence.unseen.get(bay)
            dark, hidden = reason is UnknownReason.DARK, reason is UnknownReason.OCCLUDED
            cameras.setdefault(seen.lot, []).append((bool(is_wrong), dark, hidden))
    table = Table(title="share of bays, %")
    for head in ("camera", "bays", "wrong before", "wrong now", "unknown", "dark", "hidden",
                 "of the unknown wrong"):  # fmt: skip
        table.add_column(head, justify="right")
    rows = {name: np.array(bays) for name, bays in cameras.items()}
    for name, bays in sorted(rows.items(), key=lambda row: -row[1][:, 0].mean()):
        wrong, dark, hidden = bays.T
        unknown = dark | hidden
        shares = (wrong, wrong & ~unknown, unknown, dark, hidden)
        among = f"{wrong[unknown].mean():.0%}" if unknown.any() else "-"
        table.add_row(name, str(len(bays)), *(f"{100 * s.mean():.2f}" for s in shares), among)
    console.print(table)


def _by_level() -> None:
    """Error by the lowest level at which a bay counts as dark."""
    detector = open_detector(find_model("lotsight-n"), 1)
    rng = np.random.default_rng(3)
    found: list[tuple[int, bool, bool]] = []
    for _, frame, image in frames_of(TRAINABLE, 4):
        for level in LEVELS:
            dark = _darkened(image, level, rng)
            wh = (dark.shape[1], dark.shape[0])
            said = judge_bays(detector, dark, BayShapes.of(frame.polygons_norm, wh)).evidence
            lowest = np.full(len(said.prob), 99)
            for limit in range(14, 2, -1):
                unseen.DARK_LEVEL = limit
                lowest[unseen.dark_bays(dark, frame.polygons_norm)] = limit
            occupied = said.prob >= 0.5
            found += zip(lowest.tolist(), occupied != frame.occupied, occupied, strict=True)
    table = Table(title="darkened images of the sets that may be trained on")
    for head in ("dark below", "bays", "wrong %", "judged free", "of these wrong %"):
        table.add_column(head, justify="right")
    for limit in sorted({row[0] for row in found}):
        wrong = np.array([bad for level, bad, _ in found if level == limit])
        free = np.array([not occupied for level, _, occupied in found if level == limit])
        missed = f"{100 * wrong[free].mean():.1f}" if free.any() else "-"
        name = "not dark" if limit == 99 else str(limit)
        table.add_row(name, str(len(wrong)), f"{100 * wrong.mean():.1f}", str(free.sum()), missed)
    console.print(table)


def _darkened(image: ImageBgr, level: int, rng: np.random.Generator) -> ImageBgr:
    light = (image.astype(np.float32) / 255) ** 2.2
    dim = (light / np.percentile(light, 95)) ** (1 / 2.2) * level
    return np.clip(dim + rng.normal(0, READ_NOISE, dim.shape), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
