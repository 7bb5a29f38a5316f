"""Bring your own model: an Ultralytics ONNX export describes itself, so it needs no manifest."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from models.manifest import InputSize, Manifest, Outputs, sha256_of
from telemetry.errors import ModelError
from vision.session import BAY_LOGITS, BOX_OUTPUTS, IMAGES, SessionSettings, open_session
from vision.types import BoxLayout

DEFAULT_SIDE_PX = 640
"""What Ultralytics exports by default, for graphs that do not say."""
END2END_COLUMNS = 6


def manifest_of_export(path: Path) -> Manifest:
    """Make a manifest for an ONNX file that `yolo export format=onnx` wrote.

    Names of classes, stride, size and licence come from the metadata that Ultralytics puts into the
    file; whether it is end-to-end comes from the shape of its output.

    Raises:
        ModelError: the file is no detection model exported by Ultralytics, or knows no vehicles.
    """
    session = open_session(path, SessionSettings(threads=1, optimise=False))
    facts = session.get_modelmeta().custom_metadata_map
    task = facts.get("task", "detect")
    if task != "detect":
        msg = f"{path}: expected an Ultralytics export for task 'detect', but got '{task}'"
        raise ModelError(msg)
    outputs = {node.name: node.shape for node in session.get_outputs()}
    shape = next((outputs[name] for name in BOX_OUTPUTS if name in outputs), None)
    images = next((node.shape for node in session.get_inputs() if node.name == IMAGES), None)
    classes = _literal(facts.get("names", ""))
    if shape is None or images is None or not isinstance(classes, dict):
        msg = (
            f"{path}: expected an Ultralytics export (input '{IMAGES}', an output named one of "
            f"{BOX_OUTPUTS}, class names in its metadata), but got outputs {sorted(outputs)} and "
            f"metadata {sorted(facts)}; write a manifest for it (docs/own-model.md)"
        )
        raise ModelError(msg)
    try:
        return Manifest(
            schema_version=1,
            name=_identifier(path.stem),
            version=facts.get("version", "unknown"),
            file=path.name,
            sha256=sha256_of(path),
            input=_input_size(images, facts),
            classes=classes,
            outputs=Outputs(boxes=_layout(shape, len(classes))),
            bay_head=BAY_LOGITS in outputs,
            licence=facts.get("license", "not stated"),
            description=facts.get("description", "") or "Ultralytics export",
        )
    except ValueError as exc:
        msg = f"{path}: {exc}"
        raise ModelError(msg) from exc


def _layout(shape: list[Any], classes: int) -> BoxLayout:
    if shape[-1] == END2END_COLUMNS and shape[1] != 4 + classes:
        return BoxLayout.YOLO_END2END
    return BoxLayout.YOLO_RAW


def _input_size(images: list[Any], facts: dict[str, str]) -> InputSize:
    stride = int(facts.get("stride", "32"))
    height, width = images[2:]
    if isinstance(height, int) and isinstance(width, int):
        return InputSize(width=width, height=height, stride=stride, dynamic=False)
    size = _literal(facts.get("imgsz", ""))
    height, width = size if isinstance(size, list) else (DEFAULT_SIDE_PX, DEFAULT_SIDE_PX)
    return InputSize(width=width, height=height, stride=stride, dynamic=True)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _identifier(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", stem).lstrip("_.-")[:64] or "model"
