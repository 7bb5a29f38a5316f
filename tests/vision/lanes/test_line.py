"""When a step passes over a line, which way, and where on the way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from telemetry.gates import PassageDirection
from vision.lanes import CountedLine, LineSide
from vision.lanes.line import crossings, distance_to

LINE = np.array([(0.0, 0.0), (10.0, 0.0)])
BENT = np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)])


@pytest.mark.parametrize(
    ("line", "start", "end", "net", "share"),
    [
        pytest.param(LINE, (5, 1), (5, -1), 1, 0.5, id="up, that is to the left"),
        pytest.param(LINE, (5, -1), (5, 3), -1, 0.25, id="down, to the right"),
        pytest.param(LINE, (5, 1), (8, 2), 0, 1.0, id="beside it"),
        pytest.param(LINE, (-1, 1), (-1, -1), 0, 1.0, id="round its beginning"),
        pytest.param(LINE, (11, 1), (11, -1), 0, 1.0, id="round its end"),
        pytest.param(LINE, (5, 1), (5, 0), 0, 1.0, id="onto it"),
        pytest.param(LINE, (5, 0), (5, -1), 1, 0.0, id="off it, on the other side"),
        pytest.param(LINE, (5, 0), (5, 1), 0, 1.0, id="off it, back"),
        pytest.param(LINE, (5, 0), (7, 0), 0, 1.0, id="along it"),
        pytest.param(BENT, (12, -2), (8, 2), -1, 0.5, id="through the joint"),
        pytest.param(BENT, (5, -1), (12, 5), 0, 1 / 6, id="in and out of a bend"),
        pytest.param(BENT, (9, 5), (11, 5), 1, 0.5, id="over the second part"),
    ],
)
def test_a_step_over_a_line(
    line: np.ndarray, start: tuple[float, float], end: tuple[float, float], net: int, share: float
) -> None:
    found_net, found_share = crossings(line, np.array(start, float), np.array(end, float))
    assert found_net == net
    assert found_share == pytest.approx(share)


def test_a_way_counts_alike_however_it_is_cut_into_steps() -> None:
    """Ends on the line, joints and corners included: a grid makes all of them happen."""
    rng = np.random.default_rng(1)
    for _ in range(2000):
        line = rng.integers(0, 4, (3, 2)).astype(float)
        start, middle = rng.integers(-1, 5, (2, 2)).astype(float)
        end = middle + (middle - start)  # straight on, so that both ways are one
        whole = crossings(line, start, end)[0]
        parts = [crossings(line, a, b)[0] for a, b in itertools.pairwise((start, middle, end))]
        assert whole == sum(parts), (line, start, middle)


def test_the_distance_is_that_of_the_drawn_line_not_of_its_extension() -> None:
    assert distance_to(LINE, np.array((13.0, 4.0))) == pytest.approx(5.0)
    assert distance_to(BENT, np.array((12.0, 5.0))) == pytest.approx(2.0)


def test_which_side_is_in_and_who_is_counted() -> None:
    points = np.array([(0.1, 0.5), (0.9, 0.5)], np.float32)
    line = CountedLine("gate", points, LineSide.LEFT)
    assert line.direction(to_left=True) is PassageDirection.IN
    assert line.direction(to_left=False) is PassageDirection.OUT
    flipped = CountedLine("gate", points, LineSide.RIGHT, frozenset({"bicycle", "car"}))
    assert flipped.direction(to_left=True) is PassageDirection.OUT
    assert [line.counts(name) for name in ("car", "bus", "bicycle", "person")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert flipped.counts("bicycle"), "it was asked for"
    assert not flipped.counts("bus")


def test_one_point_is_no_line() -> None:
    with pytest.raises(ValueError, match=r"line 'gate': expected points of shape \(2 or more, 2\)"):
        CountedLine("gate", np.zeros((1, 2), np.float32))
