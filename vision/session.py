"""ONNX Runtime at one border: opening a session, checking it, running it, and its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from telemetry.errors import ModelError
from vision.box_format import numbers_of, readings_of_shape
from vision.runtime import ort
from vision.types import Floats, ImageBgr, NetworkSpec

IMAGES = "images"
BAY_QUADS = "bay_quads"
BAY_IMAGE = "bay_image"
BAY_LOGITS = "bay_logits"
BOX_OUTPUTS = ("boxes", "output0")
"""Our exports call it `boxes`, Ultralytics' stock exports `output0`."""

LOG_ERRORS_ONLY = 3
CPU_PROVIDER = "CPUExecutionProvider"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How ONNX Runtime works.

    Attributes:
        threads: threads of one forward pass; 0 lets ONNX Runtime take every core.
        providers: execution providers to try before the CPU, best first, e.g.
            `("OpenVINOExecutionProvider",)`; each must be built into the installed ONNX Runtime.
        optimise: whether graph optimisations run when the model is opened.
    """

    threads: int = 0
    providers: tuple[str, ...] = ()
    optimise: bool = True

    def __post_init__(self) -> None:
        """Reject what ONNX Runtime would ignore or fail on later."""
        if self.threads < 0:
            msg = f"threads must be 0 (every core) or more, but got {self.threads}"
            raise ValueError(msg)


def open_session(path: Path, settings: SessionSettings) -> ort.InferenceSession:
    """Open an ONNX file.

    Raises:
        ModelError: the file is missing or no ONNX model, or a provider is not installed.
    """
    available = ort.get_available_providers()
    missing = [name for name in settings.providers if name not in available]
    if missing:
        msg = f"{path}: expected execution providers among {available}, but got {missing}"
        raise ModelError(msg)
    if not path.is_file():
        msg = f"{path}: expected an ONNX file, but it does not exist"
        raise ModelError(msg)
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.log_severity_level = LOG_ERRORS_ONLY
    # Idle threads must sleep: an edge box decodes video on the same cores between two passes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_ENABLE_ALL if settings.optimise else level.ORT_DISABLE_ALL
    )
    try:
        return ort.InferenceSession(
            str(path), options, providers=[*settings.providers, CPU_PROVIDER]
        )
    # ONNX Runtime's exceptions have no common base but Exception.
    except Exception as exc:
        msg = f"{path}: ONNX Runtime cannot open this model: {first_line(exc)}"
        raise ModelError(msg) from exc


@dataclass(frozen=True, slots=True)
class Graph:
    """What a graph says of its inputs and outputs.

    Attributes:
        input_name: of the images.
        dtype: of the images; whole numbers are 0 to 255, others 0 to 1.
        channels_last: whether they are (N, H, W, 3) instead of (N, 3, H, W).
        batch: how many images a pass takes; 0: any number.
        size_wh: the only input size that it takes, pixels; None: any.
        box_output: name of the box output.
        box_shape: its shape; sizes that the graph leaves open are no numbers.
        has_bay_head: whether it takes bays and judges them.
    """

    input_name: str
    dtype: np.dtype[Any]
    channels_last: bool
    batch: int
    size_wh: tuple[int, int] | None
    box_output: str
    box_shape: tuple[Any, ...]
    has_bay_head: bool


_DTYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
}
_CHANNELS = 3
_IMAGES_RANK = 4
_BOX_RANKS = (2, 3)


def read_graph(session: ort.InferenceSession, path: Path) -> Graph:
    """Which input takes the images and which output gives the boxes.

    Raises:
        ModelError: that is not certain, or they have a form that no detection network has.
    """
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: tuple(node.shape) for node in session.get_outputs()}
    has_bay_head = set(inputs) == {IMAGES, BAY_QUADS, BAY_IMAGE}
    if len(inputs) != 1 and not has_bay_head:
        wanted = sorted({IMAGES, BAY_QUADS, BAY_IMAGE})
        msg = f"{path}: expected one input (or {wanted}), but got {sorted(inputs)}"
        raise ModelError(msg)
    images = inputs[IMAGES] if has_bay_head else next(iter(inputs.values()))
    shape, dtype = tuple(images.shape), _DTYPES.get(images.type)
    channels_last = shape[1:2] != (_CHANNELS,) and shape[-1:] == (_CHANNELS,)
    if dtype is None or not _are_pictures(shape, channels_last=channels_last):
        msg = (
            f"{path}: expected images of shape (N, 3, H, W) or (N, H, W, 3), one of "
            f"{sorted(_DTYPES)}, but got {images.name} {list(shape)}, {images.type}"
        )
        raise ModelError(msg)
    height, width = shape[1:3] if channels_last else shape[2:]
    fixed = isinstance(height, int) and isinstance(width, int)
    box_output = _box_output(outputs, path)
    return Graph(
        input_name=images.name,
        dtype=dtype,
        channels_last=channels_last,
        batch=shape[0] if isinstance(shape[0], int) else 0,
        size_wh=(width, height) if fixed else None,
        box_output=box_output,
        box_shape=outputs[box_output],
        has_bay_head=has_bay_head,
    )


def _are_pictures(shape: tuple[Any, ...], *, channels_last: bool) -> bool:
    if len(shape) != _IMAGES_RANK:
        return False
    channels = shape[-1] if channels_last else shape[1]
    sides = shape[1:3] if channels_last else shape[2:]
    is_three = channels == _CHANNELS or not isinstance(channels, int)
    return is_three and len({isinstance(side, int) for side in sides}) == 1


def _box_output(outputs: Mapping[str, tuple[Any, ...]], path: Path) -> str:
    for name in BOX_OUTPUTS:
        if name in outputs:
            return name
    # YOLOv5 and v7 exports give their feature maps as well, of rank 4 and 5.
    lists = [name for name, shape in outputs.items() if len(shape) in _BOX_RANKS]
    if len(lists) != 1:
        msg = (
            f"{path}: expected one box output of shape (N, boxes, numbers), or one named "
            f"{' or '.join(BOX_OUTPUTS)}, but got "
            f"{', '.join(f'{name} {list(shape)}' for name, shape in outputs.items())}"
        )
        raise ModelError(msg)
    return lists[0]


def run_session(
    session: ort.InferenceSession,
    outputs: list[str],
    feed: Mapping[str, npt.NDArray[Any]],
    path: Path,
) -> list[npt.NDArray[np.float32]]:
    """Run the network once.

    Raises:
        ModelError: ONNX Runtime failed.
    """
    try:
        return [np.asarray(value, np.float32) for value in session.run(outputs, dict(feed))]
    except Exception as exc:
        shapes = {name: value.shape for name, value in feed.items()}
        msg = f"{path}: the network failed on inputs of shapes {shapes}: {first_line(exc)}"
        raise ModelError(msg) from exc


def to_tensor(letterboxed: Sequence[ImageBgr]) -> Floats:
    """Images of one size as a network input: shape (N, 3, H, W), float32 RGB, 0 to 1."""
    blob = cv2.dnn.blobFromImages(list(letterboxed), scalefactor=1 / 255, swapRB=True)
    return np.asarray(blob, np.float32)


def as_input(pictures: npt.NDArray[np.float32], graph: Graph) -> npt.NDArray[Any]:
    """Images (N, 3, H, W), float32, 0 to 1, as a graph takes them."""
    if np.issubdtype(graph.dtype, np.integer):
        pictures = np.rint(pictures * 255)
    if graph.channels_last:
        pictures = pictures.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures, graph.dtype)


def check_graph(graph: Graph, spec: NetworkSpec, path: Path) -> None:
    """Check inputs and outputs of the graph against what the manifest says.

    Raises:
        ModelError: a name, a rank or a size does not agree; the text names it.
    """
    if spec.has_bay_head != graph.has_bay_head:
        with_bays = sorted({IMAGES, BAY_QUADS, BAY_IMAGE})
        wanted_inputs = with_bays if spec.has_bay_head else [IMAGES]
        got_inputs = with_bays if graph.has_bay_head else [graph.input_name]
        msg = f"{path}: expected inputs {wanted_inputs}, but got {got_inputs}"
        raise ModelError(msg)
    # A graph that takes any size may be said to be right at one only.
    wanted_wh = None if spec.dynamic_input else spec.input_wh
    if graph.size_wh not in {None, wanted_wh}:
        wanted = "any size" if wanted_wh is None else "{}x{} px only".format(*wanted_wh)
        got = "{}x{} px only".format(*graph.size_wh)
        msg = f"{path}: expected `{graph.input_name}` of {wanted}, but got {got}"
        raise ModelError(msg)
    # Exporters leave sizes symbolic; only what the graph states can contradict the manifest.
    layout = spec.box_format.layout
    readings = readings_of_shape(graph.box_shape, len(spec.classes))
    if not any(reading.layout is layout for reading in readings):
        msg = (
            f"{path}: expected boxes of {numbers_of(layout, len(spec.classes))} numbers each "
            f"({layout}), but got shape {list(graph.box_shape)}"
        )
        raise ModelError(msg)


def fixed_boxes(graph: Graph, spec: NetworkSpec) -> int:
    """How many boxes the graph gives for an image of any size; 0: that depends on its size.

    A graph that picks the surest so many (TopK) fails on an input with fewer anchors.
    """
    boxes = graph.box_shape[spec.box_format.boxes_axis]
    return boxes if spec.dynamic_input and isinstance(boxes, int) else 0


def first_line(exc: Exception) -> str:
    """The first line of an error's text: ONNX Runtime's runs over pages."""
    return str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
