"""The network on ONNX Runtime: pictures and bay quads in, vehicles and bay probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from telemetry.errors import ModelError
from vision.boxes import decode_boxes, suppress
from vision.geometry import extents, to_pixels
from vision.input_size import InputPlan, input_fault, plan_input, tile_of_bays
from vision.letterbox import Letterbox
from vision.quads import canonical_quads
from vision.session import (
    BAY_IMAGE,
    BAY_LOGITS,
    BAY_QUADS,
    IMAGES,
    SessionSettings,
    check_session,
    fixed_boxes,
    open_session,
    run_session,
)
from vision.types import (
    Detections,
    Floats,
    ImageBgr,
    Ints,
    NetworkOutput,
    NetworkSpec,
    as_floats,
)


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How boxes are read and how ONNX Runtime works.

    Attributes:
        session: threads and providers.
        min_confidence: boxes less sure than this are dropped; low, since a faint car that stands
            in a bay is most likely one (acpds train: 93.9 % of bays right at 0.1, 91.6 % at 0.25).
        max_iou: of two boxes that overlap by more than this the less sure one is dropped; high,
            since cars parked side by side overlap in an oblique view.
    """

    session: SessionSettings = field(default_factory=SessionSettings)
    min_confidence: float = 0.1
    max_iou: float = 0.7


@dataclass(frozen=True, slots=True)
class _View:
    """One network input: a crop of a picture, and its bays."""

    image_bgr: ImageBgr
    quads_px: Floats
    letterbox: Letterbox


class OnnxDetector:
    """A YOLO network, with or without a bay head, on ONNX Runtime.

    Safe to share between threads: ONNX Runtime's `run` is, and nothing else changes.
    """

    def __init__(
        self, model_path: Path, spec: NetworkSpec, settings: DetectorSettings | None = None
    ) -> None:
        """Open the model and check it against `spec`.

        Raises:
            ModelError: the file cannot be opened, its inputs and outputs are not those of `spec`,
                or the usual input of `spec` is none that it takes.
        """
        self._path = model_path
        self._settings = settings or DetectorSettings()
        self._session = open_session(model_path, self._settings.session)
        self._box_output = check_session(self._session, spec, model_path)
        self._spec = replace(spec, fixed_boxes=fixed_boxes(self._session, spec, self._box_output))
        if fault := input_fault(spec.input_wh, self._spec):
            msg = f"{model_path}: usual input of {spec.name} {spec.version}: {fault}"
            raise ModelError(msg)

    @property
    def spec(self) -> NetworkSpec:
        """What network this is, as its graph completes it."""
        return self._spec

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Judge one picture.

        Args:
            image_bgr: shape (H, W, 3), uint8.
            bay_quads_norm: shape (M, 4, 2), float32, corners as fractions of the picture's width
                and height, in any order; M may be 0.
            plan: input size and tiles; by default one input, as large as the model's usual one and
                shaped like the picture.

        Raises:
            ModelError: ONNX Runtime failed, or the plan's input is none that the network takes.
            ValueError: the plan was made for another picture size.
        """
        height, width = image_bgr.shape[:2]
        plan = plan or plan_input([], (width, height), self._spec)
        if plan.image_wh != (width, height):
            msg = f"plan is for pictures of {plan.image_wh} px, but got {(width, height)}"
            raise ValueError(msg)
        if fault := input_fault(plan.input_wh, self._spec):
            msg = f"{self._path}: {fault}"
            raise ModelError(msg)
        quads_px = to_pixels(bay_quads_norm, (width, height)).reshape(-1, 4, 2)
        tile_index = tile_of_bays(extents(list(quads_px)), plan.tiles)
        views = []
        for index, (left, top, right, bottom) in enumerate(plan.tiles):
            crop = image_bgr[top:bottom, left:right]
            origin = as_floats([left, top])
            letterbox = Letterbox.fit((right - left, bottom - top), plan.input_wh)
            views.append(_View(crop, quads_px[tile_index == index] - origin, letterbox))
        outputs = self._forward(views)
        return self._merge(outputs, plan, tile_index)

    def detect_many(
        self, images_bgr: Sequence[ImageBgr], bay_quads_norm: Sequence[Floats]
    ) -> list[NetworkOutput]:
        """Judge pictures of one size in one pass; worth it where cores would else stand idle.

        Args:
            images_bgr: N pictures of the same shape (H, W, 3), uint8.
            bay_quads_norm: N arrays (M_i, 4, 2), see `detect`.

        Raises:
            ModelError: ONNX Runtime failed.
            ValueError: the pictures differ in size.
        """
        if not images_bgr:
            return []
        sizes = {(image.shape[1], image.shape[0]) for image in images_bgr}
        if len(sizes) != 1:
            msg = f"pictures of one pass must have one size, but got {sorted(sizes)}"
            raise ValueError(msg)
        image_wh = sizes.pop()
        letterbox = Letterbox.fit(image_wh, plan_input([], image_wh, self._spec).input_wh)
        views = [
            _View(image, to_pixels(quads, image_wh).reshape(-1, 4, 2), letterbox)
            for image, quads in zip(images_bgr, bay_quads_norm, strict=True)
        ]
        return self._forward(views)

    def _forward(self, views: list[_View]) -> list[NetworkOutput]:
        feed = {IMAGES: to_tensor([view.letterbox.apply(view.image_bgr) for view in views])}
        names = [self._box_output]
        if self._spec.has_bay_head:
            quads = [_input_quads(view.quads_px, view.letterbox) for view in views]
            feed[BAY_QUADS] = np.concatenate(quads)
            feed[BAY_IMAGE] = np.repeat(np.arange(len(views)), [len(q) for q in quads])
            names.append(BAY_LOGITS)
        boxes, *logits = run_session(self._session, names, feed, self._path)
        found = [
            self._to_image(output, view.letterbox)
            for output, view in zip(boxes, views, strict=True)
        ]
        if not logits:
            return [NetworkOutput(detections, None) for detections in found]
        prob = sigmoid(logits[0].reshape(-1) / self._spec.temperature)
        parts = np.split(prob, np.cumsum([len(view.quads_px) for view in views])[:-1])
        return [NetworkOutput(d, p) for d, p in zip(found, parts, strict=True)]

    def _to_image(self, output: Floats, letterbox: Letterbox) -> Detections:
        found = decode_boxes(
            output,
            self._spec.box_layout,
            self._spec.vehicle_classes,
            self._settings.min_confidence,
            self._settings.max_iou,
        )
        corners = letterbox.to_image_px(found.xyxy_px.reshape(-1, 2, 2))
        inside = np.clip(corners, 0, as_floats(letterbox.image_wh)).reshape(-1, 4)
        return Detections(inside, found.confidence, found.class_id)

    def _merge(
        self, outputs: list[NetworkOutput], plan: InputPlan, tile_index: Ints
    ) -> NetworkOutput:
        if len(outputs) == 1:
            return outputs[0]
        shifts = [as_floats([*tile[:2], *tile[:2]]) for tile in plan.tiles]
        boxes = np.concatenate(
            [o.detections.xyxy_px + shift for o, shift in zip(outputs, shifts, strict=True)]
        )
        confidence = np.concatenate([output.detections.confidence for output in outputs])
        class_id = np.concatenate([output.detections.class_id for output in outputs])
        # Lower than within a tile: the rim cuts a car, so its two boxes agree less.
        keep = suppress(boxes, confidence, min(self._settings.max_iou, 0.5))
        merged = Detections(boxes[keep], confidence[keep], class_id[keep])
        if not self._spec.has_bay_head:
            return NetworkOutput(merged, None)
        prob = np.zeros(len(tile_index), np.float32)
        for index, output in enumerate(outputs):
            prob[tile_index == index] = output.bay_prob
        return NetworkOutput(merged, prob)


def to_tensor(letterboxed: Sequence[ImageBgr]) -> Floats:
    """Pictures of one size as a network input: shape (N, 3, H, W), float32 RGB, 0 to 1."""
    blob = cv2.dnn.blobFromImages(list(letterboxed), scalefactor=1 / 255, swapRB=True)
    return np.asarray(blob, np.float32)


def sigmoid(logits: Floats) -> Floats:
    """Probability of log-odds, without overflow, float32."""
    return as_floats(0.5 * (1 + np.tanh(0.5 * logits)))


def _input_quads(quads_px: Floats, letterbox: Letterbox) -> Floats:
    corners = letterbox.to_input_px(canonical_quads(quads_px))
    return as_floats(corners / as_floats(letterbox.input_wh))
