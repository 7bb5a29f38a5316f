"""One camera's way from a frame to bay states. Not thread-safe: one worker at a time has it.

look    frame -> view guard -> change gate -> request for a pass
pass    network -> evidence -> filter -> store -> live state
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibration import Calibration
from edge_app.camera_stats import CameraStats
from edge_app.config import CameraConfig, EvidenceConfig
from edge_app.delivery.changes import BayChange
from edge_app.eye_checks import EyeChecks
from edge_app.live_state import CameraCondition, LiveView, RecentEvent
from edge_app.observation import Observation, Observer
from edge_app.ports import Gate, Guard, Outlets
from edge_app.schedule import PassRequest, Urgency
from edge_app.sources import FeedStatus
from edge_app.urgency import request_for_next, urgency_of
from telemetry import BayState, Cause, Clock, ModelError, UnknownReason
from telemetry.messages import ModelRef
from vision.background import BackgroundModel, Moving
from vision.change_gate import WORK_SIDE_PX
from vision.evidence import EvidenceFilter, EvidenceSettings
from vision.judge import NO_BAYS, BayJudge, BayShapes, Detector, Judgement
from vision.types import Detections, Floats, Frame
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys

_log = logging.getLogger(__name__)

_CONDITIONS = {
    UnknownReason.CAMERA_LOST: CameraCondition.LOST,
    UnknownReason.FROZEN: CameraCondition.FROZEN,
    UnknownReason.BLIND: CameraCondition.BLIND,
    UnknownReason.DARK: CameraCondition.DARK,
    UnknownReason.VIEW_MOVED: CameraCondition.VIEW_MOVED,
    UnknownReason.MODEL_ERROR: CameraCondition.MODEL_ERROR,
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that waits for its pass, what the guard said of it, and where its bays are."""

    frame: Frame
    report: ViewReport
    bays: BayShapes


class CameraPipeline:
    """One camera's bays, and what is known of them.

    Args:
        config: the camera's settings.
        evidence: thresholds and hold times.
        outlets: store and live_state.
        clock: time.
    """

    def __init__(
        self, config: CameraConfig, evidence: EvidenceConfig, outlets: Outlets, clock: Clock
    ) -> None:
        self.camera = config.id
        self.interval_s = 1 / config.rate_hz
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
        self._scene: BackgroundModel | None = None
        self._moving: Moving | None = None
        self._eye: EyeChecks | None = None
        self._observers: list[Observer] = []
        self._waiting: _Waiting | None = None
        self.report = ViewReport()
        """What the view guard said of the last frame."""
        self._urgency: Urgency | None = None
        self._stats = CameraStats(clock)
        self._calibration_fault = ""
        self._view = LiveView(self.camera, None, None, (), self._stats.status)
        self._show()

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
        self._waiting = None
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
        self._use_eye()
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
        self._use_eye()

    def model_failed(self, fault: str) -> None:
        """Note that there is no network; bays become unknown with the next frame."""
        self._bay_judge = None
        self._model_fault = fault

    def use_gate(self, gate: Gate | None) -> None:
        """Skip frames in which nothing changed."""
        self._gate = gate

    def use_scene(self, scene: BackgroundModel | None) -> None:
        """Find what moves, for anonymising images."""
        self._scene, self._moving = scene, None

    def use_eye(self, eye: EyeChecks) -> None:
        """Ask people about bays whose evidence contradicts itself, and use their answers."""
        self._eye = eye
        self._use_eye()

    @property
    def eye(self) -> EyeChecks | None:
        """What people are asked to judge by eye; None: nothing."""
        return self._eye

    def add_observer(self, observer: Observer) -> None:
        """Show `observer` every judged frame from now on, after its states are recorded."""
        self._observers.append(observer)

    def restore(self, states: Sequence[BayState], *, stale: bool) -> None:
        """Go on from stored states.

        Args:
            states: of any bays; those of other cameras are skipped.
            stale: whether they are too old to use: then bays restart as unknown.
        """
        self._filter.restore(states)
        if stale:
            self._mark(UnknownReason.STARTING, Cause.STARTUP)
        self._show()

    def tell_all(self, cause: Cause) -> None:
        """Record every bay's present state, as if it had just changed."""
        self._record(self._filter.states(), cause)

    @property
    def request(self) -> PassRequest | None:
        """The pass that a frame waits for; None while none does."""
        if self._waiting is None or self._urgency is None:
            return None
        return PassRequest(self._urgency)

    def judge(self, frame: Frame) -> None:
        """Take one frame through to bay states."""
        if self.look(frame) is not None:
            self.run_pass()

    def look(self, frame: Frame) -> PassRequest | None:
        """Look at one frame, which is cheap.

        Returns:
            The pass that it is worth, which takes the place of one that still waits; None when the
            states stay as they are.
        """
        if self._waiting is not None:
            self._stats.superseded()
            self._catch_up()
        is_late, self._waiting = self._waiting is not None, None
        report, greys = ViewReport(), SmallGreys(frame.image_bgr)
        if self._guard is not None:
            report = self._guard.look(frame, may_postpone=True, greys=greys)
        self.report = report
        bays = self._bays.moved(report.homography)
        if self._scene is not None:
            # Before anything can end this look: the picture is shown in any case.
            grey = greys.at(WORK_SIDE_PX)
            polygons = list(bays.polygons_norm)
            self._moving = self._scene.look(grey, frame.captured_mono_s, polygons)
        if report.reason is not None:
            condition = _CONDITIONS[report.reason]
            self._stats.set(condition, report.detail, shift_px=report.shift_px)
            self._mark(report.reason, Cause.DETECTION, frame)
            self._show(frame, self._bays.polygons_norm)
            self._catch_up()
            return None
        self._urgency = self._urgency_of(frame, bays, greys) if report.is_usable else None
        if self._urgency is None:
            self._stats.gated()
            self._set_live(report)
            self._show(frame, bays.polygons_norm)
            self._catch_up()
            return None
        self._waiting = _Waiting(frame, report, bays)
        if is_late:  # passes are rare, and the picture must not look frozen
            self._show(frame, bays.polygons_norm)
        return self.request

    def run_pass(self) -> PassRequest | None:
        """Run the network on the frame that waits for it; what may wait comes after the states.

        Returns:
            The pass that the next frame is worth, whatever it shows; None when that is not known.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        if self._gate is not None:
            self._gate.judged()
        frame, bays = waiting.frame, waiting.bays
        begin_s = self._clock.mono_s()
        try:
            said = self._look_at(frame, bays)
        except ModelError as exc:
            self._stats.set(CameraCondition.MODEL_ERROR, str(exc))
            self._mark(UnknownReason.MODEL_ERROR, Cause.DETECTION, frame)
            self._show(frame, bays.polygons_norm)
        else:
            self._stats.passed(begin_s)
            self._set_live(waiting.report)
            self._decide(frame, said, list(bays.polygons_norm))
            self._show(frame, bays.polygons_norm, said)
            self._stats.decided(frame)
        self._catch_up()
        return request_for_next(self._filter, has_gate=self._gate is not None)

    def check(self, feed: FeedStatus) -> None:
        """Look after a camera that gives nothing; call a few times a second."""
        stats = self._stats
        stats.take(feed)
        lost = CameraCondition.LOGIN_REJECTED if feed.login_rejected else CameraCondition.LOST
        if stats.silent_s(feed) < self._config.lost_after_s:
            condition = lost if feed.login_rejected else stats.status.condition
            if feed.error and not stats.is_told(condition, feed.error):
                stats.set(condition, feed.error)
                self._show()
            return
        changed = self._mark(UnknownReason.CAMERA_LOST, Cause.CAMERA_LOST)
        detail = feed.error or f"no frame for {self._config.lost_after_s:g} s"
        if not feed.error:
            detail = "; ".join(filter(None, (detail, stats.broken_detail())))
        if changed or not stats.is_told(lost, detail):
            _log.warning("camera %s is lost: %s", self.camera, detail)
            stats.set(lost, detail)
        if changed or stats.status != self._view.status:  # also when it was tried once more
            self._show()

    def latency_p95_ms(self) -> float | None:
        """From a frame's arrival to its states in the store, over the last frames."""
        return self._stats.latency_p95_ms()

    def _urgency_of(self, frame: Frame, bays: BayShapes, greys: SmallGreys) -> Urgency | None:
        if not bays.polygons_norm:
            if self._calibration is not None and self._calibration.lines:
                return None  # its lanes look at every frame already
            return Urgency.HEARTBEAT  # nothing to publish; the pages show what it finds
        gate = self._gate
        found = None if gate is None else gate.look(frame, list(bays.polygons_norm), greys)
        return urgency_of(self._filter, found, frame.captured_mono_s)

    def _catch_up(self) -> None:
        if self._guard is not None:
            self._guard.catch_up()

    def _set_live(self, report: ViewReport) -> None:
        broken = self._stats.broken_detail()
        detail = "; ".join(filter(None, (self._calibration_fault or report.detail, broken)))
        self._stats.set(CameraCondition.LIVE, detail, shift_px=report.shift_px)

    def _filter_settings(self) -> EvidenceSettings | None:
        return None if self._bay_judge is None else self._evidence.for_network(self._bay_judge.spec)

    def _look_at(self, frame: Frame, bays: BayShapes) -> Judgement:
        if self._bay_judge is None:
            raise ModelError(self._model_fault or "no model is loaded")
        said = self._bay_judge.judge(frame.image_bgr, bays)
        if self._eye is None:
            return said
        return replace(said, evidence=self._eye.settle(said.evidence, frame.captured_mono_s))

    def _use_eye(self) -> None:
        if self._eye is not None:
            judge = self._bay_judge
            self._eye.use(self._calibration, None if judge is None else judge.spec.sha256)

    def _decide(self, frame: Frame, said: Judgement, polygons: list[Floats]) -> None:
        if not polygons or self._bay_judge is None or self._calibration is None:
            return
        changed = self._filter.update(said.evidence, frame.captured_mono_s, frame.captured_utc)
        self._record(changed, Cause.DETECTION)
        if self._observers:
            observation = Observation(
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
            self._tell(observation)

    def _tell(self, observation: Observation) -> None:
        for observer in self._observers:
            try:
                observer.observe(observation)
            except Exception:  # a by-product's fault must not stop the states
                _log.exception("camera %s: %s failed", self.camera, type(observer).__name__)

    def _mark(
        self, reason: UnknownReason, cause: Cause, frame: Frame | None = None
    ) -> list[BayState]:
        mono_s = self._clock.mono_s() if frame is None else frame.captured_mono_s
        utc = self._clock.utc() if frame is None else frame.captured_utc
        self._waiting = None  # it is older than what is known now
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
        self._outlets.live_state.add_events(
            [RecentEvent(self.camera, state, cause, utc) for state in states]
        )

    def _show(
        self,
        frame: Frame | None = None,
        polygons: Sequence[Floats] | None = None,
        said: Judgement | None = None,
    ) -> None:
        """Put the present state on the pages, with the last picture where there is no new one."""
        if frame is not None:
            self._stats.shown(frame)
        self._view = LiveView(
            camera=self.camera,
            frame=frame or self._view.frame,
            calibration=self._calibration,
            states=self._filter.states(),
            status=self._stats.status,
            polygons_norm=tuple(self._bays.polygons_norm if polygons is None else polygons),
            bay_prob=None if said is None else said.evidence.prob,
            detections=Detections.empty() if said is None else said.output.detections,
            moving=self._moving,
            homography=self.report.homography,
        )
        self._outlets.live_state.publish(self._view)
