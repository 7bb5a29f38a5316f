"""Average precision, on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.judge_boxes import area_under_curve, matched

BOXES = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)


def test_a_vehicle_is_found_once() -> None:
    found = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 9], [50, 50, 60, 60]], np.float32)
    assert matched(found, BOXES).tolist() == [True, False, True, False]
    assert matched(found, BOXES[:0]).tolist() == [False] * 4


@pytest.mark.parametrize(
    ("hits", "vehicles", "expected"),
    [
        pytest.param([True, True], 2, 1.0, id="all found, nothing else"),
        pytest.param([True, True], 4, 0.5, id="half of them missed"),
        pytest.param([False, True], 1, 0.5, id="a false one is surest"),
        pytest.param([True, False, True], 2, (1 + 2 / 3) / 2, id="a false one between"),
    ],
)
def test_area_under_curve(hits: list[bool], vehicles: int, expected: float) -> None:
    confidence = np.linspace(0.9, 0.1, len(hits)).astype(np.float32)
    assert area_under_curve(confidence, np.array(hits), vehicles) == pytest.approx(expected)


def test_no_labelled_vehicle_has_no_average_precision() -> None:
    with pytest.raises(ValueError, match="at least one"):
        area_under_curve(np.ones(1, np.float32), np.array([True]), 0)
