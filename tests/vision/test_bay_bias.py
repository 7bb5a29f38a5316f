from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.bay_bias import MAX_BIAS, Answer, biased, fit_bias
from vision.types import BayEvidence, as_floats


def test_an_answer_against_the_network_turns_a_close_call() -> None:
    assert -0.5 + fit_bias([Answer(-0.5, True)]) > 0
    assert 0.5 + fit_bias([Answer(0.5, False)]) < 0
    assert abs(fit_bias([Answer(5.0, True)])) < 0.1, "it was right: nothing to learn"
    assert fit_bias([]) == 0


@given(
    st.lists(st.builds(Answer, st.floats(-7, 7), st.booleans()), max_size=5),
    st.floats(-7, 7),
)
def test_an_offset_is_bounded_and_another_occupied_answer_never_lowers_it(
    answers: list[Answer], log_odds: float
) -> None:
    before = fit_bias(answers)
    after = fit_bias([*answers, Answer(log_odds, True)])
    assert -MAX_BIAS <= before <= after + 1e-6 <= MAX_BIAS + 1e-5


def test_only_the_bay_that_was_answered_moves() -> None:
    evidence = BayEvidence(as_floats([0.4, 0.4]), np.ones(2, np.float32))
    moved = biased(evidence, ["a", "b"], {"a": 2.0, "elsewhere": 1.0})
    assert moved.prob[0] == pytest.approx(1 / (1 + np.exp(-(np.log(0.4 / 0.6) + 2))), abs=1e-5)
    assert moved.prob[1] == evidence.prob[1]
    assert biased(evidence, ["a", "b"], {}) is evidence


def test_an_answer_is_a_number() -> None:
    with pytest.raises(ValueError, match="log_odds must be finite"):
        Answer(float("nan"), True)
