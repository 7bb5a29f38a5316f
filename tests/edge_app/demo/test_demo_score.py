"""The demo's score, on stories with known answers."""

from __future__ import annotations

import pytest

from edge_app.demo.score import Claim, Score, score_claims
from simulator import TruthChange


def score(
    claims: list[Claim], changes: list[TruthChange], *, start: bool, end_s: float = 60
) -> Score:
    def truth(time_s: float) -> dict[str, bool]:
        state = start
        for change in changes:
            if change.time_s <= time_s:
                state = change.occupied
        return {"A": state}

    return score_claims(claims, truth, changes, end_s, limit_s=9.0)


def test_all_right_when_nothing_happens() -> None:
    result = score([Claim("A", True, 2.0)], [], start=True)
    assert result.bay_seconds == pytest.approx(58.0)
    assert (result.right_share, result.settled_share, result.unknown_share) == (1.0, 1.0, 0.0)
    assert (result.changes, result.false, result.first_state_s) == (0, 0, 2.0)


def test_a_delay_costs_its_seconds_but_not_the_settled_share() -> None:
    claims = [Claim("A", False, 0.0), Claim("A", True, 24.0)]
    result = score(claims, [TruthChange("A", True, 20.0)], start=False)
    assert result.right_share == pytest.approx(56 / 60)
    assert result.settled_share == 1.0
    assert (result.right, result.late, result.missed, result.false) == (1, 0, 0, 0)
    assert result.delays_s == (4.0,)
    assert result.delay_s(0.95) == 4.0


@pytest.mark.parametrize(
    ("time_s", "right", "late", "missed"),
    [
        pytest.param(19.0, 1, 0, 0, id="a-little-early"),
        pytest.param(35.0, 0, 1, 0, id="late"),
        pytest.param(None, 0, 0, 1, id="never"),
    ],
)
def test_changes_are_sorted_by_their_delay(
    time_s: float | None, right: int, late: int, missed: int
) -> None:
    claims = [Claim("A", False, 0.0)]
    if time_s is not None:
        claims.append(Claim("A", True, time_s))
    result = score(claims, [TruthChange("A", True, 20.0)], start=False)
    assert (result.right, result.late, result.missed) == (right, late, missed)


def test_a_claim_without_a_true_change_is_false() -> None:
    claims = [Claim("A", False, 0.0), Claim("A", True, 10.0), Claim("A", False, 20.0)]
    result = score(claims, [], start=False)
    assert result.false == 2
    assert result.right_share == pytest.approx(50 / 60)


def test_unknown_counts_as_not_right_but_not_as_false() -> None:
    claims = [Claim("A", False, 0.0), Claim("A", None, 30.0), Claim("A", False, 45.0)]
    result = score(claims, [], start=False)
    assert result.unknown_share == pytest.approx(0.25)
    assert result.right_share == pytest.approx(0.75)
    assert result.false == 0


def test_a_change_just_before_the_end_is_not_judged() -> None:
    result = score([Claim("A", False, 0.0)], [TruthChange("A", True, 55.0)], start=False)
    assert result.changes == 0


def test_nothing_published_scores_nothing() -> None:
    result = score([], [], start=False)
    assert (result.bay_seconds, result.right_share, result.first_state_s) == (0.0, 0.0, None)
    assert result.delay_s(0.5) is None
