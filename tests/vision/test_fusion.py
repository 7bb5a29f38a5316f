"""One judgement from bay head and boxes: monotone, bounded, and sane at the rims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vision.bay_head import BayHeadRule
from vision.fusion import HEAD_LIMIT, FusionRule, cues_of
from vision.fusion_weights import FusionWeights
from vision.rules import rule_for
from vision.types import Detections, Floats, NetworkOutput, NetworkSpec, as_floats

WEIGHTS = FusionWeights(bias=-1.0, head=0.4, head_sharp=1.2, firm=3.0, covered=2.5)
WH = (200, 100)
LEFT = as_floats([[0.1, 0.2], [0.3, 0.2], [0.3, 0.8], [0.1, 0.8]])
RIGHT = as_floats([[0.6, 0.2], [0.8, 0.2], [0.8, 0.8], [0.6, 0.8]])
BAYS = [LEFT, RIGHT]
IN_LEFT = [20.0, 20.0, 60.0, 80.0]


def _vehicles(*boxes: tuple[list[float], float]) -> Detections:
    if not boxes:
        return Detections.empty()
    xyxy, confidence = zip(*boxes, strict=True)
    return Detections(as_floats(xyxy), as_floats(confidence), np.zeros(len(boxes), np.int64))


def _prob(head: list[float], *boxes: tuple[list[float], float]) -> Floats:
    output = NetworkOutput(_vehicles(*boxes), as_floats(head))
    return FusionRule(WEIGHTS).judge(output, BAYS, WH).prob


def test_boxes_turn_a_head_that_errs_and_the_head_a_box_that_is_missing() -> None:
    left, right = _prob([0.1, 0.999], (IN_LEFT, 0.9))
    assert left > 0.5, "a car plainly boxed in a bay that the head calls free with 90 %"
    assert right > 0.5, "a car that the head is sure of and no box shows"
    assert (_prob([0.1, 0.05]) < 0.25).all()


@pytest.mark.parametrize("head", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_more_overlap_or_a_surer_box_never_makes_a_bay_freer(head: float) -> None:
    shifts = np.linspace(80, 0, 41)
    by_overlap = [_prob([head, 0.5], ([20.0 + s, 20.0, 60.0 + s, 80.0], 0.8))[0] for s in shifts]
    by_confidence = [_prob([head, 0.5], (IN_LEFT, c))[0] for c in np.linspace(0.02, 1, 50)]
    assert (np.diff(by_overlap) >= 0).all()
    assert (np.diff(by_confidence) >= 0).all()
    assert by_overlap[-1] > by_overlap[0]
    assert by_confidence[-1] > by_confidence[0]


@pytest.mark.parametrize("boxes", [(), ((IN_LEFT, 0.6),)], ids=["no box", "a box"])
def test_a_surer_head_never_makes_a_bay_freer(boxes: tuple[tuple[list[float], float], ...]) -> None:
    rising = [_prob([p, 0.7], *boxes)[0] for p in np.linspace(0, 1, 101)]
    assert (np.diff(rising) >= 0).all()
    assert rising[-1] > rising[0]


def test_a_sure_head_counts_more_where_it_is_sure_of_the_other_bays() -> None:
    clear = _prob([0.99, 0.9999])[0]
    murky = _prob([0.99, 0.5])[0]
    assert clear > murky > 0.5
    assert _prob([0.01, 0.9999])[0] < _prob([0.01, 0.5])[0] < 0.5


def test_impossible_certainty_stays_a_number() -> None:
    assert np.isfinite(_prob([0.0, 1.0])).all()
    cues = cues_of(as_floats([0.0, 1.0]), Detections.empty(), [p * as_floats(WH) for p in BAYS])
    assert cues.head.tolist() == [-HEAD_LIMIT, HEAD_LIMIT]


def test_a_neighbours_car_that_leans_over_counts_less_than_a_car_in_the_bay() -> None:
    wide = [20.0, 20.0, 150.0, 80.0]
    assert (
        _prob([0.5, 0.2], (wide, 0.9))[1] < _prob([0.5, 0.2], ([120.0, 20.0, 160.0, 80.0], 0.9))[1]
    )


def test_faint_boxes_say_nothing() -> None:
    assert _prob([0.3, 0.3], (IN_LEFT, 0.05)).tolist() == _prob([0.3, 0.3]).tolist()


def test_no_bays_and_one_bay_and_a_crossed_outline() -> None:
    rule = FusionRule(WEIGHTS)
    none = rule.judge(NetworkOutput(_vehicles((IN_LEFT, 0.9)), np.zeros(0, np.float32)), [], WH)
    assert none.prob.shape == (0,)
    one = rule.judge(NetworkOutput(_vehicles((IN_LEFT, 0.9)), as_floats([0.5])), [LEFT], WH)
    crossed = LEFT[[0, 2, 1, 3]]
    twisted = rule.judge(NetworkOutput(_vehicles((IN_LEFT, 0.9)), as_floats([0.5])), [crossed], WH)
    assert one.prob[0] > twisted.prob[0] > 0.5


def test_a_head_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 bay probabilities, but got None"):
        FusionRule(WEIGHTS).judge(NetworkOutput(Detections.empty(), None), BAYS, WH)


def test_the_rule_of_a_network_follows_its_weights(make_spec: Callable[..., NetworkSpec]) -> None:
    spec = make_spec(has_bay_head=True)
    assert isinstance(rule_for(replace(spec, fusion=WEIGHTS)), FusionRule)
    assert isinstance(rule_for(spec), BayHeadRule)
    assert replace(spec, fusion=WEIGHTS).method == "bay_head", "the word that readers know"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("head", -0.1, "head must be finite and at least 0, but got -0.1", id="sign"),
        pytest.param("firm", float("nan"), "firm must be finite", id="not a number"),
        pytest.param("bias", float("inf"), "bias must be finite, but got inf", id="endless"),
    ],
)
def test_weights_that_no_judgement_can_have_are_refused(name: str, value: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(WEIGHTS, **{name: value})
