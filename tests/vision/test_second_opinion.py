"""A second look: what it looks at, whose opinions it holds, and what they come to together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.networks import scripted_spec
from vision.fusion_weights import FusionWeights
from vision.input_size import InputPlan
from vision.judge import BayShapes
from vision.second_opinion import SecondOpinion, enlarged_plan, second_opinion
from vision.types import (
    Detections,
    Floats,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
    as_floats,
)

SPEC = scripted_spec(input_wh=(640, 480))
LEFT = as_floats([[0.1, 0.2], [0.3, 0.2], [0.3, 0.8], [0.1, 0.8]])
RIGHT = as_floats([[0.6, 0.2], [0.8, 0.2], [0.8, 0.8], [0.6, 0.8]])
QUADS = np.stack([LEFT, RIGHT])
BAYS = BayShapes([LEFT, RIGHT], QUADS)


class Sees:
    """Finds one car where the mirrored picture is bright, and calls each bay as it is told."""

    def __init__(self, spec: NetworkSpec, prob: list[float]) -> None:
        self.spec, self.prob = spec, prob

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        rows, columns = np.nonzero(image_bgr[..., 0])
        box = as_floats([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
        found = Detections(box, as_floats([0.9]), np.array([0]))
        return NetworkOutput(found, as_floats(self.prob) if self.spec.has_bay_head else None)


def _picture() -> ImageBgr:
    image = np.zeros((480, 640, 3), np.uint8)
    image[96:384, 64:192] = 255
    return image


def test_the_boxes_of_the_mirrored_picture_are_matched_with_mirrored_bays() -> None:
    detector, image = Sees(SPEC, [0.9, 0.2]), _picture()
    first = detector.detect(image, QUADS)
    opinion = second_opinion(detector, image, BAYS, first)
    assert opinion.log_odds.shape == (2, 2)
    assert opinion.log_odds[0].tolist() == pytest.approx([np.log(9), -np.log(4)], abs=1e-4)
    assert opinion.log_odds[1, 0] > 5, "the car stands in the left bay, in both pictures"
    assert opinion.log_odds[1, 1] < -2
    only_boxes = replace(SPEC, has_bay_head=False)
    stock = Sees(only_boxes, [])
    one = second_opinion(stock, image, BAYS, stock.detect(image, QUADS))
    assert one.log_odds.shape == (1, 2), "boxes cannot be a second opinion on boxes"
    assert (one.log_odds > 0).tolist() == [[True, False]]


def test_the_head_s_second_opinion_is_its_own_not_the_fused_one() -> None:
    weights = FusionWeights(bias=0.0, head=0.5, head_sharp=0.5, firm=3.0, covered=3.0)
    detector, image = Sees(replace(SPEC, fusion=weights), [0.1, 0.2]), _picture()
    opinion = second_opinion(detector, image, BAYS, detector.detect(image, QUADS))
    assert opinion.log_odds[0].tolist() == pytest.approx([-np.log(9), -np.log(4)], abs=1e-4)


def test_opinions_are_averaged_not_summed() -> None:
    opinion = SecondOpinion(np.array([[2.0, -4.0], [4.0, 1.0]]))
    assert opinion.consensus(as_floats([0.5, 0.5])).tolist() == pytest.approx([2.0, -1.0])


@pytest.mark.parametrize(
    ("image_wh", "spec", "input_wh"),
    [
        pytest.param((640, 480), SPEC, (864, 640), id="a third larger, in strides"),
        pytest.param((640, 480), replace(SPEC, dynamic_input=False), (640, 480), id="fixed input"),
        pytest.param(
            (1664, 1216), replace(SPEC, input_wh=(1664, 1216)), (1664, 1216), id="one input's limit"
        ),
    ],
)
def test_the_enlarged_plan(
    image_wh: tuple[int, int], spec: NetworkSpec, input_wh: tuple[int, int]
) -> None:
    plan = enlarged_plan([LEFT, RIGHT], image_wh, spec)
    assert plan.input_wh == input_wh
    assert plan.image_wh == image_wh
