"""Judged frames by hand: bays with patterns in them, a manual clock, a scripted network's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from calibration import Bay, Calibration, Mask
from edge_app.alarms import Alarms
from edge_app.config import HarvestConfig
from edge_app.harvest import Harvester, HarvestStore
from edge_app.observation import Observation
from telemetry import BayState, ManualClock, UnknownReason
from tests.networks import scripted_spec
from vision.privacy import PrivacySettings
from vision.types import (
    BayEvidence,
    Detections,
    Frame,
    NetworkOutput,
    as_floats,
)

WH = (640, 480)
SPEC = scripted_spec(input_wh=(640, 480))
OUTLINES = (
    ((0.1, 0.2), (0.3, 0.2), (0.3, 0.8), (0.1, 0.8)),
    ((0.5, 0.2), (0.7, 0.2), (0.7, 0.8), (0.5, 0.8)),
)
CALIBRATION = Calibration(
    camera="north",
    image_wh=WH,
    bays=tuple(Bay(id=name, polygon=each) for name, each in zip("ab", OUTLINES, strict=True)),
    masks=(Mask(name="house", polygon=((0.9, 0.0), (1.0, 0.0), (1.0, 0.2), (0.9, 0.2))),),
    revision=4,
)
START = datetime(2026, 11, 24, 6, tzinfo=UTC)


@dataclass
class Bench:
    """A harvester and the camera before it."""

    folder: Path
    config: HarvestConfig
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    alarms: Alarms = field(default_factory=Alarms)
    number: int = 0

    def __post_init__(self) -> None:
        self.store = HarvestStore(self.folder, self.config)
        privacy = PrivacySettings()
        self.harvester = Harvester(self.config, privacy, self.store, self.clock, self.alarms)

    def look(
        self,
        prob: Sequence[float] = (0.99, 0.01),
        *,
        scene: int | None = None,
        light: int = 0,
        changed: str = "",
        reason: UnknownReason | None = None,
    ) -> Observation:
        """One judged frame; another scene each time unless it is given."""
        self.number += 1
        rng = np.random.default_rng(self.number if scene is None else scene)
        coarse = rng.integers(40, 160, (12, 16, 3), np.uint8)
        image = np.kron(coarse, np.ones((40, 40, 1), np.uint8)) + np.uint8(light)
        utc = self.clock.utc()
        frame = Frame("north", image, self.clock.mono_s(), utc, self.number)
        states = tuple(
            BayState(bay, None if reason else p >= 0.5, reason, 0.0 if reason else 0.9, utc)
            for bay, p in zip("ab", prob, strict=True)
        )
        boxes = Detections(as_floats([[64, 96, 192, 384]]), as_floats([0.9]), np.zeros(1, np.int64))
        return Observation(
            frame=frame,
            calibration=CALIBRATION,
            spec=SPEC,
            output=NetworkOutput(boxes, as_floats(prob)),
            polygons_norm=tuple(CALIBRATION.polygons_norm()),
            evidence=BayEvidence(as_floats(prob), np.ones(2, np.float32)),
            states=states,
            changed=tuple(state for state in states if state.bay in changed),
        )

    def show(self, observation: Observation, then_s: float = 100.0) -> int:
        """Show one frame, wait for the harvest's thread, let time pass; frames kept by then."""
        self.harvester.observe(observation)
        assert self.harvester.wait()
        self.clock.advance(then_s)
        return len(self.store.frames())
