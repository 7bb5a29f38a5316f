"""Labels from agreement: smoothing in time against brute force, and what is left unknown."""

from __future__ import annotations

import itertools
import math
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from datasets.cli import app
from datasets.errors import DatasetError
from datasets.frames import LotFrame
from datasets.lots import read_lot
from datasets.manifest import read_manifest
from datasets.native import write_dataset
from datasets.pseudo_labels import (
    ADAPT,
    CHECK,
    Doubles,
    LabelSettings,
    pseudo_label,
    smooth,
    smooth_bays,
)
from models import default_model
from vision.input_size import InputPlan
from vision.types import Detections, Floats, ImageBgr, NetworkOutput, NetworkSpec, as_floats

NOON = datetime.fromisoformat("2026-05-04T12:00")
BAYS = (
    as_floats([[0.1, 0.2], [0.4, 0.2], [0.4, 0.8], [0.1, 0.8]]),
    as_floats([[0.6, 0.2], [0.9, 0.2], [0.9, 0.8], [0.6, 0.8]]),
)


class GreyMeansOccupied:
    """Says of every bay what the picture's brightness tells: 0 free, 255 occupied."""

    @property
    def spec(self) -> NetworkSpec:
        return default_model().manifest.spec()

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        prob = np.full(len(bay_quads_norm), image_bgr.mean() / 255, np.float32)
        box = as_floats([[0, 0, image_bgr.shape[1], image_bgr.shape[0]]])
        count = int(image_bgr.mean() > 127)
        return NetworkOutput(
            Detections(box[:count], as_floats([0.9])[:count], np.zeros(count, np.int64)), prob
        )


def _frames(folder: Path, greys: list[int], step: timedelta) -> list[LotFrame]:
    frames = []
    for number, grey in enumerate(greys):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((48, 64, 3), grey, np.uint8))
        frames.append(
            LotFrame("lot", "", path, BAYS[:1], (None,), ("a",), "north", "", "",
                     NOON + number * step)
        )  # fmt: skip
    return frames


@pytest.mark.parametrize("seed", range(5))
def test_smoothing_is_the_exact_posterior(seed: int) -> None:
    """All 64 histories of six pictures, weighed one by one."""
    rng = np.random.default_rng(seed)
    said: Doubles = rng.normal(0, 2, 6)
    stay_s = 5000.0
    times_s: Doubles = np.cumsum(rng.uniform(100, 4000, 6), dtype=np.float64)
    weights = np.zeros((6, 2))
    for history in itertools.product((0, 1), repeat=6):
        log_weight = float(sum(value * state for value, state in zip(said, history, strict=True)))
        for (a, b), gap_s in zip(itertools.pairwise(history), np.diff(times_s), strict=True):
            changed = 0.5 * (1 - math.exp(-2 * gap_s / stay_s))
            log_weight += math.log(changed if a != b else 1 - changed)
        weights[np.arange(6), history] += math.exp(log_weight)
    np.testing.assert_allclose(
        smooth(said, times_s, stay_s), np.log(weights[:, 1] / weights[:, 0]), atol=1e-6
    )


def test_neighbours_correct_one_bad_picture_but_not_a_real_change() -> None:
    times_s: Doubles = np.arange(9, dtype=np.float64) * 300
    blink = np.array([4.0, 4, 4, 4, -1.0, 4, 4, 4, 4])
    assert (smooth(blink, times_s, 3 * 3600.0) > 2).all()
    change = np.array([4.0, 4, 4, 4, -4, -4, -4, -4, -4])
    assert ((smooth(change, times_s, 3 * 3600.0) > 0) == (change > 0)).all()
    days: Doubles = times_s * 1000
    assert smooth(blink, days, 3600.0).tolist() == pytest.approx(blink.tolist(), abs=1e-6)


def test_pictures_without_a_time_and_other_bays_are_left_alone(tmp_path: Path) -> None:
    frames = _frames(tmp_path, [0, 0, 0], timedelta(minutes=5))
    other = LotFrame("lot", "", frames[1].path, BAYS[1:], (None,), ("b",), "north", "", "",
                     frames[1].time_local)  # fmt: skip
    timeless = LotFrame("lot", "", frames[0].path, BAYS[:1], (None,), ("a",))
    said = [np.array([value]) for value in (3.0, -1.0, 3.0, -1.0)]
    smoothed = smooth_bays([frames[0], other, frames[2], timeless], said, 3 * 3600.0)
    assert smoothed[0] > 3
    assert smoothed[1] == smoothed[3] == -1


def test_labels_come_from_agreement_and_the_rest_stays_unknown(tmp_path: Path) -> None:
    greys = [255, 255, 100, 255, 0, 0, 0, 0, 127, 127]
    frames = _frames(tmp_path, greys, timedelta(days=1))
    labelled = pseudo_label(GreyMeansOccupied(), frames[::-1], LabelSettings(check_share=0.4))
    assert [frame.path.name for frame in labelled] == [f"{n}.png" for n in range(10)]
    assert [frame.split for frame in labelled] == [ADAPT] * 6 + [CHECK] * 4
    states = [frame.states[0] for frame in labelled]
    assert states == [True, True, None, True, False, False, False, False, None, None]
    near = _frames(tmp_path, greys, timedelta(minutes=2))
    third = pseudo_label(GreyMeansOccupied(), near, LabelSettings(check_share=0.4))[2]
    assert third.states == (True,), "its neighbours say what it cannot"


def test_too_few_pictures_and_senseless_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"camera north: .* but got 1"):
        pseudo_label(GreyMeansOccupied(), _frames(tmp_path, [0], timedelta(1)), LabelSettings())
    with pytest.raises(DatasetError, match="check_share=1"):
        LabelSettings(check_share=1)


def test_command_writes_a_set_that_training_reads(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    frames = _frames(pictures, [20, 30, 40, 50], timedelta(minutes=5))
    write_dataset(frames, tmp_path / "sets" / "lot")
    out = tmp_path / "out"
    arguments = ["pseudo-label", "lot", "--data", str(tmp_path / "sets"), "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--threads", "1"], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    assert "adapt: 3 images" in result.output
    assert [len(read_lot(out, split)) for split in (ADAPT, CHECK)] == [3, 1]
    assert all(frame.known.all() for frame in read_lot(out, ADAPT)), "unknown bays are left out"
    assert default_model().name in read_manifest(out).note
