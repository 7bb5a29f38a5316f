"""What privacy costs: bays judged right on pictures as the camera gave them and made private.

The second picture is what the harvest keeps (`vision.privacy`, written as JPEG and read again), so
the difference is also what a label or a training picture from the field loses. Real lots, real
labels; `px` is the mean side of their bays, `ms` the time that a picture takes to be made private.

    python benchmarks/privacy.py [--set acpds:valid ...]    # half a minute
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import cv2
import numpy as np

from datasets.lots import data_root, parse_set, read_lot
from models import default_model, open_detector
from vision.geometry import bay_sizes_px
from vision.judge import BayShapes, judge_bays
from vision.privacy import PrivateScene, obscure

SETS = ("acpds:valid", "pklot_ufpr05:valid", "smartlot:valid", "nightlot:valid")


def measured(name: str, detector: Any) -> dict[str, Any]:
    root = data_root()
    right: dict[str, list[bool]] = {"open": [], "private": []}
    sizes, spent_ms = [], []
    for folder, split in parse_set(name, root):
        for frame in read_lot(root / folder, split):
            image = frame.read()
            wh = (image.shape[1], image.shape[0])
            polygons = list(frame.polygons_norm)
            bays = BayShapes.of(polygons, wh)
            first = judge_bays(detector, image, bays)
            begin_s = time.perf_counter()
            shown = obscure(image, PrivateScene(polygons, (), first.output.detections.xyxy_px))
            spent_ms.append((time.perf_counter() - begin_s) * 1000)
            packed = cv2.imencode(".jpg", shown.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            private = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
            for kind, found in (
                ("open", first),
                ("private", judge_bays(detector, private, bays)),
            ):
                prob = found.evidence.prob
                right[kind] += [
                    bool((p >= 0.5) == label)
                    for p, label in zip(prob, frame.states, strict=True)
                    if label is not None
                ]
            sizes += bay_sizes_px(polygons, wh).tolist()
    return {
        "set": name,
        "bays": len(right["open"]),
        "px": round(float(np.mean(sizes))),
        "open": round(100 * float(np.mean(right["open"])), 2),
        "private": round(100 * float(np.mean(right["private"])), 2),
        "ms": round(float(np.median(spent_ms))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", dest="sets", metavar="NAME:SPLIT")
    arguments = parser.parse_args()
    detector = open_detector(default_model())
    for name in arguments.sets or SETS:
        print(json.dumps(measured(name, detector)), flush=True)


if __name__ == "__main__":
    main()
