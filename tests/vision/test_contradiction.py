from __future__ import annotations

import numpy as np
import pytest

from telemetry import UnknownReason
from vision.contradiction import ContradictionWatch, contradicts
from vision.types import BayEvidence, as_floats


@pytest.mark.parametrize(
    ("head", "boxes", "both", "expected"),
    [
        pytest.param(0.02, 0.99, 0.4, True, id="boxes see a car"),
        pytest.param(0.98, 0.07, 0.7, True, id="the head sees one"),
        pytest.param(0.02, 0.99, 0.01, False, id="settled: free"),
        pytest.param(0.98, 0.07, 0.96, False, id="settled: occupied"),
        pytest.param(0.5, 0.99, 0.6, False, id="only doubt"),
        pytest.param(0.98, 0.99, 0.8, False, id="they agree"),
    ],
)
def test_a_contradiction_that_nothing_settles(
    head: float, boxes: float, both: float, expected: bool
) -> None:
    found = contradicts(as_floats([head]), as_floats([boxes]), as_floats([both]))
    assert found.tolist() == [expected]


def evidence(*contradicted: bool) -> BayEvidence:
    count = len(contradicted)
    return BayEvidence(
        np.full(count, 0.4, np.float32),
        np.ones(count, np.float32),
        contradicted=np.array(contradicted),
    )


def test_only_what_lasts_is_asked_and_unsure_only_while_it_does() -> None:
    watch = ContradictionWatch(["a", "b", "c"])
    for step in range(30):  # a quarter of an hour, twice a minute
        found = watch.look(evidence(True, step % 4 == 0, False), 30.0 * step)
        if step < 15:
            assert not found.unseen, "not for minutes"
    assert watch.lasting() == ("a",)
    assert found.unseen == {0: UnknownReason.UNSURE}
    assert found.quality.tolist() == [0, 1, 1]
    assert not watch.look(evidence(False, False, False), 901.0).unseen, "now it is clear"
    assert watch.lasting() == ("a",), "and yet a person should look"
    assert not watch.look(evidence(True, False, False), 902.0, {"a"}).unseen
    assert watch.lasting() == (), "somebody did"


def test_a_pause_counts_little_and_other_networks_contradict_nothing() -> None:
    watch = ContradictionWatch(["a"])
    watch.look(evidence(True), 0.0)
    watch.look(evidence(True), 100_000.0)
    assert watch.lasting() == ()
    plain = BayEvidence(as_floats([0.4]), as_floats([1.0]))
    assert watch.look(plain, 100_001.0) is plain
