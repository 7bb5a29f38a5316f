"""What the box sees right now, for display: the web pages, the metrics, the demo.

The pipelines write, HTTP reads; neither waits for the other. Nothing here is durable: the store is.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from calibration import Calibration
from telemetry import BayState, Cause, IncidentKind
from vision.background import Moving
from vision.incidents import Incident
from vision.types import Detections, Floats, Frame


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


class LiveState:
    """Latest view of each camera and a bounded list of recent events; safe between threads."""

    def __init__(self, event_limit: int = 200) -> None:
        self._views: dict[str, LiveView] = {}
        self._versions: dict[str, int] = {}
        self._events: deque[RecentEvent] = deque(maxlen=event_limit)
        self._incidents: dict[str, tuple[Incident, ...]] = {}
        self._incident_counts: Counter[tuple[str, IncidentKind]] = Counter()
        self._changed = threading.Condition()

    def publish(self, view: LiveView) -> None:
        """Replace the view of `view.camera` and wake those who wait for it."""
        with self._changed:
            self._views[view.camera] = view
            self._versions[view.camera] = self._versions.get(view.camera, 0) + 1
            self._changed.notify_all()

    def add_events(self, events: Sequence[RecentEvent]) -> None:
        """Append to the recent events; the oldest fall out."""
        with self._changed:
            self._events.extend(events)

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

    def remove(self, camera: str) -> None:
        """Forget a camera."""
        with self._changed:
            self._views.pop(camera, None)
            self._incidents.pop(camera, None)
            self._versions.pop(camera, None)
            self._changed.notify_all()

    def cameras(self) -> tuple[str, ...]:
        """Ids of the cameras that have a view, in the order of their first one."""
        with self._changed:
            return tuple(self._views)

    def latest(self, camera: str) -> LiveView | None:
        """The latest view of `camera`; None when there is none."""
        with self._changed:
            return self._views.get(camera)

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
