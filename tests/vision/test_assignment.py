"""Footprints, overlap, and one vehicle to one bay."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.assignment import (
    NO_VEHICLE,
    OverlapRule,
    OverlapSettings,
    assign_vehicles,
    footprint_overlap,
)
from vision.types import Detections, Floats, NetworkOutput, as_floats


def quad(left: float, top: float, right: float, bottom: float) -> Floats:
    return as_floats([[left, top], [right, top], [right, bottom], [left, bottom]])


@pytest.mark.parametrize(
    ("box", "bay", "expected"),
    [
        pytest.param([0, 0, 50, 100], quad(0, 0, 50, 100), 1.0, id="from above: whole box"),
        pytest.param([0, 0, 50, 100], quad(0, 70, 50, 100), 1.0, id="oblique: lowest strip"),
        pytest.param([0, 40, 50, 70], quad(0, 0, 50, 40), 0.0, id="roof of the car in front"),
        pytest.param([0, 0, 50, 100], quad(50, 0, 99, 100), 0.0, id="beside"),
        pytest.param([0, 0, 50, 100], quad(25, 0, 75, 100), 1 / 3, id="half"),
    ],
)
def test_overlap_of_one_pair(box: list[float], bay: Floats, expected: float) -> None:
    assert footprint_overlap(as_floats([box]), [bay])[0, 0] == pytest.approx(expected, abs=1e-5)


def test_overlap_without_vehicles_or_bays() -> None:
    assert footprint_overlap(np.zeros((0, 4), np.float32), [quad(0, 0, 1, 1)]).shape == (0, 1)
    assert footprint_overlap(as_floats([[0, 0, 1, 1]]), []).shape == (1, 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
@settings(deadline=None)
def test_assignment_is_the_global_optimum(seed: int, vehicles: int, bays: int) -> None:
    overlap = as_floats(np.random.default_rng(seed).uniform(0, 1, (vehicles, bays)))
    total = assign_vehicles(overlap, 0.0).overlap.sum()
    wide = overlap if vehicles <= bays else overlap.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(order))
        for order in permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert total == pytest.approx(best, abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
@settings(deadline=None)
def test_no_vehicle_fills_two_bays(seed: int, vehicles: int, bays: int) -> None:
    overlap = as_floats(np.random.default_rng(seed).uniform(0, 1, (vehicles, bays)))
    given_to = assign_vehicles(overlap, 0.3).vehicle
    real = given_to[given_to != NO_VEHICLE]
    assert len(set(real.tolist())) == len(real)
    assert (overlap[real, np.flatnonzero(given_to != NO_VEHICLE)] >= 0.3).all()


def test_first_come_first_served_would_lose_a_bay() -> None:
    # Car 0 fits bay 0 best, but only it can stand in bay 1: greedy leaves bay 1 free.
    overlap = as_floats([[0.6, 0.5], [0.55, 0.0]])
    assert assign_vehicles(overlap, 0.1).vehicle.tolist() == [1, 0]


def test_a_lorry_over_three_bays_fills_one() -> None:
    bays = [quad(x, 0, x + 30, 60) for x in (0, 30, 60)]
    found = Detections(as_floats([[0, 0, 90, 60]]), as_floats([0.9]), np.zeros(1, np.int64))
    assigned = OverlapRule(OverlapSettings(min_overlap=0.1)).assign(found, bays)
    assert (assigned.vehicle != NO_VEHICLE).sum() == 1


def judge(boxes: list[list[float]], confidence: list[float]) -> list[float]:
    found = Detections(
        as_floats(boxes).reshape(-1, 4),
        as_floats(confidence),
        np.zeros(len(boxes), np.int64),
    )
    bays_norm = [quad(0, 0, 0.5, 1), quad(0.5, 0, 1, 1)]
    evidence = OverlapRule().judge(NetworkOutput(found, None), bays_norm, (100, 100))
    assert evidence.quality.tolist() == [1, 1]
    return [float(prob) for prob in evidence.prob]


def test_probability_rises_with_overlap_and_confidence() -> None:
    full, none = judge([[0, 0, 50, 100]], [0.8])
    partly, _ = judge([[0, 0, 28, 100]], [0.8])
    faint, _ = judge([[0, 0, 50, 100]], [0.2])
    assert none < 0.2
    assert 0.5 < partly < full
    assert faint < full


def test_no_vehicles_at_all() -> None:
    assert judge([], []) == pytest.approx([1 / (1 + np.exp(2.63))] * 2)
