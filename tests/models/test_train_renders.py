"""Rendered pictures as training samples."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from models.training.records import read_rgb
from models.training.renders import IMAGE_WH, RENDERS, render_samples
from vision.simulator import make_sample


def test_renders_are_samples_with_the_simulators_truth(tmp_path: Path) -> None:
    (sample,) = render_samples(tmp_path, [4])
    truth = make_sample(4, IMAGE_WH)
    assert np.array_equal(sample.occupied, truth.occupied)
    assert np.allclose(sample.quads_px, truth.quads_norm * IMAGE_WH, atol=0.02)
    assert read_rgb(sample.path).shape == (IMAGE_WH[1], IMAGE_WH[0], 3)
    assert sample.key == f"{RENDERS}/simulator/4.jpg"
    assert 0 < len(sample.boxes_px) <= len(truth.boxes_px)
    assert ((sample.boxes_px[:, 2:] - sample.boxes_px[:, :2]).min(1) >= 12).all()


def test_what_is_rendered_already_is_used_and_half_a_picture_is_made_again(tmp_path: Path) -> None:
    render_samples(tmp_path, [4])
    home = tmp_path / RENDERS
    cv2.imwrite(str(home / "4.jpg"), np.zeros((960, 1280, 3), np.uint8))
    (kept,) = render_samples(tmp_path, [4])
    assert read_rgb(kept.path).max() == 0
    labels = json.loads((home / "4.json").read_text())
    (home / "4.json").unlink()
    (again,) = render_samples(tmp_path, [4])
    assert read_rgb(again.path).max() > 0
    assert json.loads((home / "4.json").read_text()) == labels
