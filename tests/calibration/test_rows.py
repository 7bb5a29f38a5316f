from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from calibration import (
    BayTraits,
    Calibration,
    Numbering,
    RowPlan,
    check_calibration,
    copy_row,
    next_id,
    number_bays,
    parse_skip,
    row_bays,
    row_quads,
)
from calibration.geometry import Doubles, as_points, signed_area, to_norm
from calibration.homography import apply_homography, fit_homography, inverse_of
from calibration.types import Quad
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayAngle, BayKind

WH = (1920, 1080)


def camera(height_m: float = 6.0, tilt_deg: float = 30.0, turn_deg: float = 10.0) -> Doubles:
    """Homography from ground metres to pixels of a pinhole camera above a lot."""
    tilt, turn = np.radians(tilt_deg), np.radians(turn_deg)
    focal = 1400.0
    yaw = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
    # World: x right, y ahead, z up; camera: x right, y down, z ahead.
    look = np.array(
        [
            [1, 0, 0],
            [0, -np.sin(tilt), -np.cos(tilt)],
            [0, np.cos(tilt), -np.sin(tilt)],
        ]
    )
    rotation = look @ yaw
    place = rotation @ np.array([0, 0, -height_m])
    intrinsics = np.array([[focal, 0, WH[0] / 2], [0, focal, WH[1] / 2], [0, 0, 1]])
    return np.asarray(intrinsics @ np.column_stack([rotation[:, :2], place]), np.float64)


def ground_rectangle(left: float, near: float, width: float, depth: float) -> Doubles:
    return np.array(
        [
            [left, near + depth],
            [left + width, near + depth],
            [left + width, near],
            [left, near],
        ]
    )


cameras = st.builds(
    camera,
    height_m=st.floats(3, 15),
    tilt_deg=st.floats(15, 70),
    turn_deg=st.floats(-40, 40),
)


def picture_of(matrix: Doubles, ground: Doubles) -> Quad:
    return as_points(to_norm(apply_homography(matrix, ground), WH))


@given(cameras, st.integers(1, 30), st.floats(-0.4, 0.4))
def test_bays_are_equally_wide_on_the_ground(matrix: Doubles, count: int, skew: float) -> None:
    """The definition of perspective-correct: mapped back to metres, every bay is the same."""
    ground = ground_rectangle(-8, 9, 16, 5)
    plan = RowPlan(quad=picture_of(matrix, ground), count=count, skew=skew)
    pixels = np.asarray(row_quads(plan, WH)) * WH
    back = inverse_of(matrix)
    bays_m = np.array([apply_homography(back, quad) for quad in pixels])
    width_m = 16 * (1 - abs(skew)) / count
    np.testing.assert_allclose(bays_m[:, 1, 0] - bays_m[:, 0, 0], width_m, atol=1e-3)
    np.testing.assert_allclose(bays_m[:, 2, 0] - bays_m[:, 3, 0], width_m, atol=1e-3)
    np.testing.assert_allclose(bays_m[:, 3, 0] - bays_m[:, 0, 0], 16 * skew, atol=1e-3)
    np.testing.assert_allclose(bays_m[:, 0, 1] - bays_m[:, 3, 1], 5, atol=1e-3)


@given(cameras, st.integers(3, 12))
def test_cross_ratio_along_the_row_is_that_of_equal_steps(matrix: Doubles, count: int) -> None:
    """What survives any camera: marks 0, 1, 2, 3 have the cross-ratio 4/3."""
    plan = RowPlan(quad=picture_of(matrix, ground_rectangle(-8, 9, 16, 5)), count=count)
    quads = np.asarray(row_quads(plan, WH)) * WH
    front = np.array([*quads[:, 0], quads[-1, 1]])
    for a, b, c, d in zip(front, front[1:], front[2:], front[3:], strict=False):
        to_b, to_c, to_d = (float(np.linalg.norm(point - a)) for point in (b, c, d))
        # (AC / BC) : (AD / BD) = (2 / 1) : (3 / 2)
        ratio = (to_c / (to_c - to_b)) / (to_d / (to_d - to_b))
        assert ratio == pytest.approx(4 / 3, rel=1e-3)


@given(cameras, st.integers(1, 20), st.sampled_from([1, 2]))
def test_neighbours_share_their_edge_and_fill_the_row(
    matrix: Doubles, count: int, rows: int
) -> None:
    corners = picture_of(matrix, ground_rectangle(-8, 9, 16, 10))
    plan = RowPlan(quad=corners, count=count, rows=rows)
    quads = np.asarray(row_quads(plan, WH))
    assert len(quads) == count * rows
    row = quads[:count]
    np.testing.assert_allclose(row[:-1, 1], row[1:, 0], atol=1e-9)
    np.testing.assert_allclose(row[:-1, 2], row[1:, 3], atol=1e-9)
    total = sum(signed_area(quad * WH) for quad in quads)
    assert total == pytest.approx(signed_area(np.asarray(plan.quad) * WH), rel=1e-5)
    assert all(signed_area(quad * WH) > 0 for quad in quads), "clockwise"


@given(cameras, st.floats(-3, 3), st.floats(-3, 8))
def test_a_copied_row_is_as_large_on_the_ground(
    matrix: Doubles, right_m: float, ahead_m: float
) -> None:
    ground = ground_rectangle(-6, 9, 12, 5)
    plan = RowPlan(quad=picture_of(matrix, ground), count=5)
    shifted = ground + np.array([right_m, ahead_m])
    copied = copy_row(plan, picture_of(matrix, shifted)[0], WH)
    back = apply_homography(inverse_of(matrix), np.asarray(copied.quad) * WH)
    np.testing.assert_allclose(back, shifted, atol=2e-3)
    assert copied.count == plan.count


def test_a_copy_beyond_the_horizon_is_refused() -> None:
    plan = RowPlan(quad=picture_of(camera(), ground_rectangle(-8, 9, 16, 5)), count=4)
    with pytest.raises(CalibrationError, match="horizon"):
        copy_row(plan, (0.5, -2.0), WH)


def test_herringbone_rows_lean_towards_each_other() -> None:
    quad = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.6), (0.1, 0.6))
    plan = RowPlan(quad=quad, count=3, skew=0.2, rows=2, herringbone=True, split=0.4)
    quads = np.asarray(row_quads(plan, WH))
    lean = quads[:, 3, 0] - quads[:, 0, 0]
    np.testing.assert_allclose(lean[:3], 0.16, atol=1e-9)
    np.testing.assert_allclose(lean[3:], -0.16, atol=1e-9)
    np.testing.assert_allclose(quads[:3, 3, 1], 0.48, atol=1e-9)
    np.testing.assert_allclose(quads[:3, 2], quads[3:, 1], atol=1e-9)


@pytest.mark.parametrize(
    "quad",
    [
        pytest.param(((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)), id="bow tie"),
        pytest.param(((0.1, 0.1), (0.5, 0.1), (0.9, 0.1), (0.5, 0.9)), id="three on a line"),
        pytest.param(((0.1, 0.1), (0.9, 0.1), (0.3, 0.3), (0.1, 0.9)), id="dent"),
        pytest.param(((0.1, 0.1),) * 4, id="one point"),
    ],
)
def test_corners_of_no_row_are_refused(quad: Quad) -> None:
    with pytest.raises(CalibrationError, match="convex quadrilateral, but got"):
        row_quads(RowPlan(quad=quad, count=3), WH)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"count": 0}, "count", id="no bays"),
        pytest.param({"count": 201}, "count", id="too many"),
        pytest.param({"dividers": (0.5,)}, "expected 2, but got 1", id="one divider of two"),
        pytest.param({"dividers": (0.6, 0.4)}, "increasing fractions", id="not rising"),
        pytest.param({"dividers": (0.0, 0.4)}, "increasing fractions", id="at the end"),
        pytest.param({"skew": 1.0}, "skew", id="skew"),
        pytest.param({"rows": 3}, "rows", id="three rows"),
    ],
)
def test_a_plan_refuses_what_has_no_meaning(fields: dict[str, object], said: str) -> None:
    quad = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.6), (0.1, 0.6))
    with pytest.raises(ValidationError, match=said):
        RowPlan.model_validate({"quad": quad, "count": 3, **fields})


def test_sixty_bays_of_a_double_row_are_valid_and_numbered() -> None:
    corners = picture_of(camera(height_m=12, tilt_deg=30), ground_rectangle(-11, 20, 22, 10))
    plan = RowPlan(quad=corners, count=30, rows=2)
    ids = number_bays(Numbering(start="A01", skip=frozenset({13})), 60)
    bays = row_bays(plan, ids, WH, BayTraits(kind=BayKind.EV, zone="Z1"))
    inside = all(0 <= value <= 1 for bay in bays for point in bay.polygon for value in point)
    calibration = Calibration(camera="n", image_wh=WH, bays=bays)
    assert inside
    assert check_calibration(calibration) == ()
    assert (bays[0].id, bays[12].id, bays[59].id) == ("A01", "A14", "A61")
    assert {(bay.kind, bay.zone, bay.angle) for bay in bays} == {
        (BayKind.EV, "Z1", BayAngle.PERPENDICULAR)
    }
    slanted = plan.model_copy(update={"skew": 0.05})
    assert row_bays(slanted, ids, WH)[0].angle is BayAngle.ANGLED
    with pytest.raises(CalibrationError, match="expected 60 ids for 60 bays, but got 59"):
        row_bays(plan, ids[1:], WH)


@pytest.mark.parametrize(
    ("numbering", "count", "ids"),
    [
        pytest.param(Numbering(), 3, ("A01", "A02", "A03"), id="plain"),
        pytest.param(Numbering(start="P1-098"), 3, ("P1-098", "P1-099", "P1-100"), id="width"),
        pytest.param(Numbering(start="9"), 2, ("9", "10"), id="digits grow"),
        pytest.param(Numbering(start="7b"), 2, ("7b", "8b"), id="suffix"),
        pytest.param(Numbering(start="B02", step=2), 3, ("B02", "B04", "B06"), id="even"),
        pytest.param(Numbering(reverse=True), 3, ("A03", "A02", "A01"), id="reverse"),
        pytest.param(
            Numbering(start="A12", skip=frozenset({13})), 3, ("A12", "A14", "A15"), id="no 13"
        ),
    ],
)
def test_numbering(numbering: Numbering, count: int, ids: tuple[str, ...]) -> None:
    assert number_bays(numbering, count) == ids


@pytest.mark.parametrize(
    ("start", "taken", "said"),
    [
        pytest.param("A", (), "with a number in it", id="no digits"),
        pytest.param("A/1", (), "but got 'A/1'", id="slash"),
        pytest.param("A01", ("A02", "A09"), "got A02; start at .* A10", id="taken"),
    ],
)
def test_numbering_refuses(start: str, taken: tuple[str, ...], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        number_bays(Numbering(start=start), 3, taken)


@given(st.sets(st.integers(0, 500)), st.integers(1, 50), st.booleans())
def test_numbered_ids_differ_and_avoid_the_skipped(
    skip: set[int], count: int, reverse: bool
) -> None:
    ids = number_bays(Numbering(start="C1", skip=frozenset(skip), reverse=reverse), count)
    numbers = [int(bay_id[1:]) for bay_id in ids]
    assert len(set(ids)) == count
    assert not skip & set(numbers)
    assert numbers == sorted(numbers, reverse=reverse)


def test_next_id_and_skip_lists() -> None:
    assert next_id({"A01", "A07", "B20"}, "A01") == "A08"
    assert next_id(set(), "B01") == "B01"
    assert parse_skip("4, 13,20-22,") == {4, 13, 20, 21, 22}
    for wrong in ("x", "5-3", "1-99999", "-1"):
        with pytest.raises(CalibrationError, match="skip: expected"):
            parse_skip(wrong)


@given(cameras)
def test_a_homography_is_recovered_from_its_points(matrix: Doubles) -> None:
    source = np.array([[-8, 9], [8, 9], [8, 16], [-8, 16], [0, 12], [3, 10.0]])
    found = fit_homography(source, apply_homography(matrix, source))
    np.testing.assert_allclose(found / found[2, 2], matrix / matrix[2, 2], rtol=1e-6, atol=1e-6)


def test_points_that_fix_no_homography_are_refused() -> None:
    line = np.array([[0, 0], [1, 0], [2, 0], [3, 0.0]])
    with pytest.raises(CalibrationError, match="no three lie on a line"):
        fit_homography(line, line)
    with pytest.raises(CalibrationError, match="4 or more pairs of points, but got 3"):
        fit_homography(line[:3], line[:3])
