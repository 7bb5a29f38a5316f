"""What the box sees right now, for display: the web pages, the metrics, the demo.

The pipelines write, HTTP reads; neither waits for the other. Nothing here is durable: the store is.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from calibration import Calibration
from telemetry import BayState, Cause, IncidentKind
from telemetry.bay_sensors import SENSORS_CAMERA
from vision.background import Moving
from vision.incidents import Incident
from vision.types import Detections, Floats, Frame, ImageBgr


class CameraCondition(StrEnum):
    """How a camera does, in one word."""

    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    LOGIN_REJECTED = "login_rejected"
    FROZEN = "frozen"
    BLIND = "blind"
    DARK = "dark"
    VIEW_MOVED = "view_moved"
    MODEL_ERROR = "model_error"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera does.

    Attributes:
        condition: in one word.
        detail: in one sentence, for a technician; empty if there is no fault.
        frames: frames decoded since start.
        judged: frames that the network looked at.
        dropped: frames replaced by a newer one before the network was free.
        restarts: times the source was opened again after a failure.
        broken: pictures that were not whole, and so were not taken.
        fps: judged frames per second, lately.
        infer_ms: time the last judged frame spent in the network, milliseconds.
        last_frame_utc: arrival of the last frame; None before the first.
        gated: frames that the change gate kept from the network, since nothing had changed.
        shift_px: how far the view stands from its reference image, pixels; None when unknown.
    """

    condition: CameraCondition = CameraCondition.STARTING
    detail: str = ""
    frames: int = 0
    judged: int = 0
    dropped: int = 0
    restarts: int = 0
    broken: int = 0
    fps: float = 0.0
    infer_ms: float = 0.0
    last_frame_utc: datetime | None = None
    gated: int = 0
    shift_px: float | None = None


@dataclass(frozen=True, slots=True)
class LiveView:
    """The latest judged picture of one camera and what is known of its bays.

    Attributes:
        camera: the camera's id.
        frame: the latest picture; None before the first.
        calibration: the calibration in use; None while none could be loaded.
        polygons_norm: the polygons as used for this picture (the view guard may have moved them),
            each (K, 2), in the order of `states`.
        states: one for each bay, in the calibration's order.
        bay_prob: what this one frame said, shape (M,); None when it was not judged.
        detections: vehicles found in this frame, pixels of the picture.
        status: how the camera does.
        moving: what moves in this frame; None if not requested.
        homography: how the view has moved since it was calibrated, shape (3, 3); None: not at all.
    """

    camera: str
    frame: Frame | None
    calibration: Calibration | None
    states: tuple[BayState, ...]
    status: CameraStatus
    polygons_norm: tuple[Floats, ...] = field(default=(), repr=False)
    bay_prob: Floats | None = field(default=None, repr=False)
    detections: Detections = field(default_factory=Detections.empty, repr=False)
    moving: Moving | None = field(default=None, repr=False)
    homography: Floats | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """One change of a bay, as the pages list it.

    Attributes:
        camera: where it was seen.
        state: the state that began.
        cause: what made it change.
        utc: when it was decided.
    """

    camera: str
    state: BayState
    cause: Cause
    utc: datetime


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A counted line and what passed over it.

    Attributes:
        gate: the line's id.
        camera: that watches it.
        lot: that it leads to.
        level: that it leads to; None: the whole lot.
        today_in: since midnight, in the box's own time zone.
        today_out: the same, outwards.
        total_in: running total, never set back.
        total_out: the same, outwards.
        rate_hz: pictures per second that are counted, lately.
        wanted_hz: that are wanted.
        fault: why nothing is counted; empty while all is well.
    """

    gate: str
    camera: str
    lot: str
    level: str | None
    today_in: int
    today_out: int
    total_in: int
    total_out: int
    rate_hz: float
    wanted_hz: float
    fault: str = ""


class LiveState:
    """Latest view of each camera and a bounded list of recent events; safe between threads."""

    def __init__(self, event_limit: int = 200) -> None:
        self._views: dict[str, LiveView] = {}
        self._versions: dict[str, int] = {}
        self._events: deque[RecentEvent] = deque(maxlen=event_limit)
        self._believed: dict[str, BayState] = {}
        self._incidents: dict[str, tuple[Incident, ...]] = {}
        self._incident_counts: Counter[tuple[str, IncidentKind]] = Counter()
        self._lanes: dict[str, tuple[LaneStatus, ...]] = {}
        self._changed = threading.Condition()

    def publish(self, view: LiveView) -> None:
        """Replace the view of `view.camera` and wake those who wait for it."""
        with self._changed:
            self._put(view)
            self._changed.notify_all()

    def add_events(self, events: Sequence[RecentEvent]) -> None:
        """Append to the recent events; the oldest fall out."""
        with self._changed:
            # A camera's word on a bay that has sensors too is not the bay's state.
            self._events.extend(each for each in events if each.state.bay not in self._believed)

    def believe(
        self, states: Mapping[str, BayState], alone: frozenset[str], events: Sequence[RecentEvent]
    ) -> None:
        """Show what was made of several sources' words, in place of what cameras say.

        Args:
            states: of all bays that sensors watch, by bay.
            alone: those of them that no camera sees.
            events: what has just changed.
        """
        with self._changed:
            self._events.extend(events)
            if states == self._believed and (not alone or SENSORS_CAMERA in self._views):
                return
            self._believed = dict(states)
            for view in list(self._views.values()):
                if view.camera != SENSORS_CAMERA and self._states(view) != view.states:
                    self._put(view)
            if alone or SENSORS_CAMERA in self._views:
                found = tuple(state for bay, state in states.items() if bay in alone)
                status = CameraStatus(CameraCondition.LIVE)
                self._put(LiveView(SENSORS_CAMERA, None, None, found, status))
            self._changed.notify_all()

    def set_incidents(
        self, camera: str, incidents: Sequence[Incident], begun: Sequence[Incident] = ()
    ) -> None:
        """Say which incidents last at a camera, and which of them have just begun."""
        with self._changed:
            self._incidents[camera] = tuple(incidents)
            self._incident_counts.update((camera, each.kind) for each in begun)

    def incidents(self, camera: str | None = None) -> tuple[Incident, ...]:
        """The incidents that last, at one camera or at all, oldest first."""
        with self._changed:
            found = [
                each
                for name, incidents in self._incidents.items()
                if camera in {None, name}
                for each in incidents
            ]
        return tuple(sorted(found, key=lambda each: each.began))

    def incident_counts(self) -> dict[tuple[str, IncidentKind], int]:
        """How many incidents began since the start, by camera and kind."""
        with self._changed:
            return dict(self._incident_counts)

    def set_lanes(self, camera: str, lanes: Sequence[LaneStatus]) -> None:
        """Say how the counted lines of a camera do."""
        with self._changed:
            self._lanes[camera] = tuple(lanes)

    def lanes(self, camera: str | None = None) -> tuple[LaneStatus, ...]:
        """The counted lines, of one camera or of all."""
        with self._changed:
            found = [self._lanes[name] for name in self._lanes if camera in {None, name}]
        return tuple(lane for lanes in found for lane in lanes)

    def remove(self, camera: str) -> None:
        """Forget a camera."""
        with self._changed:
            self._views.pop(camera, None)
            self._incidents.pop(camera, None)
            self._lanes.pop(camera, None)
            self._versions.pop(camera, None)
            self._changed.notify_all()

    def cameras(self) -> tuple[str, ...]:
        """Ids of the cameras that have a view, in the order of their first one."""
        with self._changed:
            return tuple(name for name in self._views if name != SENSORS_CAMERA)

    def views(self) -> tuple[LiveView, ...]:
        """The latest view of each camera, then the bays that only sensors watch."""
        with self._changed:
            return tuple(sorted(self._views.values(), key=lambda e: e.camera == SENSORS_CAMERA))

    def latest(self, camera: str) -> LiveView | None:
        """The latest view of `camera`; None when there is none."""
        with self._changed:
            return self._views.get(camera)

    def image(self, camera: str) -> ImageBgr | None:
        """The latest image of `camera`, shape (H, W, 3); None before the first."""
        view = self.latest(camera)
        return None if view is None or view.frame is None else view.frame.image_bgr

    def version(self, camera: str) -> int:
        """How many views of `camera` were published; 0 when none."""
        with self._changed:
            return self._versions.get(camera, 0)

    def wait_newer(
        self, camera: str, version: int, timeout_s: float
    ) -> tuple[LiveView | None, int]:
        """Wait until `camera` has a view newer than `version`.

        Args:
            camera: the camera's id.
            version: as `version()` or this method gave it before; 0 takes any view.
            timeout_s: longest wait, seconds.

        Returns:
            The latest view (None when the camera has none) and its version, which equals `version`
            when nothing came in time.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._versions.get(camera, 0) != version, timeout=timeout_s
            )
            return self._views.get(camera), self._versions.get(camera, 0)

    def events(self, limit: int = 50) -> tuple[RecentEvent, ...]:
        """The last `limit` events, newest first."""
        with self._changed:
            return tuple(reversed(self._events))[:limit]

    def _put(self, view: LiveView) -> None:
        if self._believed:
            view = replace(view, states=self._states(view))
        self._views[view.camera] = view
        self._versions[view.camera] = self._versions.get(view.camera, 0) + 1

    def _states(self, view: LiveView) -> tuple[BayState, ...]:
        return tuple(self._believed.get(state.bay, state) for state in view.states)
