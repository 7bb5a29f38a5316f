"""Rendered data sets: they read back as what the simulator knows."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from datasets.cli import app
from datasets.lots import read_dataset
from datasets.manifest import read_manifest
from datasets.rendering import CAMERAS, FIRST_PERSON, MASKS, RenderPlan, mask_of, render_dataset
from simulator import LotKind, make_sample

WH = (320, 200)


def test_a_rendered_set_reads_back_as_the_simulators_truth(tmp_path: Path) -> None:
    plan = RenderPlan(range(3), image_wh=WH, with_masks=True)
    manifest = render_dataset(plan, tmp_path / "set")
    frames = read_dataset(tmp_path / "set")
    assert [frame.camera for frame in frames] == ["open-0", "curved-1", "garage-2"]
    cameras = json.loads((tmp_path / "set" / CAMERAS).read_text())
    for seed, frame in enumerate(frames):
        truth = make_sample(seed, WH, plan.kind(seed))
        assert list(frame.states) == truth.occupied.tolist()
        assert np.allclose(np.stack(frame.polygons_norm), truth.quads_norm, atol=1e-5)
        assert frame.read().shape == (WH[1], WH[0], 3)
        assert frame.origin.licence == "AGPL-3.0-or-later"
        mask = cv2.imread(str(tmp_path / "set" / MASKS / f"{frame.path.stem}.png"), -1)
        assert mask is not None
        assert np.array_equal(mask, mask_of(truth.pixels))
        homography = np.array(cameras[frame.path.name]["ground_homography"])
        assert np.allclose(homography, truth.camera.ground_homography())
    assert manifest.counts.pictures == 3
    written = read_manifest(tmp_path / "set")
    assert {f"{MASKS}/{frame.path.stem}.png" for frame in frames} <= set(written.files)


def test_masks_tell_cars_from_people() -> None:
    pixels = np.array([[0, 1, 7], [-1, -3, 2]], np.int32)
    assert mask_of(pixels).tolist() == [[0, 1, 7], [FIRST_PERSON, FIRST_PERSON + 2, 2]]


def test_the_command_renders_one_kind_from_a_seed_on(tmp_path: Path) -> None:
    out = tmp_path / "garages"
    options = ["--count", "2", "--seed", "5", "--kind", "garage", "--width", "320"]
    result = CliRunner().invoke(app, ["render", "--out", str(out), *options, "--height", "200"])
    assert result.exit_code == 0, result.output
    assert "2 images" in result.output
    assert {frame.lot for frame in read_dataset(out)} == {"garage-5", "garage-6"}
    assert {LotKind(frame.lot.split("-")[0]) for frame in read_dataset(out)} == {LotKind.GARAGE}
