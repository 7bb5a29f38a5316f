"""The pictures that a run reads and renders."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.lots import ANNOTATIONS
from models.training.samples import Sample
from simulator import make_sample

if importlib.util.find_spec("torch"):
    from models.training.runs import RENDER_WH, read_vehicles, rendered

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra")]


def test_renders_have_the_simulators_truth(tmp_path: Path) -> None:
    first, _ = rendered(tmp_path / "renders", 2)
    truth, sample = make_sample(0, RENDER_WH), Sample.of(first)
    assert np.array_equal(sample.occupied, truth.occupied)
    assert np.allclose(sample.quads_px, truth.quads_norm * RENDER_WH, atol=0.02)
    assert first.read().shape == (RENDER_WH[1], RENDER_WH[0], 3)
    assert first.set_name == "renders"
    assert 0 < len(sample.boxes_px) <= len(truth.boxes_px), "hidden parts too, specks not"
    assert ((sample.boxes_px[:, 2:] - sample.boxes_px[:, :2]).min(1) >= 12 - 1e-3).all()


def test_what_is_rendered_is_used_again_unless_it_is_not_whole(tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    (one,) = rendered(folder, 1)
    cv2.imwrite(str(one.path), np.zeros((RENDER_WH[1], RENDER_WH[0], 3), np.uint8))
    (kept,) = rendered(folder, 1)
    assert kept.read().max() < 8
    (folder / ANNOTATIONS).unlink()  # written last: without it the rendering was cut off
    (again,) = rendered(folder, 1)
    assert again.read().max() > 100
    assert rendered(folder, 0) == []
    assert folder.is_dir(), "a run without renders takes none away"


@pytest.mark.data
def test_the_near_vertical_set_is_read_with_its_vehicles(shared_data: Path) -> None:
    frames = read_vehicles(shared_data, "train")
    assert len(frames) == 69
    sample = Sample.of(frames[0], near_vertical=True)
    assert len(sample.boxes_px) == len(sample.classes) == 22
    assert sample.near_vertical
