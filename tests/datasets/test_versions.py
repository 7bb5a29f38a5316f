"""Versions: frozen, verified, told apart; a change makes a child of the version before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin
from datasets.lots import read_dataset
from datasets.manifest import About, read_manifest
from datasets.native import write_dataset
from datasets.versions import compare_labels, files_of, freeze, verify

MakeFrame = Callable[..., LotFrame]


@pytest.fixture
def out(make_frame: MakeFrame, tmp_path: Path) -> Path:
    frames = [make_frame("a", seed=1), make_frame("b", split="valid", seed=2)]
    write_dataset(frames, tmp_path / "out")
    return tmp_path / "out"


def test_what_happened_to_files_is_told(out: Path) -> None:
    assert not verify(out)
    (out / "images" / "a.jpg").write_bytes(b"other")
    (out / "images" / "b.jpg").unlink()
    (out / "images" / "c.jpg").write_bytes(b"new")
    (out / ".dvc").mkdir()
    (out / ".dvc" / "config").write_text("not part of the set")
    (out / "images.dvc").write_text("DVC's pointer")
    (out / "labels.cache").write_bytes(b"Ultralytics leaves it")
    found = verify(out)
    assert found.changed == ("images/a.jpg",)
    assert found.removed == ("images/b.jpg",)
    assert found.added == ("images/c.jpg",)


def test_freezing_again_changes_nothing_and_a_change_has_a_parent(out: Path) -> None:
    first = read_manifest(out)
    assert freeze(out, About()) == first
    told = freeze(out, About(note="from the north"), Origin(licence="MIT"))
    assert (told.version, told.parent, told.note) == (first.version, None, "from the north")
    assert [one.licence for one in told.sources] == ["MIT"]
    assert freeze(out, About()) == told
    (out / "more.txt").write_text("a licence that was told once is kept")
    assert [one.licence for one in freeze(out, About()).sources] == ["MIT"]
    (out / "more.txt").unlink()
    freeze(out, About(parent="0" * 12))
    (out / "notes.txt").write_text("north camera was cleaned")
    second = freeze(out, About(note="cleaned"), Origin("us", "CC-BY-4.0"))
    assert (second.parent, second.note, second.name) == (first.version, "cleaned", "out")
    assert second.version != first.version
    assert {(one.source, one.licence) for one in second.sources} == {("us", "CC-BY-4.0")}
    assert read_manifest(out) == second


def test_a_set_of_others_can_be_frozen_where_it_lies(out: Path) -> None:
    (out / "manifest.json").unlink()
    with pytest.raises(DatasetError, match="expected a manifest"):
        verify(out)
    assert freeze(out, About()).parent is None
    assert files_of(out) == read_manifest(out).files


def test_labels_of_two_versions_are_compared(out: Path) -> None:
    old = read_dataset(out)
    moved = (old[0].polygons_norm[0] + 0.01, old[0].polygons_norm[1])
    new = [
        replace(old[0], polygons_norm=moved, states=(False, None)),
        replace(old[1], split="train", bay_ids=("A1", "A9")),
    ]
    changes = compare_labels(old, new)
    assert (changes.states, changes.outlines, changes.splits) == (2, 1, 1)
    assert (changes.added, changes.removed) == (1, 1)


def test_no_folder_is_named(tmp_path: Path) -> None:
    for act in (verify, files_of):
        with pytest.raises(DatasetError, match="nowhere"):
            act(tmp_path / "nowhere")
