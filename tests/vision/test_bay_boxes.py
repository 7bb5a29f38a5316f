"""Bays judged by boxes of bays: one to one, from both classes, and never free without a box."""

from __future__ import annotations

import numpy as np
import pytest

from tests.networks import scripted_spec
from vision.bay_boxes import BayBoxRule
from vision.boxes import BoxReader, merge_bays
from vision.rules import rule_for
from vision.types import (
    BayBoxes,
    BoxFormat,
    BoxLayout,
    Detections,
    Floats,
    NetworkOutput,
    as_floats,
)

WH = (200, 100)
BAYS = [as_floats([[x, 0.2], [x + 0.2, 0.2], [x + 0.2, 0.6], [x, 0.6]]) for x in (0.1, 0.3, 0.6)]
FIRST, SECOND, THIRD = [20, 20, 60, 60], [60, 20, 100, 60], [120, 20, 160, 60]


def judge(*boxes: tuple[list[int], float, float]) -> list[float]:
    """Probabilities of the bays, from boxes with their confidence of occupied and of free."""
    found = BayBoxes(
        as_floats([box for box, _, _ in boxes]).reshape(-1, 4),
        as_floats([occupied for _, occupied, _ in boxes]),
        as_floats([free for _, _, free in boxes]),
    )
    evidence = BayBoxRule().judge(NetworkOutput(Detections.empty(), None, found), BAYS, WH)
    return [round(float(prob), 3) for prob in evidence.prob]


def test_each_bay_is_what_its_box_says() -> None:
    assert judge((FIRST, 0.9, 0), (SECOND, 0, 0.9), (THIRD, 0.4, 0)) == [0.909, 0.091, 0.833]


def test_no_box_no_answer() -> None:
    assert judge() == [0.5] * 3
    assert judge((SECOND, 0, 0.8)) == [0.5, 0.1, 0.5]


def test_both_states_of_one_bay_are_doubt() -> None:
    assert judge((FIRST, 0.6, 0.6))[0] == 0.5
    assert judge((FIRST, 0.6, 0.3))[0] == 0.636


def test_one_box_is_one_bay() -> None:
    # It covers half of the first two bays; the second has a box of its own.
    assert judge(([40, 20, 80, 60], 0.9, 0), (SECOND, 0, 0.9)) == [0.909, 0.091, 0.5]
    wide = judge(([20, 20, 100, 60], 0.9, 0))
    assert sorted(wide) == [0.5, 0.5, 0.909]


def test_a_box_elsewhere_is_no_bay() -> None:
    assert judge(([0, 70, 30, 100], 0.9, 0)) == [0.5] * 3


def test_networks_without_bays_are_refused() -> None:
    with pytest.raises(ValueError, match="detects vehicles only"):
        BayBoxRule().judge(NetworkOutput(Detections.empty(), None), BAYS, WH)


def test_the_rule_goes_with_the_classes() -> None:
    both = scripted_spec(
        has_bay_head=False, occupied_classes=frozenset({1}), free_classes=frozenset({0})
    )
    assert isinstance(rule_for(both), BayBoxRule)
    assert both.method == "bay_boxes"


def reader() -> BoxReader:
    return BoxReader(BoxFormat.usual(BoxLayout.YOLO_END2END), WH, 0.1, 0.7)


def rows(*values: list[float]) -> Floats:
    return as_floats(values)


def test_two_boxes_of_one_bay_become_one_with_both_confidences() -> None:
    found = reader().bays(
        rows([*FIRST, 0.8, 1], [21, 20, 60, 60, 0.5, 0], [*THIRD, 0.3, 0], [*SECOND, 0.05, 1]),
        frozenset({1}),
        frozenset({0}),
    )
    assert found.xyxy_px.tolist() == [FIRST, THIRD]
    np.testing.assert_allclose(found.occupied, [0.8, 0])
    np.testing.assert_allclose(found.free, [0.5, 0.3])


def test_bays_of_two_crops_are_joined() -> None:
    left = BayBoxes(as_floats([FIRST, THIRD]), as_floats([0.9, 0]), as_floats([0, 0.4]))
    right = BayBoxes(as_floats([[20, 20, 60, 60]]), as_floats([0.2]), as_floats([0.6]))
    shifts = [as_floats([0, 0, 0, 0]), as_floats([100, 0, 100, 0])]
    found = merge_bays([left, right], shifts, 0.5)
    assert found.xyxy_px.tolist() == [FIRST, THIRD]
    np.testing.assert_allclose(found.occupied, [0.9, 0.2])
    np.testing.assert_allclose(found.free, [0, 0.6])
