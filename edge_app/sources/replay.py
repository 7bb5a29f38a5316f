"""A source that plays a script: images, faults and silences as a test or a replay wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge_app.sources.base import Grab
from telemetry import CameraError, Clock
from vision.types import ImageBgr


class ReplaySource:
    """Gives what it was given, in order.

    Args:
        steps: each one an image, or an error to raise at that read.
        interval_s: time that passes on `clock` before each step; None: the reader keeps the pace.
        clock: needed with `interval_s`.
        open_errors: raised by the first calls of `open`, one each: a camera that is down at first.
    """

    def __init__(
        self,
        steps: Iterable[ImageBgr | CameraError],
        *,
        interval_s: float | None = None,
        clock: Clock | None = None,
        open_errors: Iterable[CameraError] = (),
    ) -> None:
        if interval_s is not None and clock is None:
            msg = "interval_s needs a clock, but got none"
            raise ValueError(msg)
        self._steps: Iterator[ImageBgr | CameraError] = iter(steps)
        self._interval_s = interval_s
        self._clock = clock
        self._open_errors = iter(open_errors)
        self.opened = 0
        self.closed = 0

    @property
    def self_paced(self) -> bool:
        """Whether the script keeps its own time."""
        return self._interval_s is not None

    def open(self) -> None:
        """Raise the next open error, if one is left.

        Raises:
            CameraError: as scripted.
        """
        error = next(self._open_errors, None)
        if error is not None:
            raise error
        self.opened += 1

    def read(self) -> Grab | None:
        """The next step of the script; None after the last.

        Raises:
            CameraError: as scripted.
        """
        if self._interval_s is not None and self._clock is not None:
            self._clock.sleep(self._interval_s)
        step = next(self._steps, None)
        if step is None:
            return None
        if isinstance(step, CameraError):
            raise step
        return Grab(step)

    def close(self) -> None:
        """Count the call; the script continues where it was."""
        self.closed += 1
