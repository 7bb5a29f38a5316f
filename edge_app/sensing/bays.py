"""Bays that sensors watch: each source keeps its word, and one state is made of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_app.config import SensorConfig
from edge_app.delivery import BayChange
from edge_app.sensing.memory import SensorMemory
from edge_app.sensing.report import SourcesReport, WordReport
from sensors.reconcile import SourceKind, SourceState, Verdict, reconcile
from telemetry.bay_sensors import SENSORS_CAMERA
from telemetry.vocabulary import BayState, Cause, UnknownReason

_log = logging.getLogger(__name__)

SENSOR_METHOD = "sensor"
_OF_SENSORS = frozenset(
    {UnknownReason.SENSOR_SILENT, UnknownReason.SENSOR_FAULT, UnknownReason.SOURCES_DIFFER}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HeardSensor:
    """A sensor's word at a moment.

    Attributes:
        config: of the sensor.
        memory: what it said.
        age_s: since it was last heard of, or since the start of the service if it never was.
    """

    config: SensorConfig
    memory: SensorMemory
    age_s: float

    @property
    def is_silent(self) -> bool:
        """Whether it was not heard of for longer than its period."""
        return self.age_s > self.config.period_s

    def source(self, now: datetime) -> SourceState:
        """Its word, for the reconciliation."""
        heard = now - timedelta(seconds=self.age_s)
        occ, reason = self.memory.occ, self.memory.reason
        if self.memory.since is None:  # nothing was said of the bay yet
            occ, reason = None, UnknownReason.STARTING
        heard_ms = to_ms(heard)
        return SourceState(
            source=self.config.id,
            kind=SourceKind.SENSOR,
            occ=occ,
            reason=reason,
            since_ms=heard_ms if self.memory.since is None else to_ms(self.memory.since),
            heard_ms=heard_ms,
            until_ms=heard_ms + round(1000 * self.config.period_s),
        )


def camera_source(word: BayChange, now: datetime) -> SourceState:
    """A camera's word: it holds until the camera says otherwise, since a lost one says so."""
    state = word.state
    return SourceState(
        source=word.camera,
        kind=SourceKind.CAMERA,
        occ=state.occ,
        reason=state.reason,
        since_ms=to_ms(state.since),
        heard_ms=to_ms(now),
        conf=None if state.occ is None else state.conf,
    )


@dataclass(frozen=True, slots=True)
class BayVerdict:
    """What is made of the words of a bay's sources.

    Attributes:
        bay: its id.
        camera: of its layout.
        verdict: of the reconciliation.
        camera_word: the camera's; None where none sees it, or none said anything yet.
        sensor: whose word counts if it is a sensor's; of several that are silent the first.
    """

    bay: str
    camera: str
    verdict: Verdict
    camera_word: BayChange | None
    sensor: str

    def state(self, now: datetime) -> BayState:
        """The bay's state."""
        verdict = self.verdict
        since = now if verdict.since_ms is None else from_ms(verdict.since_ms)
        reason = None if verdict.reason is None else UnknownReason(verdict.reason)
        return BayState(self.bay, verdict.occ, reason, round(verdict.conf, 4), min(since, now))

    def change(self, now: datetime) -> BayChange:
        """The change to this state: of the source that was believed."""
        state, believed = self.state(now), self.verdict.believed
        word = self.camera_word
        by_sensor = state.reason in _OF_SENSORS
        if believed is not None:
            by_sensor = believed.kind is SourceKind.SENSOR
        if not by_sensor and word is not None:
            return BayChange(
                state, word.cause, self.camera, word.method, word.model, word.calibration_revision,
                decided=now,
            )  # fmt: skip
        cause = Cause.DETECTION if state.occ is not None else Cause.SENSOR_LOST
        if state.reason is UnknownReason.STARTING:
            cause = Cause.STARTUP
        sensor = self.sensor if believed is None else believed.source
        revision = 0 if word is None else word.calibration_revision
        return BayChange(
            state, cause, self.camera, SENSOR_METHOD, None, revision, sensor=sensor, decided=now
        )

    def report(self) -> SourcesReport:
        """For the pages."""
        return SourcesReport(
            bay=self.bay,
            occupied=self.verdict.occ,
            why=self.verdict.why,
            differs=self.verdict.differs,
            words=tuple(
                WordReport(
                    source=each.state.source,
                    kind=each.state.kind,
                    occupied=each.state.occ,
                    reason=None if each.state.reason is None else UnknownReason(each.state.reason),
                    since=from_ms(each.state.since_ms),
                    heard=from_ms(each.state.heard_ms),
                    role=each.role,
                    weight=round(each.weight, 2),
                )
                for each in self.verdict.words
            ),
        )


def judge_bay(
    bay: str,
    camera: str | None,
    word: BayChange | None,
    heard: Sequence[HeardSensor],
    now: datetime,
) -> BayVerdict:
    """Make one state of what the sources of a bay say.

    Args:
        bay: its id.
        camera: that sees it, by the layout; None where none does.
        word: the newest of a camera; passed over if it is not that camera's.
        heard: its sensors, at least one.
        now: wall time.
    """
    sources = [each.source(now) for each in heard]
    if word is not None and word.camera != camera:
        word = None
    if word is not None:
        sources.append(camera_source(word, now))
    silent = [each.config.id for each in heard if each.is_silent]
    sensor = (silent or [heard[0].config.id])[0]
    verdict = reconcile(sources, to_ms(now))
    return BayVerdict(bay, camera or SENSORS_CAMERA, verdict, word, sensor)


def changed(verdicts: Iterable[BayVerdict], known: Mapping[str, BayState]) -> list[BayVerdict]:
    """Those whose occupancy, or reason for being unknown, is not what the store has."""
    return [
        each
        for each in verdicts
        if (state := known.get(each.bay)) is not None
        and (state.occ, state.reason) != (each.verdict.occ, each.verdict.reason)
    ]


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round((moment - _EPOCH) / timedelta(milliseconds=1))


def from_ms(milliseconds: int) -> datetime:
    """The moment."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


Record = Callable[[Sequence[BayChange]], None]
"""Takes changes over for good; `StoredLayout.record`."""
