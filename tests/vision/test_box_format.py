"""Reading boxes of any layout: the right way, or none; never another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.box_format import FormatHints, Look, find_format, readings_of_shape, vehicles_found
from vision.types import BoxForm, BoxFormat, BoxLayout, Coordinates, Floats, as_floats

WH = (640, 384)
LISTS = {BoxLayout.YOLO_END2END, BoxLayout.YOLOV7_END2END}
NO_VEHICLES = np.zeros((0, 4), np.float32)
formats = st.builds(
    BoxFormat,
    st.sampled_from(BoxLayout),
    st.sampled_from(BoxForm),
    st.sampled_from(Coordinates),
    st.sampled_from([1, 2]),
).map(
    lambda one: (
        one
        if one.layout not in LISTS
        else BoxFormat(
            one.layout, one.form, one.coordinates, BoxFormat.usual(one.layout).boxes_axis
        )
    )
)


def output_of(seed: int, boxes: int, class_count: int, reading: BoxFormat) -> Floats:
    """What a network that finds so many boxes gives, and a hundred places more."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.02, 0.3, (boxes, 2))
    centre = rng.uniform(size / 2, 1 - size / 2)
    four = [centre - size / 2, centre + size / 2]
    if reading.form is BoxForm.CENTRE:
        four = [centre, size]
    scale = WH if reading.coordinates is Coordinates.PIXELS else (1, 1)
    box = np.concatenate(four, 1) * [*scale, *scale]
    sure = rng.uniform(0.3, 0.95, (boxes, 1))
    index = rng.integers(0, class_count, boxes)
    scores = np.clip(np.eye(class_count)[index], 1e-4, 0.97)
    columns: dict[BoxLayout, list[npt.NDArray[Any]]] = {
        BoxLayout.YOLO_RAW: [box, scores * sure],
        BoxLayout.YOLOV5: [box, sure, scores],
        BoxLayout.YOLO_END2END: [box, sure, index[:, None]],
        BoxLayout.YOLOV7_END2END: [np.zeros((boxes, 1)), box, index[:, None], sure],
    }
    rows = as_floats(np.concatenate(columns[reading.layout], 1))
    if reading.boxes_axis == 0:
        return rows
    rows = np.concatenate([rows, np.zeros((100, rows.shape[1]), np.float32)])
    return rows.T[None] if reading.boxes_axis == 2 else rows[None]


def found_alone(look: Look) -> BoxFormat | None:
    try:
        return find_format(look, FormatHints(), is_usual=False)
    except ValueError:
        return None


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 5), formats)
@settings(deadline=None, max_examples=300)
def test_no_output_is_read_in_another_way(
    seed: int, boxes: int, class_count: int, reading: BoxFormat
) -> None:
    look = Look(output_of(seed, boxes, class_count, reading), class_count, WH, NO_VEHICLES)
    found = found_alone(look)
    assert found == reading or (found is None and boxes < 3)
    hints = FormatHints(reading.layout, reading.form, reading.coordinates)
    assert find_format(look, hints, is_usual=False) == reading


def test_the_known_vehicles_decide_between_two_readings() -> None:
    reading = BoxFormat.usual(BoxLayout.YOLO_END2END)
    box = [10, 10, 60, 40]
    output = as_floats([[[*map(float, box), 0.9, 0], [0.0] * 6]])
    with pytest.raises(ValueError, match=r"finds 1 boxes such as .* and can be read as"):
        find_format(Look(output, 3, WH, NO_VEHICLES), FormatHints(), is_usual=False)
    look = Look(output, 3, WH, as_floats([box, [300, 200, 330, 220]]))
    assert find_format(look, FormatHints(), is_usual=False) == reading
    assert vehicles_found(look, reading) == 1


@pytest.mark.parametrize(
    ("shape", "class_count", "layouts"),
    [
        pytest.param((1, 84, 8400), 80, {BoxLayout.YOLO_RAW}, id="v8"),
        pytest.param((1, 8400, 84), 80, {BoxLayout.YOLO_RAW}, id="v8 transposed"),
        pytest.param((1, 25200, 85), 80, {BoxLayout.YOLOV5}, id="v5"),
        pytest.param((1, 300, 6), 80, {BoxLayout.YOLO_END2END}, id="list"),
        pytest.param((1, 300, 6), 1, {BoxLayout.YOLO_END2END, BoxLayout.YOLOV5}, id="one class"),
        pytest.param((1, 300, 6), 2, {BoxLayout.YOLO_END2END, BoxLayout.YOLO_RAW}, id="two"),
        pytest.param((40, 7), 80, {BoxLayout.YOLOV7_END2END}, id="list of v7"),
        pytest.param((1, 84, 8400), 7, set(), id="other classes"),
        pytest.param((1, 84, 20, 20), 80, set(), id="feature map"),
    ],
)
def test_what_a_shape_says(
    shape: tuple[int, ...], class_count: int, layouts: set[BoxLayout]
) -> None:
    assert {one.layout for one in readings_of_shape(shape, class_count)} == layouts
