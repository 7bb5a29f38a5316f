"""The cameras of a box: what reads and judges each, its calibration, and the layout of them all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from calibration import Calibration
from edge_app.alarm_texts import calibration_alarm, camera_alarm
from edge_app.alarms import AlarmKind, Alarms
from edge_app.config import CameraConfig
from edge_app.counting import CameraLanes
from edge_app.eye_checks import eye_alarm
from edge_app.layouts import StoredLayout
from edge_app.live_state import LiveState
from edge_app.network import ActiveNetwork, Post
from edge_app.observation import Observer
from edge_app.pipeline import CameraPipeline
from edge_app.ports import Guard
from edge_app.reload import CalibrationKeeper
from edge_app.scheduler import CameraUnit
from edge_app.sources import CameraFeed, FrameSource, make_source
from telemetry import BayState, CalibrationError, Cause, Clock, ConfigError, LotsightError
from vision.judge import Detector

_log = logging.getLogger(__name__)

# A reader may be in the midst of a time-out of a dead camera; it is not waited for.
_READERS_END_WITHIN_S = 1.5
GuardMaker = Callable[[CameraConfig, Calibration], Guard | None]
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

    @property
    def lanes(self) -> CameraLanes | None:
        """What counts on its lanes."""
        return self.unit.lanes

    def use_calibration(self, calibration: Calibration, guard: Guard | None) -> None:
        """Judge and count by another revision, at the rate that it asks for."""
        self.pipeline.use_calibration(calibration, guard)
        if self.lanes is not None:
            self.lanes.use_calibration(calibration)
        self.unit.pace()


class CameraSet:
    """The cameras of a box, their calibrations, and the layout that these make together.

    A calibration that cannot be used is an alarm, and the last valid one stays in use.

    Args:
        cameras: without calibrations, which are loaded here.
        make_guard: gives the guard of a camera's view.
        layout: where the layout is written.
        alarms: where an invalid calibration is reported.
        post: has a task done by the thread that judges, between two frames.

    Raises:
        ConfigError: two cameras claim the same bay.
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        make_guard: GuardMaker,
        layout: StoredLayout,
        alarms: Alarms,
        post: Post,
    ) -> None:
        self._cameras = {camera.config.id: camera for camera in cameras}
        self._make_guard = make_guard
        self._layout = layout
        self._alarms = alarms
        self._post = post
        for camera in cameras:
            self._load(camera)
        self._layout.write(self._layout.build(self._calibrations()))

    def __iter__(self) -> Iterator[Camera]:
        """Each camera, in the order of the configuration."""
        return iter(self._cameras.values())

    def __len__(self) -> int:
        """How many cameras."""
        return len(self._cameras)

    @property
    def ids(self) -> tuple[str, ...]:
        """The cameras' ids, in the order of the configuration."""
        return tuple(self._cameras)

    # -- what all of them work with --------------------------------------------------------------

    def use_detector(self, detector: Detector) -> None:
        """Judge with another network; in the thread that judges, or before it runs."""
        for camera in self:
            camera.pipeline.use_detector(detector)
            if camera.lanes is not None:
                camera.lanes.use_detector(detector)

    def model_failed(self, fault: str) -> None:
        """There is no network; in the thread that judges, or before it runs."""
        for camera in self:
            camera.pipeline.model_failed(fault)
            if camera.lanes is not None:
                camera.lanes.model_failed(fault)

    def add_observer(self, observer: Observer, camera_id: str | None = None) -> None:
        """Show `observer` every judged frame of one camera, or of all."""
        for camera in self:
            if camera_id in {None, camera.config.id}:
                camera.pipeline.add_observer(observer)

    def restore(self, states: Sequence[BayState], *, stale: bool) -> None:
        """Go on from stored states; see `CameraPipeline.restore`."""
        for camera in self:
            camera.pipeline.restore(states, stale=stale)

    # -- one of them -----------------------------------------------------------------------------

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
            self._alarms.set(calibration_alarm(camera.config, camera.calibration, exc))
            self._post(partial(camera.pipeline.calibration_failed, str(exc)))
            raise
        self._alarms.clear(AlarmKind.CALIBRATION, camera_id)
        camera.calibration = calibration
        guard = self._make_guard(camera.config, calibration)
        self._post(partial(self._go_over, camera, calibration, guard))
        return calibration

    def check_layout(self, calibration: Calibration) -> None:
        """Look whether a camera's calibration fits those of the others.

        Raises:
            ConfigError: it claims a bay of another camera.
        """
        self._layout.build(self._calibrations({calibration.camera: calibration}))

    def calibration_file(self, camera_id: str) -> Path:
        """Where a camera's calibration lies.

        Raises:
            ConfigError: there is no such camera.
        """
        return self._camera(camera_id).config.calibration_file

    def by_eye(self, camera_id: str) -> tuple[str, ...]:
        """The bays of a camera that a person should judge."""
        eye = self._camera(camera_id).pipeline.eye
        return () if eye is None else eye.wanted()

    def confirm(self, bay: str, occ: bool) -> None:
        """Take a person's word on whether a vehicle is in a bay; used from the next frame on.

        Raises:
            ConfigError: no camera sees the bay, or its camera has judged no image that the answer
                could be about.
        """
        for camera in self:
            if camera.calibration is not None and bay in camera.calibration.bay_ids:
                eye = camera.pipeline.eye
                if eye is None or not eye.has_judged:
                    msg = f"bay {bay}: no image of it is judged yet; answer once one is"
                    raise ConfigError(msg)
                self._post(partial(eye.confirm, bay, occ=occ))
                return
        msg = f"expected a bay that a camera sees, but got {bay!r}"
        raise ConfigError(msg)

    def restart(self, camera_id: str) -> None:
        """Reopen a camera.

        Raises:
            ConfigError: there is no such camera.
        """
        self._camera(camera_id).feed.restart("restart requested")

    # -- maintenance ----------------------------------------------------------------------------

    def reload_changed(self) -> None:
        """Go over to the calibration files that were replaced."""
        for camera in self:
            if not camera.keeper.changed():
                continue
            try:
                self.reload_calibration(camera.config.id)
            except LotsightError as exc:
                _log.warning("cannot use the replaced file: %s", exc)

    def catch_up(self) -> None:
        """Write a layout that a full disk kept from being written."""
        if self._layout.is_late:
            self._post(self._write_layout)

    # -- inside ----------------------------------------------------------------------------------

    def _load(self, camera: Camera) -> None:
        fault = None
        try:
            _provide_calibration(camera.config)
            camera.calibration = camera.keeper.load()
        except CalibrationError as exc:
            camera.calibration = camera.keeper.last_good()
            fault = calibration_alarm(camera.config, camera.calibration, exc)
        if camera.calibration is not None:
            guard = self._make_guard(camera.config, camera.calibration)
            camera.use_calibration(camera.calibration, guard)
        if fault is not None:
            self._alarms.set(fault)
            camera.pipeline.calibration_failed(fault.line)

    def _go_over(self, camera: Camera, calibration: Calibration, guard: Guard | None) -> None:
        camera.use_calibration(calibration, guard)
        self._write_layout()
        _log.info(
            "camera %s: calibration revision %d with %d bays in use",
            camera.config.id,
            calibration.revision,
            len(calibration.bays),
        )

    def _write_layout(self) -> None:
        if self._layout.write(self._layout.build(self._calibrations())):
            for camera in self:
                camera.pipeline.tell_all(Cause.CONFIG)

    def _camera(self, camera_id: str) -> Camera:
        if camera_id not in self._cameras:
            msg = f"expected one of the cameras {', '.join(self._cameras)}, but got {camera_id!r}"
            raise ConfigError(msg)
        return self._cameras[camera_id]

    def _calibrations(self, replaced: Mapping[str, Calibration] | None = None) -> list[Calibration]:
        used = {name: camera.calibration for name, camera in self._cameras.items()}
        used.update(replaced or {})
        return [calibration for calibration in used.values() if calibration is not None]


class CameraReaders:
    """The threads that read the cameras, as one part of the service."""

    def __init__(self, feeds: Sequence[CameraFeed], clock: Clock) -> None:
        self._feeds = tuple(feeds)
        self._clock = clock

    def start(self) -> None:
        """Begin to read, whether or not the cameras are there."""
        for feed in self._feeds:
            feed.start()

    def stop(self) -> None:
        """End reading; a reader that hangs is left behind."""
        for feed in self._feeds:
            feed.ask_to_stop()
        deadline_s = self._clock.mono_s() + _READERS_END_WITHIN_S
        for feed in self._feeds:
            feed.stop(max(0.0, deadline_s - self._clock.mono_s()))


def watch_cameras(
    cameras: Sequence[str], live_state: LiveState, alarms: Alarms, network: ActiveNetwork
) -> None:
    """Raise and end the alarms about cameras, from what the live state shows of them."""
    for name in cameras:
        view = live_state.latest(name)
        alarm = None if view is None else camera_alarm(view, has_model=network.has_model)
        if alarm is None:
            alarms.clear(AlarmKind.CAMERA, name)
        else:
            alarms.set(alarm)


def watch_contradictions(cameras: CameraSet, alarms: Alarms) -> None:
    """Ask for an eye on bays whose evidence contradicts itself for long."""
    for name in cameras.ids:
        alarm = eye_alarm(name, cameras.by_eye(name))
        if alarm is None:
            alarms.clear(AlarmKind.EYE, name)
        else:
            alarms.set(alarm)


def _provide_calibration(camera: CameraConfig) -> None:
    """A simulated camera brings its calibration with it."""
    if camera.source.startswith("sim:"):
        from edge_app.sources.sim import write_missing_calibration

        write_missing_calibration(camera.source, camera.id, camera.calibration_file)
