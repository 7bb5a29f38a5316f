"""Taking events in: each may come twice, late or out of order, and leaves the same tables.

An event's key is (edge, epoch, seq), but the unique key of a table that is partitioned by time must
hold the time too. So the key is kept here, not by an index: a transaction has locked the rows of
its edges (`touch_edges`), nobody else writes their events meanwhile, and `stream.top` is the
highest number ever taken. Hence

- a number above `top` is new: no query, straight into the table;
- a number up to `upto` outside every gap was taken, perhaps pruned since: dropped;
- any other number (in a hole, or given up as a gap) is looked up.

Of two events with one number the first one stays, whatever its time says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, select

from cloud_app.storage.database import Session, Value, Values
from cloud_app.storage.incident_intake import take_incidents
from cloud_app.storage.lake_tables import lake_late
from cloud_app.storage.projection import EVENT_RANK, StateKey, project
from cloud_app.storage.sensors import Key as SensorKey
from cloud_app.storage.sensors import Said, take_told
from cloud_app.storage.tables import event as event_table
from cloud_app.storage.tables import gap, stream
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, among, names
from cloud_app.storage.watermark import News, Reach, raise_streams, reach
from cloud_app.stream import BayChange, Poison, StreamKey, TakenEvent
from telemetry.bay_sensors import SensorState
from telemetry.cloudevents import (
    GatePassedEvent,
    IncidentChangedEvent,
    LotCountEvent,
    OutputChangedEvent,
    SensorHealthEvent,
    StreamGapEvent,
)
from telemetry.messages import BayFacts

GapRow = tuple[str, int, int, int, str]
"""(edge, epoch, first, last, reason)"""

_KNOWN_GAPS = select(gap.c.edge, gap.c.epoch, gap.c.first_seq, gap.c.last_seq).where(
    among(gap.c.edge, "edges")
)
_THERE = select(event_table.c.seq).where(
    event_table.c.edge == bindparam("edge"),
    event_table.c.epoch == bindparam("epoch"),
    event_table.c.seq.in_(bindparam("seqs", expanding=True)),
)
_ADD_GAP = Upsert(gap, ("edge", "epoch", "first_seq", "last_seq", "reason"))
_ADD_LATE = Upsert(lake_late, names(lake_late))
_PRUNE = delete(event_table).where(
    event_table.c.time_ms < bindparam("before_ms"),
    event_table.c.seq
    <= select(stream.c.upto)
    .where(stream.c.edge == event_table.c.edge, stream.c.epoch == event_table.c.epoch)
    .scalar_subquery(),
)


def take_events(
    session: Session, events: Sequence[TakenEvent], poison: Sequence[Poison] = ()
) -> dict[StreamKey, int]:
    """Store events, move the projection and the watermarks.

    Args:
        session: a transaction that has touched these edges.
        events: in any order, any of them taken before.
        poison: numbers whose event nobody could read.

    Returns:
        The watermark of each stream concerned, to acknowledge once the transaction has committed.
    """
    by_stream: dict[StreamKey, dict[int, TakenEvent]] = defaultdict(dict)
    for taken in events:
        by_stream[taken.edge, taken.epoch].setdefault(taken.seq, taken)
    for key, of in by_stream.items():
        # In the stream's order from here on.
        by_stream[key] = dict(sorted(of.items()))
    news = {key: News(seqs=list(of)) for key, of in by_stream.items()}
    others = [taken for taken in events if not isinstance(taken.told, BayChange)]
    gaps = _gap_rows(others)
    for edge, epoch, first, last, _ in gaps:
        news[edge, epoch].gaps.append((first, last))
    for bad in poison:
        news.setdefault((bad.edge, bad.epoch), News()).gaps.append((bad.seq, bad.seq))
        gaps.append((bad.edge, bad.epoch, bad.seq, bad.seq, "quarantined"))
    before = reach(session, {edge for edge, _ in news})
    new = _new(session, by_stream, before)
    session.load(event_table, list(map(event_row, new)))
    _note_late(session, new, before)
    record_gaps(session, gaps)
    project(session, _states(by_stream))
    take_incidents(
        session,
        [
            (taken.site, taken.edge, taken.told)
            for taken in others
            if isinstance(taken.told, IncidentChangedEvent)
        ],
    )
    take_told(
        session,
        [
            _told_of_sensor(taken, taken.told)
            for taken in others
            if isinstance(taken.told, SensorHealthEvent)
        ],
    )
    return raise_streams(session, before, news)


def _note_late(
    session: Session, new: Sequence[TakenEvent], before: Mapping[StreamKey, Reach]
) -> None:
    """Note events that their stream's watermark has passed: the lake reads up to it only."""
    late = [
        (edge, epoch, seq)
        for _, edge, epoch, seq, *_ in new
        if (edge, epoch) in before and seq <= before[edge, epoch].upto
    ]
    session.upsert(_ADD_LATE, late)


def _told_of_sensor(taken: TakenEvent, event: SensorHealthEvent) -> tuple[SensorKey, Said]:
    """What a box says of a sensor that speaks through it."""
    data, time_ms = event.data, taken.time_ms
    said: dict[str, Value] = {"told_ms": time_ms, "told": data.state, "edge": taken.edge}
    if data.last_heard is not None:
        said |= {
            "heard_ms": to_ms(data.last_heard),
            "known": 1,
            "bay": data.bay,
            "network": taken.edge,
            "period_s": data.period_s,
        }
    if data.battery_pct is not None or data.battery_v is not None:
        said |= {
            "battery_ms": time_ms,
            "battery_low": int(data.state is SensorState.LOW_BATTERY),
            "battery_pct": data.battery_pct,
            "battery_v": data.battery_v,
        }
    if data.temperature_c is not None:
        said |= {"temperature_ms": time_ms, "temperature_c": data.temperature_c}
    if data.rssi_dbm is not None or data.snr_db is not None:
        said |= {"link_ms": time_ms, "rssi_dbm": data.rssi_dbm, "snr_db": data.snr_db}
    return (taken.site, event.subject), said


def _new(
    session: Session,
    by_stream: Mapping[StreamKey, Mapping[int, TakenEvent]],
    before: Mapping[StreamKey, Reach],
) -> list[TakenEvent]:
    """The events that are not in the table, in order."""
    old = {
        key: [seq for seq in of if seq <= before[key].top]
        for key, of in by_stream.items()
        if key in before
    }
    known = _known(session, before, {key: seqs for key, seqs in old.items() if seqs})
    new: list[TakenEvent] = []
    for key, of in sorted(by_stream.items()):
        there = known.get(key)
        new += [each for seq, each in of.items() if seq not in there] if there else of.values()
    return new


def _known(
    session: Session, before: Mapping[StreamKey, Reach], old: Mapping[StreamKey, Sequence[int]]
) -> dict[StreamKey, frozenset[int]]:
    """Those of these numbers that need no row: they were taken before."""
    if not old:
        return {}
    gaps: dict[StreamKey, list[tuple[int, int]]] = defaultdict(list)
    for edge, epoch, first, last in session.rows(_KNOWN_GAPS, {"edges": [e for e, _ in old]}):
        gaps[edge, epoch].append((first, last))
    known: dict[StreamKey, frozenset[int]] = {}
    for key, seqs in old.items():
        unsure = {
            seq
            for seq in seqs
            if seq > before[key].upto or any(a <= seq <= b for a, b in gaps[key])
        }
        there: set[int] = set()
        if unsure:
            where = {"edge": key[0], "epoch": key[1], "seqs": sorted(unsure)}
            there = {seq for (seq,) in session.rows(_THERE, where)}
        known[key] = frozenset(seqs) - unsure | there
    return known


def record_gaps(session: Session, rows: Sequence[GapRow]) -> None:
    """Keep ranges that will never come; the same range keeps its first reason."""
    session.upsert(_ADD_GAP, list({row[:4]: row for row in reversed(rows)}.values()))


def _gap_rows(events: Iterable[TakenEvent]) -> list[GapRow]:
    return [
        (taken.edge, taken.epoch, part.first, part.last, taken.told.data.reason)
        for taken in events
        if isinstance(taken.told, StreamGapEvent)
        for part in taken.told.data.ranges
    ]


def _states(by_stream: Mapping[StreamKey, Mapping[int, TakenEvent]]) -> dict[StateKey, Values]:
    """The newest state of each bay among the events."""
    newest: dict[StateKey, Values] = {}
    for (edge, epoch), of in sorted(by_stream.items()):
        # In order of the stream, so the last one written is the newest.
        for seq, taken in of.items():
            told = taken.told
            if isinstance(told, BayChange):
                state = (epoch, seq, EVENT_RANK, taken.time_ms, *told.state)
                newest[edge, told.layout, told.bay] = state
    return newest


def facts(data: BayFacts) -> tuple[int | None, int, str | None, int, float]:
    """What is known of a bay: (occ, closed, reason, since_ms, conf)."""
    occ = None if data.occ is None else int(data.occ)
    return (occ, int(data.closed), data.reason, to_ms(data.since), data.conf)


def blocked(data: BayFacts) -> str | None:
    """Why no vehicle can use a bay, in a word; None where nothing blocks it."""
    return None if data.blocked is None else data.blocked.kind.value


# Of events that say nothing of one bay; one of a type that we do not know is `other`.
_KINDS: Mapping[type, str] = {
    StreamGapEvent: "gap",
    GatePassedEvent: "gate",
    LotCountEvent: "count",
    SensorHealthEvent: "sensor",
    OutputChangedEvent: "output",
}


def event_row(taken: TakenEvent) -> Values:
    """A row of `event`, in the order of its columns."""
    site, edge, epoch, seq, time_ms, told, body = taken
    if isinstance(told, BayChange):
        return (edge, epoch, seq, site, "changed", told[0], time_ms, *told[1:8], body)
    head = (edge, epoch, seq, site)
    if isinstance(told, IncidentChangedEvent):
        incident = told.data
        seen = (None, None, incident.end, to_ms(incident.began), incident.conf)
        return (*head, "incident", None, time_ms, *seen, incident.kind, incident.layout, body)
    return (*head, _KINDS.get(type(told), "other"), None, time_ms, *(None,) * 7, body)


def prune(session: Session, before_ms: int) -> int:
    """Delete events older than that, below the watermark only; return how many."""
    return session.run(_PRUNE, {"before_ms": before_ms})
