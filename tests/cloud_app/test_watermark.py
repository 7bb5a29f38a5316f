"""How far a stream is complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_app.storage.watermark import contiguous


@pytest.mark.parametrize(
    ("upto", "seqs", "gaps", "expected"),
    [
        pytest.param(0, [], [], 0, id="nothing"),
        pytest.param(0, [1, 2, 3], [], 3, id="all"),
        pytest.param(0, [2, 3], [], 0, id="first is missing"),
        pytest.param(3, [4, 6], [], 4, id="hole"),
        pytest.param(0, [1, 5], [(2, 4)], 5, id="gap fills the hole"),
        pytest.param(0, [4], [(1, 2), (3, 3)], 4, id="gaps in a row"),
        pytest.param(0, [1], [(2, 9), (3, 4)], 9, id="gap within a gap"),
        pytest.param(5, [2, 6], [(1, 3)], 6, id="old news"),
    ],
)
def test_contiguous(upto: int, seqs: list[int], gaps: list[tuple[int, int]], expected: int) -> None:
    assert contiguous(upto, seqs, gaps) == expected


@given(
    upto=st.integers(0, 20),
    seqs=st.sets(st.integers(1, 40)),
    gaps=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6))),
)
def test_it_agrees_with_counting_one_by_one(
    upto: int, seqs: set[int], gaps: list[tuple[int, int]]
) -> None:
    ranges = sorted((first, first + length) for first, length in gaps)
    covered = seqs | {n for first, last in ranges for n in range(first, last + 1)}
    expected = upto
    while expected + 1 in covered:
        expected += 1
    assert contiguous(upto, sorted(seqs), ranges) == expected
