"""The rules of other projects, as they are in their sources."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.baselines import PointRule
from vision.types import Detections, NetworkOutput, as_floats

BAYS = [
    as_floats([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5]]),
    as_floats([[0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [0.0, 1.0]]),
]


@pytest.mark.parametrize(
    ("share", "expected"),
    [pytest.param(0.5, [True, False], id="centre"), pytest.param(1.0, [False, True], id="bottom")],
)
def test_the_point_decides(share: float, expected: list[bool]) -> None:
    found = Detections(as_floats([[10, 5, 40, 70]]), as_floats([0.6]), np.zeros(1, np.int64))
    evidence = PointRule(share).judge(NetworkOutput(found, None), BAYS, (100, 100))
    assert (evidence.prob >= 0.5).tolist() == expected


def test_one_box_fills_overlapping_bays_which_is_their_flaw() -> None:
    found = Detections(as_floats([[10, 10, 40, 40]]), as_floats([0.9]), np.zeros(1, np.int64))
    evidence = PointRule(0.5).judge(NetworkOutput(found, None), [BAYS[0]] * 2, (100, 100))
    assert evidence.prob.tolist() == pytest.approx([0.9, 0.9])


def test_faint_boxes_and_no_boxes_leave_bays_free() -> None:
    faint = Detections(as_floats([[10, 10, 40, 40]]), as_floats([0.2]), np.zeros(1, np.int64))
    for found in (faint, Detections.empty()):
        evidence = PointRule(0.5).judge(NetworkOutput(found, None), BAYS, (100, 100))
        assert evidence.prob.tolist() == [0, 0]
