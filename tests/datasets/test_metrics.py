"""Figures of merit against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.frames import LotFrame
from datasets.judging import Verdicts, joined
from datasets.metrics import (
    by_height,
    by_size,
    calibration_error,
    gain,
    measure,
    reliability,
    share_right,
)
from vision.types import as_floats


def verdicts(
    prob: list[float], occupied: list[bool], frame: list[int] | None = None, size: float = 50
) -> Verdicts:
    numbers = np.asarray(frame if frame is not None else [0] * len(prob), np.int64)
    count = int(numbers.max()) + 1
    blank = LotFrame("set", "split", Path("x.png"), (), (), ())
    return Verdicts(
        name="set:split",
        frames=(blank,) * count,
        frame=numbers,
        bay=np.arange(len(prob)),
        prob=as_floats(prob),
        occupied=np.asarray(occupied, np.bool),
        size_px=np.full(len(prob), size, np.float32),
        y_norm=np.linspace(0, 1, len(prob), dtype=np.float32),
    )


def test_counts_by_hand() -> None:
    # 2 hits, 1 missed, 1 false, 4 rightly free.
    prob = [0.9, 0.8, 0.2, 0.7, 0.1, 0.1, 0.1, 0.1]
    truth = [True, True, True, False, False, False, False, False]
    one = measure(verdicts(prob, truth))
    assert (one.frames, one.bays, one.occupied) == (1, 8, 3)
    assert one.accuracy.value == pytest.approx(6 / 8)
    assert one.precision == pytest.approx(2 / 3)
    assert one.recall == pytest.approx(2 / 3)
    assert one.f1.value == pytest.approx(2 / 3)
    assert one.brier == pytest.approx(np.square(np.array(prob) - truth).mean())


def test_one_frame_has_no_spread_many_have() -> None:
    single = measure(verdicts([0.9, 0.1], [True, True]))
    assert single.accuracy.low == single.accuracy.value == single.accuracy.high
    frames = list(range(40)) * 2
    prob = [0.9 if n % 4 else 0.1 for n in frames]
    many = measure(verdicts(prob, [True] * 80, frames))
    assert many.accuracy.low < many.accuracy.value == 0.75 < many.accuracy.high
    # The normal approximation over 40 frames: 1.96 * sqrt(.75 * .25 / 40) = 0.134 either side.
    assert many.accuracy.high - many.accuracy.low == pytest.approx(0.268, abs=0.04)


def test_bays_of_one_frame_are_not_drawn_apart() -> None:
    # 10 frames, each all right or all wrong: 100 bays, but no more than 10 observations.
    frames = [n // 10 for n in range(100)]
    prob = [0.9 if frame < 5 else 0.1 for frame in frames]
    one = measure(verdicts(prob, [True] * 100, frames))
    assert one.accuracy.high - one.accuracy.low > 0.5


def test_calibration_error_by_hand() -> None:
    prob, truth = as_floats([0.8] * 10), np.array([True] * 6 + [False] * 4)
    assert calibration_error(prob, truth) == pytest.approx(0.2, abs=1e-6)
    assert calibration_error(as_floats([1.0, 0.0]), np.array([True, False])) == pytest.approx(0)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_calibration_error_of_honest_probabilities_is_small(seed: int) -> None:
    rng = np.random.default_rng(seed)
    prob = as_floats(rng.uniform(0, 1, 20_000))
    assert calibration_error(prob, rng.uniform(0, 1, 20_000) < prob) < 0.02


def test_abstaining_is_counted_and_the_rest_judged() -> None:
    one = measure(verdicts([0.9, 0.45, 0.1], [True, True, False]), abstain=(0.4, 0.6))
    assert one.abstained == pytest.approx(1 / 3)
    assert one.decided_accuracy == 1.0
    assert one.accuracy.value == pytest.approx(2 / 3)


def test_reliability_bins() -> None:
    bins = reliability(as_floats([0.05, 0.95, 0.95, 1.0]), np.array([False, True, False, True]))
    assert [(one.bays, round(one.observed, 3)) for one in bins] == [(1, 0.0), (3, 0.667)]


def test_slices() -> None:
    small, large = verdicts([0.9, 0.1], [True, True], size=30), verdicts([0.9], [True], size=200)
    assert [(s.label, s.bays, s.accuracy) for s in by_size([small, large])] == [
        ("25 to 40 px", 2, 0.5),
        ("140 px and more", 1, 1.0),
    ]
    assert sum(one.bays for one in by_height([small, large])) == 3


def test_a_gain_is_paired_by_frame() -> None:
    frames = [n // 2 for n in range(20)]
    old = verdicts([0.9, 0.1] * 10, [True] * 20, frames)  # one of two bays wrong in each frame
    better = verdicts([0.9] * 20, [True] * 20, frames)
    found = gain(old, better)
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5), "the same in every frame"
    assert gain(old, old).low == gain(old, old).high == 0
    one = gain(old, verdicts([0.9] * 2 + [0.9, 0.1] * 9, [True] * 20, frames))
    assert one.low == 0 < one.value < one.high, "the frame may not be drawn"


def test_share_right_of_each_state() -> None:
    one = verdicts([0.9, 0.1, 0.1], [True, True, False])
    assert (share_right(one, occupied=True), share_right(one, occupied=False)) == (0.5, 1.0)
    assert share_right(verdicts([0.9], [True]), occupied=False) == 1.0


def test_verdicts_are_joined_and_taken_apart_again() -> None:
    first = verdicts([0.9, 0.1, 0.2], [True, True, False], [0, 0, 1])
    second = verdicts([0.8], [False])
    whole = joined("all", [first, second])
    assert (len(whole), len(whole.frames), whole.frame.tolist()) == (4, 3, [0, 0, 1, 2])
    last = whole.of_frames(np.array([False, False, True]))
    assert (last.frame.tolist(), last.prob.tolist()) == ([0], second.prob.tolist())
    assert whole.of_frames(np.array([True, True, False])).right.tolist() == first.right.tolist()
    assert whole.right_of_frames.tolist() == [1, 1, 0]
