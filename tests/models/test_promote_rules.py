"""When a candidate is refused, and when it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.evaluation import EvalPlan, Evaluation
from datasets.frames import LotFrame
from datasets.judging import FrameResult, Verdicts
from datasets.metrics import gain, measure
from models.manifest import Manifest, sha256_of
from models.registry import find_model
from models.training.promote import (
    Candidate,
    changes,
    data_refusals,
    incumbent_manifest,
    install,
    int8_refusals,
    losses,
)
from telemetry.errors import ModelError

BAYS = 40


def _frame(set_name: str, number: int, camera: str = "") -> LotFrame:
    """A picture of 40 bays, half of them occupied."""
    quad = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    return LotFrame(
        set_name=set_name,
        split="valid",
        path=Path(f"{number}.png"),
        polygons_norm=(quad,) * BAYS,
        states=tuple(bay % 2 == 0 for bay in range(BAYS)),
        bay_ids=tuple(map(str, range(BAYS))),
        camera=camera,
    )


def _judged(frames: list[LotFrame], wrong: list[int]) -> Verdicts:
    """Frames, each with so many bays judged wrong."""
    results = []
    for frame, count in zip(frames, wrong, strict=True):
        prob = np.where(frame.occupied, 0.9, 0.1).astype(np.float32)
        prob[:count] = 1 - prob[:count]
        results.append(FrameResult(prob, np.full(BAYS, 50, np.float32), 960 * 736))
    return Verdicts.of(frames, results)


def _evaluation(*verdicts: Verdicts) -> Evaluation:
    sets = tuple((one.frames[0].set_name, one.frames[0].split) for one in verdicts)
    metrics = tuple(map(measure, verdicts))
    return Evaluation(EvalPlan(Path(), sets), {}, datetime.now(UTC), verdicts, metrics)


def _found(**wrong: list[int]) -> Evaluation:
    """A set for each name, with a list of how many bays of each frame are judged wrong."""
    return _evaluation(
        *(
            _judged([_frame(name, number) for number in range(len(counts))], counts)
            for name, counts in wrong.items()
        )
    )


def test_a_clearly_worse_camera_is_named_with_its_numbers() -> None:
    old, new = _found(a=[0] * 12, b=[1] * 12), _found(a=[0] * 12, b=[4] * 12)
    (refusal,) = losses(changes(new, old))
    assert refusal.startswith("b: 90.00% of bays right, the incumbent 97.50%")


def test_chance_is_no_reason_to_refuse() -> None:
    assert losses(changes(_found(a=[0, 1, 0, 0, 1, 0]), _found(a=[1, 0, 0, 0, 0, 0]))) == []


def test_better_is_accepted() -> None:
    assert losses(changes(_found(a=[0] * 8), _found(a=[5] * 8))) == []


def test_one_camera_may_not_pay_for_another_of_its_set() -> None:
    frames = [_frame("town", number, camera) for camera in ("east", "west") for number in range(8)]
    old = _evaluation(_judged(frames, [20] * 8 + [0] * 8))
    new = _evaluation(_judged(frames, [0] * 8 + [2] * 8))
    assert gain(old.verdicts[0], new.verdicts[0]).low > 0, "the set as a whole gains"
    found = changes(new, old)
    assert [one.camera for one in found] == ["town/west", "town/east"]
    assert [one.is_loss for one in found] == [True, False]
    (refusal,) = losses(found)
    assert refusal.startswith("town/west: 95.00% of bays right, the incumbent 100.00%")


def test_splits_of_one_camera_are_compared_together() -> None:
    both = [_judged([_frame("a", number, "north") for number in range(3)], [0] * 3)] * 2
    (only,) = changes(_evaluation(*both), _evaluation(*both))
    assert (only.camera, only.bays) == ("a/north", 6 * BAYS)


@pytest.mark.parametrize(
    ("wrong", "refused"), [([0] * 10, False), ([1] + [0] * 29, False), ([1] * 10, True)]
)
def test_int8_may_lose_a_tenth_of_a_point(wrong: list[int], refused: bool) -> None:
    assert bool(int8_refusals(_found(a=[0] * len(wrong)), _found(a=wrong))) is refused


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
        candidate.judge(EvalPlan(Path(), ()))


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
