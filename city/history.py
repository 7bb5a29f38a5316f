"""The past weeks as events of the contract, in streams of a week each.

Each week is a stream (epoch) of its own, as if the box had been given a new store on Monday at
midnight: it begins with the state of every bay. So the newest week can be taken first, without
holes that the cloud would ask the boxes about, and what they say now, in a later epoch, stands.
The edges that the cloud makes for lots without a box have low epochs for such a past.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from city.plan import TIME_ZONE, PlannedLot, Watch
from city.stays import Stay
from city.troubles import Outage, PastIncident
from telemetry import Cause, IncidentEnd, UnknownReason
from telemetry.cloudevents import BayChangedEvent, IncidentChangedEvent, event_id
from telemetry.incidents import IncidentChanged
from telemetry.messages import BayChanged, ClockStamp, Occupancy
from telemetry.topics import EdgeTopics

METHOD = "script"
"""What judged: no network did."""
SENSOR_METHOD = "sensor"
CALIBRATION = 1
_CONF = 0.97


@dataclass(frozen=True, slots=True)
class Said:
    """A bay's state from a time on, in seconds since 1970; `occ` None is unknown."""

    at_s: float
    occ: bool | None
    reason: UnknownReason | None = None


@dataclass(frozen=True)
class Past:
    """The truth about a lot's past.

    Attributes:
        lot: whose.
        stays: of vehicles.
        outages: of cameras and of the box's line.
        incidents: that are over.
    """

    lot: PlannedLot
    stays: Sequence[Stay]
    outages: Sequence[Outage]
    incidents: Sequence[PastIncident]

    def states(self) -> list[list[Said]]:
        """What was said of each bay over time, from its first state on."""
        by_bay: dict[int, list[Stay]] = defaultdict(list)
        for stay in self.stays:
            by_bay[stay.bay].append(stay)
        blind: dict[str | None, list[Outage]] = defaultdict(list)
        for outage in self.outages:
            blind[outage.source].append(outage)
        return [
            with_outages(changes(by_bay[index]), blind[self.lot.source_of(bay)])
            for index, bay in enumerate(self.lot.bays)
        ]


def changes(stays: Iterable[Stay]) -> list[Said]:
    """The true states of a bay; free before its first stay."""
    found = [Said(float("-inf"), False)]
    for stay in sorted(stays, key=lambda each: each.begin_s):
        found += (Said(stay.begin_s, True), Said(stay.end_s, False))
    return found


def with_outages(true: Sequence[Said], outages: Iterable[Outage]) -> list[Said]:
    """What can be said of a bay whose camera sees nothing at times, or whose sensor is silent.

    Args:
        true: states, in order.
        outages: of its source, in order, apart from each other.
    """
    times_s = [each.at_s for each in true]
    found: list[Said] = []
    done = 0
    for outage in outages:
        first, after = bisect_left(times_s, outage.begin_s), bisect_left(times_s, outage.end_s)
        found += true[done:first]
        found.append(Said(outage.begin_s, None, outage.reason))
        found.append(Said(outage.end_s, true[after - 1].occ))
        done = after
    return [*found, *true[done:]]


def weeks(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Weeks of the town's calendar from Monday to Monday, the newest first; the last one is cut."""
    zone = ZoneInfo(TIME_ZONE)
    found = []
    start = begin
    while start < end:
        # Seven days on the clock, whatever the time change makes of them.
        after = (start.astimezone(zone) + timedelta(days=7)).astimezone(UTC)
        found.append((start, min(after, end)))
        start = after
    return found[::-1]


def week_of(
    past: Past, states: Sequence[Sequence[Said]], week: tuple[datetime, datetime], epoch: int
) -> Iterator[BayChangedEvent | IncidentChangedEvent]:
    """One week of a lot as the events of one stream, in order.

    Args:
        past: of the lot.
        states: `past.states()`, which is the same for all weeks.
        week: begin and end.
        epoch: of the stream; later weeks have later ones.
    """
    begin_s, end_s = (each.timestamp() for each in week)
    told: list[_BayNews | _IncidentNews] = [
        *_bay_news(past.lot, states, begin_s, end_s),
        *_incident_news(past, begin_s, end_s),
    ]
    told.sort(key=lambda news: news.at_s)
    source = EdgeTopics(past.lot.spec.site, past.lot.edge).base
    for seq, news in enumerate(told, start=1):
        yield news.event(past.lot, event_id(epoch, seq), source)


@dataclass(frozen=True, slots=True)
class _BayNews:
    at_s: float
    bay: int
    said: Said
    cause: Cause

    def event(self, lot: PlannedLot, name: str, source: str) -> BayChangedEvent:
        planned, said, at = lot.bays[self.bay], self.said, utc(self.at_s)
        bay, by_sensor = planned.said, lot.watch is Watch.SENSORS
        return BayChangedEvent(
            id=name,
            source=source,
            time=at,
            subject=bay.bay,
            data=BayChanged(
                occ=said.occ,
                state=Occupancy.of(said.occ),
                reason=said.reason,
                since=at,
                conf=0.0 if said.occ is None else _CONF,
                cause=self.cause,
                camera=bay.camera,
                sensor=lot.source_of(planned) if by_sensor else None,
                method=SENSOR_METHOD if by_sensor else METHOD,
                calibration=0 if by_sensor else CALIBRATION,
                layout=lot.layout.hash,
                clock=_stamp(self.at_s),
            ),
        )


@dataclass(frozen=True, slots=True)
class _IncidentNews:
    at_s: float
    incident: PastIncident
    is_over: bool

    def event(self, lot: PlannedLot, name: str, source: str) -> IncidentChangedEvent:
        incident = self.incident
        return IncidentChangedEvent(
            id=name,
            source=source,
            time=utc(self.at_s),
            subject=incident.name,
            data=IncidentChanged(
                kind=incident.kind,
                open=not self.is_over,
                camera=incident.camera,
                bays=tuple(lot.bays[index].said.bay for index in incident.bays),
                vehicle=None if incident.limit_s is not None else "car",
                conf=_CONF,
                began=utc(incident.begin_s),
                last_seen=utc(self.at_s),
                stood_s=self.at_s - incident.begin_s,
                limit_s=incident.limit_s,
                ended=utc(self.at_s) if self.is_over else None,
                end=IncidentEnd.LEFT if self.is_over else None,
                calibration=CALIBRATION,
                layout=lot.layout.hash,
                clock=_stamp(self.at_s),
            ),
        )


def _bay_news(
    lot: PlannedLot, states: Sequence[Sequence[Said]], begin_s: float, end_s: float
) -> Iterator[_BayNews]:
    lost = Cause.SENSOR_LOST if lot.watch is Watch.SENSORS else Cause.CAMERA_LOST
    for bay, told in enumerate(states):
        times_s = [each.at_s for each in told]
        first, after = bisect_left(times_s, begin_s), bisect_left(times_s, end_s)
        before = told[first - 1]
        yield _BayNews(begin_s, bay, before, lost if before.occ is None else Cause.STARTUP)
        for said in told[first:after]:
            yield _BayNews(said.at_s, bay, said, lost if said.occ is None else Cause.DETECTION)


def _incident_news(past: Past, begin_s: float, end_s: float) -> Iterator[_IncidentNews]:
    for each in past.incidents:
        for at_s, is_over in ((each.told_s, False), (each.end_s, True)):
            if begin_s <= at_s < end_s:
                yield _IncidentNews(at_s, each, is_over)


def utc(at_s: float) -> datetime:
    """A time in seconds since 1970, to the millisecond."""
    return datetime.fromtimestamp(round(at_s, 3), UTC)


def _stamp(at_s: float) -> ClockStamp:
    # The boxes were never switched off.
    return ClockStamp(synced=True, mono_ms=round(at_s * 1000) % 10**12, boot_id="city")
