"""Bring your own model: an ONNX export describes itself, or is described by its user."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from models.hints import ModelHints
from models.manifest import InputSize, Manifest, Outputs, sha256_of
from models.probe_picture import probe_picture
from telemetry.errors import ModelError
from telemetry.payload_checks import describe

if TYPE_CHECKING:
    from vision.session import Graph

DEFAULT_SIDE_PX = 640
"""What Ultralytics exports by default, for graphs that do not say."""
DEFAULT_STRIDE = 32
_MAKER = "Ultralytics"
_NAMES = ("names", "classes", "class_names", "labels")
"""Keys of metadata that hold the class names; Ultralytics' is the first."""


def manifest_of_export(path: Path, hints: ModelHints | None = None) -> Manifest:
    """Make a manifest for an ONNX file that has none.

    Names of classes, stride, size and licence come from the metadata in the file, as far as they
    are there; how its boxes are laid out comes from the shape of its output and from what it gives
    for a known image.

    Args:
        path: the ONNX file.
        hints: what the user says; it goes before what the file says.

    Raises:
        ModelError: the file is no detection model, or something is neither in the file nor told.
    """
    from vision.detector import PROBE_WH
    from vision.probe import Probe, probe
    from vision.session import SessionSettings, open_session, read_graph

    hints = hints or ModelHints()
    session = open_session(path, SessionSettings(threads=1, optimise=False))
    facts = session.get_modelmeta().custom_metadata_map
    task = facts.get("task", "detect")
    if task != "detect":
        msg = f"{path}: expected a model for the task 'detect', but got '{task}'"
        raise ModelError(msg)
    graph = read_graph(session, path)
    classes = _classes(facts, hints, path)
    size = _input_size(graph, facts, path)
    known = Probe(probe_picture(), hints.boxes, is_usual=facts.get("author") == _MAKER)
    show = partial(probe, session, graph, path, len(classes), known=known)
    try:
        found = show(PROBE_WH if size.dynamic else (size.width, size.height)).box_format
    except ModelError:
        if not size.dynamic:
            raise
        # Some graphs take any size, but hold the grid of the size that they were exported for.
        size = size.model_copy(update={"dynamic": False})
        found = show((size.width, size.height)).box_format
    try:
        return Manifest(
            schema_version=1,
            name=_identifier(path.stem),
            version=facts.get("version", "unknown"),
            file=path.name,
            sha256=sha256_of(path),
            input=size,
            classes=classes,
            roles=hints.roles,
            outputs=Outputs(boxes=found.layout, form=found.form, coordinates=found.coordinates),
            bay_head=graph.has_bay_head,
            licence=facts.get("license", "not stated"),
            description=facts.get("description", "") or "ONNX export",
        )
    except ValidationError as exc:
        msg = f"{path}: {describe(exc, 'model that can judge bays')}"
        raise ModelError(msg) from exc


def _classes(facts: Mapping[str, str], hints: ModelHints, path: Path) -> dict[int, str]:
    if hints.names:
        return dict(enumerate(hints.names))
    for key in _NAMES:
        if classes := _named(_literal(facts.get(key, ""))):
            return classes
    msg = (
        f"{path}: expected class names in its metadata, but got only {sorted(facts)}; give them in "
        "their order, --names car,truck, or write a manifest (docs/own-model.md)"
    )
    raise ModelError(msg)


def _named(value: Any) -> dict[int, str]:
    """Class names of a dict or a list; empty if it is neither."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {}
    try:
        classes = {int(index): str(name) for index, name in value.items()}
    except (TypeError, ValueError):
        return {}
    return dict(sorted(classes.items())) if set(classes) == set(range(len(classes))) else {}


def _input_size(graph: Graph, facts: Mapping[str, str], path: Path) -> InputSize:
    strides = _whole_numbers(_literal(facts.get("stride", ""))) or [DEFAULT_STRIDE]
    stride = max(strides)
    if graph.size_wh is not None:
        width, height = graph.size_wh
        # The stride matters only where an input size is chosen.
        stride = stride if width % stride == 0 and height % stride == 0 else 1
        return InputSize(width=width, height=height, stride=stride, dynamic=False)
    size = _whole_numbers(_literal(facts.get("imgsz", ""))) or [DEFAULT_SIDE_PX]
    height, width = size[0], size[-1]
    try:
        return InputSize(width=width, height=height, stride=stride, dynamic=True)
    except ValidationError as exc:
        msg = f"{path}: its metadata (imgsz, stride): {describe(exc, 'input size')}"
        raise ModelError(msg) from exc


def _whole_numbers(value: Any) -> list[int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    good = all(isinstance(one, int | float) and one >= 1 for one in values)
    return [int(one) for one in values] if good else []


def _literal(text: str) -> Any:
    """A value that is written as Python or as JSON writes it; None if it is neither."""
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _identifier(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", stem).lstrip("_.-")[:64] or "model"
