"""Whether a candidate model may replace the incumbent: measured here and now, on lots neither saw.

A candidate is refused when it is worse than the incumbent on any camera by more than chance (paired
bootstrap over the camera's frames), however much it gains on others; when its INT8 version loses
more bay F1 than allowed; or when its manifest does not say what it was trained on.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from datasets.evaluation import EvalPlan, Evaluation, evaluate
from datasets.judging import by_camera, joined
from datasets.metrics import Interval, gain, measure
from models.manifest import Manifest, load_manifest, verify_file
from models.registry import ModelEntry, default_model, open_detector
from models.training.provenance import DataManifest
from telemetry.errors import ModelError

MAX_F1_LOSS = 0.001
"""INT8 may lose a tenth of a point of bay F1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with its INT8 version.

    Attributes:
        manifest: of the float model.
        int8_manifest: of the INT8 model.
        folder: holds both manifests and both ONNX files.
    """

    manifest: Manifest
    int8_manifest: Manifest
    folder: Path

    @classmethod
    def load(cls, manifest_path: Path) -> Candidate:
        """Read `NAME.json` and, beside it, `NAME-int8.json`, and verify both ONNX files.

        Raises:
            ModelError: a file is missing or not the one that its manifest names.
        """
        float_manifest = load_manifest(manifest_path)
        int8 = load_manifest(manifest_path.with_name(f"{manifest_path.stem}-int8.json"))
        for manifest in (float_manifest, int8):
            if not manifest.bay_head:
                msg = f"{manifest.name}: expected a model with a bay head, but got one without"
                raise ModelError(msg)
            verify_file(manifest_path.parent / manifest.file, manifest.sha256)
        return cls(float_manifest, int8, manifest_path.parent)

    def judge(self, plan: EvalPlan, *, int8: bool = False) -> Evaluation:
        """Judge sets with the float or the INT8 model; see `datasets.evaluation.evaluate`.

        Raises:
            DatasetError: a set or image cannot be read.
            ModelError: a box could not use it: its graph is not what the manifest says, or does not
                take the usual input.
        """
        manifest = self.int8_manifest if int8 else self.manifest
        entry = ModelEntry(manifest, self.folder / manifest.file)
        return evaluate(open_detector(entry), plan)


def incumbent_manifest() -> Path:
    """Manifest of the float network in service, whichever of its two versions is the default."""
    path = default_model().path
    return path.with_name(f"{path.stem.removesuffix('-int8')}.json")


def data_refusals(manifest: Manifest, held_out: Sequence[str]) -> list[str]:
    """What is wrong with the statement of what a model was trained on.

    Args:
        manifest: of the candidate.
        held_out: sets that it is judged on, which it must not have seen.
    """
    try:
        data = DataManifest.model_validate(manifest.data)
    except ValidationError as exc:
        fields = ", ".join(".".join(map(str, e["loc"])) or "data" for e in exc.errors())
        return [f"its manifest does not state its training data (data: {fields})"]
    seen = sorted({s.name for s in data.sets} & set(held_out))
    return [f"it was trained on {name}, which is also used to judge it" for name in seen]


@dataclass(frozen=True, slots=True)
class CameraChange:
    """What a candidate changes on one camera.

    Attributes:
        camera: set, lot and camera; the set alone where it names no camera.
        bays: how many were judged.
        was: share of bays that the incumbent judges right.
        now: share of bays that the candidate judges right.
        gain: the difference with its 95 % interval, paired over frames.
    """

    camera: str
    bays: int
    was: float
    now: float
    gain: Interval

    @property
    def is_loss(self) -> bool:
        """Whether the candidate is worse by more than chance."""
        return self.gain.high < 0


def changes(candidate: Evaluation, incumbent: Evaluation) -> list[CameraChange]:
    """What a candidate changes on each camera, the greatest loss first."""
    new = by_camera(candidate.verdicts)
    found = [
        CameraChange(
            camera=camera,
            bays=len(old),
            was=float(old.right.mean()),
            now=float(new[camera].right.mean()),
            gain=gain(old, new[camera]),
        )
        for camera, old in by_camera(incumbent.verdicts).items()
    ]
    return sorted(found, key=lambda change: change.gain.value)


def losses(found: Sequence[CameraChange]) -> list[str]:
    """Cameras on which the candidate is worse by more than chance, each with the numbers."""
    return [
        f"{one.camera}: {one.now:.2%} of bays right, the incumbent {one.was:.2%}; "
        f"the 95 % interval of the difference ends at {one.gain.high:.2%}"
        for one in found
        if one.is_loss
    ]


def int8_refusals(of_float: Evaluation, of_int8: Evaluation) -> list[str]:
    """Whether INT8 loses too much bay F1 over all sets together."""
    before, after = (measure(joined("all", one.verdicts)).f1.value for one in (of_float, of_int8))
    if before - after <= MAX_F1_LOSS:
        return []
    return [
        (f"INT8 has a bay F1 of {after:.4f}, float {before:.4f}: a loss of more than {MAX_F1_LOSS}")
    ]


def install(candidate: Candidate, folder: Path) -> list[Path]:
    """Copy a candidate's four files into a folder of models; returns the copies."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for manifest in (candidate.manifest, candidate.int8_manifest):
        for name in (manifest.file, f"{manifest.name}.json"):
            part = folder / f"{name}.part"
            shutil.copyfile(candidate.folder / name, part)
            part.replace(folder / name)
            written.append(folder / name)
    return written
