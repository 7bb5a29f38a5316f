"""Second opinions on sampled images of a running service, and what they add up to."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.audit.estimate import (
    AccuracyEstimate,
    Bools,
    estimate_accuracy,
    tally_look,
)
from edge_app.audit.history import AuditHistoryFile, CountedObservation
from edge_app.config import AuditConfig
from edge_app.observation import Observation
from telemetry import BayState, Clock
from telemetry.bounds import clamped
from telemetry.health import CameraAudit
from vision.judge import BayShapes, Detector
from vision.second_opinion import SecondOpinion, second_opinion
from vision.types import Floats

_log = logging.getLogger(__name__)

LATE_AFTER = 10.0
"""Settle times after which a second opinion is dropped: the camera was down in the meantime."""
MOST_LOOKS = 2_000
"""Of one camera; twice a week of them at the usual pace. Beyond it the oldest count no more."""
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A second opinion that waits for what its bays do next; it keeps no image.

    Attributes:
        taken_s: monotonic time of the image.
        taken_utc: wall time of the image.
        states: of the bays then.
        opinion: on the image.
    """

    taken_s: float
    taken_utc: datetime
    states: tuple[BayState, ...]
    opinion: SecondOpinion


@dataclass(slots=True)
class _Track:
    """One camera's audit.

    Attributes:
        rng: of the moments that are sampled.
        due_s: when the next image is to be looked at again.
        asked: while a second pass is queued, the newest look: that one it will be about. A busy box
            may have no time for hours, and the newest image is in memory anyway.
        waiting: a second opinion that waits for what its bays do next.
        counted: what counts, with its monotonic moment; oldest first.
    """

    rng: np.random.Generator
    due_s: float
    asked: Observation | None = None
    waiting: _Opinion | None = None
    counted: deque[tuple[float, CountedObservation]] = field(
        default_factory=lambda: deque(maxlen=MOST_LOOKS)
    )


class Auditor:
    """Looks again at sampled images; a `Observer` of every camera.

    Safe to use from several threads, each camera from one at a time. A look costs a second pass of
    the network, about twice the usual one, and is taken only when no frame waits.

    Args:
        config: how often, and when to raise an alarm.
        clock: time.
        when_idle: has a task done once no frame waits; `Scheduler.post_idle`.
        detector: the network in use; None while there is none.
        alarms: where a badly judged camera is reported.
        file: keeps what counts over restarts; None: nothing is kept.
    """

    def __init__(
        self,
        config: AuditConfig,
        clock: Clock,
        when_idle: Callable[[Callable[[], None]], None],
        detector: Callable[[], Detector | None],
        alarms: Alarms,
        file: AuditHistoryFile | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._when_idle = when_idle
        self._detector = detector
        self._alarms = alarms
        self._tracks: dict[str, _Track] = {}
        self._sha256 = ""
        self._file = file
        self._lock = threading.RLock()
        if file is not None:
            self._go_on(file)

    def observe(self, observation: Observation) -> None:
        """Take one judged frame; see `Observer`."""
        with self._lock:
            self._observe(observation)

    def _observe(self, observation: Observation) -> None:
        if observation.spec.sha256 != self._sha256:
            self._start_anew(observation.spec.sha256)
        camera = observation.calibration.camera
        track = self._track(camera)
        now_s = observation.frame.captured_mono_s
        if track.waiting is not None:
            self._settle(track, track.waiting, observation)
        elif track.asked is not None:
            track.asked = observation
        elif now_s >= track.due_s:
            track.asked = observation
            self._when_idle(partial(self._look_again, track))

    def estimate(self, camera: str) -> AccuracyEstimate | None:
        """How often a camera's states are right; None while nothing was looked at again."""
        return estimate_accuracy([each.tally for each in self._counting(camera)])

    def report(self, camera: str) -> CameraAudit | None:
        """The estimate of one camera, for its health; None while nothing was looked at again."""
        found, since = self.estimate(camera), self.since(camera)
        if found is None or since is None:
            return None
        return CameraAudit(
            since=clamped(since),
            looks=found.looks,
            bays=found.bays,
            accuracy=round(found.accuracy, _DIGITS),
            low=round(found.low, _DIGITS),
            high=round(found.high, _DIGITS),
        )

    def look_soon(self, camera: str) -> CameraAudit | None:
        """Look again at a camera's next frame, and keep to the budget afterwards.

        Returns:
            The estimate so far; what is seen now counts once the bays had time to settle.
        """
        with self._lock:
            track = self._track(camera)
            if track.due_s != math.inf:
                track.due_s = self._clock.mono_s()
        return self.report(camera)

    def since(self, camera: str) -> datetime | None:
        """When the oldest image that counts was taken; None without one."""
        oldest = next(self._counting(camera), None)
        return None if oldest is None else oldest.taken_utc

    # -- inside ----------------------------------------------------------------------------------

    def _start_anew(self, sha256: str) -> None:
        """Another network: what is known of the last one's answers says nothing of its."""
        for camera in self._tracks:
            self._alarms.clear(AlarmKind.AUDIT, camera)
        self._sha256 = sha256
        self._tracks = {}

    def _go_on(self, file: AuditHistoryFile) -> None:
        """Take up what counted before the service was started, if it is about the same network."""
        kept = file.read()
        detector = self._detector()
        if detector is not None and detector.spec.sha256 != kept.model:
            return
        self._sha256 = kept.model
        now, now_s = self._clock.utc(), self._clock.mono_s()
        for counted in kept.looks:
            # A wall clock that went back since must not make an image younger than now.
            age_s = max((now - counted.taken_utc).total_seconds(), 0.0)
            if age_s <= self._config.window_s:
                self._track(counted.camera).counted.append((now_s - age_s, counted))
        for camera in self._tracks:
            self._tell(camera)

    def _counting(self, camera: str) -> Iterator[CountedObservation]:
        """What counts of a camera now, oldest first; also one that shows nothing any more."""
        track = self._tracks.get(camera)
        since_s = self._clock.mono_s() - self._config.window_s
        counted = () if track is None else track.counted.copy()
        return (each for taken_s, each in counted if taken_s >= since_s)

    def _all_counted(self) -> list[CountedObservation]:
        return [each for camera in self._tracks for each in self._counting(camera)]

    def _track(self, camera: str) -> _Track:
        track = self._tracks.get(camera)
        if track is None:
            rng = np.random.default_rng((self._config.seed, len(self._tracks)))
            track = _Track(rng, self._clock.mono_s() + self._pause_s(rng))
            self._tracks[camera] = track
        return track

    def _pause_s(self, rng: np.random.Generator) -> float:
        # At random moments, so that nothing that comes at fixed times is always or never seen.
        return float(self._config.every_s * rng.uniform(0.5, 1.5))

    def _look_again(self, track: _Track) -> None:
        begin_s = self._clock.mono_s()
        with self._lock:
            observation, track.asked = track.asked, None
            track.due_s = math.inf  # the camera's frames come meanwhile, and none is to ask again
        opinion = None
        try:
            opinion = self._opinion(observation)
        finally:
            spent_s = self._clock.mono_s() - begin_s
            pause_s = max(self._pause_s(track.rng), spent_s / self._config.budget_share)
            with self._lock:
                track.waiting = opinion
                track.due_s = begin_s + pause_s

    def _opinion(self, observation: Observation | None) -> _Opinion | None:
        detector = self._detector()
        if (
            observation is None
            or detector is None
            or detector.spec.sha256 != observation.spec.sha256
        ):
            return None
        opinion = second_opinion(
            detector, observation.frame.image_bgr, _bays(observation), observation.output
        )
        taken = observation.frame
        return _Opinion(taken.captured_mono_s, taken.captured_utc, observation.states, opinion)

    def _settle(self, track: _Track, waiting: _Opinion, after: Observation) -> None:
        """Count a second opinion, once it is known what its bays did next."""
        now_s = after.frame.captured_mono_s
        age_s = now_s - waiting.taken_s
        if age_s < self._config.settle_s:
            return
        track.waiting = None
        if age_s > LATE_AFTER * self._config.settle_s:
            return
        counted = _settled(waiting, after, self._config.settle_s)
        tally = tally_look(waiting.opinion, _prob(waiting.states), counted)
        camera = after.calibration.camera
        while track.counted and now_s - track.counted[0][0] > self._config.window_s:
            track.counted.popleft()
        if tally.bays:
            kept = CountedObservation(camera, waiting.taken_utc, tally)
            track.counted.append((waiting.taken_s, kept))
            if self._file is not None:
                self._file.add(self._sha256, kept, self._all_counted)
        self._tell(camera)

    def _tell(self, camera: str) -> None:
        found = self.estimate(camera)
        if found is None or found.high >= self._config.alarm_below_share:
            self._alarms.clear(AlarmKind.AUDIT, camera)
            return
        most, expected = math.ceil(1000 * found.high) / 10, 100 * self._config.alarm_below_share
        self._alarms.set(
            Alarm(
                AlarmKind.AUDIT,
                f"camera {camera}: second opinions contradict its bay states",
                f"at most {most:g} % of bay states are correct, expected {expected:g} %",
                "Check in the live image that its bays are drawn in the right place; if they "
                "are, have some of its images labelled.",
                camera,
                "contradicted",
                in_editor=True,
            )
        )


def _bays(observation: Observation) -> BayShapes:
    """The bays as used for the look; the view guard may have moved the outlines."""
    drawn = observation.calibration.shapes()
    if all(map(np.array_equal, drawn.polygons_norm, observation.polygons_norm)):
        return drawn
    height, width = observation.frame.image_bgr.shape[:2]
    return BayShapes.of(observation.polygons_norm, (width, height))


def _settled(then: _Opinion, after: Observation, settle_s: float) -> Bools:
    """Bays that were known at the second opinion, had been so for a while, and stayed so.

    A bay that is just changing is neither: the hold times are at work, and to call that an error
    would punish what they are for.
    """
    later = {state.bay: state for state in after.states}
    return np.array(
        [
            state.occ is not None
            and (then.taken_utc - state.since).total_seconds() >= settle_s
            and (now := later.get(state.bay)) is not None
            and now.occ == state.occ
            and now.since == state.since
            for state in then.states
        ],
        np.bool,
    )


def _prob(states: tuple[BayState, ...]) -> Floats:
    """Probability of "occupied" that each state stands for; even odds for an unknown one."""
    said = [
        0.5 if state.occ is None else state.conf if state.occ else 1 - state.conf
        for state in states
    ]
    return np.asarray(said, np.float32)
