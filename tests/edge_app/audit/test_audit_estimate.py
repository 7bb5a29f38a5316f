"""From opinions to an accuracy with an interval: worked figures, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from edge_app.audit import LookTally, estimate_accuracy, tally_look
from edge_app.audit.estimate import effective_bays
from vision.second_opinion import SecondOpinion
from vision.types import as_floats


def test_a_bay_is_confirmed_doubted_or_outvoted() -> None:
    prob = as_floats([0.9, 0.9, 0.9, 0.1])
    opinion = SecondOpinion(np.array([[2.0, 1.0, -3.0, -4.0], [1.0, -6.0, -2.0, 5.0]]))
    tally = tally_look(opinion, prob)
    assert tally == LookTally(bays=4, confirmed=1, upheld=2, outvoted=1)
    counted = np.array([True, False, False, True])
    assert tally_look(opinion, prob, counted) == LookTally(2, confirmed=1, upheld=2, outvoted=0)


def test_tallies_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="confirmed=3"):
        LookTally(bays=3, confirmed=3, upheld=3, outvoted=1)


def test_no_bay_no_estimate() -> None:
    assert estimate_accuracy([]) is None
    assert estimate_accuracy([LookTally(0, 0, 0, 0)]) is None


def test_all_confirmed_counts_pictures_not_bays() -> None:
    """Jeffreys' interval of 40 of 40, as a beta distribution has it."""
    found = estimate_accuracy([LookTally(30, 30, 30, 0)] * 40)
    assert found is not None
    assert (found.looks, found.bays, found.accuracy) == (40, 1200, 1.0)
    assert found.low == pytest.approx(beta.ppf(0.025, 40.5, 0.5))
    assert found.high == 1.0


def test_doubted_bays_widen_the_interval_on_both_sides() -> None:
    sure = estimate_accuracy([LookTally(20, 18, 18, 2), LookTally(20, 17, 17, 3)] * 50)
    unsure = estimate_accuracy([LookTally(20, 16, 18, 0), LookTally(20, 15, 17, 1)] * 50)
    assert sure is not None
    assert unsure is not None
    assert unsure.accuracy == sure.accuracy == 0.875
    assert unsure.low < sure.low < 0.875 < sure.high < unsure.high


def test_bays_that_err_together_count_less() -> None:
    bays = np.full(40, 10.0)
    apart = np.full(40, 9.0)
    apart[::2] = [10.0, 8.0] * 10
    together = np.where(np.arange(40) % 10 == 0, 0.0, 10.0)
    assert effective_bays(together, bays) == pytest.approx(40, abs=1)
    assert effective_bays(apart, bays) == 400


@pytest.mark.parametrize("accuracy", [0.8, 0.97])
def test_the_interval_covers_the_truth_where_errors_are_independent(accuracy: float) -> None:
    """Three opinions whose errors fall independently: bays of one picture share its light."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        tallies = []
        for _ in range(60):
            easy = rng.random() < 0.9
            share = accuracy + 0.02 if easy else accuracy - 0.18
            truth = rng.random(12) < 0.5
            said = np.where(rng.random((3, 12)) < [[share], [0.95], [0.93]], truth, ~truth)
            log_odds = np.where(said, 3.0, -3.0)
            first = as_floats(np.where(said[0], 0.95, 0.05))
            tallies.append(tally_look(SecondOpinion(log_odds[1:]), first))
        found = estimate_accuracy(tallies)
        assert found is not None
        covered += found.low <= accuracy <= found.high
    assert covered >= 90
