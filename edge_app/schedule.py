"""Which camera comes next: cheap looks at every camera's rate, passes of the network by urgency.

A look (newest picture, view guard, change gate) costs a tenth of a pass, and says whether a pass is
worth it. So a box that is too slow for all passes still looks at every camera and knows which bays
changed: these come first, bays that start next, heartbeats last. Passes and looks each keep a share
of the time, so neither starves the other.

Pure: no threads, and time is passed in. `Scheduler` has the threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Urgency(IntEnum):
    """Why a camera wants a pass of the network, the most urgent first."""

    DECIDING = 0
    """A bay's hold time is over: one pass settles it."""
    CHANGED = 1
    """A bay's pixels changed, or the belief about it wavers."""
    SETTLING = 2
    """A bay's hold time runs; a pass now only confirms what is believed."""
    STARTING = 3
    """Bays wait for their first state."""
    EVERY = 4
    """There is no change gate, so every picture is judged."""
    HEARTBEAT = 5
    """Nothing changed, but the last pass was long ago; or all of the picture changed at once."""


@dataclass(frozen=True, slots=True)
class PassRequest:
    """A pass that a camera wants.

    Attributes:
        urgency: why.
        has_picture: whether a picture was looked at and waits for the pass; else the next picture
            is for it.
    """

    urgency: Urgency
    has_picture: bool = True


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How the time is shared.

    Attributes:
        urgent_share: of the time that passes down to SETTLING get at most while looks wait.
        other_share: the same for all passes while only STARTING and HEARTBEAT wait.
        share_window_s: time over which shares are measured.
        eager: how many times as overdue a camera counts whose bay settles, when looks are late.
        starting: cameras that start at the same time, for each worker; the others wait, so that
            the first are soon done instead of all being late.
        start_passes: a camera that had so many passes holds up the others' start no longer, ...
        start_s: ... or has taken so long.
        old_start_s: STARTING that waited this long counts as CHANGED: a rush may last for hours.
        old_heartbeat_s: HEARTBEAT that waited this long counts as STARTING.
    """

    urgent_share: float = 0.5
    other_share: float = 0.25
    share_window_s: float = 10.0
    eager: float = 4.0
    starting: int = 3
    start_passes: int = 3
    start_s: float = 15.0
    old_start_s: float = 20.0
    old_heartbeat_s: float = 120.0


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A camera's task.

    Attributes:
        camera: its number, in the order of `Schedule.add`.
        is_pass: whether the network is to be run; else it is only looked at.
        begun_s: monotonic time.
        reach: share of its rate that the camera gets with this task.
    """

    camera: int
    is_pass: bool
    begun_s: float
    reach: float


@dataclass(frozen=True, slots=True)
class Load:
    """How far a box keeps up.

    Attributes:
        reach: share of the wanted looks that it manages, mean of its cameras.
        waiting: passes of pictures that wait, heartbeats aside.
        longest_wait_s: of these.
    """

    reach: float = 1.0
    waiting: int = 0
    longest_wait_s: float = 0.0


@dataclass(slots=True)
class _Camera:
    interval_s: float
    waits_since_s: Callable[[], float | None]
    looked_s: float
    is_at_work: bool = False
    request: PassRequest | None = None
    requested_s: float = 0.0
    admitted_s: float | None = None
    is_settled: bool = False
    passes: int = 0
    reach: float = 1.0

    def rank(self, request: PassRequest, now_s: float, settings: ScheduleSettings) -> Urgency:
        waited_s = now_s - self.requested_s
        if request.urgency is Urgency.STARTING and waited_s >= settings.old_start_s:
            return Urgency.CHANGED
        if request.urgency is Urgency.HEARTBEAT and waited_s >= settings.old_heartbeat_s:
            return Urgency.STARTING
        return request.urgency

    def late_s(self, now_s: float) -> float:
        """How long a picture has waited beyond the time at which one was wanted."""
        since_s = self.waits_since_s()
        if since_s is None:
            return 0.0
        return max(0.0, now_s - max(since_s, self.looked_s + self.interval_s))

    def reach_at(self, now_s: float) -> float:
        return self.interval_s / (self.interval_s + self.late_s(now_s))


class Schedule:
    """Gives out tasks; no camera has two at a time. Not thread-safe.

    Args:
        workers: how many tasks run at the same time.
        settings: how the time is shared.
    """

    def __init__(self, workers: int = 1, settings: ScheduleSettings | None = None) -> None:
        self._settings = settings or ScheduleSettings()
        self._most_starting = workers * self._settings.starting
        self._cameras: list[_Camera] = []
        self._spent = _Spent(self._settings.share_window_s)

    def add(
        self, interval_s: float, waits_since_s: Callable[[], float | None], now_s: float
    ) -> None:
        """Add a camera.

        Args:
            interval_s: wanted time between looks.
            waits_since_s: since when a picture has waited to be looked at, monotonic; None while
                there is none.
            now_s: monotonic.
        """
        self._cameras.append(_Camera(interval_s, waits_since_s, now_s - interval_s))

    def next(self, now_s: float) -> ScheduledTask | None:
        """The next task; None while nothing is to be done. `done` must follow."""
        chosen_pass = self._next_pass(now_s)
        look = self._next_look(now_s)
        if chosen_pass is None and look is None:
            return None
        if chosen_pass is not None and (look is None or self._may_pass(chosen_pass[1])):
            number, is_pass = chosen_pass[0], True
        else:
            assert look is not None  # noqa: S101 - one of the two is there
            number, is_pass = look, False
        camera = self._cameras[number]
        camera.is_at_work = True
        if camera.admitted_s is None:
            camera.admitted_s = now_s
        return ScheduledTask(number, is_pass, now_s, camera.reach_at(now_s))

    def done(
        self,
        task: ScheduledTask,
        now_s: float,
        request: PassRequest | None,
        *,
        has_looked: bool,
    ) -> None:
        """A task is over.

        Args:
            task: as `next` gave it.
            now_s: monotonic.
            request: the pass that the camera wants from now on.
            has_looked: whether there was a picture and it was looked at.
        """
        camera = self._cameras[task.camera]
        camera.is_at_work = False
        self._spent.add(now_s, now_s - task.begun_s, is_pass=task.is_pass)
        if has_looked:
            camera.reach = task.reach
            camera.looked_s = task.begun_s
        camera.passes += task.is_pass
        self._note(camera, task, now_s, request)

    def claim(self, number: int) -> bool:
        """Take a camera out of the schedule for a moment; False while it is at work."""
        if self._cameras[number].is_at_work:
            return False
        self._cameras[number].is_at_work = True
        return True

    def release(self, number: int) -> None:
        """Give a claimed camera back."""
        self._cameras[number].is_at_work = False

    def load(self, now_s: float) -> Load:
        """How far the box keeps up now."""
        if not self._cameras:
            return Load()
        reach = [min(each.reach, each.reach_at(now_s)) for each in self._cameras]
        waits_s = [
            now_s - each.requested_s
            for each in self._cameras
            if each.request is not None
            and each.request.has_picture
            and each.request.urgency is not Urgency.HEARTBEAT
        ]
        return Load(sum(reach) / len(reach), len(waits_s), max(waits_s, default=0.0))

    # -- inside ----------------------------------------------------------------------------------

    def _note(
        self, camera: _Camera, task: ScheduledTask, now_s: float, request: PassRequest | None
    ) -> None:
        before = camera.request
        same = before is not None and request is not None and before.urgency is request.urgency
        # A camera that starts keeps its place until it should be done; others queue up again.
        keeps = (
            request is not None
            and request.urgency is Urgency.STARTING
            and camera.passes < self._settings.start_passes
        )
        if not (same and (keeps or not task.is_pass)):
            camera.requested_s = now_s
        camera.request = request
        if request is None or request.urgency is not Urgency.STARTING:
            camera.is_settled = True

    def _next_pass(self, now_s: float) -> tuple[int, Urgency] | None:
        """The most urgent pass; of equal ones the one that waits longest, in intervals."""
        best: tuple[Urgency, float, int] | None = None
        for number, camera in enumerate(self._cameras):
            request = camera.request
            if request is None or camera.is_at_work:
                continue
            if not request.has_picture and camera.waits_since_s() is None:
                continue
            rank = camera.rank(request, now_s, self._settings)
            found = (rank, (camera.requested_s - now_s) / camera.interval_s, number)
            if best is None or found < best:
                best = found
        return None if best is None else (best[2], best[0])

    def _next_look(self, now_s: float) -> int | None:
        """The camera that waits longest in its own intervals."""
        may_start = self._starting(now_s) < self._most_starting
        best: tuple[float, int] | None = None
        for number, camera in enumerate(self._cameras):
            if camera.is_at_work or (camera.admitted_s is None and not may_start):
                continue
            urgency = None if camera.request is None else camera.request.urgency
            if urgency in _LOOKED_AT_WITH_THE_PASS or camera.waits_since_s() is None:
                continue
            overdue = (now_s - camera.looked_s) / camera.interval_s
            if urgency is Urgency.SETTLING:
                overdue *= self._settings.eager
            if best is None or overdue > best[0]:
                best = (overdue, number)
        return None if best is None else best[1]

    def _starting(self, now_s: float) -> int:
        """How many cameras hold up the start of others."""
        settings = self._settings
        return sum(
            each.admitted_s is not None
            and not each.is_settled
            and each.passes < settings.start_passes
            and now_s - each.admitted_s < settings.start_s
            for each in self._cameras
        )

    def _may_pass(self, urgency: Urgency) -> bool:
        is_urgent = urgency <= Urgency.SETTLING
        settings = self._settings
        share = settings.urgent_share if is_urgent else settings.other_share
        return self._spent.pass_share() < share


# The pass looks at the newest picture itself; a look before it would be in vain.
_LOOKED_AT_WITH_THE_PASS = frozenset(Urgency) - {Urgency.SETTLING, Urgency.HEARTBEAT}


class _Spent:
    """Time spent lately on looks and on passes."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._at_s = -math.inf
        self._look_s = self._pass_s = 0.0

    def add(self, now_s: float, took_s: float, *, is_pass: bool) -> None:
        kept = math.exp(-max(0.0, now_s - self._at_s) / self._window_s)
        self._look_s = self._look_s * kept + (0.0 if is_pass else took_s)
        self._pass_s = self._pass_s * kept + (took_s if is_pass else 0.0)
        self._at_s = now_s

    def pass_share(self) -> float:
        total_s = self._look_s + self._pass_s
        return self._pass_s / total_s if total_s else 0.0
