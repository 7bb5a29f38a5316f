"""Input size and tiles from the size of a camera's bays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.geometry import extents, to_pixels
from vision.input_size import (
    MAX_INPUT_PX,
    MAX_TILES,
    input_fault,
    min_cells,
    plan_input,
    smallest_input,
    tile_of_bays,
)
from vision.types import Floats, NetworkSpec, as_floats

MakeSpec = Callable[..., NetworkSpec]


def bay(x_px: float, y_px: float, side_px: float, image_wh: tuple[int, int]) -> Floats:
    corners = side_px * as_floats([[0, 0], [1, 0], [1, 1], [0, 1]])
    return as_floats((corners + as_floats([x_px, y_px])) / as_floats(image_wh))


@pytest.fixture
def spec(make_spec: MakeSpec) -> NetworkSpec:
    return make_spec(input_wh=(960, 736))


def test_large_bays_take_the_usual_size_shaped_like_the_picture(spec: NetworkSpec) -> None:
    plan = plan_input([bay(100, 100, 300, (1920, 1080))], (1920, 1080), spec)
    assert plan.input_wh == (960, 544)
    assert plan.tiles == ((0, 0, 1920, 1080),)
    assert plan.smallest_bay_px == pytest.approx(150)
    assert plan.is_enough


def test_without_bays_the_usual_size(spec: NetworkSpec) -> None:
    plan = plan_input([], (1600, 1200), spec)
    assert (plan.input_wh, plan.smallest_bay_px, plan.is_enough) == ((960, 736), 0, True)


def test_small_bays_ask_for_more_pixels(spec: NetworkSpec) -> None:
    bays = [bay(0, 0, 200, (1600, 1200)), bay(500, 500, 35, (1600, 1200))]
    plan = plan_input(bays, (1600, 1200), spec, useful_bay_px=28)
    assert plan.input_wh == (1280, 960)
    assert plan.smallest_bay_px == pytest.approx(28)
    assert plan.is_enough


def test_one_far_bay_takes_the_others_no_farther_than_suits_them(spec: NetworkSpec) -> None:
    image_wh = (1600, 1200)
    near = [bay(x, 600, 100, image_wh) for x in range(0, 1500, 110)]
    plan = plan_input([*near, bay(0, 0, 17, image_wh)], image_wh, spec)
    assert plan.input_wh == (1280, 960), "four thirds of the usual size"
    assert not plan.is_enough
    assert plan_input([*near, bay(0, 0, 25, image_wh)], image_wh, spec).input_wh == (1280, 960)


def test_where_most_bays_are_small_all_of_them_are_served(spec: NetworkSpec) -> None:
    image_wh = (1600, 1200)
    far = [bay(x, 600, 18, image_wh) for x in range(0, 1500, 30)]
    plan = plan_input([*far, bay(0, 900, 200, image_wh)], image_wh, spec)
    assert plan.is_enough
    assert plan.input_wh == (1440, 1088)


def test_a_smallest_bay_that_is_just_useful_gets_a_little_more(spec: NetworkSpec) -> None:
    image_wh = (1600, 1200)
    plan = plan_input([bay(0, 0, 200, image_wh), bay(500, 500, 28, image_wh)], image_wh, spec)
    assert plan.smallest_bay_px == pytest.approx(20)
    assert plan.input_wh == (1152, 864)


def test_bays_too_small_even_so_are_told(spec: NetworkSpec) -> None:
    plan = plan_input([bay(0, 0, 12, (1600, 1200))], (1600, 1200), spec, useful_bay_px=28)
    assert plan.smallest_bay_px == pytest.approx(12)
    assert not plan.is_enough
    assert "below the useful 28 px" in plan.describe()


def test_a_wide_view_is_tiled_where_the_bays_are(spec: NetworkSpec) -> None:
    image_wh = (3840, 2160)
    bays = [bay(x, 1000, 30, image_wh) for x in range(40, 3800, 60)]
    plan = plan_input(bays, image_wh, spec, useful_bay_px=28)
    assert 4 <= len(plan.tiles) <= 6
    assert plan.is_enough
    assert all(top < 1000 and bottom > 1030 for _, top, _, bottom in plan.tiles)
    assert plan.input_px < 3840 * 2160


def test_a_network_of_fixed_input_gets_tiles_instead(make_spec: MakeSpec) -> None:
    spec = make_spec(input_wh=(640, 640), dynamic_input=False)
    bays = [bay(x, 500, 35, (1600, 1200)) for x in (20, 800, 1500)]
    plan = plan_input(bays, (1600, 1200), spec, useful_bay_px=28)
    assert plan.input_wh == (640, 640)
    assert len(plan.tiles) > 1
    assert plan.is_enough


def test_a_network_of_fixed_input_is_left_alone_when_bays_are_large(make_spec: MakeSpec) -> None:
    spec = make_spec(input_wh=(640, 640), dynamic_input=False)
    plan = plan_input([bay(0, 0, 300, (1600, 1200))], (1600, 1200), spec)
    assert (plan.input_wh, plan.tiles) == ((640, 640), ((0, 0, 1600, 1200),))


def test_a_narrow_picture_gets_an_input_that_the_network_takes(make_spec: MakeSpec) -> None:
    spec = make_spec(input_wh=(960, 736), fixed_boxes=600)
    assert input_fault((32, 736), spec), "as large as the usual one, and too small"
    assert plan_input([], (64, 3840), spec).input_wh == (32, 928)
    assert plan_input([], (1600, 1200), spec).input_wh == (960, 736), "others are as they were"


@pytest.mark.parametrize(
    ("facts", "cells"),
    [
        pytest.param({"fixed_boxes": 0}, 1, id="as many boxes as there are"),
        pytest.param({"fixed_boxes": 21}, 1, id="one cell has them"),
        pytest.param({"fixed_boxes": 22}, 2, id="one more than a cell has"),
        pytest.param({"fixed_boxes": 600}, 29, id="three strides"),
        pytest.param({"fixed_boxes": 600, "stride": 64}, 8, id="four strides"),
        pytest.param({"fixed_boxes": 600, "stride": 4}, 600, id="a stride finer than any"),
    ],
)
def test_cells_that_an_input_must_have(
    make_spec: MakeSpec, facts: dict[str, object], cells: int
) -> None:
    assert min_cells(make_spec(**facts)) == cells


@pytest.mark.parametrize(
    ("asked_wh", "smallest_wh", "why"),
    [
        pytest.param((256, 128), (256, 128), "", id="enough"),
        pytest.param((224, 128), (256, 128), "needs 29 cells of 32x32 px", id="wide"),
        pytest.param((128, 224), (128, 256), "needs 29 cells of 32x32 px", id="high"),
        pytest.param((32, 32), (192, 160), "needs 29 cells of 32x32 px", id="one cell"),
        pytest.param((896, 32), (928, 32), "needs 29 cells of 32x32 px", id="a strip"),
        pytest.param((500, 300), (512, 320), "must be multiples of 32", id="no whole cells"),
    ],
)
def test_an_input_that_a_network_does_not_take(
    make_spec: MakeSpec, asked_wh: tuple[int, int], smallest_wh: tuple[int, int], why: str
) -> None:
    spec = make_spec(fixed_boxes=600)
    assert smallest_input(asked_wh, spec) == smallest_wh
    assert input_fault(smallest_wh, spec) == ""
    fault = input_fault(asked_wh, spec)
    assert why in fault
    if why:
        width, height = smallest_wh
        assert fault.startswith(f"expected an input of {width}x{height} px or more, but got")
        assert f"but got {asked_wh[0]}x{asked_wh[1]}: " in fault


def test_a_network_of_fixed_input_takes_no_other(make_spec: MakeSpec) -> None:
    spec = make_spec(input_wh=(640, 640), dynamic_input=False)
    assert input_fault((640, 640), spec) == ""
    assert input_fault((1280, 640), spec) == (
        "expected an input of 640x640 px, but got 1280x640: the model has a fixed input size"
    )


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(320, 7680), st.integers(240, 4320)),
    st.integers(1, 60),
    st.floats(6, 200),
    st.booleans(),
)
@settings(deadline=None)
def test_every_plan_is_sound(
    make_spec: MakeSpec,
    seed: int,
    image_wh: tuple[int, int],
    count: int,
    side_px: float,
    dynamic: bool,
) -> None:
    rng = np.random.default_rng(seed)
    side_px = min(side_px, min(image_wh) / 4)
    spots = rng.uniform(0, 1, (count, 2)) * (as_floats(image_wh) - side_px)
    bays = [bay(x, y, side_px, image_wh) for x, y in spots]
    spec = make_spec(input_wh=(960, 736), dynamic_input=dynamic, fixed_boxes=600)
    plan = plan_input(bays, image_wh, spec)
    assert input_fault(plan.input_wh, spec) == ""
    assert plan.input_wh[0] * plan.input_wh[1] <= MAX_INPUT_PX
    assert 1 <= len(plan.tiles) <= MAX_TILES
    boxes = extents([to_pixels(one, image_wh) for one in bays])
    chosen = np.asarray(plan.tiles)[tile_of_bays(boxes, plan.tiles)]
    assert (boxes[:, :2] >= chosen[:, :2] - 1).all(), "a bay sticks out of its tile"
    assert (boxes[:, 2:] <= chosen[:, 2:] + 1).all(), "a bay sticks out of its tile"
    for left, top, right, bottom in plan.tiles:
        assert 0 <= left < right <= image_wh[0]
        assert 0 <= top < bottom <= image_wh[1]


def test_a_bay_goes_to_the_tile_in_which_it_lies_deepest() -> None:
    tiles = ((0, 0, 100, 100), (60, 0, 160, 100))
    boxes = as_floats([[10, 40, 20, 50], [62, 40, 72, 50], [88, 40, 98, 50]])
    assert tile_of_bays(boxes, tiles).tolist() == [0, 0, 1]
