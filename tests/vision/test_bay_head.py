"""The rule of networks with a bay head, and the choice of the rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vision import BayHeadRule, OverlapRule, rule_for
from vision.types import Detections, NetworkOutput, NetworkSpec, as_floats

BAYS = [as_floats([[0, 0], [1, 0], [1, 1]])] * 2


def test_probabilities_pass_through_with_full_quality() -> None:
    output = NetworkOutput(Detections.empty(), as_floats([0.2, 0.9]))
    evidence = BayHeadRule().judge(output, BAYS, (10, 10))
    np.testing.assert_array_equal(evidence.prob, as_floats([0.2, 0.9]))
    assert evidence.quality.tolist() == [1, 1]


@pytest.mark.parametrize("prob", [None, as_floats([0.5])], ids=["no bay head", "another number"])
def test_one_probability_for_each_bay_is_expected(prob: object) -> None:
    output = NetworkOutput(Detections.empty(), prob)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 2 bay probabilities"):
        BayHeadRule().judge(output, BAYS, (10, 10))


def test_the_network_decides_the_rule(make_spec: Callable[..., NetworkSpec]) -> None:
    assert isinstance(rule_for(make_spec(has_bay_head=True)), BayHeadRule)
    assert isinstance(rule_for(make_spec(has_bay_head=False)), OverlapRule)
