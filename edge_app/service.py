"""The service: everything of an edge box put together, started and stopped in order.

Whatever is missing at the start (model, calibration, camera, broker, disk) is an alarm and a
degraded state, and heals by itself; only a wrong configuration or a taken store ends the start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from calibration import Calibration
from edge_app.alarms import Alarm, AlarmKind, Alarms, by_importance
from edge_app.audit.attach import attach_audit
from edge_app.config import CameraConfig, LotsightConfig
from edge_app.delivery.changes import BayChange
from edge_app.delivery.link import MqttLink
from edge_app.delivery.rollout import JobRunner
from edge_app.delivery.slots import TwoSlots
from edge_app.delivery.store import Store
from edge_app.faults import calibration_fault, layout_fault, link_fault, model_fault
from edge_app.harvest.attach import attach_harvest
from edge_app.incidents import attach_incidents
from edge_app.layouts import build_layout
from edge_app.live import LiveBoard
from edge_app.network import NetworkKeeper
from edge_app.pipeline import CameraPipeline, Outlets
from edge_app.reload import CalibrationKeeper
from edge_app.remote import agents_of
from edge_app.retention import Retention
from edge_app.rollouts import leave_trial, model_slots, rollouts_of
from edge_app.scheduler import CameraUnit, Scheduler
from edge_app.sources import CameraFeed, FrameSource, make_source
from edge_app.stored import STORE_FILE
from edge_app.upkeep import ALIVE_FILE, AliveMark
from edge_app.watching import make_gate, make_guard, make_scene
from telemetry import (
    CalibrationError,
    Cause,
    Clock,
    ConfigError,
    LotsightError,
    ModelError,
    SystemClock,
    TelemetryError,
)
from telemetry.aws import JobKind
from telemetry.messages import ModelRef
from vision.judge import Detector
from vision.view_guard import ViewGuard

_log = logging.getLogger(__name__)

# A reader may be in the midst of a time-out of a dead camera; it is not waited for.
_READERS_END_WITHIN_S = 1.5
SourceMaker = Callable[[CameraConfig, Clock], FrameSource]


def source_of(camera: CameraConfig, clock: Clock) -> FrameSource:
    """The source that a camera's settings name."""
    return make_source(camera.source, camera.stream_settings(), clock, camera.login)


@dataclass(slots=True)
class Camera:
    """All that belongs to one camera.

    Attributes:
        config: its settings.
        keeper: its calibration file.
        unit: what reads and what judges it.
        calibration: the one in use; None while there is none.
    """

    config: CameraConfig
    keeper: CalibrationKeeper
    unit: CameraUnit
    calibration: Calibration | None = None

    @property
    def pipeline(self) -> CameraPipeline:
        """What judges it."""
        return self.unit.pipeline

    @property
    def feed(self) -> CameraFeed:
        """What reads it."""
        return self.unit.feed


class EdgeService:
    """An edge box.

    Args:
        config: all settings.
        clock: time.
        make_camera: gives the source of a camera; the demo and tests put their own here.

    Raises:
        TelemetryError: the state folder cannot be used, or another process uses it.
        ConfigError: two cameras claim the same bay, or a source is none.
    """

    def __init__(
        self,
        config: LotsightConfig,
        clock: Clock | None = None,
        make_camera: SourceMaker = source_of,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.alarms = Alarms()
        self.board = LiveBoard()
        self.started_s = self.clock.mono_s()
        state_dir = config.edge.state_dir
        self.alive = AliveMark(state_dir / ALIVE_FILE, self.clock)
        self._was_down_s = self.alive.age_s()
        self.store = Store.open(state_dir / STORE_FILE, self.clock, config.outbox)
        self.scheduler = Scheduler([], self.clock)
        self.network = NetworkKeeper(config.model)
        self.model_slots: TwoSlots | None = None
        self.rollouts: Mapping[JobKind, JobRunner] = {}
        self.detector: Detector | None = None
        self.link: MqttLink | None = None
        self._layout_is_late = False
        try:
            self.cameras = {
                camera.id: self._assemble(camera, make_camera) for camera in config.camera
            }
            self.model_slots = model_slots(self)
            self.rollouts = rollouts_of(self)
            self.scheduler.add([camera.unit for camera in self.cameras.values()])
            self._load_model()
            self._load_calibrations()
            self._restore()
            self.audit = attach_audit(self)
            self.incidents = attach_incidents(self)
            self.harvest = attach_harvest(self)
            self.retention = Retention(config, self.clock)
        except BaseException:
            self.store.close()
            raise
        if config.mqtt is not None:
            agents = agents_of(self, config.mqtt)
            self.link = MqttLink(config.mqtt, self.store, self.clock, agents)
            self.link.set_model(self._model_ref())

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start to read, judge and publish."""
        self.scheduler.start()
        for camera in self.cameras.values():
            camera.feed.start()
        if self.link is not None:
            self.link.start()
        _log.info(
            "edge box %s at site %s watches %d bays with %d cameras",
            self.config.edge.edge,
            self.config.edge.site,
            len(self.store.layout.bays) if self.store.layout is not None else 0,
            len(self.cameras),
        )

    def stop(self) -> None:
        """Stop in order: no new frame, no new state, say good-bye, close the store."""
        for camera in self.cameras.values():
            camera.feed.ask_to_stop()
        deadline_s = self.clock.mono_s() + _READERS_END_WITHIN_S
        for camera in self.cameras.values():
            camera.feed.stop(max(0.0, deadline_s - self.clock.mono_s()))
        if not self.scheduler.stop():
            _log.warning("the network did not end in time; its last frame is not judged")
        if self.link is not None:
            self.link.stop()
        self.alive.touch()
        self.store.close()
        _log.info("stopped")

    # -- parts that change while it runs ---------------------------------------------------------

    def reload_calibration(self, camera_id: str) -> Calibration:
        """Go over to a camera's calibration file as it is now.

        Raises:
            CalibrationError: it cannot be used; the present one stays in use.
            ConfigError: it claims a bay of another camera, or there is no such camera.
        """
        camera = self._camera(camera_id)
        try:
            calibration = camera.keeper.load()
            self.check_layout(calibration)
        except LotsightError as exc:
            self.alarms.set(calibration_fault(camera.config, camera.calibration, exc))
            self.scheduler.post(partial(camera.pipeline.calibration_failed, str(exc)))
            raise
        self.alarms.clear(AlarmKind.CALIBRATION, camera_id)
        camera.calibration = calibration
        guard = make_guard(self.config, camera.config, calibration)
        self.scheduler.post(partial(self._go_over, camera, calibration, guard))
        return calibration

    def check_layout(self, calibration: Calibration) -> None:
        """Look whether a camera's calibration fits those of the others.

        Raises:
            ConfigError: it claims a bay of another camera.
        """
        build_layout(self._calibrations(replaced={calibration.camera: calibration}))

    def calibration_file(self, camera_id: str) -> Path:
        """Where a camera's calibration lies.

        Raises:
            ConfigError: there is no such camera.
        """
        return self._camera(camera_id).config.calibration_file

    def reload_model(self) -> None:
        """Go over to the model files as they are now.

        Raises:
            ModelError: they cannot be used; the present network stays in use.
        """
        try:
            detector = self.network.load()
        except ModelError as exc:
            self.alarms.set(model_fault(exc, has_model=self.detector is not None))
            raise
        self.alarms.clear(AlarmKind.MODEL)
        self.scheduler.post(partial(self._use_detector, detector))

    def restart_camera(self, camera_id: str) -> None:
        """Open a camera anew.

        Raises:
            ConfigError: there is no such camera.
        """
        self._camera(camera_id).feed.restart("it was told to")

    def all_alarms(self) -> tuple[Alarm, ...]:
        """Everything that is wrong, the link's own alarms included, the most important first."""
        link = () if self.link is None else self.link.info.alarms
        return by_importance([*self.alarms.standing(), *map(link_fault, link)])

    def wake_link(self) -> None:
        """There is something to send."""
        if self.link is not None:
            self.link.wake()

    def catch_up(self) -> None:
        """Write a layout that a full disk kept from being written."""
        if self._layout_is_late:
            self.scheduler.post(self._set_layout)

    def use_model_folder(self, folder: Path | None) -> None:
        """Use the model that was rolled out to `folder`; None: the configured one.

        Raises:
            ModelError: it cannot be used; the present network stays in use.
        """
        self.network.use_folder(folder)
        self.reload_model()

    # -- building --------------------------------------------------------------------------------

    def _assemble(self, config: CameraConfig, make_camera: SourceMaker) -> Camera:
        make_camera(config, self.clock)  # an address that names nothing must end the start
        feed = CameraFeed(
            config.id,
            partial(make_camera, config, self.clock),
            config.feed_settings(),
            self.clock,
            self.scheduler.notify,
            self.scheduler.notify_undecoded,
        )
        outlets = Outlets(self._record, self.board)
        pipeline = CameraPipeline(config, self.config.evidence, outlets, self.clock)
        pipeline.use_gate(make_gate(self.config))
        pipeline.use_scene(make_scene(self.config))
        kept = self.config.edge.state_dir / "calibrations"
        keeper = CalibrationKeeper(config.id, config.calibration_file, kept)
        return Camera(config, keeper, CameraUnit(feed, pipeline))

    def _load_model(self) -> None:
        try:
            self._use_detector(self.network.load())
            if self.model_slots is not None:
                self.model_slots.confirm()
        except ModelError as exc:
            if leave_trial(self, str(exc)):
                self._load_model()
                return
            self.alarms.set(model_fault(exc, has_model=False))
            for camera in self.cameras.values():
                camera.pipeline.model_failed(str(exc))

    def _load_calibrations(self) -> None:
        for camera in self.cameras.values():
            fault: Alarm | None = None
            try:
                _provide_calibration(camera.config)
                camera.calibration = camera.keeper.load()
            except CalibrationError as exc:
                camera.calibration = camera.keeper.last_good()
                fault = calibration_fault(camera.config, camera.calibration, exc)
            if camera.calibration is not None:
                guard = make_guard(self.config, camera.config, camera.calibration)
                camera.pipeline.use_calibration(camera.calibration, guard)
            if fault is not None:
                self.alarms.set(fault)
                camera.pipeline.calibration_failed(fault.line)
        build_layout(self._calibrations())
        self._set_layout()

    def _restore(self) -> None:
        states = self.store.states()
        limit_s = self.config.edge.restore_within_s
        stale = self._was_down_s is None or not 0 <= self._was_down_s <= limit_s
        for camera in self.cameras.values():
            camera.pipeline.restore(states, stale=stale)

    # -- in the worker's thread ------------------------------------------------------------------

    def _go_over(self, camera: Camera, calibration: Calibration, guard: ViewGuard | None) -> None:
        camera.pipeline.use_calibration(calibration, guard)
        self._set_layout()
        _log.info(
            "camera %s: calibration revision %d with %d bays in use",
            camera.config.id,
            calibration.revision,
            len(calibration.bays),
        )

    def _use_detector(self, detector: Detector) -> None:
        self.detector = detector
        for camera in self.cameras.values():
            camera.pipeline.use_detector(detector)
        if self.link is not None:
            self.link.set_model(self._model_ref())
        _log.info("model %s %s in use", detector.spec.name, detector.spec.version)

    def _set_layout(self) -> None:
        try:
            self.store.set_layout(build_layout(self._calibrations()))
        except TelemetryError as exc:
            self._layout_is_late = True
            self.alarms.set(layout_fault(exc))
            return
        if self._layout_is_late:
            self._layout_is_late = False
            self.alarms.clear(AlarmKind.LAYOUT)
            for camera in self.cameras.values():
                camera.pipeline.tell_all(Cause.CONFIG)

    def _record(self, changes: Sequence[BayChange]) -> None:
        if self._layout_is_late:
            return  # all states are told once the layout could be written
        self.store.record(changes)

    # -- small things ----------------------------------------------------------------------------

    def _camera(self, camera_id: str) -> Camera:
        if camera_id not in self.cameras:
            msg = f"expected one of the cameras {', '.join(self.cameras)}, but got {camera_id!r}"
            raise ConfigError(msg)
        return self.cameras[camera_id]

    def _calibrations(self, replaced: dict[str, Calibration] | None = None) -> list[Calibration]:
        used = {name: camera.calibration for name, camera in self.cameras.items()}
        used.update(replaced or {})
        return [calibration for calibration in used.values() if calibration is not None]

    def _model_ref(self) -> ModelRef | None:
        return None if self.detector is None else ModelRef.of(self.detector.spec)


def _provide_calibration(camera: CameraConfig) -> None:
    """A simulated camera brings its calibration with it."""
    if camera.source.startswith("sim:"):
        from edge_app.sources.sim import write_missing_calibration

        write_missing_calibration(camera.source, camera.id, camera.calibration_file)
