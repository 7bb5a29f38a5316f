"""One judgement for everybody: input planned by the bays, one pass, the network's own rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.networks import scripted_spec
from vision.assignment import OverlapRule
from vision.input_size import InputPlan, plan_input
from vision.judge import NO_BAYS, BayJudge, BayShapes, judge_bays
from vision.types import Detections, Floats, ImageBgr, NetworkOutput, NetworkSpec, as_floats

SPEC = scripted_spec(input_wh=(640, 480))
WH = (1280, 960)
NEAR = as_floats([[0.1, 0.2], [0.4, 0.2], [0.4, 0.8], [0.1, 0.8]])
FAR = as_floats([[0.60, 0.20], [0.62, 0.20], [0.62, 0.23], [0.60, 0.23]])
PICTURE = np.full((960, 1280, 3), 90, np.uint8)


class Records:
    """A detector that keeps what it was asked, and sees one car in the near bay."""

    def __init__(self, spec: NetworkSpec = SPEC) -> None:
        self.spec = spec
        self.asked: list[tuple[Floats, InputPlan | None]] = []

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        self.asked.append((bay_quads_norm, plan))
        found = Detections(as_floats([[128, 192, 512, 768]]), as_floats([0.9]), np.array([0]))
        prob = np.linspace(0.1, 0.9, len(bay_quads_norm), dtype=np.float32)
        return NetworkOutput(found, prob if self.spec.has_bay_head else None)


@pytest.fixture
def bays() -> BayShapes:
    return BayShapes.of([NEAR, FAR], WH)


def test_the_input_is_planned_by_the_bays_and_the_bay_head_answers(bays: BayShapes) -> None:
    detector = Records()
    said = judge_bays(detector, PICTURE, bays)
    assert said.plan == plan_input([NEAR, FAR], WH, SPEC)
    assert said.plan.input_wh > SPEC.input_wh, "the far bay is small"
    assert detector.asked[0][1] is said.plan
    assert said.evidence.prob.tolist() == pytest.approx([0.1, 0.9])


def test_a_network_of_boxes_is_judged_by_overlap_unless_told_otherwise(bays: BayShapes) -> None:
    stock = Records(replace(SPEC, has_bay_head=False))
    assert (judge_bays(stock, PICTURE, bays).evidence.prob > 0.5).tolist() == [True, False]
    by_boxes = judge_bays(Records(), PICTURE, bays, rule=OverlapRule())
    assert (by_boxes.evidence.prob > 0.5).tolist() == [True, False]


def test_a_view_without_bays_is_looked_at_for_its_vehicles() -> None:
    for spec in (SPEC, replace(SPEC, has_bay_head=False)):
        said = judge_bays(Records(spec), PICTURE, NO_BAYS)
        assert len(said.evidence.prob) == 0
        assert len(said.output.detections) == 1


def test_a_swaying_camera_keeps_the_size_of_its_input(bays: BayShapes) -> None:
    detector = Records()
    judge = BayJudge(detector, bays)
    first = judge.judge(PICTURE)
    moved = bays.mapped(lambda points: points * 1.5)  # planned again, so large bays ask for less
    assert plan_input(moved.polygons_norm, WH, SPEC).input_wh != first.plan.input_wh
    assert judge.judge(PICTURE, moved).plan is first.plan
    assert np.array_equal(detector.asked[1][0], bays.quads_norm * 1.5)


def test_pictures_of_another_size_are_planned_for_again(bays: BayShapes) -> None:
    judge = BayJudge(Records(), bays)
    assert judge.judge(PICTURE).plan.image_wh == WH
    assert judge.judge(np.full((240, 320, 3), 90, np.uint8)).plan.image_wh == (320, 240)
