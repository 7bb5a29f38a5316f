"""The alarm about a lane whose count cannot be relied on."""

from __future__ import annotations

from collections.abc import Sequence

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.live_state import LaneStatus, LiveState
from telemetry import Clock

_TOO_LITTLE = 0.6
"""Share of the wanted rate below which fast vehicles pass between two looks."""


class LaneWatch:
    """Raises an alarm for each camera whose lanes are not counted, or lastingly too slowly.

    Args:
        cameras: ids.
        live_state: says how lanes do.
        alarms: where it is raised.
        clock: time.
        slow_after_s: how long a lane must be slow.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        live_state: LiveState,
        alarms: Alarms,
        clock: Clock,
        slow_after_s: float,
    ) -> None:
        self._cameras = tuple(cameras)
        self._live_state = live_state
        self._alarms = alarms
        self._clock = clock
        self._slow_after_s = slow_after_s
        self._bad_since_s: dict[str, float] = {}

    def look(self) -> None:
        """Look once."""
        for camera in self._cameras:
            lanes = self._live_state.lanes(camera)
            if not lanes or not _is_bad(lanes[0]):
                self._bad_since_s.pop(camera, None)
                self._alarms.clear(AlarmKind.COUNTING, camera)
                continue
            now_s = self._clock.mono_s()
            if now_s - self._bad_since_s.setdefault(camera, now_s) >= self._slow_after_s:
                self._alarms.set(_alarm(camera, lanes))


def _is_bad(lane: LaneStatus) -> bool:
    return bool(lane.fault) or lane.rate_hz < _TOO_LITTLE * lane.wanted_hz


def _alarm(camera: str, lanes: Sequence[LaneStatus]) -> Alarm:
    lane = lanes[0]
    names = ", ".join(each.gate for each in lanes)
    if lane.fault:
        return Alarm(
            AlarmKind.COUNTING,
            f"camera {camera}: counted lanes stand still ({names})",
            lane.fault,
            "Vehicles that pass meanwhile are not counted: check the count of the lot once this "
            "alarm has ended.",
            camera,
            "stopped",
        )
    return Alarm(
        AlarmKind.COUNTING,
        f"camera {camera}: counted lanes are looked at too seldom ({names})",
        f"{lane.rate_hz:g} pictures a second of {lane.wanted_hz:g}",
        "Give the camera a smaller stream with a key frame every second, lower its rate or that "
        "of others, or move cameras to another box: vehicles may pass uncounted.",
        camera,
        "slow",
    )
