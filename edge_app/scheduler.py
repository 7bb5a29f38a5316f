"""The workers that judge, one for each core, and what each does next.

Several passes of one thread each get more done than one pass that takes every core, and a look at
one camera need not wait for another's pass. No camera is touched by two workers at a time, so its
frames and its bays' events keep their order. What changes several cameras at once (`post`) is done
while every worker rests.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from edge_app.pipeline import CameraPipeline
from edge_app.schedule import Load, PassRequest, Schedule, ScheduledTask
from edge_app.sources import CameraFeed
from telemetry import Clock

_log = logging.getLogger(__name__)

# How often lost cameras are looked for; short against any `lost_after_s`.
_CHECK_S = 0.25


@dataclass(frozen=True, slots=True)
class CameraUnit:
    """A camera: what reads it, and what judges its frames."""

    feed: CameraFeed
    pipeline: CameraPipeline


class Scheduler:
    """Gives the newest pictures of all cameras to the workers, in the order of `Schedule`.

    Args:
        units: the cameras.
        clock: time.
        workers: threads that judge; by default one for each core.
    """

    def __init__(
        self, units: Sequence[CameraUnit], clock: Clock, workers: int | None = None
    ) -> None:
        self._clock = clock
        self._count = workers or os.cpu_count() or 1
        self._units: list[CameraUnit] = []
        self._schedule = Schedule(self._count)
        self._wake = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()
        self._idle_tasks: deque[Callable[[], None]] = deque()
        self._at_work: dict[int, float] = {}
        self._is_alone = self._is_idling = False
        self._check_s = 0.0
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self.add(units)

    def add(self, units: Sequence[CameraUnit]) -> None:
        """Add cameras; before `start` only."""
        for unit in units:
            self._units.append(unit)
            interval_s = unit.pipeline.interval_s
            self._schedule.add(interval_s, unit.feed.waits_since_s, self._clock.mono_s())

    def notify(self) -> None:
        """Say that a picture has come."""
        with self._wake:
            self._wake.notify()

    def post(self, task: Callable[[], None]) -> None:
        """Have `task` done by a worker, while no other works."""
        with self._wake:
            self._tasks.append(task)
            self._wake.notify()

    def post_idle(self, task: Callable[[], None]) -> None:
        """Have `task` done by a worker once no camera waits; on a busy box that may be never.

        Others work meanwhile; no two such tasks are done at a time.
        """
        with self._wake:
            self._idle_tasks.append(task)
            self._wake.notify()

    def start(self) -> None:
        """Start the workers."""
        self._check_s = self._clock.mono_s() + _CHECK_S
        for number in range(self._count):
            thread = threading.Thread(
                target=self._run, args=(number,), name=f"judge-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End the workers after what they have in hand; False when one did not end in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        end_s = self._clock.mono_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - self._clock.mono_s()))
        if any(thread.is_alive() for thread in self._threads):
            _log.warning("the network did not stop in time; its last frame is not judged")
            return False
        return True

    def step(self) -> bool:
        """Do what is next in this thread, before `start`; False when there is nothing to do."""
        with self._wake:
            work = self._choose()
            if work is None:
                return False
            self._at_work[0] = self._clock.mono_s()
        self._do(0, work)
        return True

    def silent_s(self) -> float:
        """How long a worker has been at what it does now, seconds; 0 when none works."""
        with self._wake:
            begun_s = min(self._at_work.values(), default=None)
            if begun_s is None or self._stopping:
                return 0.0
        return self._clock.mono_s() - begun_s

    def load(self) -> Load:
        """How far the box keeps up."""
        with self._wake:
            return self._schedule.load(self._clock.mono_s())

    # -- inside ----------------------------------------------------------------------------------

    def _run(self, worker: int) -> None:
        while (work := self._next_work(worker)) is not None:
            self._do(worker, work)

    def _do(self, worker: int, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # a task's fault, even one of ours, must not stop the cameras
            _log.exception("judge: unexpected fault")
        with self._wake:
            del self._at_work[worker]
            self._is_alone = False
            if self._tasks or not self._at_work:
                self._wake.notify_all()

    def _next_work(self, worker: int) -> Callable[[], None] | None:
        """Wait for something to do; None at the end."""
        with self._wake:
            while not self._stopping:
                work = self._choose()
                if work is not None:
                    self._at_work[worker] = self._clock.mono_s()
                    return work
                self._wake.wait(_CHECK_S)
        return None

    def _choose(self) -> Callable[[], None] | None:
        if self._is_alone or (self._tasks and self._at_work):
            return None
        if self._tasks:
            self._is_alone = True
            return self._tasks.popleft()
        now_s = self._clock.mono_s()
        if now_s >= self._check_s:
            self._check_s = now_s + _CHECK_S
            return self._check
        task = self._schedule.next(now_s)
        if task is not None:
            return partial(self._take, task)
        if self._idle_tasks and not self._is_idling:
            self._is_idling = True
            return partial(self._idle, self._idle_tasks.popleft())
        return None

    def _take(self, task: ScheduledTask) -> None:
        unit = self._units[task.camera]
        has_looked, request = False, None
        try:
            has_looked, request = _judge(unit, is_pass=task.is_pass)
        except Exception:  # one camera's fault, even one of ours, must not stop the others
            _log.exception("camera %s: unexpected fault", unit.pipeline.camera)
        finally:
            with self._wake:
                self._schedule.done(task, self._clock.mono_s(), request, has_looked=has_looked)

    def _idle(self, task: Callable[[], None]) -> None:
        try:
            task()
        finally:
            self._is_idling = False

    def _check(self) -> None:
        """Look after cameras that give nothing; one that is at work gives something."""
        for number, unit in enumerate(self._units):
            unit.feed.watch()
            with self._wake:
                is_mine = self._schedule.claim(number)
            if not is_mine:
                continue
            try:
                unit.pipeline.check(unit.feed.status())
            except Exception:  # as above
                _log.exception("camera %s: unexpected fault", unit.pipeline.camera)
            finally:
                with self._wake:
                    self._schedule.release(number)


def _judge(unit: CameraUnit, *, is_pass: bool) -> tuple[bool, PassRequest | None]:
    """Whether there was a picture to look at, and the pass that is wanted from now on."""
    pipeline = unit.pipeline
    frame = unit.feed.take()
    request = pipeline.request if frame is None else pipeline.look(frame)
    if is_pass and request is not None:
        request = pipeline.run_pass()
    return frame is not None, request
