"""The peers' side of `benchmarks/peers.py`; runs in an environment of its own, imports no lotsight.

Reads one JSON job a line from standard input (a picture, its bays in pixels), answers each with one
JSON line on a pipe: for each peer the bays it calls occupied, and milliseconds. Each peer is used
as its documentation shows: Ultralytics' `ParkingManagement` with a `json_file` of its form,
supervision's `PolygonZone` over detections of the same network. Both get the vehicle classes of
COCO alone, which is kinder than their examples.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import supervision as sv
import torch
from ultralytics import YOLO
from ultralytics.solutions import ParkingManagement
from ultralytics.utils.nms import TorchNMS

VEHICLES = [2, 3, 5, 7]  # car, motorcycle, bus, truck


Answer = tuple[list[bool], float]
"""Which bays are occupied, and milliseconds."""
# ParkingManagement's default tracker believes a vehicle when it has seen it three times.
LOOKS = {"tracktrack.yaml": 3, "bytetrack.yaml": 1}


class Parking:
    """Ultralytics' ParkingManagement at one input size, with one of its trackers."""

    def __init__(self, weights: str, imgsz: int, tracker: str, folder: Path) -> None:
        self._tracker = tracker
        self._file = folder / "bounding_boxes.json"
        self._file.write_text(json.dumps([{"points": [[0, 0], [1, 0], [1, 1]]}]))
        self._manager = ParkingManagement(
            model=weights, json_file=str(self._file), imgsz=imgsz, classes=VEHICLES,
            tracker=tracker, device="cpu", show=False, verbose=False,
        )  # fmt: skip

    def judge(self, image: np.ndarray, bays: list[Any], is_clip: bool) -> Answer:
        regions = [{"points": np.rint(bay).astype(int).tolist()} for bay in bays]
        self._file.write_text(json.dumps(regions))
        self._manager.json = json.loads(self._file.read_text())
        looks = 1
        if not is_clip:
            # Pictures of other places: the tracker must not expect the last one's cars, and sees
            # each as often as it asks for, as from a camera that looks at one place.
            for tracker in getattr(self._manager.model.predictor, "trackers", []):
                tracker.reset()
            looks = LOOKS[self._tracker]
        for _ in range(looks):
            begin_s = time.perf_counter()
            result = self._manager.process(image.copy())
            taken_ms = 1000 * (time.perf_counter() - begin_s)
        occupied = [self._is_occupied(region) for region in self._manager.json]
        if sum(occupied) != result.filled_slots:  # its own count is the truth about it
            msg = f"expected {result.filled_slots} occupied bays, but got {sum(occupied)}"
            raise RuntimeError(msg)
        return occupied, taken_ms

    def _is_occupied(self, region: dict[str, Any]) -> bool:
        polygon = np.array(region["points"], dtype=np.int32).reshape((-1, 1, 2))
        for box in self._manager.boxes:
            x0, y0, x1, y1 = self._manager.get_enclosing_box(box)
            centre = (int((x0 + x1) / 2), int((y0 + y1) / 2))
            if cv2.pointPolygonTest(polygon, centre, False) >= 0:
                return True
        return False


class Zones:
    """supervision's PolygonZone over the detections of one network, at one input size."""

    def __init__(self, weights: str, imgsz: int) -> None:
        self._model, self._imgsz = YOLO(weights), imgsz

    def judge(self, image: np.ndarray, bays: list[Any]) -> dict[str, Answer]:
        """With the default anchor and with the centre, on the same detections."""
        begin_s = time.perf_counter()
        result = self._model(
            image, imgsz=self._imgsz, classes=VEHICLES, device="cpu", verbose=False
        )[0]
        detections = sv.Detections.from_ultralytics(result)
        network_ms = 1000 * (time.perf_counter() - begin_s)
        found = {}
        for anchor in (sv.Position.BOTTOM_CENTER, sv.Position.CENTER):
            zones = [
                sv.PolygonZone(np.rint(bay).astype(int), triggering_anchors=(anchor,))
                for bay in bays
            ]
            begin_s = time.perf_counter()
            occupied = [bool(zone.trigger(detections=detections).any()) for zone in zones]
            taken_ms = network_ms + 1000 * (time.perf_counter() - begin_s)
            found[f"PolygonZone {anchor.name.lower()} {self._imgsz}"] = (occupied, taken_ms)
        return found


def exported(weights: str, folder: Path) -> str:
    """The same network for ONNX Runtime; any input size, so that pictures are not padded square."""
    own = folder / Path(weights).name  # the export is written beside its weights
    shutil.copy(weights, own)
    return str(YOLO(str(own)).export(format="onnx", dynamic=True, device="cpu", verbose=False))


def provide_nms() -> None:
    """Where torchvision was built for another torch, Ultralytics' own function stands in for it.

    Ultralytics asks it for non-maximum suppression alone, and says that `TorchNMS` does the same.
    """
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        stand_in = types.ModuleType("torchvision")
        stand_in.ops = types.SimpleNamespace(nms=TorchNMS.nms)  # type: ignore[attr-defined]
        sys.modules["torchvision"] = stand_in
        sys.stderr.write("torchvision does not fit this torch: TorchNMS is used\n")


def main() -> None:
    """Answer jobs until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runtime", choices=("pytorch", "onnx"), required=True)
    parser.add_argument("--answers", type=int, required=True, help="file descriptor to write to")
    parser.add_argument("--sizes", type=int, nargs="+", required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    provide_nms()
    # The libraries greet on standard output, so answers have a pipe of their own.
    with tempfile.TemporaryDirectory() as name, os.fdopen(options.answers, "w") as answers:
        is_onnx = options.runtime == "onnx"
        weights = exported(options.weights, Path(name)) if is_onnx else options.weights
        parking = {
            f"ParkingManagement {tracker.removesuffix('.yaml')} {size}": Parking(
                weights, size, tracker, Path(name)
            )
            for size in options.sizes
            for tracker in LOOKS
        }
        zones = [Zones(weights, size) for size in options.sizes]
        for line in sys.stdin:
            job = json.loads(line)
            image, bays = cv2.imread(job["picture"]), job["bays"]
            found = {
                label: peer.judge(image, bays, job["is_clip"]) for label, peer in parking.items()
            }
            for each in zones:
                found |= each.judge(image, bays)
            answers.write(json.dumps(found) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
