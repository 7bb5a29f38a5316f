"""Canonical order of a bay's corners."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vision.quads import canonical_quads, polygon_to_quad
from vision.types import Floats, as_floats


def random_quad(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 4))
    radius = rng.uniform(20, 60, (4, 1))
    return as_floats(100 + radius * np.stack([np.cos(angles), np.sin(angles)], 1))


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.booleans())
def test_order_does_not_depend_on_how_the_installer_clicked(
    seed: int, first: int, backwards: bool
) -> None:
    quad = random_quad(seed)
    sums = np.sort(quad[:, 0] + quad[:, 1] * (1 + 1e-4))
    assume(sums[1] - sums[0] > 1e-2)
    clicked = np.roll(quad[::-1] if backwards else quad, first, axis=0)
    np.testing.assert_array_equal(canonical_quads(clicked[None]), canonical_quads(quad[None]))


@given(st.integers(0, 2**32 - 1))
def test_canonical_is_clockwise_from_the_upper_left_and_stays(seed: int) -> None:
    quad = canonical_quads(random_quad(seed)[None])
    x, y = quad[0].T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() >= -1e-3
    assert np.argmin(x + y * (1 + 1e-4)) == 0
    np.testing.assert_array_equal(canonical_quads(quad), quad)


def test_known_order() -> None:
    anticlockwise_from_lower_right = as_floats([[90, 60], [90, 10], [10, 10], [10, 60]])
    expected = [[10, 10], [90, 10], [90, 60], [10, 60]]
    assert canonical_quads(anticlockwise_from_lower_right[None])[0].tolist() == expected


def test_of_two_equal_corners_the_upper_is_first() -> None:
    diamond = as_floats([[50, 90], [10, 50], [50, 10], [90, 50]])
    assert canonical_quads(diamond[None])[0, 0].tolist() == [50, 10]


def test_no_bays() -> None:
    assert canonical_quads(np.zeros((0, 4, 2), np.float32)).shape == (0, 4, 2)


@pytest.mark.parametrize("points", [3, 5, 8])
def test_other_polygons_become_the_rectangle_of_least_area(points: int) -> None:
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    polygon = as_floats(50 + np.stack([30 * np.cos(angles), 12 * np.sin(angles)], 1))
    quad = polygon_to_quad(polygon)
    assert quad.shape == (4, 2)
    grown = (quad - quad.mean(0)) * 1.01 + quad.mean(0)
    contour = grown.reshape(-1, 1, 2)
    assert all(cv2.pointPolygonTest(contour, (float(x), float(y)), False) >= 0 for x, y in polygon)


def test_four_points_stay() -> None:
    quad = as_floats([[0, 0], [10, 1], [11, 9], [-1, 8]])
    np.testing.assert_array_equal(polygon_to_quad(quad), quad)
