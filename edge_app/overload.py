"""The alarm about a box that is too slow for its cameras."""

from __future__ import annotations

from collections.abc import Callable

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.schedule import Load
from telemetry import Clock

# Apart, so that a box at the edge does not flicker; in between the alarm stays as it is.
_TOO_LITTLE = 0.8
_ENOUGH = 0.9
# Longer than a start or a gust of changes, which a box may well be late with for a moment.
_BEGINS_AFTER_S = 60.0
_ENDS_AFTER_S = 30.0


class OverloadWatch:
    """Raises the alarm when the box lastingly cannot keep up, and ends it once it lastingly can.

    Args:
        load: how far the box keeps up.
        alarms: where it is raised.
        clock: time.
    """

    def __init__(self, load: Callable[[], Load], alarms: Alarms, clock: Clock) -> None:
        self._load = load
        self._alarms = alarms
        self._clock = clock
        self._is_told = False
        self._turned_s: float | None = None

    def look(self) -> None:
        """Look once."""
        load, now_s = self._load(), self._clock.mono_s()
        turns = load.reach >= _ENOUGH if self._is_told else load.reach < _TOO_LITTLE
        if not turns:
            self._turned_s = None
        elif self._turned_s is None:
            self._turned_s = now_s
        after_s = _ENDS_AFTER_S if self._is_told else _BEGINS_AFTER_S
        if self._turned_s is not None and now_s - self._turned_s >= after_s:
            self._is_told, self._turned_s = not self._is_told, None
        if self._is_told:
            self._alarms.set(_alarm(load))
        else:
            self._alarms.clear(AlarmKind.OVERLOADED)


def _alarm(load: Load) -> Alarm:
    detail = f"cameras are judged at {100 * load.reach:.0f} % of their rate"
    if load.waiting:
        passes = "1 pass" if load.waiting == 1 else f"{load.waiting} passes"
        detail += f"; {passes} of the network queued, for up to {load.longest_wait_s:.0f} s"
    return Alarm(
        AlarmKind.OVERLOADED,
        "this box is too slow for its cameras: changes are published late",
        detail,
        "Run `lotsight doctor --tune` and restart: another network may be faster on this "
        "processor. Else lower rate_hz, configure the cameras for a matching key-frame interval "
        "and smaller images, or move cameras to another box. Until then changed bays are judged "
        "first.",
    )
