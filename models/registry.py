"""Available models, and the default one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.classes import describe_roles
from models.hints import ModelHints
from models.manifest import Manifest, load_manifest, verify_file
from models.own_model import manifest_of_export
from models.probe_picture import probe_picture
from models.processor import multiplies_bytes
from telemetry.errors import ModelError
from telemetry.payload_checks import describe

if TYPE_CHECKING:
    from vision.detector import DetectorSettings, OnnxDetector

DEFAULT_MODEL = "lotsight-n-int8" if multiplies_bytes() else "lotsight-n"
"""The one place that decides the default model.

On two cores with VNNI the 8-bit network is 1.8 times as fast as the float one (see
benchmarks/model_speed.py), with 0.03 points of F1 lost over all judged sets. Without instructions
that multiply bytes without saturating it gains less, 1.5 times with AVX2 and nothing on some: there
it is the float one, unless `lotsight doctor --tune` finds that the box needs the faster one.
"""
WEIGHTS = Path(__file__).parent / "weights"
FOLDERS_VARIABLE = "LOTSIGHT_MODELS"
"""More folders with models, in the form of PATH."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that can be opened.

    Attributes:
        manifest: what it is.
        path: of the ONNX file.
    """

    manifest: Manifest
    path: Path

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    def verify(self) -> None:
        """Check the file against the manifest.

        Raises:
            ModelError: the file is missing or another one.
        """
        verify_file(self.path, self.manifest.sha256)


def model_folders() -> list[Path]:
    """Folders that hold models: the user's own first, then the one that comes with lotsight."""
    own = os.environ.get(FOLDERS_VARIABLE, "")
    return [Path(part) for part in own.split(os.pathsep) if part] + [WEIGHTS]


def list_models(folders: Sequence[Path] | None = None) -> list[ModelEntry]:
    """Every model of some folders, by name; of two with one name, the first folder's.

    Raises:
        ModelError: a folder is missing, or a manifest in it is wrong.
    """
    entries: dict[str, ModelEntry] = {}
    for folder in model_folders() if folders is None else folders:
        if not folder.is_dir():
            msg = f"{folder}: folder of models not found"
            raise ModelError(msg)
        for path in sorted(folder.glob("*.json")):
            entry = _entry_of_manifest(path)
            entries.setdefault(entry.name, entry)
    return [entries[name] for name in sorted(entries)]


def default_model() -> ModelEntry:
    """The default model, shipped with lotsight."""
    return _entry_of_manifest(WEIGHTS / f"{DEFAULT_MODEL}.json")


def choose_model(name_or_path: str | None, hints: ModelHints | None = None) -> ModelEntry:
    """The model of a name or path, see `find_model`; the default one where none is named.

    Raises:
        ModelError: as `find_model`; or a hint is given for the default model.
    """
    if name_or_path is not None:
        return find_model(name_or_path, hints)
    if hints:
        msg = "layout, names and classes apply to your own model, but none is given"
        raise ModelError(msg)
    return default_model()


def explain_model(entry: ModelEntry, detector: OnnxDetector) -> list[str]:
    """How a model without a bay head is read, a line each: what was found out can be wrong."""
    spec, probed = detector.spec, detector.probed
    if spec.has_bay_head or probed is None:
        return []
    manifest = entry.manifest
    roles = describe_roles(manifest.classes, manifest.class_roles)
    lines = [f"classes: {roles}", f"boxes: {spec.box_format}"]
    if probed.found == 0:
        lines.append(
            f"it finds none of the {probed.shown} vehicles in the test image, taken from a mast: "
            "expected for a model of other views, otherwise the export differs"
        )
    return lines


def find_model(name_or_path: str | Path, hints: ModelHints | None = None) -> ModelEntry:
    """Find a model.

    Args:
        name_or_path: the name of a model in one of the folders, or the path of a manifest, or of an
            ONNX file with a manifest of the same name beside it, or of another ONNX export.
        hints: what the user says of it; goes before what manifest and file say.

    Raises:
        ModelError: there is no such model; the text says which there are. Or what is told cannot be
            true of it, or it does not say enough of itself.
    """
    path = Path(name_or_path)
    if path.suffix == ".json":
        return _with_hints(_entry_of_manifest(path), hints)
    if path.suffix == ".onnx":
        beside = path.with_suffix(".json")
        if beside.is_file():
            return _with_hints(_entry_of_manifest(beside), hints)
        return ModelEntry(manifest_of_export(path, hints), path)
    return _with_hints(_named(name_or_path), hints)


def _named(name_or_path: str | Path) -> ModelEntry:
    entries = {entry.name: entry for entry in list_models()}
    if str(name_or_path) not in entries:
        near = difflib.get_close_matches(str(name_or_path), entries, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        msg = (
            f"expected a model named one of {', '.join(entries)}, or a path that ends in .json or "
            f".onnx, but got '{name_or_path}'.{hint}"
        )
        raise ModelError(msg)
    return entries[str(name_or_path)]


def _with_hints(entry: ModelEntry, hints: ModelHints | None) -> ModelEntry:
    if not hints:
        return entry
    facts = entry.manifest.model_dump()
    boxes = hints.boxes
    if boxes.layout is not None:
        facts["outputs"] = {"boxes": boxes.layout}
    facts["outputs"]["form"] = boxes.form or facts["outputs"].get("form")
    facts["outputs"]["coordinates"] = boxes.coordinates or facts["outputs"].get("coordinates")
    if hints.names:
        facts["classes"] = dict(enumerate(hints.names))
    if hints.roles:
        facts["roles"] = hints.roles
    try:
        return replace(entry, manifest=Manifest.model_validate(facts))
    except ValidationError as exc:
        msg = f"{entry.path}: {describe(exc, 'model as told')}"
        raise ModelError(msg) from exc


def open_detector(
    entry: ModelEntry, threads: int | None = None, settings: DetectorSettings | None = None
) -> OnnxDetector:
    """Verify a model's file, open it, and show it a known image.

    Args:
        entry: which model.
        threads: threads of one forward pass, 0 for every core; overrides those of `settings`.
        settings: how boxes are read and how ONNX Runtime works.

    Raises:
        ModelError: the file is missing, is another one than the manifest's, or its graph is not
            what the manifest says, in its form or in what it gives for the image.
    """
    from vision.detector import DetectorSettings, OnnxDetector
    from vision.probe import Probe

    settings = settings or DetectorSettings()
    if threads is not None:
        if threads < 0:
            msg = f"threads must be 0 (every core) or more, but got {threads}"
            raise ModelError(msg)
        settings = replace(settings, session=replace(settings.session, threads=threads))
    entry.verify()
    manifest = entry.manifest
    known = Probe(probe_picture(), manifest.outputs.hints(), is_usual=True)
    return OnnxDetector(entry.path, manifest.spec(), settings, known)


def _entry_of_manifest(path: Path) -> ModelEntry:
    manifest = load_manifest(path)
    return ModelEntry(manifest, path.parent / manifest.file)
