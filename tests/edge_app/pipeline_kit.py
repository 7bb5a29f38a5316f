"""A pipeline with a scripted network and a manual clock: for tests of pipeline and scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from calibration import Bay, Calibration
from edge_app.config import CameraConfig, EvidenceConfig
from edge_app.delivery.changes import BayChange
from edge_app.live_state import CameraCondition, LiveState, LiveView
from edge_app.pipeline import CameraPipeline
from edge_app.ports import Outlets
from telemetry import Clock, ManualClock, ModelError, UnknownReason
from tests.networks import scripted_spec
from vision.change_gate import Finding
from vision.input_size import InputPlan
from vision.types import (
    Detections,
    Floats,
    Frame,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
)
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys

SPEC = scripted_spec()


class ScriptedDetector:
    """Gives the probability that was set, for every bay."""

    def __init__(
        self, prob: float = 0.01, takes_s: float = 0.0, clock: Clock | None = None
    ) -> None:
        self.prob = prob
        self.fault: ModelError | None = None
        self.quads: list[Floats] = []
        self._takes_s, self._clock = takes_s, clock

    @property
    def spec(self) -> NetworkSpec:
        return SPEC

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        assert plan is not None
        assert plan.image_wh == (image_bgr.shape[1], image_bgr.shape[0])
        if self._clock is not None:
            self._clock.sleep(self._takes_s)
        if self.fault is not None:
            raise self.fault
        self.quads.append(bay_quads_norm)
        prob = np.full(len(bay_quads_norm), self.prob, np.float32)
        return NetworkOutput(Detections.empty(), prob)


class ScriptedGuard:
    def __init__(self) -> None:
        self.report = ViewReport()

    def look(
        self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
    ) -> ViewReport:
        return self.report

    def catch_up(self) -> None:
        """Nothing is postponed."""


class ScriptedGate:
    def __init__(self) -> None:
        self.open = True

    def look(
        self, frame: Frame, polygons_norm: Sequence[Floats], greys: SmallGreys | None = None
    ) -> Finding:
        return Finding.CHANGED if self.open else Finding.NOTHING

    def judged(self) -> None:
        """Nothing is compared."""


def square(bay: str, left: float = 0.1) -> Bay:
    right = left + 0.2
    return Bay(id=bay, polygon=((left, 0.1), (right, 0.1), (right, 0.3), (left, 0.3)))


def calibration(*bays: str, camera: str = "cam", revision: int = 3) -> Calibration:
    drawn = tuple(square(bay, 0.02 + 0.25 * index) for index, bay in enumerate(bays))
    return Calibration(camera=camera, image_wh=(640, 480), bays=drawn, revision=revision)


@dataclass
class Rig:
    """A pipeline, its clock, and what it put out."""

    clock: ManualClock = field(default_factory=ManualClock)
    detector: ScriptedDetector = field(default_factory=ScriptedDetector)
    recorded: list[BayChange] = field(default_factory=list)
    live_state: LiveState = field(default_factory=LiveState)
    frames: int = 0

    def __post_init__(self) -> None:
        config = CameraConfig(id="cam", source="x", calibration_file=Path("x.json"))
        self.pipeline = CameraPipeline(
            config, EvidenceConfig(), Outlets(self.recorded.extend, self.live_state), self.clock
        )
        self.pipeline.use_detector(self.detector)
        self.pipeline.use_calibration(calibration("a", "b"))

    def run(self, seconds: float, prob: float | None = None) -> None:
        if prob is not None:
            self.detector.prob = prob
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            self.frames += 1
            self.pipeline.judge(self.frame())

    def frame(self) -> Frame:
        image = np.full((480, 640, 3), 90, np.uint8)
        return Frame("cam", image, self.clock.mono_s(), self.clock.utc(), self.frames)

    def occ(self) -> list[bool | None]:
        return [state.occ for state in self.pipeline.states()]

    def reasons(self) -> set[UnknownReason | None]:
        return {state.reason for state in self.pipeline.states()}

    def view(self) -> LiveView:
        view = self.live_state.latest("cam")
        assert view is not None
        return view

    def condition(self) -> CameraCondition:
        return self.view().status.condition
