"""The live check: what the network sees in the bays as they are drawn now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from calibration.types import Calibration
from vision.input_size import InputPlan, plan_input
from vision.rules import rule_for
from vision.types import Detections, Floats, ImageBgr, NetworkOutput, NetworkSpec


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one picture says.

    Attributes:
        prob: probability that each bay is occupied, shape (M,), in layout order.
        quality: 0 (says nothing) to 1 for each bay, shape (M,).
        detections: vehicles, pixels of the picture.
    """

    prob: Floats
    quality: Floats
    detections: Detections


class BayJudge(Protocol):
    """Something that looks at a picture and says what stands where."""

    @property
    def spec(self) -> NetworkSpec:
        """The network behind it."""
        ...

    def judge(self, image_bgr: ImageBgr, calibration: Calibration) -> Judgement:
        """Look at one picture, shape (H, W, 3), and every bay of `calibration` in it."""
        ...


class PlanningDetector(Protocol):
    """A detector that fits its input to the bays, as `vision.detector.OnnxDetector` does."""

    @property
    def spec(self) -> NetworkSpec:
        """What network this is."""
        ...

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        """Run the network once, on inputs as planned."""
        ...


class NetworkJudge:
    """A network with the occupancy rule that belongs to it: as the edge service judges."""

    def __init__(self, detector: PlanningDetector) -> None:
        """Use `detector`."""
        self._detector = detector
        self._rule = rule_for(detector.spec)

    @property
    def spec(self) -> NetworkSpec:
        """The network behind it."""
        return self._detector.spec

    def judge(self, image_bgr: ImageBgr, calibration: Calibration) -> Judgement:
        """Look at one picture and every bay of `calibration` in it.

        Raises:
            ModelError: the network failed.
        """
        image_wh = (image_bgr.shape[1], image_bgr.shape[0])
        polygons = calibration.polygons_norm()
        plan = plan_input(polygons, image_wh, self.spec)
        output = self._detector.detect(image_bgr, calibration.quads_norm(), plan)
        evidence = self._rule.judge(output, polygons, image_wh)
        return Judgement(evidence.prob, evidence.quality, output.detections)
