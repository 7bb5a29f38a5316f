"""ONNX Runtime at one border: opening a session, checking it, running it, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.errors import ModelError
from vision.runtime import ort
from vision.types import BoxLayout, NetworkSpec

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
        """Refuse what ONNX Runtime would ignore or fail on later."""
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
        msg = f"{path}: expected an ONNX file, but there is none"
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


def check_session(session: ort.InferenceSession, spec: NetworkSpec, path: Path) -> str:
    """Check inputs and outputs of the graph against what the manifest says.

    Returns:
        The name of the box output.

    Raises:
        ModelError: a name, a rank or a size does not agree; the text names it.
    """
    inputs = {node.name: node.shape for node in session.get_inputs()}
    outputs = {node.name: node.shape for node in session.get_outputs()}
    wanted = {IMAGES, BAY_QUADS, BAY_IMAGE} if spec.has_bay_head else {IMAGES}
    if set(inputs) != wanted:
        msg = f"{path}: expected inputs {sorted(wanted)}, but got {sorted(inputs)}"
        raise ModelError(msg)
    _check_images(inputs[IMAGES], spec, path)
    if spec.has_bay_head and BAY_LOGITS not in outputs:
        msg = f"{path}: expected an output '{BAY_LOGITS}', but got {sorted(outputs)}"
        raise ModelError(msg)
    for name in BOX_OUTPUTS:
        if name in outputs:
            _check_boxes(outputs[name], spec, path)
            return name
    msg = f"{path}: expected a box output named one of {BOX_OUTPUTS}, but got {sorted(outputs)}"
    raise ModelError(msg)


def fixed_boxes(session: ort.InferenceSession, spec: NetworkSpec, box_output: str) -> int:
    """How many boxes the graph gives for a picture of any size; 0: that depends on its size.

    A graph that picks the surest so many (TopK) fails on an input with fewer anchors.
    """
    shape = next(node.shape for node in session.get_outputs() if node.name == box_output)
    boxes = shape[2 if spec.box_layout is BoxLayout.YOLO_RAW else 1]
    return boxes if spec.dynamic_input and isinstance(boxes, int) else 0


def _check_images(shape: list[Any], spec: NetworkSpec, path: Path) -> None:
    width, height = spec.input_wh
    fixed = [side for side in shape[1:] if isinstance(side, int)]
    expected = [3] if spec.dynamic_input else [3, height, width]
    if len(shape) != 4 or fixed != expected:  # noqa: PLR2004 - batch, channels, height, width
        msg = (
            f"{path}: expected `images` of shape (N, "
            f"{', '.join(map(str, expected + ['H', 'W'] * spec.dynamic_input))}), but got {shape}"
        )
        raise ModelError(msg)


def _check_boxes(shape: list[Any], spec: NetworkSpec, path: Path) -> None:
    # Exporters leave sizes symbolic; only what the graph states can contradict the manifest.
    if spec.box_layout is BoxLayout.YOLO_RAW:
        axis, size, form = 1, 4 + len(spec.classes), f"(N, {4 + len(spec.classes)}, anchors)"
    else:
        axis, size, form = 2, 6, "(N, boxes, 6)"
    stated = shape[axis] if len(shape) == 3 else None  # noqa: PLR2004 - batch and two axes
    if stated is None or (isinstance(stated, int) and stated != size):
        msg = f"{path}: expected boxes of shape {form} ({spec.box_layout}), but got {shape}"
        raise ModelError(msg)


def first_line(exc: Exception) -> str:
    """The first line of an error's text: ONNX Runtime's runs over pages."""
    return str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
