"""The audit of a camera by hand: a scripted network, a manual clock, idle work done when told."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from calibration import Bay, Calibration
from edge_app.alarms import Alarms
from edge_app.audit import Auditor
from edge_app.audit.history import AuditHistoryFile
from edge_app.config import AuditConfig
from edge_app.observation import Observation
from telemetry import BayState, ManualClock
from tests.networks import scripted_spec
from vision.input_size import InputPlan
from vision.types import (
    BayEvidence,
    Detections,
    Floats,
    Frame,
    ImageBgr,
    NetworkOutput,
    as_floats,
)

SPEC = scripted_spec(input_wh=(640, 480))
START = datetime(2026, 11, 24, 6, tzinfo=UTC)
BAYS = (
    Bay(id="a", polygon=((0.1, 0.2), (0.3, 0.2), (0.3, 0.8), (0.1, 0.8))),
    Bay(id="b", polygon=((0.5, 0.2), (0.7, 0.2), (0.7, 0.8), (0.5, 0.8))),
)
CALIBRATION = Calibration(camera="north", image_wh=(640, 480), bays=BAYS)


class SecondNetwork:
    """Says what it was told; a car in bay `a` has a box where the mirrored picture shows it."""

    def __init__(self, clock: ManualClock) -> None:
        self.spec = SPEC
        self.prob = [0.99, 0.01]
        self.clock = clock
        self.takes_s = 0.0
        self.plans: list[InputPlan | None] = []
        self.quads: list[Floats] = []

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        self.clock.advance(self.takes_s)
        self.plans.append(plan)
        self.quads.append(bay_quads_norm)
        box = as_floats([[448, 96, 576, 384]])
        return NetworkOutput(Detections(box, as_floats([0.9]), np.array([0])), as_floats(self.prob))


class Bench:
    """A camera whose bays `a` and `b` have the states that were set."""

    def __init__(
        self, path: Path | None = None, sha256: str = SPEC.sha256, **settings: object
    ) -> None:
        self.clock = ManualClock(epoch_utc=START)
        self.path = path
        self.network = SecondNetwork(self.clock)
        self.network.spec = replace(SPEC, sha256=sha256)
        self.idle: deque[Callable[[], None]] = deque()
        self.config = AuditConfig.model_validate({"every_s": 100.0, "settle_s": 10.0, **settings})
        self.restart()
        self.images: list[weakref.ref[ImageBgr]] = []
        self.since = self.clock.utc() - timedelta(hours=1)
        self.states: tuple[BayState, ...] = (
            BayState("a", True, None, 0.98, self.since),
            BayState("b", False, None, 0.98, self.since),
        )

    def restart(self) -> None:
        """The service ends and starts: nothing is left but the file and the clock."""
        self.alarms = Alarms()
        self.idle.clear()
        file = None if self.path is None else AuditHistoryFile(self.path)
        self.auditor = Auditor(
            self.config, self.clock, self.idle.append, lambda: self.network, self.alarms, file
        )

    def look(self) -> None:
        image = np.full((480, 640, 3), 90, np.uint8)
        self.images.append(weakref.ref(image))
        frame = Frame("north", image, self.clock.mono_s(), self.clock.utc(), 1)
        box = as_floats([[64, 96, 192, 384]])
        detections = Detections(box, as_floats([0.9]), np.array([0]))
        self.auditor.observe(
            Observation(
                frame=frame,
                calibration=CALIBRATION,
                spec=self.network.spec,
                output=NetworkOutput(detections, as_floats([0.98, 0.02])),
                polygons_norm=tuple(CALIBRATION.polygons_norm()),
                evidence=BayEvidence(as_floats([0.98, 0.02]), as_floats([1, 1])),
                states=self.states,
                changed=(),
            )
        )

    def watch(self, seconds_s: float) -> None:
        """Judge a frame a second, do idle work after each."""
        for _ in range(round(seconds_s)):
            self.clock.advance(1.0)
            self.look()
            while self.idle:
                self.idle.popleft()()
