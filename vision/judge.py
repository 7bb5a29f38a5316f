"""From an image to evidence for each bay: input size, one pass of the network, occupancy rule.

Everything that judges bays goes through here, so that the service, the calibration editor, the
commands and the evaluation give the same answer on the same image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vision.input_size import InputPlan, plan_input
from vision.quads import quads_of
from vision.rules import rule_for
from vision.types import (
    BayEvidence,
    Floats,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
    OccupancyRule,
)
from vision.unseen import seen_evidence
from vision.view_match import apply_matrix


class Detector(Protocol):
    """A network that looks at images; `OnnxDetector` is one."""

    @property
    def spec(self) -> NetworkSpec:
        """What network this is."""
        ...

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Run the network once.

        Args:
            image_bgr: shape (H, W, 3), uint8.
            bay_quads_norm: shape (M, 4, 2), float32, corners as fractions of the image's width
                and height; M may be 0.
            plan: input size and tiles; by default one input of the network's usual size.

        Raises:
            ModelError: the network failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class BayShapes:
    """The bays of a view, as the network and the occupancy rules take them.

    Attributes:
        polygons_norm: M outlines, each (K, 2) with K >= 3, fractions of width and height.
        quads_norm: their four corners, shape (M, 4, 2), float32.
    """

    polygons_norm: Sequence[Floats] = field(repr=False)
    quads_norm: Floats = field(repr=False)

    @classmethod
    def of(cls, polygons_norm: Sequence[Floats], image_wh: tuple[int, int]) -> BayShapes:
        """The bays of outlines on images of `image_wh` pixels."""
        return cls(polygons_norm, quads_of(polygons_norm, image_wh))

    def mapped(self, move: Callable[[Floats], Floats]) -> BayShapes:
        """The same bays with all points moved; `move` takes points of shape (..., 2)."""
        return BayShapes([move(each) for each in self.polygons_norm], move(self.quads_norm))

    def moved(self, homography: Floats | None) -> BayShapes:
        """The bays where the view stands now; the same ones where it stands as it was calibrated.

        Args:
            homography: shape (3, 3), as the view guard reports it; None: the view did not move.
        """
        if homography is None:
            return self
        matrix = homography.astype(np.float64)
        return self.mapped(lambda points: apply_matrix(points, matrix))


NO_BAYS = BayShapes((), np.zeros((0, 4, 2), np.float32))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one image says.

    Attributes:
        evidence: for each bay.
        output: of the network.
        plan: how the image went through the network.
    """

    evidence: BayEvidence
    output: NetworkOutput
    plan: InputPlan


def judge_bays(
    detector: Detector,
    image_bgr: ImageBgr,
    bays: BayShapes,
    plan: InputPlan | None = None,
    rule: OccupancyRule | None = None,
) -> Judgement:
    """Judge every bay of one image.

    Args:
        detector: the network.
        image_bgr: the image, shape (H, W, 3), uint8.
        bays: M bays, of this image.
        plan: input size and tiles; chosen by the size of the bays if not given.
        rule: turns the output into evidence; the network's own (`rule_for`) if not given.

    Raises:
        ModelError: the network failed.
    """
    image_wh = (image_bgr.shape[1], image_bgr.shape[0])
    plan = plan or plan_input(bays.polygons_norm, image_wh, detector.spec)
    rule = rule or rule_for(detector.spec)
    output = detector.detect(image_bgr, bays.quads_norm, plan)
    evidence = rule.judge(output, list(bays.polygons_norm), image_wh)
    seen = seen_evidence(evidence, image_bgr, output.detections, bays.polygons_norm)
    return Judgement(seen, output, plan)


class BayJudge:
    """Judges the images of one view, and keeps the input plan from one to the next.

    Args:
        detector: the network.
        bays: of the view, as they were drawn.
    """

    def __init__(self, detector: Detector, bays: BayShapes) -> None:
        self.detector = detector
        self.bays = bays
        self._plan: InputPlan | None = None

    @property
    def spec(self) -> NetworkSpec:
        """What network judges."""
        return self.detector.spec

    def judge(self, image_bgr: ImageBgr, moved: BayShapes | None = None) -> Judgement:
        """Judge every bay of one image.

        Args:
            image_bgr: the image, shape (H, W, 3), uint8.
            moved: where the bays lie in it, if not as drawn. The input stays planned for the bays
                as drawn: a camera that sways must not change the size of its input.

        Raises:
            ModelError: the network failed.
        """
        image_wh = (image_bgr.shape[1], image_bgr.shape[0])
        if self._plan is None or self._plan.image_wh != image_wh:
            self._plan = plan_input(self.bays.polygons_norm, image_wh, self.spec)
        return judge_bays(self.detector, image_bgr, moved or self.bays, self._plan)
