"""Taking messages in: each function may be called twice, or late, and leaves the same tables.

The stream's key is (edge, epoch, seq). The projection moves by position (epoch, seq, rank, time)
and only forward, so it is the maximum over all that was seen: order and repetition cannot matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cloud_app.storage.database import Session, Value
from cloud_app.storage.incident_intake import take_incidents, take_open_list
from cloud_app.storage.times import to_ms
from cloud_app.storage.watermark import advance, contiguous
from telemetry.cloudevents import (
    BayChangedEvent,
    Event,
    IncidentChangedEvent,
    StreamGapEvent,
)
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, BayFacts, Snapshot, Status

StreamKey = tuple[str, int]
"""(edge, epoch)"""

GapRow = tuple[str, int, int, int, str]
"""(edge, epoch, first, last, reason)"""

_SNAPSHOT, _EVENT = 0, 1


@dataclass(slots=True)
class _News:
    """What one batch brings to one stream."""

    seqs: list[int] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    top: int = 0

    @property
    def highest(self) -> int:
        """The highest number that is known to exist now."""
        return max(self.top, *self.seqs, *(last for _, last in self.gaps), 0)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where an edge's stream is complete here."""

    site: str
    edge: str
    epoch: int
    upto: int


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """An event that was read and whose source agrees with its topic."""

    site: str
    edge: str
    event: Event
    body: str

    @property
    def stream(self) -> StreamKey:
        """Which numbering its seq belongs to."""
        return (self.edge, self.event.epoch)


@dataclass(frozen=True, slots=True)
class Poison:
    """An event that cannot be read, though its number can: it counts as received.

    Else the watermark would stand still for ever, and the edge's outbox would fill.
    """

    edge: str
    epoch: int
    seq: int


def touch_edges(
    session: Session, sites: Mapping[str, str], heard_ms: Mapping[str, int]
) -> dict[str, str]:
    """Make or find the rows of these edges and lock them, in order of their names.

    Args:
        session: the transaction; the locks last until it ends.
        sites: the site under which each edge published; a new edge is registered for it.
        heard_ms: when the edge showed a sign of life, where it did.

    Returns:
        The site that each of them belongs to.
    """
    edges = sorted(sites)
    registered = session.rows_each(
        "INSERT INTO edge (edge, site, seen_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (edge) DO UPDATE SET"
        " seen_ms = CASE WHEN excluded.seen_ms > COALESCE(edge.seen_ms, 0)"
        " THEN excluded.seen_ms ELSE edge.seen_ms END RETURNING site",
        [(edge, sites[edge], heard_ms.get(edge)) for edge in edges],
    )
    for edge in edges:
        session.announce(edge)
    return {edge: rows[0][0] for edge, rows in zip(edges, registered, strict=True)}


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
    news: dict[StreamKey, _News] = {}
    for taken in events:
        news.setdefault(taken.stream, _News()).seqs.append(taken.event.seq)
    for bad in poison:
        news.setdefault((bad.edge, bad.epoch), _News()).gaps.append((bad.seq, bad.seq))
    session.run_many(
        "INSERT INTO event (edge, epoch, seq, site, kind, bay, time_ms, occ, closed, reason,"
        " since_ms, conf, cause, layout, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [_event_row(taken) for taken in events],
    )
    gaps = _gap_rows(events)
    for edge, epoch, first, last, _ in gaps:
        news[edge, epoch].gaps.append((first, last))
    gaps += [(p.edge, p.epoch, p.seq, p.seq, "quarantined") for p in poison]
    _record_gaps(session, gaps)
    _project(session, _event_states(events))
    take_incidents(
        session,
        [
            (taken.site, taken.edge, taken.event)
            for taken in events
            if isinstance(taken.event, IncidentChangedEvent)
        ],
    )
    return _raise(session, news)


def take_snapshot(session: Session, edge: str, snapshot: Snapshot) -> dict[StreamKey, int]:
    """Project all bays of a snapshot; its seq also tells that the stream reaches so far."""
    at_ms = to_ms(snapshot.at)
    _project(
        session,
        {
            (edge, snapshot.layout, bay.bay): (
                snapshot.epoch,
                snapshot.seq,
                _SNAPSHOT,
                at_ms,
                *_facts(bay),
            )
            for bay in snapshot.bays
        },
    )
    take_open_list(session, edge, snapshot)
    return _raise(session, {(edge, snapshot.epoch): _News(top=snapshot.seq)})


def take_status(session: Session, edge: str, status: Status) -> None:
    """Record a birth, good-bye or will, unless a later life of the edge is known already."""
    birth = status.model_dump_json() if status.online else None
    session.run(
        "UPDATE edge SET epoch = ?, conn = ?, dead = ?, reason = ?, at_ms = ?,"
        " birth = COALESCE(?, birth)"
        # A row that was only touched so far stands at (0, 0, 1), before every life.
        " WHERE edge = ? AND (epoch, conn, dead) < (?, ?, ?)",
        (
            status.epoch,
            status.conn,
            int(not status.online),
            status.reason,
            None if status.at is None else to_ms(status.at),
            birth,
            edge,
            status.epoch,
            status.conn,
            int(not status.online),
        ),
    )


def take_layout(session: Session, site: str, edge: str, layout: Layout) -> list[str]:
    """Write what the layout's hash stands for, and that it is in force at this edge.

    A lot is described by the first edge that did, as long as it serves the lot.

    Returns:
        Lots that another edge describes otherwise: its description stands.
    """
    session.run("DELETE FROM bay WHERE edge = ? AND layout = ?", (edge, layout.hash))
    session.run_many(
        "INSERT INTO bay (edge, layout, place, bay, site, lot, zone, level, camera, kind, angle)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                edge,
                layout.hash,
                place,
                bay.bay,
                site,
                # A box that names no lot watches the site's only one.
                bay.lot or site,
                bay.zone,
                bay.level,
                bay.camera,
                bay.kind,
                bay.angle,
            )
            for place, bay in enumerate(layout.bays)
        ],
    )
    session.run_many(
        "INSERT INTO lot (site, lot, name, levels, lat, lon, edge) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (site, lot) DO UPDATE SET name = excluded.name, levels = excluded.levels,"
        " lat = excluded.lat, lon = excluded.lon, edge = excluded.edge"
        " WHERE lot.edge IS NULL OR lot.edge = excluded.edge OR NOT EXISTS ("
        " SELECT 1 FROM bay JOIN edge ON edge.edge = bay.edge AND edge.layout = bay.layout"
        " WHERE bay.edge = lot.edge AND bay.site = lot.site AND bay.lot = lot.lot)",
        [
            (
                site,
                lot.lot,
                lot.name,
                json.dumps(lot.levels),
                lot.location.lat if lot.location else None,
                lot.location.lon if lot.location else None,
                edge,
            )
            # In order, as two edges of one lot are not under one lock.
            for lot in sorted(layout.lots, key=lambda lot: lot.lot)
        ],
    )
    session.run("UPDATE edge SET layout = ? WHERE edge = ?", (layout.hash, edge))
    return _disputed(session, site, edge, layout)


def _disputed(session: Session, site: str, edge: str, layout: Layout) -> list[str]:
    told = {lot.lot: (lot.name, json.dumps(lot.levels)) for lot in layout.lots}
    rows = session.rows_each(
        "SELECT lot, name, levels FROM lot WHERE site = ? AND lot = ? AND edge <> ?",
        [(site, lot, edge) for lot in sorted(told)],
    )
    return [lot for found in rows for lot, *facts in found if tuple(facts) != told[lot]]


def take_health(session: Session, edge: str, health: Health) -> None:
    """Keep the latest figures."""
    session.run(
        "UPDATE edge SET health = ?, health_ms = ? WHERE edge = ? AND COALESCE(health_ms, 0) < ?",
        (health.model_dump_json(), to_ms(health.at), edge, to_ms(health.at)),
    )


def take_aggregate(session: Session, edge: str, aggregate: Aggregate) -> None:
    """Keep a window's figures; of two versions the one that watched longer."""
    session.run(
        "INSERT INTO aggregate (edge, period_s, start_ms, observed_s, body) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (edge, period_s, start_ms) DO UPDATE SET"
        " observed_s = excluded.observed_s, body = excluded.body"
        " WHERE excluded.observed_s > aggregate.observed_s",
        (
            edge,
            aggregate.period_s,
            to_ms(aggregate.start),
            aggregate.observed_s,
            aggregate.model_dump_json(),
        ),
    )


def give_up(session: Session, edge: str, epoch: int, first: int, last: int) -> int:
    """Record that the edge no longer holds these events; return the new watermark."""
    _record_gaps(session, [(edge, epoch, first, last, "not_held")])
    session.announce(edge)
    key = (edge, epoch)
    return _raise(session, {key: _News(gaps=[(first, last)])})[key]


def _record_gaps(session: Session, rows: Sequence[GapRow]) -> None:
    if rows:
        session.run_many(
            "INSERT INTO gap (edge, epoch, first_seq, last_seq, reason) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            rows,
        )


def _raise(session: Session, news: Mapping[StreamKey, _News]) -> dict[StreamKey, int]:
    """Raise streams to what the tables hold now; return their watermarks.

    What came just now is followed in memory. Only where the stream reaches beyond that, over a hole
    or to events that came before, the tables are asked.
    """
    keys = sorted(news)
    known = session.rows_each(
        "INSERT INTO stream (edge, epoch, upto, top) VALUES (?, ?, 0, ?)"
        " ON CONFLICT (edge, epoch) DO UPDATE SET"
        " top = CASE WHEN excluded.top > stream.top THEN excluded.top ELSE stream.top END"
        " RETURNING upto, top",
        [(*key, news[key].highest) for key in keys],
    )
    marks: dict[StreamKey, int] = {}
    risen: list[tuple[int, str, int]] = []
    for key, [(before, top)] in zip(keys, known, strict=True):
        upto = contiguous(before, sorted(news[key].seqs), sorted(news[key].gaps))
        if upto < top:
            upto = advance(session, *key, upto)
        if upto > before:
            risen.append((upto, *key))
        marks[key] = upto
    if risen:
        session.run_many("UPDATE stream SET upto = ? WHERE edge = ? AND epoch = ?", risen)
    return marks


def _project(session: Session, states: Mapping[tuple[str, str, str], tuple[Value, ...]]) -> None:
    if not states:
        return
    session.run_many(
        "INSERT INTO bay_state (edge, layout, bay, epoch, seq, rank, at_ms,"
        " occ, closed, reason, since_ms, conf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (edge, layout, bay) DO UPDATE SET epoch = excluded.epoch,"
        " seq = excluded.seq, rank = excluded.rank, at_ms = excluded.at_ms, occ = excluded.occ,"
        " closed = excluded.closed, reason = excluded.reason, since_ms = excluded.since_ms,"
        " conf = excluded.conf"
        " WHERE (bay_state.epoch, bay_state.seq, bay_state.rank, bay_state.at_ms)"
        " < (excluded.epoch, excluded.seq, excluded.rank, excluded.at_ms)",
        [(*key, *state) for key, state in states.items()],
    )


def _event_states(
    events: Iterable[TakenEvent],
) -> dict[tuple[str, str, str], tuple[Value, ...]]:
    """The newest state of each bay among `events`."""
    newest: dict[tuple[str, str, str], BayChangedEvent] = {}
    for taken in events:
        event = taken.event
        if isinstance(event, BayChangedEvent):
            key = (taken.edge, event.data.layout, event.subject)
            known = newest.get(key)
            if known is None or (known.epoch, known.seq) < (event.epoch, event.seq):
                newest[key] = event
    return {
        key: (event.epoch, event.seq, _EVENT, to_ms(event.time), *_facts(event.data))
        for key, event in newest.items()
    }


def _facts(facts: BayFacts) -> tuple[Value, ...]:
    occ = None if facts.occ is None else int(facts.occ)
    return (occ, int(facts.closed), facts.reason, to_ms(facts.since), facts.conf)


def _event_row(taken: TakenEvent) -> tuple[Value, ...]:
    event = taken.event
    head = (taken.edge, event.epoch, event.seq, taken.site)
    if isinstance(event, BayChangedEvent):
        data = event.data
        return (
            *head,
            "changed",
            event.subject,
            to_ms(event.time),
            *_facts(data),
            data.cause,
            data.layout,
            taken.body,
        )
    if isinstance(event, IncidentChangedEvent):
        incident = event.data
        facts = (None, None, incident.end, to_ms(incident.began), incident.conf)
        told = (incident.kind, incident.layout, taken.body)
        return (*head, "incident", None, to_ms(event.time), *facts, *told)
    kind = "gap" if isinstance(event, StreamGapEvent) else "other"
    nothing = (None,) * 7
    return (*head, kind, None, to_ms(event.time), *nothing, taken.body)


def _gap_rows(events: Iterable[TakenEvent]) -> list[GapRow]:
    return [
        (taken.edge, taken.event.epoch, part.first, part.last, taken.event.data.reason)
        for taken in events
        if isinstance(taken.event, StreamGapEvent)
        for part in taken.event.data.ranges
    ]


def prune(session: Session, before_ms: int) -> int:
    """Delete events older than that, below the watermark only; return how many."""
    return session.run(
        "DELETE FROM event WHERE time_ms < ? AND seq <="
        " (SELECT upto FROM stream s WHERE s.edge = event.edge AND s.epoch = event.epoch)",
        (before_ms,),
    )
