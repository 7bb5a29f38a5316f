"""Other forms: what they have a place for comes back; the rest is known to be lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.convert import Conversion, Target, convert
from datasets.formats import SetFormat, YoloTask, detect_set, read_set
from datasets.frames import LotFrame, Origin, Vehicle
from datasets.manifest import read_manifest
from datasets.native import Placing
from datasets.versions import verify
from telemetry.vocabulary import ID_PATTERN

MakeFrame = Callable[..., LotFrame]
IDS = st.lists(
    st.from_regex(ID_PATTERN, fullmatch=True)
    | st.sampled_from(["A_1", "A_1.5", "1", "2", "007", "1.0", "free", "occupied", "null"]),
    min_size=1,
    max_size=6,
    unique=True,
)
NOON = datetime(2026, 5, 1, 12, 30)  # noqa: DTZ001 - sets give no zone


@pytest.fixture
def frames(make_frame: MakeFrame) -> list[LotFrame]:
    known = {
        "camera": "north",
        "lot": "yard",
        "weather": "rain",
        "time_local": NOON,
        "vehicles": (Vehicle((0.1, 0.2, 0.3, 0.4), "van"),),
        "origin": Origin("made here", "MIT"),
        "states": (True, None),
    }
    return [make_frame("a", seed=1, **known), make_frame("b", split="valid", seed=2)]


def same_outlines(old: LotFrame, new: LotFrame, atol: float) -> None:
    for mine, theirs in zip(old.polygons_norm, new.polygons_norm, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=atol)


def test_coco_keeps_all(frames: list[LotFrame], tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert(frames, out, Conversion(Target.COCO))
    assert detect_set(out) is SetFormat.COCO
    for old, new in zip(frames, read_set(out).frames, strict=True):
        for name in ("split", "states", "bay_ids", "camera", "lot", "weather", "time_local",
                     "image_wh", "origin"):  # fmt: skip
            expected = getattr(old, name)
            if name == "origin" and not expected.source:
                expected = Origin("made", "")  # COCO's description is the set's name
            assert getattr(new, name) == expected, name
        same_outlines(old, new, 1e-5)
        assert [v.kind for v in new.vehicles] == [v.kind for v in old.vehicles]
        assert new.path.read_bytes() == old.path.read_bytes()
    data = json.loads((out / "annotations" / "instances_train.json").read_text())
    assert data["annotations"][0]["bbox"] == pytest.approx([48, 36, 96, 108], abs=0.01)
    assert data["annotations"][0]["area"] == pytest.approx(96 * 108, rel=1e-3)


@pytest.mark.parametrize("target", [Target.LOTSIGHT, Target.COCO])
def test_every_valid_bay_id_survives_there_and_back(
    make_frame: MakeFrame, tmp_path_factory: pytest.TempPathFactory, target: Target
) -> None:
    frame = make_frame("a")

    @settings(max_examples=30, deadline=None)
    @given(IDS)
    def keeps(ids: list[str]) -> None:
        named = replace(
            frame,
            polygons_norm=(frame.polygons_norm[0],) * len(ids),
            states=(None,) * len(ids),
            bay_ids=tuple(ids),
        )
        out = tmp_path_factory.mktemp("set") / "out"
        convert([named], out, Conversion(target, placing=Placing.LINK))
        assert list(read_set(out).frames[0].bay_ids) == ids

    keeps()


@pytest.mark.parametrize("task", list(YoloTask))
def test_yolo_keeps_outlines_states_and_splits(
    frames: list[LotFrame], tmp_path: Path, task: YoloTask
) -> None:
    out = tmp_path / "out"
    convert(frames, out, Conversion(Target.YOLO, task))
    assert detect_set(out) is SetFormat.YOLO
    first, second = read_set(out).frames
    assert (first.split, first.states, second.split) == ("train", (True, None), "val")
    assert first.vehicles[0].xyxy_norm == pytest.approx((0.1, 0.2, 0.3, 0.4), abs=1e-6)
    pentagon = frames[0].polygons_norm[1]
    if task is YoloTask.SEGMENT:
        same_outlines(frames[0], first, 1e-6)
    elif task is YoloTask.DETECT:
        np.testing.assert_allclose(first.polygons_norm[1].min(0), pentagon.min(0), atol=1e-6)
        np.testing.assert_allclose(first.polygons_norm[1].max(0), pentagon.max(0), atol=1e-6)
    else:
        assert [len(polygon) for polygon in first.polygons_norm] == [4, 4]
    assert "path:" not in (out / "data.yaml").read_text()


def test_an_unsplit_set_stays_one(make_frame: MakeFrame, tmp_path: Path) -> None:
    frames = [make_frame("a", split="", seed=1), make_frame("b", split="", seed=2)]
    convert(frames, tmp_path / "yolo", Conversion(Target.YOLO))
    assert [frame.split for frame in read_set(tmp_path / "yolo").frames] == ["", ""]


@pytest.mark.parametrize("target", list(Target))
def test_every_form_has_a_manifest(frames: list[LotFrame], tmp_path: Path, target: Target) -> None:
    out = tmp_path / "out"
    convert(frames, out, Conversion(target))
    counts = read_manifest(out).counts
    assert (counts.occupied, counts.free, counts.unknown, counts.vehicles) == (2, 1, 1, 1)
    assert not verify(out)
    assert str(tmp_path) not in "".join(p.read_text() for p in out.rglob("*.json"))


@pytest.mark.data
@pytest.mark.parametrize("target", [Target.COCO, Target.YOLO])
def test_real_labels_survive(shared_data: Path, tmp_path: Path, target: Target) -> None:
    old = read_set(shared_data / "pklot_ufpr05").frames[:3]
    convert(old, tmp_path / "out", Conversion(target))
    new = read_set(tmp_path / "out").frames
    assert [frame.states for frame in new] == [frame.states for frame in old]
    for mine, theirs in zip(old, new, strict=True):
        same_outlines(mine, theirs, 1e-5)
        assert mine.time_local == theirs.time_local
