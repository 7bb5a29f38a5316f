"""Our own form: what is written comes back, with a manifest that tells of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin, Vehicle
from datasets.lots import list_sets, read_dataset, read_lot
from datasets.manifest import About, hash_files, read_manifest, version_of
from datasets.native import Placing, write_dataset
from models.training.samples import Sample
from vision.types import as_floats

NOON = datetime(2026, 5, 1, 12, 30)  # noqa: DTZ001 - sets give no zone
QUAD = as_floats([[0.1, 0.1], [0.3, 0.1], [0.3, 0.4], [0.1, 0.4]])
PENTAGON = as_floats([[0.5, 0.1], [0.7, 0.1], [0.8, 0.3], [0.7, 0.4], [0.5, 0.4]])


def picture(path: Path, grey: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((40, 80, 3), grey, np.uint8))
    return path


@pytest.fixture
def frames(tmp_path: Path) -> list[LotFrame]:
    first = LotFrame(
        set_name="made",
        split="train",
        path=picture(tmp_path / "in" / "north" / "a.png", 10),
        polygons_norm=(QUAD, PENTAGON),
        states=(True, None),
        bay_ids=("A1", "A2"),
        camera="north",
        lot="lot-1",
        weather="rain",
        time_local=NOON,
        vehicles=(Vehicle((0.1, 0.2, 0.3, 0.4), "van"),),
        image_wh=(80, 40),
        origin=Origin("made here", "MIT"),
    )
    second = LotFrame(
        set_name="made",
        split="valid",
        path=picture(tmp_path / "in" / "south" / "a.png", 20),
        polygons_norm=(QUAD,),
        states=(False,),
        bay_ids=("B1",),
    )
    return [first, second]


def test_all_that_is_known_comes_back(frames: list[LotFrame], tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_dataset(frames, out)
    back = read_dataset(out)
    assert list_sets(tmp_path) == {"out": ("train", "valid")}
    for old, new in zip(frames, back, strict=True):
        assert new.path.read_bytes() == old.path.read_bytes()
        for mine, theirs in zip(old.polygons_norm, new.polygons_norm, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-7)
        for name in ("split", "states", "bay_ids", "camera", "lot", "weather", "time_local",
                     "image_wh", "origin"):  # fmt: skip
            assert getattr(new, name) == getattr(old, name), name
        assert [v.kind for v in new.vehicles] == [v.kind for v in old.vehicles]
    assert back[0].vehicles[0].xyxy_norm == (0.1, 0.2, 0.3, 0.4)


def test_writing_what_was_read_changes_nothing(frames: list[LotFrame], tmp_path: Path) -> None:
    first = write_dataset(frames, tmp_path / "one")
    again = write_dataset(
        read_dataset(tmp_path / "one"), tmp_path / "two", About(parent=first.version)
    )
    assert (again.version, again.parent) == (first.version, first.version)
    assert again.files == first.files


def test_pictures_of_one_name_are_told_apart(frames: list[LotFrame], tmp_path: Path) -> None:
    write_dataset(frames, tmp_path / "out")
    names = [frame.path.name for frame in read_dataset(tmp_path / "out")]
    assert names == ["north_a.png", "south_a.png"]


def test_the_manifest_tells_sources_counts_and_hashes(
    frames: list[LotFrame], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = datetime(2026, 6, 1, tzinfo=UTC)
    write_dataset(frames, out, About(name="lot-1", note="first", made=made))
    manifest = read_manifest(out)
    assert (manifest.name, manifest.note, manifest.made) == ("lot-1", "first", made)
    assert manifest.tool.startswith("lotsight")
    counts = manifest.counts
    assert (counts.pictures, counts.occupied, counts.free, counts.unknown) == (2, 1, 1, 1)
    assert {(s.source, s.licence, s.pictures) for s in manifest.sources} == {
        ("made here", "MIT", 1),
        ("", "", 1),
    }
    assert manifest.files == hash_files(out)
    assert sorted(manifest.files) == [
        "annotations.json",
        "images/north_a.png",
        "images/south_a.png",
    ]
    assert manifest.version == version_of(manifest.files)
    assert str(tmp_path) not in (out / "manifest.json").read_text()
    assert str(tmp_path) not in (out / "annotations.json").read_text()


def test_linked_pictures_share_the_disk(frames: list[LotFrame], tmp_path: Path) -> None:
    write_dataset(frames, tmp_path / "out", placing=Placing.LINK)
    for old, new in zip(frames, read_dataset(tmp_path / "out"), strict=True):
        assert new.path.samefile(old.path)


def test_nothing_is_written_over(frames: list[LotFrame], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a new or empty folder, but it contains"):
        write_dataset(frames, tmp_path / "in")
    frames[0].path.unlink()
    with pytest.raises(DatasetError, match=r"a\.png: cannot copy to"):
        write_dataset(frames, tmp_path / "out")
    assert not (tmp_path / "out" / "annotations.json").exists()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        pytest.param("version", "0" * 12, "expected [0-9a-f]{12}, the files' hash", id="v"),
        pytest.param("files", {"../x": "0" * 64}, "paths inside the folder", id="outside"),
        pytest.param("made", "yesterday", "made: ", id="time"),
    ],
)
def test_damaged_manifests_are_named(
    frames: list[LotFrame], tmp_path: Path, field: str, value: object, message: str
) -> None:
    out = tmp_path / "out"
    write_dataset(frames, out)
    path = out / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(DatasetError, match=message) as caught:
        read_manifest(out)
    assert "manifest.json" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"states": (True,)}, "occupancy for each of 2 bays, but got 1", id="states"),
        pytest.param({"bay_ids": ("A",)}, "a name for each of 2 bays, but got 1", id="names"),
        pytest.param({"image_wh": (0, 5)}, r"at least one pixel, but got \(0, 5\)", id="size"),
        pytest.param(
            {"polygons_norm": (QUAD, PENTAGON[:2])}, r"bay A2: .* got \(2, 2\)", id="corners"
        ),
        pytest.param({"polygons_norm": (QUAD * np.nan, QUAD)}, "bay A1: .*finite", id="nan"),
    ],
)
def test_frames_refuse_what_contradicts_itself(
    frames: list[LotFrame], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        replace(frames[0], **changes)  # type: ignore[arg-type]


def test_bays_of_unknown_state_are_left_out_of_judging(frames: list[LotFrame]) -> None:
    known = frames[0].with_known_bays()
    assert (known.bay_ids, known.states, len(known.polygons_norm)) == (("A1",), (True,), 1)
    assert frames[0].occupied.tolist() == [True, False]
    assert frames[0].known.tolist() == [True, False]


def test_boxes_without_an_area_are_refused() -> None:
    with pytest.raises(DatasetError, match="x_min < x_max"):
        Vehicle((0.3, 0.2, 0.1, 0.4))


def test_training_reads_what_is_written(frames: list[LotFrame], tmp_path: Path) -> None:
    polygons = (PENTAGON, QUAD, QUAD)
    write_dataset(
        [
            replace(
                frames[0], polygons_norm=polygons, states=(True, False, None), bay_ids=("1",) * 3
            )
        ],
        tmp_path / "out",
    )
    [frame] = read_lot(tmp_path / "out", "train")
    sample = Sample.of(frame)
    assert sample.occupied.tolist() == [True, False]
    assert sample.quads_px.shape == (2, 4, 2)
    np.testing.assert_allclose(sample.quads_px[1], QUAD * (80, 40), atol=1e-4)
    assert sample.quads_px[0].min(0).tolist() == pytest.approx([40, 4], abs=1)
