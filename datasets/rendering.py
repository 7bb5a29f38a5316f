"""Data sets of the simulator: rendered images with states, boxes, masks and homographies.

The truth is exact; what it is worth for photographs is another question (`docs/simulator.md`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin, Vehicle
from datasets.manifest import About, Manifest, hash_files, make_manifest, write_manifest
from datasets.native import Placing, write_dataset, write_text
from simulator import LotKind, Sample, boxes_of, make_sample
from vision.types import Floats, as_floats

MASKS = "masks"
CAMERAS = "cameras.json"
FIRST_PERSON = 1 << 15
"""In a mask: cars are 1, 2, ..., people count from here."""
MIN_BOX_PX = 12.0
"""Shorter side of a whole box; a car of less hardly shows."""
_ORIGIN = Origin("lotsight simulator", "AGPL-3.0-or-later")
_QUALITY = 95


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """What to render.

    Attributes:
        seeds: one for each image; the same seed gives the same image forever.
        kinds: of lots, taken in turn.
        image_wh: width and height in pixels.
        with_masks: whether to write which car or person each pixel shows.
        whole_boxes: whether a car's box holds its hidden parts, too.
    """

    seeds: Sequence[int]
    kinds: tuple[LotKind, ...] = tuple(LotKind)
    image_wh: tuple[int, int] = (1280, 720)
    with_masks: bool = False
    whole_boxes: bool = False

    def kind(self, seed: int) -> LotKind:
        """Of the lot of a seed."""
        return self.kinds[seed % len(self.kinds)]


def render_dataset(
    plan: RenderPlan, folder: Path, on_picture: Callable[[], None] = lambda: None
) -> Manifest:
    """Render a data set in our own form, with `cameras.json` and, where wanted, `masks/`.

    Args:
        plan: what to render.
        folder: new, or empty.
        on_picture: called after each image.

    Raises:
        DatasetError: the folder is not empty, or the disk does not take it.
    """
    frames: list[LotFrame] = []
    masks: dict[str, npt.NDArray[np.uint16]] = {}
    cameras: dict[str, object] = {}
    with TemporaryDirectory(prefix="lotsight-render-") as name:
        for seed in plan.seeds:
            sample = make_sample(seed, plan.image_wh, plan.kind(seed))
            path = Path(name) / f"{sample.kind.value}-{seed:06d}.jpg"
            _write_picture(path, sample.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            boxes_px = _whole_boxes(sample) if plan.whole_boxes else boxes_of(sample.pixels)
            frames.append(frame_of(sample, path, seed, boxes_px))
            cameras[path.name] = _camera(sample)
            if plan.with_masks:
                masks[f"{path.stem}.png"] = mask_of(sample.pixels)
            on_picture()
        about = About(name=folder.name, note="rendered by the simulator")
        write_dataset(frames, folder, about, Placing.COPY)
    write_text(folder / CAMERAS, json.dumps(cameras, indent=1) + "\n")
    for file, mask in masks.items():
        (folder / MASKS).mkdir(exist_ok=True)
        _write_picture(folder / MASKS / file, mask, [])
    manifest = make_manifest(folder, frames, hash_files(folder), about)
    write_manifest(folder, manifest)
    return manifest


def frame_of(sample: Sample, path: Path, seed: int, boxes_px: Floats) -> LotFrame:
    """A rendered image as a labelled one."""
    width, height = sample.camera.image_wh
    boxes = boxes_px / np.array([width, height, width, height], np.float32)
    return LotFrame(
        set_name="renders",
        split="",
        path=path,
        polygons_norm=tuple(sample.quads_norm),
        states=tuple(bool(state) for state in sample.occupied),
        bay_ids=tuple(f"{index + 1:03d}" for index in range(len(sample.occupied))),
        camera=f"{sample.kind.value}-{seed}",
        lot=f"{sample.kind.value}-{seed}",
        weather=sample.weather.value,
        vehicles=tuple(
            Vehicle((float(left), float(top), float(right), float(bottom)))
            for left, top, right, bottom in boxes
        ),
        image_wh=(width, height),
        origin=_ORIGIN,
    )


def _whole_boxes(sample: Sample) -> Floats:
    sides = sample.boxes_px[:, 2:] - sample.boxes_px[:, :2]
    return as_floats(sample.boxes_px[sides.min(1, initial=np.inf) >= MIN_BOX_PX])


def mask_of(pixels: npt.NDArray[np.int32]) -> npt.NDArray[np.uint16]:
    """Pixels of `simulator.label_pixels` as a 16-bit image."""
    return np.where(pixels < 0, FIRST_PERSON - pixels - 1, pixels).astype(np.uint16)


def _camera(sample: Sample) -> dict[str, object]:
    camera = sample.camera
    return {
        "position_m": list(camera.position_m),
        "yaw_rad": camera.yaw_rad,
        "pitch_rad": camera.pitch_rad,
        "roll_rad": camera.roll_rad,
        "focal_px": camera.focal_px,
        "k1": camera.k1,
        "k2": camera.k2,
        "image_wh": list(camera.image_wh),
        "ground_homography": camera.ground_homography().tolist(),
    }


def _write_picture(path: Path, image: npt.NDArray[np.unsignedinteger], options: list[int]) -> None:
    if not cv2.imwrite(str(path), image, options):
        msg = f"{path}: cannot write the image"
        raise DatasetError(msg)
