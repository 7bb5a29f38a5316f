"""One camera's way from a frame to bay states. Not thread-safe: one worker runs all pipelines.

frame -> view guard -> change gate -> network -> evidence -> filter -> store -> live board
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from calibration import Calibration
from edge_app.broken_pictures import BrokenPictures
from edge_app.config import CameraConfig, EvidenceConfig
from edge_app.delivery.changes import BayChange
from edge_app.live import CameraCondition, CameraStatus, LiveBoard, LiveView, RecentEvent
from edge_app.looks import Look, LookObserver
from edge_app.redaction import mask_secrets
from edge_app.sources import FeedStatus
from telemetry import BayState, Cause, Clock, ModelError, UnknownReason
from telemetry.messages import ModelRef
from vision.change_gate import WORK_SIDE_PX
from vision.evidence import EvidenceFilter, EvidenceSettings
from vision.judge import NO_BAYS, BayJudge, BayShapes, Detector, Judgement
from vision.standing_scene import Moving, StandingScene
from vision.types import Detections, Floats, Frame
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys, apply_matrix

_log = logging.getLogger(__name__)

_FPS_WINDOW_S = 30.0
_LATENCIES_KEPT = 256
_CONDITIONS = {
    UnknownReason.CAMERA_LOST: CameraCondition.LOST,
    UnknownReason.FROZEN: CameraCondition.FROZEN,
    UnknownReason.BLIND: CameraCondition.BLIND,
    UnknownReason.DARK: CameraCondition.DARK,
    UnknownReason.VIEW_MOVED: CameraCondition.VIEW_MOVED,
    UnknownReason.MODEL_ERROR: CameraCondition.MODEL_ERROR,
}


class Guard(Protocol):
    """Judges whether a picture shows the calibrated view; `ViewGuard` is one."""

    def look(
        self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
    ) -> ViewReport:
        """Judge one frame, at once or the long part of it later."""
        ...

    def catch_up(self) -> None:
        """Do what was postponed."""
        ...


class Gate(Protocol):
    """Judges whether a picture is worth a pass of the network; `ChangeGate` is one."""

    def wants(
        self,
        frame: Frame,
        polygons_norm: Sequence[Floats],
        *,
        settling: bool,
        greys: SmallGreys | None = None,
    ) -> bool:
        """Whether something changed, a heartbeat pass is due, or a bay is about to change."""
        ...


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where a pipeline puts what it finds.

    Attributes:
        record: takes changes over for good; `Store.record`.
        board: the live board.
    """

    record: Callable[[Sequence[BayChange]], None]
    board: LiveBoard


class CameraPipeline:
    """One camera's bays, and what is known of them.

    Args:
        config: the camera's settings.
        evidence: thresholds and hold times.
        outlets: store and board.
        clock: time.
    """

    def __init__(
        self, config: CameraConfig, evidence: EvidenceConfig, outlets: Outlets, clock: Clock
    ) -> None:
        self.camera = config.id
        self.interval_s = 1 / config.rate_hz
        self.last_judged_s = clock.mono_s() - 1 / config.rate_hz
        self._config = config
        self._evidence = evidence
        self._outlets = outlets
        self._clock = clock
        self._calibration: Calibration | None = None
        self._bays = NO_BAYS
        self._bay_judge: BayJudge | None = None
        self._model_fault = ""
        self._filter = EvidenceFilter((), start_utc=clock.utc())
        self._guard: Guard | None = None
        self._gate: Gate | None = None
        self._scene: StandingScene | None = None
        self._moving: Moving | None = None
        self._observers: list[LookObserver] = []
        self._started_s = clock.mono_s()
        self._status = CameraStatus()
        self._broken = BrokenPictures()
        self._calibration_fault = ""
        self._view = LiveView(self.camera, None, None, (), self._status)
        self._judged_at_s: deque[float] = deque()
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES_KEPT)
        self._show()

    # -- what it works with ----------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in use."""
        return self._calibration

    def states(self) -> tuple[BayState, ...]:
        """Every bay's state, in the calibration's order."""
        return self._filter.states()

    def use_calibration(self, calibration: Calibration, guard: Guard | None = None) -> None:
        """Go over to another revision; bays that it shares with the present one keep their state.

        Args:
            calibration: of this camera.
            guard: made for it; None when views are not guarded.
        """
        before = self._filter.states()
        self._calibration = calibration
        self._bays = calibration.shapes()
        self._guard = guard
        if self._bay_judge is not None:
            self._bay_judge = BayJudge(self._bay_judge.detector, self._bays)
        self._calibration_fault = ""
        self._filter = EvidenceFilter(
            calibration.bay_ids, self._filter_settings(), start_utc=self._clock.utc()
        )
        self._filter.restore(before)
        self._show()

    def calibration_failed(self, fault: str) -> None:
        """Note that a new calibration cannot be used; the present one stays in use."""
        self._calibration_fault = fault
        self._show()

    def use_detector(self, detector: Detector) -> None:
        """Go over to another network; states stay."""
        self._bay_judge = BayJudge(detector, self._bays)
        self._model_fault = ""
        before = self._filter.states()
        ids = () if self._calibration is None else self._calibration.bay_ids
        self._filter = EvidenceFilter(ids, self._filter_settings(), start_utc=self._clock.utc())
        self._filter.restore(before)

    def model_failed(self, fault: str) -> None:
        """Note that there is no network; bays become unknown with the next frame."""
        self._bay_judge = None
        self._model_fault = fault

    def use_gate(self, gate: Gate | None) -> None:
        """Skip frames in which nothing changed."""
        self._gate = gate

    def use_scene(self, scene: StandingScene | None) -> None:
        """Find what moves, for whoever makes pictures private."""
        self._scene, self._moving = scene, None

    def add_observer(self, observer: LookObserver) -> None:
        """Show `observer` every judged frame from now on, after its states are recorded."""
        self._observers.append(observer)

    def restore(self, states: Sequence[BayState], *, stale: bool) -> None:
        """Go on from stored states.

        Args:
            states: of any bays; those of other cameras are passed over.
            stale: whether they are too old to be believed: then bays start anew.
        """
        self._filter.restore(states)
        if stale:
            self._mark(UnknownReason.STARTING, Cause.STARTUP)
        self._show()

    def tell_all(self, cause: Cause) -> None:
        """Record every bay's present state, as if it had just changed."""
        self._record(self._filter.states(), cause)

    # -- work ------------------------------------------------------------------------------------

    def judge(self, frame: Frame) -> None:
        """Take one frame through to bay states; what may wait comes after them."""
        self.last_judged_s = self._clock.mono_s()
        self._judge(frame)
        if self._guard is not None:
            self._guard.catch_up()

    def _judge(self, frame: Frame) -> None:
        report, greys = ViewReport(), SmallGreys(frame.image_bgr)
        if self._guard is not None:
            report = self._guard.look(frame, may_postpone=True, greys=greys)
        bays = self._moved(report.homography)
        polygons = list(bays.polygons_norm)
        if self._scene is not None:
            # Before anything can end this look: the picture is shown in any case.
            grey = greys.at(WORK_SIDE_PX)
            self._moving = self._scene.look(grey, frame.captured_mono_s, polygons)
        if report.reason is not None:
            self._set(_CONDITIONS[report.reason], report.detail, shift_px=report.shift_px)
            self._mark(report.reason, Cause.DETECTION, frame)
            self._show(frame, self._bays.polygons_norm)
            return
        if not (report.is_usable and self._is_worth_a_pass(frame, polygons, greys)):
            self._status = replace(self._status, gated=self._status.gated + 1)
            self._set_live(report)
            self._show(frame, polygons)
            return
        begin_s = self._clock.mono_s()
        try:
            said = self._look_at(frame, bays)
        except ModelError as exc:
            self._set(CameraCondition.MODEL_ERROR, str(exc))
            self._mark(UnknownReason.MODEL_ERROR, Cause.DETECTION, frame)
            self._show(frame, polygons)
            return
        self._count(begin_s)
        self._set_live(report)
        self._decide(frame, said, polygons)
        self._show(frame, polygons, said)
        self._latencies_s.append(self._clock.mono_s() - frame.captured_mono_s)

    def check(self, feed: FeedStatus) -> None:
        """Look after a camera that gives nothing; call a few times a second."""
        self._status = replace(
            self._status,
            frames=feed.frames,
            dropped=feed.dropped,
            restarts=feed.restarts,
            broken=feed.broken,
        )
        self._broken.count(feed.broken, self._clock.mono_s())
        lost = CameraCondition.LOGIN_REJECTED if feed.login_rejected else CameraCondition.LOST
        last_s = self._started_s if feed.last_frame_s is None else feed.last_frame_s
        if self._clock.mono_s() - last_s < self._config.lost_after_s:
            condition = lost if feed.login_rejected else self._status.condition
            if feed.error and (condition, feed.error) != (
                self._status.condition,
                self._status.detail,
            ):
                self._set(condition, feed.error)
                self._show()
            return
        changed = self._mark(UnknownReason.CAMERA_LOST, Cause.CAMERA_LOST)
        detail = feed.error or f"no picture for {self._config.lost_after_s:g} s"
        if feed.undecoded:
            detail += ": they come, but this box is too busy to decode them"
        elif not feed.error:
            detail = "; ".join(filter(None, (detail, self._broken.detail(self._clock.mono_s()))))
        if changed or (lost, detail) != (
            self._status.condition,
            self._status.detail,
        ):
            _log.warning("camera %s is lost: %s", self.camera, detail)
            self._set(lost, detail)
            self._show()

    def latency_p95_ms(self) -> float | None:
        """From a frame's arrival to its states in the store, over the last frames."""
        if not self._latencies_s:
            return None
        return float(np.percentile(self._latencies_s, 95)) * 1000

    # -- inside ----------------------------------------------------------------------------------

    def _is_worth_a_pass(self, frame: Frame, polygons: list[Floats], greys: SmallGreys) -> bool:
        if self._gate is None or not polygons:
            return True
        settling = self._filter.is_settling()
        return self._gate.wants(frame, polygons, settling=settling, greys=greys)

    def _set_live(self, report: ViewReport) -> None:
        broken = self._broken.detail(self._clock.mono_s())
        detail = "; ".join(filter(None, (self._calibration_fault or report.detail, broken)))
        self._set(CameraCondition.LIVE, detail, shift_px=report.shift_px)

    def _filter_settings(self) -> EvidenceSettings | None:
        return None if self._bay_judge is None else self._evidence.for_network(self._bay_judge.spec)

    def _moved(self, homography: Floats | None) -> BayShapes:
        if homography is None:
            return self._bays
        matrix = homography.astype(np.float64)
        return self._bays.mapped(lambda points: apply_matrix(points, matrix))

    def _look_at(self, frame: Frame, bays: BayShapes) -> Judgement:
        if self._bay_judge is None:
            raise ModelError(self._model_fault or "no model is loaded")
        return self._bay_judge.judge(frame.image_bgr, bays)

    def _decide(self, frame: Frame, said: Judgement, polygons: list[Floats]) -> None:
        if not polygons or self._bay_judge is None or self._calibration is None:
            return
        changed = self._filter.update(said.evidence, frame.captured_mono_s, frame.captured_utc)
        self._record(changed, Cause.DETECTION)
        if self._observers:
            look = Look(
                frame=frame,
                calibration=self._calibration,
                spec=self._bay_judge.spec,
                output=said.output,
                polygons_norm=tuple(polygons),
                evidence=said.evidence,
                states=self._filter.states(),
                changed=tuple(changed),
                moving=self._moving,
            )
            self._tell(look)

    def _tell(self, look: Look) -> None:
        for observer in self._observers:
            try:
                observer.observe(look)
            except Exception:  # a by-product's fault must not stop the states
                _log.exception("camera %s: %s failed", self.camera, type(observer).__name__)

    def _mark(
        self, reason: UnknownReason, cause: Cause, frame: Frame | None = None
    ) -> list[BayState]:
        mono_s = self._clock.mono_s() if frame is None else frame.captured_mono_s
        utc = self._clock.utc() if frame is None else frame.captured_utc
        changed = self._filter.mark_unknown(reason, mono_s, utc)
        self._record(changed, cause)
        return changed

    def _record(self, states: Sequence[BayState], cause: Cause) -> None:
        if not states:
            return
        model, method = None, "none"
        if self._bay_judge is not None:
            spec = self._bay_judge.spec
            model = ModelRef.of(spec)
            method = spec.method
        revision = 0 if self._calibration is None else self._calibration.revision
        self._outlets.record(
            [BayChange(state, cause, self.camera, method, model, revision) for state in states]
        )
        utc = self._clock.utc()
        self._outlets.board.add_events(
            [RecentEvent(self.camera, state, cause, utc) for state in states]
        )

    def _count(self, begin_s: float) -> None:
        now_s = self._clock.mono_s()
        times = self._judged_at_s
        times.append(now_s)
        while now_s - times[0] > _FPS_WINDOW_S:
            times.popleft()
        watched_s = min(now_s - self._started_s, _FPS_WINDOW_S)
        self._status = replace(
            self._status,
            judged=self._status.judged + 1,
            fps=round(len(times) / watched_s, 3) if watched_s > 0 else 0.0,
            infer_ms=round((now_s - begin_s) * 1000, 1),
        )

    def _set(
        self, condition: CameraCondition, detail: str, *, shift_px: float | None = None
    ) -> None:
        detail = mask_secrets(detail)
        self._status = replace(self._status, condition=condition, detail=detail, shift_px=shift_px)

    def _show(
        self,
        frame: Frame | None = None,
        polygons: Sequence[Floats] | None = None,
        said: Judgement | None = None,
    ) -> None:
        """Put the present state on the board, with the last picture where there is no new one."""
        if frame is not None:
            self._status = replace(self._status, last_frame_utc=frame.captured_utc)
        self._view = LiveView(
            camera=self.camera,
            frame=frame or self._view.frame,
            calibration=self._calibration,
            states=self._filter.states(),
            status=self._status,
            polygons_norm=tuple(self._bays.polygons_norm if polygons is None else polygons),
            bay_prob=None if said is None else said.evidence.prob,
            detections=Detections.empty() if said is None else said.output.detections,
            moving=self._moving,
        )
        self._outlets.board.publish(self._view)
