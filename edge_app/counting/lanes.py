"""One camera's counted lines: from its frames to passages, their events and the totals of today.

The network is the one that judges bays, on a smaller input, and only its vehicle boxes are wanted.
All frames of a counted camera come here; its bays look at some of them, at their own rate.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from calibration import Calibration, Line
from edge_app.config import CameraConfig, CountingConfig
from edge_app.delivery import Store
from edge_app.delivery.passages import GatePassage
from edge_app.layout_names import lot_id
from edge_app.live_state import LaneStatus, LiveState
from telemetry import Clock, ModelError, UnknownReason
from vision.input_size import InputPlan
from vision.judge import NO_BAYS, Detector
from vision.lanes import LaneCounter, LinePassage, lane_plan
from vision.types import Frame
from vision.view_guard import ViewReport

_log = logging.getLogger(__name__)

PassageListener = Callable[[Sequence[GatePassage]], None]
"""Called in the worker's thread: it must be quick."""
_RATE_WINDOW_S = 10.0
_NO_PICTURES = "no pictures come"
_BLIND_AFTER_S = 5.0
"""Vehicles that were followed before a longer gap in the pictures are others by now."""


@dataclass(frozen=True, slots=True)
class LaneOutlets:
    """Where passages go.

    Attributes:
        store: takes them over for good, and keeps the totals.
        live_state: the live state.
        passed: told of passages once they are recorded.
    """

    store: Store
    live_state: LiveState
    passed: PassageListener


class CameraLanes:
    """The counted lines of one camera. Not thread-safe: one worker at a time has it.

    Args:
        camera: its settings.
        config: how lanes are watched.
        outlets: store and live state.
        clock: time.
    """

    def __init__(
        self, camera: CameraConfig, config: CountingConfig, outlets: LaneOutlets, clock: Clock
    ) -> None:
        self._camera = camera
        self._config = config
        self._outlets = outlets
        self._clock = clock
        self._calibration: Calibration | None = None
        self._lines: dict[str, Line] = {}
        self._counter = LaneCounter([])
        self._detector: Detector | None = None
        self._plan: InputPlan | None = None
        self._counted_s: deque[float] = deque()
        self._bays_looked_s: float | None = None
        self._began_s = clock.mono_s()
        self._fault = ""

    # -- what it works with ----------------------------------------------------------------------

    @property
    def is_counting(self) -> bool:
        """Whether the calibration has lines."""
        return bool(self._lines)

    @property
    def interval_s(self) -> float:
        """Wanted time between pictures of this camera."""
        rate_hz = self._camera.rate_hz
        return 1 / (max(rate_hz, self._config.rate_hz) if self.is_counting else rate_hz)

    def source_config(self) -> CameraConfig:
        """The camera's settings with the rate at which it is to be read now."""
        return self._camera.model_copy(update={"rate_hz": 1 / self.interval_s})

    def use_calibration(self, calibration: Calibration) -> None:
        """Count over the lines of another revision; vehicles on their way are followed anew."""
        self._calibration = calibration
        self._lines = {line.id: line for line in calibration.lines}
        self._counter = LaneCounter(calibration.counted_lines())
        self._began_s = self._clock.mono_s()
        self._counted_s.clear()
        self._show()

    def use_detector(self, detector: Detector) -> None:
        """Look with another network."""
        self._detector, self._plan, self._fault = detector, None, ""

    def model_failed(self, fault: str) -> None:
        """There is no network: nothing is counted."""
        self._detector, self._fault = None, fault
        self._show()

    # -- work ------------------------------------------------------------------------------------

    def count(self, frame: Frame, view: ViewReport) -> tuple[GatePassage, ...]:
        """Count what one frame shows.

        Args:
            frame: the newest picture.
            view: what the view guard said of this camera last.
        """
        if self._calibration is None or not self._lines:
            return ()
        seen_s = frame.captured_mono_s
        if self._counted_s and seen_s - self._counted_s[-1] > _BLIND_AFTER_S:
            self._counter.clear()
        self._fault = self._why_not(view)
        passages: tuple[GatePassage, ...] = ()
        if self._fault:
            self._counter.clear()
        else:
            passages = self._look(frame, view)
            self._note(seen_s)
        if passages:
            self._outlets.store.record_passages(passages)
            self._outlets.passed(passages)
        self._show()
        return passages

    def bays_are_due(self, frame: Frame) -> bool:
        """Whether the camera's bays are to look at this frame too; they keep their own rate."""
        if not self._lines:
            return True
        before_s, now_s = self._bays_looked_s, frame.captured_mono_s
        # Half a frame early rather than a whole one late.
        wait_s = 1 / self._camera.rate_hz - self.interval_s / 2
        if before_s is not None and 0 <= now_s - before_s < wait_s:
            return False
        self._bays_looked_s = now_s
        return True

    def check(self) -> None:
        """Say how the lanes do, when no pictures come too; call a few times a second."""
        if not self._lines:
            return
        last_s = self._counted_s[-1] if self._counted_s else self._began_s
        if not self._fault and self._clock.mono_s() - last_s > _BLIND_AFTER_S:
            self._fault = _NO_PICTURES
        self._show()

    # -- inside ----------------------------------------------------------------------------------

    def _why_not(self, view: ViewReport) -> str:
        if self._detector is None:
            said = "" if self._fault == _NO_PICTURES else self._fault
            return said or "no model is loaded"
        if view.reason is UnknownReason.VIEW_MOVED:
            return "the view has moved"
        return ""

    def _look(self, frame: Frame, view: ViewReport) -> tuple[GatePassage, ...]:
        assert self._detector is not None  # noqa: S101 - `_why_not` has looked
        height, width = frame.image_bgr.shape[:2]
        spec = self._detector.spec
        if self._plan is None or self._plan.image_wh != (width, height):
            self._plan = lane_plan((width, height), spec, self._config.long_side_px)
        try:
            output = self._detector.detect(frame.image_bgr, NO_BAYS.quads_norm, self._plan)
        except ModelError as exc:
            self._fault = str(exc)
            return ()
        found = self._counter.update(
            output.detections, spec.classes, (width, height), frame.captured_mono_s, view.homography
        )
        return tuple(self._passage(each, frame) for each in found)

    def _passage(self, passage: LinePassage, frame: Frame) -> GatePassage:
        assert self._calibration is not None  # noqa: S101 - it has the line
        line = self._lines[passage.line]
        ago = timedelta(seconds=frame.captured_mono_s - passage.time_s)
        return GatePassage(
            gate=line.id,
            lot=line.lot or lot_id(self._calibration.lot.name),
            level=line.level[:32] if line.level is not None else None,
            direction=passage.direction,
            time=frame.captured_utc - ago,
            vehicle=passage.vehicle,
            conf=passage.confidence,
            camera=self._camera.id,
            calibration_revision=self._calibration.revision,
        )

    def _note(self, seen_s: float) -> None:
        self._counted_s.append(seen_s)
        while seen_s - self._counted_s[0] > _RATE_WINDOW_S:
            self._counted_s.popleft()

    def _rate_hz(self) -> float:
        """Pictures that were counted, per second, lately."""
        now_s = self._clock.mono_s()
        recent = sum(now_s - each < _RATE_WINDOW_S for each in self._counted_s)
        watched_s = min(max(now_s - self._began_s, 1.0), _RATE_WINDOW_S)
        return round(recent / watched_s, 2)

    def _show(self) -> None:
        calibration, store = self._calibration, self._outlets.store
        lanes: list[LaneStatus] = []
        today = self._clock.utc().astimezone().date()
        for line in self._lines.values() if calibration is not None else ():
            totals = store.gate_totals(line.id)
            day_in, day_out = totals.on(today)
            lanes.append(
                LaneStatus(
                    gate=line.id,
                    camera=self._camera.id,
                    lot=line.lot or lot_id(calibration.lot.name if calibration else ""),
                    level=line.level,
                    today_in=day_in,
                    today_out=day_out,
                    total_in=totals.total_in,
                    total_out=totals.total_out,
                    rate_hz=self._rate_hz(),
                    wanted_hz=round(1 / self.interval_s, 2),
                    fault=self._fault,
                )
            )
        self._outlets.live_state.set_lanes(self._camera.id, lanes)
