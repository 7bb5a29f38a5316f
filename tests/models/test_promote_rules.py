"""When a candidate is refused, and when it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.manifest import Manifest, sha256_of
from models.promote import (
    Candidate,
    data_refusals,
    incumbent_manifest,
    install,
    int8_refusals,
    worse_sets,
)
from models.registry import find_model
from models.training.judge import FrameVerdict
from telemetry.errors import ModelError

BAYS = 40


def _frames(wrong: list[int]) -> list[FrameVerdict]:
    """Frames of 40 bays, half of them occupied, each with so many judged wrong."""
    frames = []
    for number, count in enumerate(wrong):
        occupied = np.arange(BAYS) % 2 == 0
        logits = np.where(occupied, 2.0, -2.0).astype(np.float32)
        logits[:count] *= -1
        frames.append(FrameVerdict(f"s/valid/{number}", "s", logits, occupied))
    return frames


def test_a_clearly_worse_set_is_named_with_its_numbers() -> None:
    old = {"a/valid": _frames([0] * 12), "b/valid": _frames([1] * 12)}
    new = {"a/valid": _frames([0] * 12), "b/valid": _frames([4] * 12)}
    (refusal,) = worse_sets(new, old)
    assert refusal.startswith("b/valid: 90.00% of bays right, the incumbent 97.50%")


def test_chance_is_no_reason_to_refuse() -> None:
    old = {"a/valid": _frames([1, 0, 0, 0, 0, 0])}
    new = {"a/valid": _frames([0, 1, 0, 0, 1, 0])}
    assert worse_sets(new, old) == []


def test_better_is_accepted() -> None:
    old, new = {"a/valid": _frames([5] * 8)}, {"a/valid": _frames([0] * 8)}
    assert worse_sets(new, old) == []


@pytest.mark.parametrize(
    ("wrong", "refused"), [([0] * 10, False), ([1] + [0] * 29, False), ([1] * 10, True)]
)
def test_int8_may_lose_a_tenth_of_a_point(wrong: list[int], refused: bool) -> None:
    of_float = {"a/valid": _frames([0] * len(wrong))}
    assert bool(int8_refusals(of_float, {"a/valid": _frames(wrong)})) is refused


def _manifest(data: dict[str, Any], folder: Path | None = None, name: str = "try") -> Manifest:
    file = f"{name}.onnx"
    digest = "0" * 64
    if folder is not None:
        (folder / file).write_bytes(name.encode())
        digest = sha256_of(folder / file)
    return Manifest.model_validate(
        {
            "schema_version": 1,
            "name": name,
            "version": "1.0.0",
            "file": file,
            "sha256": digest,
            "input": {"width": 960, "height": 736},
            "classes": {0: "car"},
            "outputs": {"boxes": "yolo_raw"},
            "bay_head": True,
            "licence": "AGPL-3.0-or-later",
            "data": data,
        }
    )


def _data(*sets: str) -> dict[str, Any]:
    entry = {"licence": "MIT", "pictures": 3, "sha256": "a" * 64}
    return {
        "sets": [{"name": name, **entry} for name in sets],
        "start": {"file": "yolo11n.pt", "sha256": "b" * 64},
        "config": {},
    }


def test_a_model_must_say_what_it_was_trained_on() -> None:
    assert data_refusals(_manifest({}), []) != []
    assert data_refusals(_manifest({"sets": [], "start": {}, "config": {}}), []) != []
    assert data_refusals(_manifest(_data("acpds/train")), ["acpds/valid"]) == []


def test_a_model_trained_on_its_judges_is_refused() -> None:
    (refusal,) = data_refusals(_manifest(_data("acpds/train", "lot/valid")), ["lot/valid"])
    assert "lot/valid" in refusal


def _write(folder: Path) -> Path:
    for name in ("try", "try-int8"):
        manifest = _manifest(_data("acpds/train"), folder, name)
        (folder / f"{name}.json").write_text(manifest.model_dump_json())
    return folder / "try.json"


def test_installing_copies_what_was_verified(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "weights"
    source.mkdir()
    candidate = Candidate.load(_write(source))
    written = install(candidate, target)
    assert sorted(p.name for p in written) == [
        "try-int8.json",
        "try-int8.onnx",
        "try.json",
        "try.onnx",
    ]
    assert sorted(p.name for p in target.iterdir()) == sorted(p.name for p in written)
    assert json.loads((target / "try.json").read_text())["sha256"] == sha256_of(target / "try.onnx")


def test_a_candidate_that_no_box_could_use_is_not_judged() -> None:
    entry = find_model("lotsight-n")
    size = entry.manifest.input.model_copy(update={"width": 224, "height": 128})
    manifest = entry.manifest.model_copy(update={"input": size})
    candidate = Candidate(manifest, manifest, entry.path.parent)
    with pytest.raises(ModelError, match="expected an input of 256x128 px or more, but got 224x1"):
        candidate.verdicts({}, int8=False)


def test_a_changed_file_is_not_a_candidate(tmp_path: Path) -> None:
    manifest = _write(tmp_path)
    (tmp_path / "try-int8.onnx").write_bytes(b"changed")
    with pytest.raises(ModelError, match="try-int8"):
        Candidate.load(manifest)


def test_the_incumbent_is_the_float_network_in_service_and_can_be_judged() -> None:
    """Where the default is the INT8 network, that one has no INT8 version of its own."""
    path = incumbent_manifest()
    assert path.is_file()
    incumbent = Candidate.load(path)
    assert incumbent.manifest.precision == "float32"
    assert incumbent.int8_manifest.name == f"{incumbent.manifest.name}-int8"
