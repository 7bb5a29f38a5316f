"""Where bay head and boxes are held against each other, the fused judgement does not take part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edge_app.harvest import worth_of
from harvest import HarvestReason
from tests.edge_app.harvest.bench import Bench
from vision.types import BayEvidence, NetworkOutput, as_floats


def test_heads_that_contradict_each_other_are_worth_a_frame_though_fusion_settled_it(
    make_bench: Callable[..., Bench],
) -> None:
    look = make_bench().look((0.05, 0.02))
    settled = replace(look, evidence=BayEvidence(as_floats([0.97, 0.02]), np.ones(2, np.float32)))
    boxes = as_floats([0.98, 0.03])
    assert settled.head_prob.tolist() == look.evidence.prob.tolist()
    worth = worth_of(settled, boxes, other_light=False, flapping=False)
    assert HarvestReason.DISAGREEMENT in worth.reasons


def test_without_a_bay_head_the_evidence_is_all_there_is(make_bench: Callable[..., Bench]) -> None:
    look = make_bench().look((0.9, 0.1))
    stock = replace(look, output=NetworkOutput(look.output.detections, None))
    assert stock.head_prob is look.evidence.prob
