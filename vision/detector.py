"""The network on ONNX Runtime: images and bay quads in, vehicles and bay probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from telemetry.errors import ModelError
from vision.box_format import contradiction
from vision.boxes import BoxReader, merge_bays, merge_vehicles, rows_of
from vision.geometry import extents, to_pixels
from vision.input_size import (
    InputPlan,
    input_fault,
    plan_input,
    smallest_input,
    tile_of_bays,
)
from vision.letterbox import Letterbox
from vision.probe import Probe, Probed, probe
from vision.quads import canonical_quads
from vision.session import (
    BAY_IMAGE,
    BAY_LOGITS,
    BAY_QUADS,
    SessionSettings,
    as_input,
    check_graph,
    fixed_boxes,
    open_session,
    read_graph,
    run_session,
    to_tensor,
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

PROBE_WH = (640, 384)
"""Of the known image in a network that takes any size: enough to see it, and soon done."""


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
    """One network input: a crop of an image, and its bays."""

    image_bgr: ImageBgr
    quads_px: Floats
    letterbox: Letterbox


class OnnxDetector:
    """A YOLO network, with or without a bay head, on ONNX Runtime.

    Safe to share between threads: ONNX Runtime's `run` is, and nothing else changes.
    """

    def __init__(
        self,
        model_path: Path,
        spec: NetworkSpec,
        settings: DetectorSettings | None = None,
        known: Probe | None = None,
    ) -> None:
        """Open the model and check it against `spec`.

        Args:
            model_path: the ONNX file.
            spec: what it is said to be.
            settings: how boxes are read and how ONNX Runtime works.
            known: an image to show it, so that the way its boxes are read is certain; None takes
                `spec`'s word for it.

        Raises:
            ModelError: the file cannot be opened, its inputs and outputs are not those of `spec`,
                the usual input of `spec` is none that it takes, or how its boxes are to be read is
                not certain.
        """
        self._path = model_path
        self._settings = settings or DetectorSettings()
        self._session = open_session(model_path, self._settings.session)
        self._graph = read_graph(self._session, model_path)
        check_graph(self._graph, spec, model_path)
        spec = replace(spec, fixed_boxes=fixed_boxes(self._graph, spec))
        self._probed: Probed | None = None
        if fault := input_fault(spec.input_wh, spec):
            msg = f"{model_path}: usual input of {spec.name} {spec.version}: {fault}"
            raise ModelError(msg)
        if known is not None:
            input_wh = smallest_input(PROBE_WH, spec)
            graph, classes = self._graph, len(spec.classes)
            self._probed = probe(self._session, graph, model_path, classes, input_wh, known)
            spec = replace(spec, box_format=self._probed.box_format)
        self._spec = replace(spec, fixed_boxes=fixed_boxes(self._graph, spec))

    @property
    def spec(self) -> NetworkSpec:
        """What network this is, as its graph completes it."""
        return self._spec

    @property
    def probed(self) -> Probed | None:
        """What a known image showed when the model was opened; None without one."""
        return self._probed

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Judge one image.

        Args:
            image_bgr: shape (H, W, 3), uint8.
            bay_quads_norm: shape (M, 4, 2), float32, corners as fractions of the image's width
                and height, in any order; M may be 0.
            plan: input size and tiles; by default one input, as large as the model's usual one and
                shaped like the image.

        Raises:
            ModelError: ONNX Runtime failed, or the plan's input is none that the network takes.
            ValueError: the plan was made for another image size.
        """
        height, width = image_bgr.shape[:2]
        plan = plan or plan_input([], (width, height), self._spec)
        if plan.image_wh != (width, height):
            msg = f"plan is for images of {plan.image_wh} px, but got {(width, height)}"
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

    def _forward(self, views: list[_View]) -> list[NetworkOutput]:
        size = self._graph.batch or len(views)
        parts = [views[start : start + size] for start in range(0, len(views), size)]
        return [output for part in parts for output in self._pass(part)]

    def _pass(self, views: list[_View]) -> list[NetworkOutput]:
        pictures = to_tensor([view.letterbox.apply(view.image_bgr) for view in views])
        if missing := max(0, self._graph.batch - len(views)):
            pictures = np.concatenate([pictures, np.repeat(pictures[-1:], missing, 0)])
        feed = {self._graph.input_name: as_input(pictures, self._graph)}
        names = [self._graph.box_output]
        if self._spec.has_bay_head:
            quads = [_input_quads(view.quads_px, view.letterbox) for view in views]
            feed[BAY_QUADS] = np.concatenate(quads)
            feed[BAY_IMAGE] = np.repeat(np.arange(len(views)), [len(q) for q in quads])
            names.append(BAY_LOGITS)
        boxes, *logits = run_session(self._session, names, feed, self._path)
        found = [
            self._to_image(rows, view.letterbox)
            for rows, view in zip(
                rows_of(boxes, len(views), self._spec.box_format), views, strict=True
            )
        ]
        if not logits:
            return found
        prob = sigmoid(logits[0].reshape(-1) / self._spec.temperature)
        parts = np.split(prob, np.cumsum([len(view.quads_px) for view in views])[:-1])
        return [replace(output, bay_prob=p) for output, p in zip(found, parts, strict=True)]

    def _to_image(self, rows: Floats, letterbox: Letterbox) -> NetworkOutput:
        spec, settings = self._spec, self._settings
        reader = BoxReader(
            spec.box_format, letterbox.input_wh, settings.min_confidence, settings.max_iou
        )
        known = spec.vehicle_classes | spec.occupied_classes | spec.free_classes
        rows = reader.sure_rows(rows, known)
        if len(rows) and (fault := contradiction(rows, spec.box_format, len(spec.classes))):
            msg = f"{self._path}: its boxes cannot be read as ({spec.box_format}): {fault}"
            raise ModelError(msg)
        vehicles = reader.vehicles(rows, spec.vehicle_classes)
        boxes_px = _in_image(vehicles.xyxy_px, letterbox)
        detections = Detections(boxes_px, vehicles.confidence, vehicles.class_id)
        if spec.method != "bay_boxes":
            return NetworkOutput(detections, None)
        bays = reader.bays(rows, spec.occupied_classes, spec.free_classes)
        bays = replace(bays, xyxy_px=_in_image(bays.xyxy_px, letterbox))
        return NetworkOutput(detections, None, bays)

    def _merge(
        self, outputs: list[NetworkOutput], plan: InputPlan, tile_index: Ints
    ) -> NetworkOutput:
        if len(outputs) == 1:
            return outputs[0]
        shifts = [as_floats([*tile[:2], *tile[:2]]) for tile in plan.tiles]
        # Lower than within a tile: the rim cuts a car, so its two boxes agree less.
        max_iou = min(self._settings.max_iou, 0.5)
        merged = merge_vehicles([output.detections for output in outputs], shifts, max_iou)
        found = [output.bay_boxes for output in outputs if output.bay_boxes is not None]
        bays = merge_bays(found, shifts, max_iou) if found else None
        if not self._spec.has_bay_head:
            return NetworkOutput(merged, None, bays)
        prob = np.zeros(len(tile_index), np.float32)
        for index, output in enumerate(outputs):
            prob[tile_index == index] = output.bay_prob
        return NetworkOutput(merged, prob)


def sigmoid(logits: Floats) -> Floats:
    """Probability of log-odds, without overflow, float32."""
    return as_floats(0.5 * (1 + np.tanh(0.5 * logits)))


def _in_image(xyxy_px: Floats, letterbox: Letterbox) -> Floats:
    corners = letterbox.to_image_px(xyxy_px.reshape(-1, 2, 2))
    return as_floats(np.clip(corners, 0, as_floats(letterbox.image_wh)).reshape(-1, 4))


def _input_quads(quads_px: Floats, letterbox: Letterbox) -> Floats:
    corners = letterbox.to_input_px(canonical_quads(quads_px))
    return as_floats(corners / as_floats(letterbox.input_wh))
