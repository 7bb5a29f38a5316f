"""Fit the coefficients of `vision.assignment.OverlapSettings` on the acpds train split.

    python benchmarks/vision_fit_overlap.py [--long-side-px 1280]

Judges every frame with the boxes of yolo11n-vehicles, assigns vehicles to bays, and fits the
log-odds of "occupied" to overlap and confidence by maximum likelihood. The valid split is not read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize

from datasets.frames import Bools
from datasets.judging import plan_for
from datasets.lots import data_root, read_lot
from models import find_model, open_detector
from vision.assignment import NO_VEHICLE, OverlapRule
from vision.geometry import to_pixels
from vision.types import Floats


def main(long_side_px: int = 1280, threads: int = 2) -> None:
    """Fit and print."""
    detector = open_detector(find_model("yolo11n-vehicles"), threads=threads)
    rule = OverlapRule()
    rows, truth = [], []
    for frame in track(read_lot(data_root() / "acpds", "train"), "acpds:train"):
        image = frame.read()
        image_wh = (image.shape[1], image.shape[0])
        plan = plan_for(frame.polygons_norm, image_wh, detector.spec, long_side_px)
        found = detector.detect(image, np.zeros((0, 4, 2), np.float32), plan).detections
        given = rule.assign(found, [to_pixels(p, image_wh) for p in frame.polygons_norm])
        confidence = np.append(found.confidence, 0.0)[given.vehicle]
        rows.append(np.stack([given.overlap, confidence, given.vehicle != NO_VEHICLE], 1))
        truth.append(frame.occupied)
    report(np.concatenate(rows), np.concatenate(truth))


def report(features: Floats, occupied: Bools) -> None:
    """Fit both kinds of bay and print the coefficients."""
    has = features[:, 2] > 0
    design = np.column_stack([np.ones(has.sum()), features[has, :2]])
    sign = np.where(occupied[has], 1.0, -1.0)

    def loss(weights: npt.NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -sign * (design @ weights)).mean())

    fit = minimize(loss, np.zeros(3))
    missed = occupied[~has].mean()
    console = Console()
    console.print(f"bias {fit.x[0]:.2f}, overlap_gain {fit.x[1]:.2f}", end=", ")
    console.print(f"confidence_gain {fit.x[2]:.2f}", end=", ")
    console.print(f"no_vehicle {np.log(missed / (1 - missed)):.2f}")
    console.print(f"occupied: {occupied[has].mean():.4f} with a vehicle, {missed:.4f} without")
    right = (design @ fit.x >= 0) == occupied[has]
    total = right.sum() + (~occupied[~has]).sum()
    console.print(f"bays right on acpds:train {total / len(occupied):.4f}")


if __name__ == "__main__":
    typer.run(main)
