"""A second look at an image, as independent of the first as one network allows.

Three opinions on each bay: the usual pass; a pass on the image enlarged and mirrored, so that
every bay meets other cells of the feature map; and the vehicle boxes of both passes, judged by
overlap, which know nothing of the bay head. They share a trunk, so they can be wrong together; how
often they are was measured, see docs/retraining.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vision.assignment import OverlapRule
from vision.evidence import to_log_odds
from vision.input_size import MAX_INPUT_PX, InputPlan, plan_input
from vision.judge import BayShapes, Detector, judge_bays
from vision.types import Floats, ImageBgr, NetworkOutput, NetworkSpec

Doubles = npt.NDArray[np.float64]
ENLARGEMENT = 4 / 3
"""Of each side. Enough that a bay meets other cells; more costs more and shows nothing new."""


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What others than the usual pass say of M bays.

    Attributes:
        log_odds: of "occupied", shape (K, M), float64: the enlarged and mirrored pass, and, for a
            network with a bay head, the vehicle boxes.
    """

    log_odds: Doubles

    def consensus(self, first: Floats) -> Doubles:
        """Log-odds that all opinions together give.

        The mean, not the sum: opinions that share a trunk repeat one observation, and summing them
        would claim certainty that nothing supports.

        Args:
            first: probability of "occupied" by the usual pass or the state, shape (M,).
        """
        joined = np.concatenate([to_log_odds(first)[None], self.log_odds])
        mean: Doubles = joined.mean(0)
        return mean


def second_opinion(
    detector: Detector, image_bgr: ImageBgr, bays: BayShapes, first: NetworkOutput
) -> SecondOpinion:
    """Look again.

    Args:
        detector: the network that looked first.
        image_bgr: the image, shape (H, W, 3), uint8.
        bays: M bays, as they lie in the image.
        first: what the first look said.

    Raises:
        ModelError: the network failed.
    """
    image_wh = (image_bgr.shape[1], image_bgr.shape[0])
    mirrored = bays.mapped(_mirrored)
    again = judge_bays(
        detector,
        np.ascontiguousarray(image_bgr[:, ::-1]),
        mirrored,
        enlarged_plan(mirrored.polygons_norm, image_wh, detector.spec),
    )
    by_head = again.output.bay_prob
    opinions = [to_log_odds(again.evidence.prob if by_head is None else by_head)]
    if detector.spec.has_bay_head:
        boxes = OverlapRule()
        by_boxes = [
            to_log_odds(boxes.judge(output, list(shapes.polygons_norm), image_wh).prob)
            for output, shapes in ((first, bays), (again.output, mirrored))
        ]
        opinions.append(np.mean(by_boxes, 0))
    return SecondOpinion(np.stack(opinions))


def enlarged_plan(
    polygons_norm: Sequence[Floats], image_wh: tuple[int, int], spec: NetworkSpec
) -> InputPlan:
    """The usual plan, enlarged where the network takes it and one input can hold it."""
    plan = plan_input(polygons_norm, image_wh, spec)
    width, height = (
        round(side * ENLARGEMENT / spec.stride) * spec.stride for side in plan.input_wh
    )
    if not spec.dynamic_input or width * height > MAX_INPUT_PX:
        return plan
    return replace(
        plan, input_wh=(width, height), smallest_bay_px=plan.smallest_bay_px * ENLARGEMENT
    )


def _mirrored(points_norm: Floats) -> Floats:
    flipped = points_norm.copy()
    flipped[..., 0] = 1 - flipped[..., 0]
    return flipped
