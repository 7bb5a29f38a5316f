"""The bays' known occupancy corrects the teacher's boxes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from datasets.frames import LotFrame
from models.training.samples import Sample

if importlib.util.find_spec("torch"):
    from models.training.pseudo_boxes import correct

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("train_extra")]

BAYS = np.array([[100, 100], [200, 100], [300, 100]], np.float32)
QUADS = BAYS[:, None] + np.array([[0, 0], [80, 0], [80, 60], [0, 60]], np.float32)
SAMPLE = Sample(
    frame=LotFrame("lot", "train", Path("a.jpg"), (), (), ()),
    quads_px=QUADS,
    occupied=np.array([True, False, True]),
    boxes_px=np.zeros((0, 4), np.float32),
    classes=np.zeros(0, np.int64),
)


@pytest.mark.parametrize(
    ("box", "score", "kept"),
    [
        pytest.param([105, 95, 175, 158], 0.1, True, id="weak, on an occupied bay"),
        pytest.param([205, 95, 275, 158], 0.1, False, id="weak, on a free bay"),
        pytest.param([500, 300, 560, 340], 0.1, False, id="weak, on no bay"),
        pytest.param([500, 300, 560, 340], 0.6, True, id="sure, on no bay"),
    ],
)
def test_weak_boxes_need_an_occupied_bay(box: list[float], score: float, kept: bool) -> None:
    boxes, classes = correct(
        np.array([box], np.float32), np.array([score], np.float32), np.array([3]), SAMPLE
    )
    found = np.abs(boxes - np.array(box)).max(1) < 1e-3
    assert found.any() == kept
    assert (3 in classes) == kept


def test_an_occupied_bay_without_a_box_gets_its_own_rectangle() -> None:
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    boxes, classes = correct(*nothing, SAMPLE)
    assert boxes.tolist() == [[100, 100, 180, 160], [300, 100, 380, 160]]
    assert classes.tolist() == [0, 0]


def test_of_two_boxes_of_one_car_the_surer_stays() -> None:
    xyxy = np.array([[105, 95, 175, 158], [107, 97, 177, 160]], np.float32)
    boxes, _ = correct(xyxy, np.array([0.4, 0.8], np.float32), np.array([0, 0]), SAMPLE)
    near = np.abs(boxes - xyxy[1]).max(1) < 1e-3
    assert near.sum() == 1
    assert len(boxes) == 2
