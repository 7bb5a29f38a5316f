"""One camera kept alive: a thread that reads its source, and a slot for the newest frame.

Independently coded frames stay compressed until they are needed: a newer one takes the
place of an older one before either cost anything.

The watchdog looks at frames, not at sockets: a source that hangs inside a driver, or sends packets
without pictures, is as dead as one that hung up.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from edge_app.redaction import mask_secrets
from edge_app.sources.base import FrameSource, Grab, LateDecoding, LoginRejected, Undecoded
from edge_app.sources.thread_priority import step_back
from telemetry import CameraError, Clock
from vision.image_file import BrokenImageError
from vision.types import Frame

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """How a camera is kept alive.

    Attributes:
        interval_s: wanted time between frames, seconds.
        stuck_s: a reader unresponsive for this long is abandoned and replaced.
        retry_first_s: pause after the first failure, seconds; doubles with each further one ...
        retry_longest_s: ... up to this. Each pause is drawn from 50 to 100 % of its length, so
            that twenty cameras behind one switch do not come back in the same instant.
        login_first_s: least pause after the first refused login, seconds; three times as long with
            each further one ...
        login_longest_s: ... up to this. Cameras lock themselves after five to seven wrong logins
            within half an hour; these pauses stay below that.
    """

    interval_s: float = 1.0
    stuck_s: float = 40.0
    retry_first_s: float = 1.0
    retry_longest_s: float = 30.0
    login_first_s: float = 30.0
    login_longest_s: float = 900.0

    def pause_s(self, failures: int, refusals: int) -> float:
        """How long to wait after so many failures in a row, and refused logins in a row."""
        if refusals:
            pause_s = min(self.login_first_s * 3.0 ** min(refusals - 1, 16), self.login_longest_s)
            return pause_s * random.uniform(1.0, 1.2)  # noqa: S311 - jitter, no secret
        pause_s = min(self.retry_first_s * 2.0 ** min(failures - 1, 16), self.retry_longest_s)
        return pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """What a feed did so far.

    Attributes:
        frames: frames that the camera gave.
        dropped: frames that a newer one replaced before anyone took them.
        restarts: times the source was opened again after a failure.
        error: the present fault; empty while pictures come.
        last_frame_s: monotonic time of the last picture; None before the first.
        ended: whether the source came to its end for good.
        starved_s: how long since the last picture one has waited for its turn, seconds: the box is
            to blame for that, not the camera.
        broken: pictures that came, but were not whole, and so were not taken.
        login_rejected: whether the present fault is a login that the camera refused.
    """

    frames: int = 0
    dropped: int = 0
    restarts: int = 0
    error: str = ""
    last_frame_s: float | None = None
    ended: bool = False
    starved_s: float = 0.0
    broken: int = 0
    login_rejected: bool = False


class _Reader:
    """One life of the reading thread."""

    def __init__(self, source: FrameSource, started_s: float) -> None:
        self.source = source
        self.stop = threading.Event()
        self.alive_s = started_s
        self.thread: threading.Thread | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that is not decoded yet."""

    reader: _Reader
    picture: Undecoded
    came_s: float
    came_utc: datetime


class CameraFeed:
    """Reads one camera in its own thread; the newest frame wins, the dropped ones are counted.

    Args:
        camera: the camera's id.
        make_source: gives a fresh source; called at each start of the thread.
        settings: how it is kept alive.
        clock: time.
        on_frame: called after each new frame, from the thread that made it.
        on_undecoded: called after each picture that `take` decodes; None: the reader decodes all of
            them itself.
    """

    def __init__(
        self,
        camera: str,
        make_source: Callable[[], FrameSource],
        settings: FeedSettings,
        clock: Clock,
        on_frame: Callable[[], None] = lambda: None,
        on_undecoded: Callable[[], None] | None = None,
    ) -> None:
        self.camera = camera
        self._make_source = make_source
        self._settings = settings
        self._clock = clock
        self._on_frame = on_frame
        self._on_undecoded = on_undecoded
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._undecoded: _Waiting | None = None
        self._waits_since_s: float | None = None
        self._status = FeedStatus()
        self._reader: _Reader | None = None
        self._stopped: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read; returns at once, whether or not the camera is there."""
        with self._lock:
            if self._reader is None:
                self._launch()

    def ask_to_stop(self) -> None:
        """Tell the reader to end; returns at once."""
        with self._lock:
            if self._reader is not None:
                self._reader.stop.set()
                self._stopped, self._reader = self._reader.thread, None

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End reading.

        Returns:
            Whether the reader ended within `timeout_s`; one that is stuck in a driver or a socket
            is left behind.
        """
        self.ask_to_stop()
        thread = self._stopped
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def restart(self, why: str) -> None:
        """Abandon the current reader and start another."""
        _log.warning("camera %s: restarting the reader: %s", self.camera, why)
        with self._lock:
            if self._reader is None:
                return
            self._reader.stop.set()
            self._status = replace(self._status, restarts=self._status.restarts + 1, ended=False)
            self._launch()

    def take(self) -> Frame | None:
        """The newest frame, once, decoded now if it is not yet; None when none waits or it is bad.

        From any thread but one at a time.
        """
        begin_s = self._clock.mono_s()
        self.decode()
        with self._lock:
            frame, self._newest = self._newest, None
            starved_s = self._status.starved_s + self._waited_s(begin_s)
            self._status = replace(self._status, starved_s=starved_s)
            self._waits_since_s = None if self._undecoded is None else self._undecoded.came_s
            return frame

    def waits_since_s(self) -> float | None:
        """Since when a picture has waited to be taken, monotonic; None while there is none."""
        return self._waits_since_s

    def decode(self) -> bool:
        """Make the newest frame of the picture that waits; False when there was none, or a bad one.

        From the thread that takes.
        """
        with self._lock:
            waiting, self._undecoded = self._undecoded, None
        if waiting is None:
            return False
        image_bgr = waiting.picture.decode()
        broken = waiting.picture.broken
        if image_bgr is None:
            self._count_broken(waiting.reader, broken + 1)
            return False
        self._put(waiting.reader, Grab(image_bgr, waiting.picture.frames, broken), waiting)
        return True

    def status(self) -> FeedStatus:
        """What happened so far."""
        with self._lock:
            waited_s = self._waited_s(self._clock.mono_s())
            return replace(self._status, starved_s=self._status.starved_s + waited_s)

    def _waited_s(self, now_s: float) -> float:
        """How long a picture has waited, beyond what was known when the last one was whole."""
        if self._waits_since_s is None:
            return 0.0
        known_s = self._status.last_frame_s
        begin_s = self._waits_since_s if known_s is None else max(known_s, self._waits_since_s)
        return max(0.0, now_s - begin_s)

    def watch(self) -> None:
        """Replace a reader that gave no sign of life for too long."""
        with self._lock:
            reader = self._reader
            ended = self._status.ended
        if reader is None or ended:
            return
        silent_s = self._clock.mono_s() - reader.alive_s
        if silent_s > self._settings.stuck_s:
            self.restart(f"reader unresponsive for {silent_s:.0f} s")

    def _launch(self) -> None:
        reader = _Reader(self._make_source(), self._clock.mono_s())
        reader.thread = threading.Thread(
            target=self._run, args=(reader,), name=f"camera-{self.camera}", daemon=True
        )
        self._reader = reader
        reader.thread.start()

    def _run(self, reader: _Reader) -> None:
        step_back()
        failures = refusals = 0
        while not reader.stop.is_set():
            before, is_refusal = self.status().frames, False
            try:
                self._read_all(reader)
            except CameraError as exc:
                error, is_refusal = str(exc), isinstance(exc, LoginRejected)
                self._count_broken(reader, int(isinstance(exc, BrokenImageError)))
            except Exception as exc:  # a fault of ours or of a library must not end the camera
                _log.exception("camera %s: unexpected fault while reading", self.camera)
                error = f"unexpected fault: {type(exc).__name__}: {exc}"
            else:
                break
            finally:
                reader.source.close()
            if self.status().frames > before:
                failures = refusals = 0
            failures += 1
            # A camera that cannot be reached between two refusals has not forgotten the first one.
            refusals += is_refusal
            pause_s = self._settings.pause_s(failures, refusals if is_refusal else 0)
            if not self._failed(reader, error, pause_s, is_refusal=is_refusal):
                break

    def _failed(self, reader: _Reader, error: str, pause_s: float, *, is_refusal: bool) -> bool:
        """Note a failure and wait; False when reading was stopped in the meantime."""
        error = mask_secrets(error)
        with self._lock:
            if self._reader is not reader:
                return False
            if self._status.error != error:
                _log.warning("camera %s: %s; next attempt in %.1f s", self.camera, error, pause_s)
            self._status = replace(self._status, error=error, login_rejected=is_refusal)
        reader.alive_s = self._clock.mono_s() + pause_s
        if reader.stop.wait(pause_s):
            return False
        with self._lock:
            self._status = replace(self._status, restarts=self._status.restarts + 1)
        return True

    def _read_all(self, reader: _Reader) -> None:
        reader.alive_s = self._clock.mono_s()
        reader.source.open()
        due_s = self._clock.mono_s()
        while not reader.stop.is_set():
            if not reader.source.self_paced:
                wait_s = due_s - self._clock.mono_s()
                reader.alive_s = self._clock.mono_s() + max(wait_s, 0.0)
                if wait_s > 0 and reader.stop.wait(wait_s):
                    return
                due_s = max(due_s, self._clock.mono_s() - self._settings.interval_s)
                due_s += self._settings.interval_s
            found = self._next(reader.source)
            reader.alive_s = self._clock.mono_s()
            if found is None:
                self._ended(reader)
                return
            if isinstance(found, Grab):
                self._put(reader, found)
            else:
                self._put_undecoded(reader, found)

    def _next(self, source: FrameSource) -> Grab | Undecoded | None:
        if self._on_undecoded is not None and isinstance(source, LateDecoding):
            return source.read_undecoded()
        return source.read()

    def _ended(self, reader: _Reader) -> None:
        with self._lock:
            if self._reader is reader:
                self._status = replace(self._status, ended=True, error="the source has ended")
        _log.info("camera %s: the source has ended", self.camera)

    def _put_undecoded(self, reader: _Reader, picture: Undecoded) -> None:
        now_s, utc = self._clock.mono_s(), self._clock.utc()
        with self._lock:
            if self._reader is not reader:
                return
            if self._waits_since_s is None:
                self._waits_since_s = now_s
            before, self._undecoded = self._undecoded, _Waiting(reader, picture, now_s, utc)
            if before is not None:
                self._status = replace(
                    self._status,
                    frames=self._status.frames + before.picture.frames,
                    dropped=self._status.dropped + 1,
                    broken=self._status.broken + before.picture.broken,
                )
        if self._on_undecoded is not None:
            self._on_undecoded()

    def _count_broken(self, reader: _Reader, broken: int) -> None:
        with self._lock:
            if self._reader is reader:
                self._status = replace(self._status, broken=self._status.broken + broken)

    def _put(self, reader: _Reader, grab: Grab, came: _Waiting | None = None) -> None:
        now_s = self._clock.mono_s()
        with self._lock:
            if self._reader is not reader:
                return  # a reader that was left behind and woke up later
            if self._waits_since_s is None:
                self._waits_since_s = now_s
            if self._status.error:
                _log.info("camera %s: receiving frames again", self.camera)
            dropped = self._status.dropped + (self._newest is not None)
            self._status = replace(
                self._status,
                frames=self._status.frames + grab.frames,
                dropped=dropped,
                broken=self._status.broken + grab.broken,
                error="",
                login_rejected=False,
                last_frame_s=now_s,
                starved_s=0.0,
            )
            self._newest = Frame(
                camera=self.camera,
                image_bgr=grab.image_bgr,
                captured_mono_s=now_s if came is None else came.came_s,
                captured_utc=self._clock.utc() if came is None else came.came_utc,
                number=self._status.frames,
            )
        self._on_frame()
