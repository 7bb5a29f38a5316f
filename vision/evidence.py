"""From what single frames say to what is known of a bay: the evidence filter.

Each bay carries a belief, the log-odds that it is occupied. A frame moves the belief towards what
it says, by `1 - exp(-quality * dt / memory_s)`: an exponential average in time, so the same scene
gives the same belief at 1 and at 25 frames a second. Averaging, not summing: consecutive frames of
a parked car repeat one observation, and summing them would claim certainty that nothing supports.
For the same reason the belief stays as calibrated as the frames' probabilities are, and `conf` is
the probability that the published state is right.

A state changes when the belief has stayed beyond a threshold for a hold time; thresholds and hold
times are separate for entering and leaving, and all times are seconds. So a car that drives through
a bay does not occupy it, and a person who walks past a parked car does not free its bay. A changed
state begins when the belief first crossed the threshold, not when the hold time ended, since that
is when the car came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from telemetry.vocabulary import BayState, UnknownReason
from vision.types import BayEvidence, NetworkSpec

MAX_LOG_ODDS = 7.0
"""A frame never says more than 99.9 %: beyond it a belief would only be slow to turn."""


EVEN_ODDS = 0.5


def to_log_odds(prob: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Log-odds of probabilities, held within plus and minus MAX_LOG_ODDS."""
    limit = 1 / (1 + math.exp(-MAX_LOG_ODDS))
    clipped = np.clip(np.asarray(prob, np.float64), 1 - limit, limit)
    log_odds: npt.NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return log_odds


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """Thresholds and times of the evidence filter.

    Attributes:
        memory_s: time constant of the belief. Too short, and one bad frame shows; too long, and
            every change comes late.
        enter_prob: belief at or above this speaks for occupied.
        leave_prob: belief at or below this speaks for free.
        enter_hold_s: how long it must, before a free bay becomes occupied: longer than a car needs
            to drive through.
        leave_hold_s: how long it must, before an occupied bay becomes free: longer than a person
            needs to walk past.
        start_hold_s: how long it must, before an unknown bay becomes known; two frames at least.
        abstain_low: a belief above this ...
        abstain_high: ... and below this is doubt; equal when disabled.
        doubt_s: after so much unbroken doubt (or a belief that contradicts the state, or no
            decision since the start) a bay becomes unknown, reason `unsure`.
        occluded_s: after so long without any usable evidence a bay becomes unknown, with the
            reason that the evidence gives, else `occluded`.
    """

    memory_s: float = 1.5
    enter_prob: float = 0.7
    leave_prob: float = 0.3
    enter_hold_s: float = 4.0
    leave_hold_s: float = 4.0
    start_hold_s: float = 0.5
    abstain_low: float = 0.5
    abstain_high: float = 0.5
    doubt_s: float = 15.0
    occluded_s: float = 60.0

    @classmethod
    def for_network(cls, spec: NetworkSpec) -> EvidenceSettings:
        """The defaults, with the abstain band that was measured for a network."""
        return cls(abstain_low=spec.abstain_low, abstain_high=spec.abstain_high)

    def __post_init__(self) -> None:
        """Reject settings under which a bay could be free and occupied at once."""
        if not 0 < self.leave_prob < self.enter_prob < 1:
            msg = (
                "expected 0 < leave_prob < enter_prob < 1, but got "
                f"leave_prob={self.leave_prob}, enter_prob={self.enter_prob}"
            )
            raise ValueError(msg)
        if not 0 <= self.abstain_low <= self.abstain_high <= 1:
            msg = (
                "expected 0 <= abstain_low <= abstain_high <= 1, but got "
                f"{self.abstain_low}, {self.abstain_high}"
            )
            raise ValueError(msg)
        for name in ("memory_s", "doubt_s", "occluded_s"):
            if not getattr(self, name) > 0:
                msg = f"{name} must be positive, but got {getattr(self, name)}"
                raise ValueError(msg)
        for name in ("enter_hold_s", "leave_hold_s", "start_hold_s"):
            if not getattr(self, name) >= 0:
                msg = f"{name} must not be negative, but got {getattr(self, name)}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class _Instant:
    """One moment on both clocks."""

    mono_s: float
    utc: datetime


@dataclass(slots=True)
class _Track:
    """What the filter remembers of one bay.

    Attributes:
        state: as last reported, but for `conf`, which follows the belief.
        log_odds: the belief; None before any evidence.
        said: log-odds that the last usable frame gave.
        seen_s: monotonic time of the last usable evidence, or of the loss of all belief.
        leaning: the occupancy that the belief speaks for beyond its threshold; None within.
        leaning_from: since when it has, unbroken.
        doubt_from_s: since when there has been unbroken doubt.
    """

    state: BayState
    log_odds: float | None = None
    said: float | None = None
    seen_s: float | None = None
    leaning: bool | None = None
    leaning_from: _Instant | None = None
    doubt_from_s: float | None = None


class EvidenceFilter:
    """Turns the evidence of frames into states of bays; not thread-safe, one for each camera."""

    def __init__(
        self,
        bay_ids: Sequence[str],
        settings: EvidenceSettings | None = None,
        *,
        start_utc: datetime,
    ) -> None:
        """Start with every bay unknown, reason `starting`, since `start_utc`."""
        self._settings = settings or EvidenceSettings()
        self._tracks = [
            _Track(BayState(bay, None, UnknownReason.STARTING, 0.0, start_utc)) for bay in bay_ids
        ]
        self._index = {bay: index for index, bay in enumerate(bay_ids)}
        if len(self._index) != len(bay_ids):
            msg = f"bay ids must differ, but got {list(bay_ids)}"
            raise ValueError(msg)

    def states(self) -> tuple[BayState, ...]:
        """Every bay's state, with its present confidence, in the order of the bay ids."""
        return tuple(_with_confidence(track) for track in self._tracks)

    def is_settling(self) -> bool:
        """Whether a bay is on its way to another state.

        A change gate must not skip frames meanwhile: a hold time that no frame ends never ends.
        """
        return any(_is_settling(track) for track in self._tracks)

    def is_starting(self) -> bool:
        """Whether a bay waits for its first state, or for one after its image was no use."""
        return any(_is_starting(track) for track in self._tracks)

    def decides_at_s(self) -> float | None:
        """When the first hold time that runs now ends, monotonic seconds; None while none runs."""
        ends_s = (
            track.leaning_from.mono_s + self._hold_s(track)
            for track in self._tracks
            if track.leaning_from is not None and _is_turning(track)
        )
        return min(ends_s, default=None)

    def update(self, evidence: BayEvidence, mono_s: float, utc: datetime) -> list[BayState]:
        """Take in one frame.

        Args:
            evidence: of the frame, one entry for each bay id.
            mono_s: monotonic time at which the frame was taken, seconds; never falls.
            utc: wall time at which the frame was taken.

        Returns:
            The states that changed, in the order of the bay ids.

        Raises:
            ValueError: the evidence is for another number of bays.
        """
        if evidence.prob.shape != (len(self._tracks),) or evidence.quality.shape != (
            len(self._tracks),
        ):
            msg = (
                f"expected evidence for {len(self._tracks)} bays, but got shapes "
                f"{evidence.prob.shape}, {evidence.quality.shape}"
            )
            raise ValueError(msg)
        now = _Instant(mono_s, utc)
        said = to_log_odds(evidence.prob).tolist()
        changed = []
        for index, (track, log_odds, quality) in enumerate(
            zip(self._tracks, said, evidence.quality.tolist(), strict=True)
        ):
            if quality > 0:
                self._believe(track, log_odds, quality, now)
                has_changed = self._decide(track, now)
            else:
                reason = evidence.unseen.get(index, UnknownReason.OCCLUDED)
                has_changed = self._miss(track, reason, now)
            if has_changed:
                changed.append(_with_confidence(track))
        return changed

    def mark_unknown(
        self,
        reason: UnknownReason,
        mono_s: float,
        utc: datetime,
        bays: Iterable[str] | None = None,
    ) -> list[BayState]:
        """Reset the belief about some bays or all: the image cannot be trusted.

        Args:
            reason: why.
            mono_s: monotonic time, seconds.
            utc: wall time.
            bays: which bays; all by default.

        Returns:
            The states that changed; a bay that was unknown for the same reason did not.
        """
        now = _Instant(mono_s, utc)
        changed = []
        for bay in self._index if bays is None else bays:
            track = self._tracks[self._index[bay]]
            if _lose(track, reason, now):
                changed.append(track.state)
            track.log_odds = track.leaning = track.leaning_from = None
            track.seen_s = mono_s
        return changed

    def restore(self, states: Iterable[BayState]) -> None:
        """Go on from states that were stored before a restart; bays not known here are ignored."""
        for state in states:
            if state.bay in self._index:
                track = self._tracks[self._index[state.bay]]
                track.state = state
                if state.occ is not None:
                    log_odds = float(to_log_odds(state.conf))
                    track.log_odds = log_odds if state.occ else -log_odds

    def _believe(self, track: _Track, said: float, quality: float, now: _Instant) -> None:
        if track.log_odds is None:
            track.log_odds = said
        elif track.seen_s is not None:
            share = 1 - math.exp(-quality * (now.mono_s - track.seen_s) / self._settings.memory_s)
            track.log_odds += share * (said - track.log_odds)
        track.said = said
        track.seen_s = now.mono_s

    def _miss(self, track: _Track, reason: UnknownReason, now: _Instant) -> bool:
        if track.seen_s is None:
            track.seen_s = now.mono_s
        if now.mono_s - track.seen_s < self._settings.occluded_s:
            return False
        track.log_odds = track.leaning = track.leaning_from = None
        return _lose(track, reason, now)

    def _decide(self, track: _Track, now: _Instant) -> bool:
        belief = 1 / (1 + math.exp(-(track.log_odds or 0.0)))
        self._lean(track, belief, now)
        held_from = self._held_from(track, now)
        if held_from is not None:
            track.state = BayState(track.state.bay, track.leaning, None, 0.0, held_from.utc)
            track.doubt_from_s = None
            return True
        if not self._is_doubtful(track, belief):
            track.doubt_from_s = None
        elif track.doubt_from_s is None:
            track.doubt_from_s = now.mono_s
        elif now.mono_s - track.doubt_from_s >= self._settings.doubt_s:
            return _lose(track, UnknownReason.UNSURE, now)
        return False

    def _lean(self, track: _Track, belief: float, now: _Instant) -> None:
        leaning = None
        if belief >= self._settings.enter_prob:
            leaning = True
        elif belief <= self._settings.leave_prob:
            leaning = False
        if leaning is None:
            track.leaning_from = None
        elif leaning != track.leaning:
            track.leaning_from = now
        track.leaning = leaning

    def _held_from(self, track: _Track, now: _Instant) -> _Instant | None:
        if track.leaning_from is None or track.leaning == track.state.occ:
            return None
        is_held = now.mono_s - track.leaning_from.mono_s >= self._hold_s(track)
        return track.leaning_from if is_held else None

    def _hold_s(self, track: _Track) -> float:
        # An unsure bay has shown that it wavers, so it has to earn a state like a known one.
        if track.state.occ is None and track.state.reason is not UnknownReason.UNSURE:
            return self._settings.start_hold_s
        return self._settings.enter_hold_s if track.leaning else self._settings.leave_hold_s

    def _is_doubtful(self, track: _Track, belief: float) -> bool:
        occ = track.state.occ
        if track.state.reason is UnknownReason.UNSURE:
            return False
        in_band = self._settings.abstain_low < belief < self._settings.abstain_high
        contradicted = occ is not None and occ != (belief >= EVEN_ODDS)
        return in_band or contradicted or (occ is None and track.leaning is None)


def _lose(track: _Track, reason: UnknownReason, now: _Instant) -> bool:
    track.doubt_from_s = None
    if track.state.reason is reason:
        return False
    track.state = BayState(track.state.bay, None, reason, 0.0, now.utc)
    return True


def _is_starting(track: _Track) -> bool:
    return track.state.reason not in {None, UnknownReason.UNSURE, UnknownReason.OCCLUDED}


def _is_settling(track: _Track) -> bool:
    if track.state.reason in {UnknownReason.UNSURE, UnknownReason.OCCLUDED}:
        return track.leaning is not None
    return (
        _is_starting(track)
        or track.doubt_from_s is not None
        or _is_turning(track)
        or _is_contradicted(track)
    )


def _is_turning(track: _Track) -> bool:
    return track.leaning is not None and track.leaning != track.state.occ


def _is_contradicted(track: _Track) -> bool:
    """Whether the last frame speaks against the state, however sure the belief still is."""
    return track.said is not None and (track.said > 0) != track.state.occ


def _with_confidence(track: _Track) -> BayState:
    if track.state.occ is None or track.log_odds is None:
        return track.state
    log_odds = track.log_odds if track.state.occ else -track.log_odds
    return replace(track.state, conf=round(1 / (1 + math.exp(-log_odds)), 4))
