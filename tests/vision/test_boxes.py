"""Decoding of box outputs and non-maximum suppression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.boxes import BoxReader, box_area, pairwise_iou, rows_of, suppress
from vision.types import BoxFormat, BoxLayout, Detections, Floats, as_floats


def boxes_of(seed: int, count: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 60, (count, 2))
    xyxy = np.concatenate([low, low + rng.uniform(5, 40, (count, 2))], 1)
    return as_floats(xyxy), as_floats(rng.uniform(0, 1, count))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id="same"),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id="touching"),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, id="half"),
        pytest.param([0, 0, 10, 10], [2, 2, 4, 4], 0.04, id="inside"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], 0.0, id="empty"),
    ],
)
def test_iou(a: list[float], b: list[float], expected: float) -> None:
    assert pairwise_iou(as_floats([a]), as_floats([b]))[0, 0] == pytest.approx(expected)


def test_area_of_inverted_box_is_zero() -> None:
    assert box_area(as_floats([[10, 0, 0, 10]])).tolist() == [0]


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.floats(0.1, 0.9))
@settings(deadline=None)
def test_suppression_keeps_no_clash_and_drops_nothing_without_one(
    seed: int, count: int, max_iou: float
) -> None:
    xyxy, confidence = boxes_of(seed, count)
    keep = suppress(xyxy, confidence, max_iou)
    assert (np.diff(confidence[keep]) <= 0).all()
    iou = pairwise_iou(xyxy[keep], xyxy[keep]) - np.eye(len(keep))
    assert (iou <= max_iou).all()
    for index in sorted(set(range(count)) - set(keep.tolist())):
        surer = keep[confidence[keep] >= confidence[index]]
        assert (pairwise_iou(xyxy[[index]], xyxy[surer]) > max_iou).any()


def test_suppression_is_blind_to_order() -> None:
    xyxy, confidence = boxes_of(7, 30)
    shuffled = np.random.default_rng(1).permutation(30)
    kept = {tuple(box) for box in xyxy[suppress(xyxy, confidence, 0.5)].tolist()}
    again = xyxy[shuffled][suppress(xyxy[shuffled], confidence[shuffled], 0.5)]
    assert {tuple(box) for box in again.tolist()} == kept


def vehicles(output: Floats, layout: BoxLayout, classes: set[int]) -> Detections:
    """Vehicles in the output for one picture, without the axis of the batch but for v7's lists."""
    reading = BoxFormat.usual(layout)
    batch = output if reading.boxes_axis == 0 else output[None]
    [rows] = rows_of(batch, 1, reading)
    return BoxReader(reading, (96, 64), 0.25, 0.7).vehicles(rows, frozenset(classes))


def raw(*rows: list[float]) -> Floats:
    return as_floats(rows).T


def test_raw_boxes_take_the_best_vehicle_class() -> None:
    # centre x, centre y, width, height, person, car, truck
    output = raw([20, 10, 8, 4, 0.9, 0.3, 0.6], [70, 50, 10, 10, 0.95, 0.05, 0.01])
    found = vehicles(output, BoxLayout.YOLO_RAW, {1, 2})
    assert found.xyxy_px.tolist() == [[16, 8, 24, 12]]
    assert found.class_id.tolist() == [2]
    assert found.confidence.tolist() == pytest.approx([0.6])


def test_end2end_boxes_are_filtered_and_suppressed_across_classes() -> None:
    rows = [[0, 0, 10, 10, 0.5, 2], [0, 0, 10, 9.5, 0.6, 7], [50, 50, 60, 60, 0.9, 0],
            [30, 30, 40, 40, 0.2, 2]]  # fmt: skip
    found = vehicles(as_floats(rows), BoxLayout.YOLO_END2END, {2, 7})
    assert found.class_id.tolist() == [7]
    assert found.xyxy_px.tolist() == [[0, 0, 10, 9.5]]


@pytest.mark.parametrize("layout", list(BoxLayout))
def test_nothing_found(layout: BoxLayout) -> None:
    shape = (8, 5) if layout is BoxLayout.YOLO_RAW else (5, 7)
    assert len(vehicles(np.zeros(shape, np.float32), layout, {0})) == 0
