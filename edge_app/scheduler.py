"""One worker for all cameras: who is judged next, and nothing else at the same time.

One network pass uses every core, so a second worker would only make both late. All work on
pipelines happens in this one thread; others hand it tasks. What is judged next is decoded meanwhile
by a few threads of their own.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_app.decoders import Decodable, DecoderPool
from edge_app.pipeline import CameraPipeline
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
    """Judges the newest frames of all cameras, the most overdue camera first.

    Overdue is measured in each camera's own interval, so when the box is too slow for all of them
    each gets the same share of its wanted rate, and no camera waits for ever.

    Args:
        units: the cameras.
        clock: time.
        decoders: threads that decode; by default one for each core.
    """

    def __init__(
        self, units: Sequence[CameraUnit], clock: Clock, decoders: int | None = None
    ) -> None:
        self._units = list(units)
        self._clock = clock
        self._wake = threading.Condition()
        self._news = False
        self._tasks: deque[Callable[[], None]] = deque()
        self._idle_tasks: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._heard_s = clock.mono_s()
        self._decoders = DecoderPool(self._next_up, decoders)

    def add(self, units: Sequence[CameraUnit]) -> None:
        """Add cameras; before `start` only."""
        self._units.extend(units)

    def notify(self) -> None:
        """Say that a frame has come."""
        with self._wake:
            self._news = True
            self._wake.notify()

    def notify_undecoded(self) -> None:
        """Say that a picture waits to be decoded."""
        self._decoders.notify()

    def post(self, task: Callable[[], None]) -> None:
        """Have `task` done by the worker, between two frames."""
        with self._wake:
            self._tasks.append(task)
            self._wake.notify()

    def post_idle(self, task: Callable[[], None]) -> None:
        """Have `task` done by the worker once no frame waits; on a busy box that may be never."""
        with self._wake:
            self._idle_tasks.append(task)
            self._news = True
            self._wake.notify()

    def start(self) -> None:
        """Start the worker and the decoders."""
        self._decoders.start()
        self._heard_s = self._clock.mono_s()
        self._thread = threading.Thread(target=self._run, name="judge", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End the worker after the frame in hand; False when it did not end in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._decoders.stop()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.warning("the network did not end in time; its last frame is not judged")
            return False
        return True

    def silent_s(self) -> float:
        """How long the worker has been at what it does now, seconds; 0 when it does not run."""
        if self._thread is None or self._stopping:
            return 0.0
        return self._clock.mono_s() - self._heard_s

    def step(self) -> bool:
        """Do what is next: waiting tasks, then one frame, else one idle task; False if none was."""
        self._heard_s = self._clock.mono_s()
        while self._tasks:
            self._guarded("task", self._tasks.popleft())
        unit = self.most_overdue()
        frame = None if unit is None else unit.feed.take()
        if unit is None or frame is None:
            return self._idle()
        self._decoders.notify()
        pipeline = unit.pipeline
        self._guarded(f"camera {pipeline.camera}", lambda: pipeline.judge(frame))
        return True

    def _idle(self) -> bool:
        if not self._idle_tasks:
            return False
        self._guarded("idle task", self._idle_tasks.popleft())
        return True

    def check(self) -> None:
        """Look after cameras that give nothing."""
        for unit in self._units:
            unit.feed.watch()
            status = unit.feed.status()
            self._guarded(
                f"camera {unit.pipeline.camera}",
                lambda unit=unit, status=status: unit.pipeline.check(status),  # type: ignore[misc]
            )

    def most_overdue(self) -> CameraUnit | None:
        """The camera, of those with a frame waiting, that waits longest in its own intervals."""
        now_s = self._clock.mono_s()
        return max(
            (unit for unit in self._units if unit.feed.has_frame()),
            key=lambda unit: _overdue(unit, now_s),
            default=None,
        )

    def _next_up(self, count: int) -> list[Decodable]:
        """The most overdue cameras of those that have a picture, decoded or not."""
        now_s = self._clock.mono_s()
        waiting = [
            unit for unit in self._units if unit.feed.has_undecoded() or unit.feed.has_frame()
        ]
        chosen = heapq.nlargest(count, waiting, key=lambda unit: _overdue(unit, now_s))
        return [unit.feed for unit in chosen]

    def _run(self) -> None:
        next_check_s = self._clock.mono_s()
        while True:
            with self._wake:
                if not (self._news or self._tasks or self._stopping):
                    self._wake.wait(_CHECK_S)
                self._news = False
                if self._stopping:
                    return
            while self.step() and not self._stopping:
                if self._clock.mono_s() >= next_check_s:
                    break
            if self._clock.mono_s() >= next_check_s:
                self.check()
                next_check_s = self._clock.mono_s() + _CHECK_S
                with self._wake:
                    self._news = True  # a frame may still wait

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # one camera's fault, even one of ours, must not stop the others
            _log.exception("%s: unexpected fault", what)


def _overdue(unit: CameraUnit, now_s: float) -> float:
    return (now_s - unit.pipeline.last_judged_s) / unit.pipeline.interval_s
