"""Arrays and values that vision's parts hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from telemetry.vocabulary import UnknownReason
from vision.fusion_weights import FusionWeights

ImageBgr = npt.NDArray[np.uint8]
"""An image, shape (H, W, 3), uint8, channels blue, green, red as OpenCV keeps them."""
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def as_floats(values: npt.ArrayLike) -> Floats:
    """Values as a float32 array, copied only if they are not one."""
    return np.asarray(values, np.float32)


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of one camera.

    Attributes:
        camera: the camera's id.
        image_bgr: the image, shape (H, W, 3).
        captured_mono_s: monotonic time of arrival, seconds.
        captured_utc: wall time of arrival, UTC.
        number: rises by one with every frame that the source decoded, dropped ones counted.
    """

    camera: str
    image_bgr: ImageBgr = field(repr=False)
    captured_mono_s: float
    captured_utc: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Detections:
    """Vehicles found in an image.

    Attributes:
        xyxy_px: boxes, shape (N, 4), float32: x_min, y_min, x_max, y_max in pixels of the image.
        confidence: shape (N,), float32, 0 to 1.
        class_id: shape (N,), int64, an index into the model's classes.
    """

    xyxy_px: Floats
    confidence: Floats
    class_id: Ints

    def __post_init__(self) -> None:
        """Reject arrays that do not belong together."""
        count = len(self.confidence)
        if self.xyxy_px.shape != (count, 4) or self.class_id.shape != (count,):
            msg = (
                "detections must have shapes (N, 4), (N,), (N,), but got "
                f"{self.xyxy_px.shape}, {self.confidence.shape}, {self.class_id.shape}"
            )
            raise ValueError(msg)

    def __len__(self) -> int:
        """How many vehicles."""
        return len(self.confidence)

    @classmethod
    def empty(cls) -> Detections:
        """No vehicle at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


class BoxLayout(StrEnum):
    """Which numbers a network's box output gives for each box."""

    YOLO_RAW = "yolo_raw"
    """Box, then a score for each class (YOLOv8 to 26); needs NMS."""
    YOLOV5 = "yolov5"
    """Box, objectness, then a score for each class (YOLOv5, v6, v7); needs NMS."""
    YOLO_END2END = "yolo_end2end"
    """Box, confidence, class; suppressed already. Empty places are zeros."""
    YOLOV7_END2END = "yolov7_end2end"
    """Image, box, class, confidence; one list for the whole batch; suppressed already."""


class BoxForm(StrEnum):
    """What the first four numbers of a box are."""

    CENTRE = "centre"
    """Centre x, centre y, width, height."""
    CORNERS = "corners"
    """Minimum x, minimum y, maximum x, maximum y."""


class Coordinates(StrEnum):
    """The unit of a box."""

    PIXELS = "pixels"
    """Of the network's input."""
    FRACTIONS = "fractions"
    """Of the width and height of the network's input."""


@dataclass(frozen=True, slots=True)
class BoxFormat:
    """How a network's box output is read.

    Attributes:
        layout: the numbers of a box.
        form: of its first four.
        coordinates: their unit.
        boxes_axis: the axis of the output along which the boxes lie: 2 for (N, numbers, boxes), 1
            for (N, boxes, numbers), 0 for the list of a whole batch.
    """

    layout: BoxLayout
    form: BoxForm
    coordinates: Coordinates = Coordinates.PIXELS
    boxes_axis: int = 1

    @classmethod
    def usual(cls, layout: BoxLayout) -> BoxFormat:
        """What Ultralytics and the YOLO repositories export for a layout."""
        raw = layout in {BoxLayout.YOLO_RAW, BoxLayout.YOLOV5}
        form = BoxForm.CENTRE if raw else BoxForm.CORNERS
        axes = {BoxLayout.YOLO_RAW: 2, BoxLayout.YOLOV7_END2END: 0}
        return cls(layout, form, boxes_axis=axes.get(layout, 1))

    def __str__(self) -> str:
        """For people."""
        return f"{self.layout}, {self.form}, {self.coordinates}"


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What the runtime must know of a network; `models` makes it from a manifest.

    Attributes:
        name: the model's name.
        version: the model's version.
        sha256: of the ONNX file.
        input_wh: default network input, width and height in pixels, multiples of `stride`.
        stride: largest stride; every input size is a multiple of it.
        dynamic_input: whether other input sizes than `input_wh` are accepted.
        classes: class index to name, for the classes of the box output.
        vehicle_classes: those class indices that are vehicles.
        box_format: how the box output is read.
        has_bay_head: whether it takes `bay_quads` and gives `bay_logits`.
        temperature: bay logits are divided by this before the sigmoid.
        abstain_low: an occupied-probability above this ...
        abstain_high: ... and below this says nothing (reason `unsure`); equal when disabled.
        occupied_classes: those that are a bay with a vehicle in it; with `free_classes` they make a
            network of bay states.
        free_classes: those that are an empty bay.
        fixed_boxes: how many boxes the graph gives for an image of any size, which an input must
            have anchors for; 0: as many as it has. Not in the manifest: `OnnxDetector` asks the
            graph.
        fusion: how bay head and boxes are weighed against each other; None: the bay head alone
            judges.
    """

    name: str
    version: str
    sha256: str
    input_wh: tuple[int, int]
    stride: int
    dynamic_input: bool
    classes: Mapping[int, str]
    vehicle_classes: frozenset[int]
    box_format: BoxFormat
    has_bay_head: bool
    temperature: float = 1.0
    abstain_low: float = 0.5
    abstain_high: float = 0.5
    occupied_classes: frozenset[int] = frozenset()
    free_classes: frozenset[int] = frozenset()
    fixed_boxes: int = 0
    fusion: FusionWeights | None = None

    @property
    def method(self) -> str:
        """What judges the bays, as events name it: `bay_head`, `bay_boxes` or `overlap`."""
        if self.has_bay_head:
            return "bay_head"
        return "bay_boxes" if self.occupied_classes and self.free_classes else "overlap"


@dataclass(frozen=True, slots=True)
class BayBoxes:
    """Bays found in an image by a network of bay states.

    Attributes:
        xyxy_px: boxes, shape (N, 4), float32, pixels of the image.
        occupied: confidence that each is a bay with a vehicle, shape (N,), float32, 0 to 1.
        free: confidence that each is an empty bay, shape (N,), float32, 0 to 1.
    """

    xyxy_px: Floats
    occupied: Floats
    free: Floats


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What one forward pass says about one image.

    Attributes:
        detections: vehicles, in pixels of the image that was given.
        bay_prob: the bay head's probability that each bay is occupied, shape (M,), float32, in the
            order of the quads that were given; None when the network has no bay head. The judgement
            is that of the rule, see `vision.rules.rule_for`.
        bay_boxes: bays that were found; None when the network finds vehicles only.
    """

    detections: Detections
    bay_prob: Floats | None
    bay_boxes: BayBoxes | None = None


@dataclass(frozen=True, slots=True)
class BayEvidence:
    """What one frame says about the bays of a camera.

    Attributes:
        prob: probability that each bay is occupied, shape (M,), float32.
        quality: 0 (says nothing) to 1 (full weight) for each bay, shape (M,), float32.
        unseen: why bays of quality 0 say nothing, by place; `occluded` where none is given.
        contradicted: where the bay head and the boxes contradict each other and nothing settles
            it, shape (M,); None: not known.
    """

    prob: Floats
    quality: Floats
    unseen: Mapping[int, UnknownReason] = field(default_factory=dict)
    contradicted: npt.NDArray[np.bool] | None = None

    def without(self, unseen: Mapping[int, UnknownReason]) -> BayEvidence:
        """The same, but nothing is said of some bays; why, by their place."""
        if not unseen:
            return self
        quality = self.quality.copy()
        quality[list(unseen)] = 0.0
        return replace(self, quality=quality, unseen={**self.unseen, **unseen})


class OccupancyRule(Protocol):
    """How a network's output becomes evidence for bays."""

    def judge(
        self, output: NetworkOutput, polygons_norm: list[Floats], image_wh: tuple[int, int]
    ) -> BayEvidence:
        """Judge every bay of one frame.

        Args:
            output: of the network for this frame.
            polygons_norm: M polygons, each (K, 2) with K >= 3, fractions of width and height.
            image_wh: the image's width and height, pixels.
        """
        ...
