"""Fitting a picture into the network's input, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.letterbox import PAD_GREY, Letterbox
from vision.types import as_floats

SIDES = st.integers(16, 4000)
INPUT_SIDES = st.integers(1, 60).map(lambda n: 32 * n)


@given(st.tuples(SIDES, SIDES), st.tuples(INPUT_SIDES, INPUT_SIDES), st.integers(0, 2**32 - 1))
def test_points_come_back_unchanged(
    image_wh: tuple[int, int], input_wh: tuple[int, int], seed: int
) -> None:
    box = Letterbox.fit(image_wh, input_wh)
    points = as_floats(np.random.default_rng(seed).uniform(0, 1, (20, 2)) * image_wh)
    back = box.to_image_px(box.to_input_px(points))
    assert np.abs(back - points).max() < 1e-3 * max(image_wh)


@given(st.tuples(SIDES, SIDES), st.tuples(INPUT_SIDES, INPUT_SIDES))
def test_picture_lies_inside_the_input_and_touches_two_sides(
    image_wh: tuple[int, int], input_wh: tuple[int, int]
) -> None:
    box = Letterbox.fit(image_wh, input_wh)
    corners = box.to_input_px(as_floats([[0, 0], image_wh]))
    assert (corners >= 0).all()
    assert (corners <= as_floats(input_wh) + 1e-3).all()
    assert box.scaled_wh[0] == input_wh[0] or box.scaled_wh[1] == input_wh[1]


@pytest.mark.parametrize(
    ("image_wh", "input_wh", "scaled_wh", "offset_xy"),
    [
        pytest.param((1600, 1200), (960, 736), (960, 720), (0, 8), id="border above and below"),
        pytest.param((100, 200), (96, 64), (32, 64), (32, 0), id="border left and right"),
        pytest.param((96, 64), (96, 64), (96, 64), (0, 0), id="as it is"),
        pytest.param((48, 32), (96, 64), (96, 64), (0, 0), id="enlarged"),
        pytest.param((101, 64), (96, 64), (96, 61), (0, 1), id="odd border: the upper is smaller"),
    ],
)
def test_sizes(
    image_wh: tuple[int, int],
    input_wh: tuple[int, int],
    scaled_wh: tuple[int, int],
    offset_xy: tuple[int, int],
) -> None:
    box = Letterbox.fit(image_wh, input_wh)
    assert (box.scaled_wh, box.offset_xy) == (scaled_wh, offset_xy)


def test_apply_puts_the_picture_where_the_points_go() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 80:120] = (10, 200, 30)
    box = Letterbox.fit((200, 100), (96, 64))
    canvas = box.apply(image)
    assert canvas.shape == (64, 96, 3)
    assert (canvas[0] == PAD_GREY).all()
    x, y = box.to_input_px(as_floats([100, 50])).round().astype(int)
    assert canvas[y, x].tolist() == [10, 200, 30]


@pytest.mark.parametrize(("image_wh", "input_wh"), [((0, 5), (32, 32)), ((5, 5), (32, 0))])
def test_sides_must_be_positive(image_wh: tuple[int, int], input_wh: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="sizes must be positive"):
        Letterbox.fit(image_wh, input_wh)
