"""How good are proposed bays? Share of true bays found, share of proposals that are right.

    python benchmarks/proposals.py [--model NAME] [--input-px 1600] [--split valid] [--only clips]

A proposal is right when it has an IoU of 0.5 or more with a bay that people drew, one to one.
acpds: one picture at a time, each another lot; not all bays in view are labelled there, so the
share of right proposals is a lower bound. The clips: 24 frames spread over each.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from shapely import Polygon

from calibration.pictures import read_picture, spread_frames
from calibration.proposals import Proposal, propose_from_frame, propose_from_frames
from models import default_model, find_model, open_detector
from vision.detector import OnnxDetector
from vision.input_size import InputPlan
from vision.types import Detections, ImageBgr

DATA = Path(
    os.environ.get("LOTSIGHT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
LEAST_IOU = 0.5
CLIP_FRAMES = 24


@dataclass(frozen=True)
class Score:
    """Counts over some pictures."""

    name: str
    bays: int = 0
    found: int = 0
    occupied: int = 0
    occupied_found: int = 0
    proposals: int = 0
    right: int = 0
    seconds: float = 0.0

    def __add__(self, other: Score) -> Score:
        names = ("bays", "found", "occupied", "occupied_found", "proposals", "right", "seconds")
        return Score(self.name, **{n: getattr(self, n) + getattr(other, n) for n in names})


def matches(proposals: Sequence[Proposal], bays: Sequence[Polygon]) -> set[tuple[int, int]]:
    """Pairs (proposal, bay) of IoU 0.5 or more, one to one, best first."""
    shapes = [Polygon(proposal.polygon) for proposal in proposals]
    pairs = []
    for i, shape in enumerate(shapes):
        for j, bay in enumerate(bays):
            common = shape.intersection(bay).area
            iou = common / (shape.area + bay.area - common)
            if iou >= LEAST_IOU:
                pairs.append((iou, i, j))
    taken: set[tuple[int, int]] = set()
    for _, i, j in sorted(pairs, reverse=True):
        if all(i != first and j != second for first, second in taken):
            taken.add((i, j))
    return taken


def score(
    name: str, proposals: Sequence[Proposal], rois: list[list[list[float]]], occ: list[bool]
) -> Score:
    bays = [Polygon(roi) for roi in rois]
    bays = [bay if bay.is_valid else bay.convex_hull for bay in bays]  # type: ignore[misc]
    found = matches(proposals, bays)
    return Score(
        name,
        bays=len(bays),
        found=len(found),
        occupied=sum(occ),
        occupied_found=sum(occ[j] for _, j in found) if occ else 0,
        proposals=len(proposals),
        right=len(found),
    )


def detect(detector: OnnxDetector, image_bgr: ImageBgr, input_px: int) -> Detections:
    """Vehicles of a picture at an input `input_px` wide."""
    height, width = image_bgr.shape[:2]
    stride = detector.spec.stride
    input_wh = (
        -(-input_px // stride) * stride,
        int(-(-(height * input_px / width) // stride) * stride),
    )
    plan = InputPlan((width, height), input_wh, ((0, 0, width, height),), 0.0, 0.0)
    return detector.detect(image_bgr, np.zeros((0, 4, 2), np.float32), plan).detections


def acpds(detector: OnnxDetector, split: str, input_px: int) -> Score:
    lists = json.loads((DATA / "acpds" / "annotations.json").read_text())[split]
    total = Score(f"acpds {split}, one picture")
    for name, rois, occ in zip(
        lists["file_names"], lists["rois_list"], lists["occupancy_list"], strict=True
    ):
        image = read_picture(DATA / "acpds" / "images" / name)
        detections = detect(detector, image, input_px)
        start = time.perf_counter()
        proposals = propose_from_frame(detections, (image.shape[1], image.shape[0]), image)
        total += score(name, proposals, rois, occ)
        total += Score(name, seconds=time.perf_counter() - start)
    return total


def clip(detector: OnnxDetector, name: str, input_px: int) -> Score:
    labels = json.loads((DATA / "video" / f"{name}.bays.json").read_text())
    size = np.array([labels["width"], labels["height"]])
    rois = [(np.array(bay) / size).tolist() for bay in labels["bays"]]
    images = list(spread_frames(DATA / "video" / f"{name}.mp4", CLIP_FRAMES))
    frames = [detect(detector, image, input_px) for image in images]
    start = time.perf_counter()
    wh = (images[0].shape[1], images[0].shape[0])
    proposals = propose_from_frames(frames, wh, images)
    total = score(f"{name}, {len(frames)} frames", proposals, rois, [])
    return total + Score(name, seconds=time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default=None)
    parser.add_argument("--input-px", type=int, default=1600)
    parser.add_argument("--split", default="valid", choices=["train", "valid"])
    parser.add_argument("--only", default=None, choices=["acpds", "clips"])
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    entry = find_model(options.model) if options.model else default_model()
    detector = open_detector(entry)
    clips = ("carpark_topview", "lot_timelapse_day")
    scores = []
    if options.only != "acpds":
        scores += [clip(detector, name, options.input_px) for name in clips]
    if options.only != "clips":
        scores.append(acpds(detector, options.split, options.input_px))
    table = Table(title=f"proposals, IoU {LEAST_IOU}, {entry.name}, input {options.input_px} px")
    for title in ("", "bays found", "of occupied ones", "proposals right", "s without network"):
        table.add_column(title)
    for row in scores:
        table.add_row(
            row.name,
            f"{row.found}/{row.bays} = {row.found / row.bays:.1%}",
            f"{row.occupied_found / row.occupied:.1%}" if row.occupied else "-",
            f"{row.right}/{row.proposals} = {row.right / max(row.proposals, 1):.1%}",
            f"{row.seconds:.1f}",
        )
    Console(width=120).print(table)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in scores], indent=1))


if __name__ == "__main__":
    main()
