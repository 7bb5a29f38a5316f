"""Taking reports in: each function may be called twice, or late, and leaves the same tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
    update,
)

from cloud_app.storage.carrying import mark_carried
from cloud_app.storage.counts import recount
from cloud_app.storage.database import Session, Values
from cloud_app.storage.events import blocked, facts, record_gaps
from cloud_app.storage.incident_intake import take_open_list
from cloud_app.storage.placing import sites_of_boxes
from cloud_app.storage.projection import SNAPSHOT_RANK, project
from cloud_app.storage.tables import aggregate as aggregate_table
from cloud_app.storage.tables import bay, edge, lot, quarantine, stream
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, among, names, same
from cloud_app.storage.watermark import News, raise_streams, reach
from cloud_app.stream import StreamKey
from telemetry.health import Health
from telemetry.layout import Layout
from telemetry.messages import Aggregate, Snapshot, Status

_TOUCH = Upsert(
    edge,
    ("edge", "site", "seen_ms"),
    lambda new: {
        "seen_ms": case(
            (new.seen_ms > func.coalesce(edge.c.seen_ms, text("0")), new.seen_ms),
            else_=edge.c.seen_ms,
        ),
    },
)
_LIVE = (
    update(edge)
    .values(
        epoch=bindparam("new_epoch"),
        conn=bindparam("new_conn"),
        dead=bindparam("new_dead"),
        reason=bindparam("new_reason"),
        at_ms=bindparam("new_at_ms"),
        birth=func.coalesce(bindparam("new_birth"), edge.c.birth),
    )
    .where(
        edge.c.edge == bindparam("of"),
        # A row that was only touched so far stands at (0, 0, 1), before every life.
        tuple_(edge.c.epoch, edge.c.conn, edge.c.dead)
        < tuple_(bindparam("new_epoch"), bindparam("new_conn"), bindparam("new_dead")),
    )
)
_BAYS = (
    # All but whether they are carried, which no layout says.
    select(*(bay.c[name] for name in names(bay) if name != "carried"))
    .where(bay.c.edge == bindparam("of"), bay.c.layout == bindparam("hash"))
    .order_by(bay.c.place)
)
_FORGET_BAYS = delete(bay).where(bay.c.edge == bindparam("of"), bay.c.layout == bindparam("hash"))
_SERVES = (
    select(bay.c.bay)
    .join(edge, and_(edge.c.edge == bay.c.edge, edge.c.layout == bay.c.layout))
    # As text: SQLAlchemy would read the lot of the upsert around it once more.
    .where(
        bay.c.edge == literal_column("lot.edge"),
        bay.c.site == literal_column("lot.site"),
        bay.c.lot == literal_column("lot.lot"),
    )
)
_LOT = Upsert(
    lot,
    names(lot),
    same("name", "levels", "lat", "lon", "edge"),
    # Described by the first edge that did, as long as it serves the lot.
    lambda new: or_(lot.c.edge.is_(None), lot.c.edge == new.edge, not_(exists(_SERVES))),
)
_LOTS = select(lot).where(lot.c.site == bindparam("at"), among(lot.c.lot, "lots"))
_IN_FORCE = (
    update(edge)
    .values(layout=bindparam("hash"))
    .where(edge.c.edge == bindparam("of"), edge.c.layout.is_distinct_from(bindparam("hash")))
)
_HEALTH = (
    update(edge)
    .values(health=bindparam("told"), health_ms=bindparam("ms"))
    .where(edge.c.edge == bindparam("of"), func.coalesce(edge.c.health_ms, 0) < bindparam("ms"))
)
_AGGREGATE = Upsert(
    aggregate_table,
    ("edge", "period_s", "start_ms", "observed_s", "body"),
    same("observed_s", "body"),
    lambda new: new.observed_s > aggregate_table.c.observed_s,
)
_QUARANTINE = Upsert(
    quarantine,
    ("digest", "topic", "payload", "reason", "first_ms", "times"),
    lambda _new: {
        "times": case(
            (quarantine.c.times < text("1000000000"), quarantine.c.times + text("1")),
            else_=quarantine.c.times,
        )
    },
)
# A flood of bad messages must not fill the disk; nobody reads more of them than this.
_QUARANTINED_MAX = 20_000
_BEYOND = (
    select(quarantine.c.first_ms)
    .order_by(quarantine.c.first_ms.desc())
    .limit(1)
    .offset(bindparam("most"))
)
_PRUNE = delete(quarantine).where(quarantine.c.first_ms < bindparam("cut_ms"))
_NEWEST = (
    select(stream.c.epoch, stream.c.upto)
    .where(stream.c.edge == bindparam("of"))
    .order_by(stream.c.epoch.desc())
    .limit(1)
)


def touch_edges(
    session: Session, sites: Mapping[str, str], heard_ms: Mapping[str, int]
) -> dict[str, str]:
    """Make or find the rows of these edges and lock them, in order of their names.

    Args:
        session: the transaction; the locks last until it ends.
        sites: the site under which each edge published; a new edge is registered for it.
        heard_ms: when the edge showed a sign of life, where it did.

    Returns:
        The site that each box belongs to; a cloud edge, for which nobody may speak, is left out.
    """
    session.upsert(_TOUCH, [(name, sites[name], heard_ms.get(name)) for name in sorted(sites)])
    for name in sites:
        session.announce(name)
    return sites_of_boxes(session, list(sites)) if sites else {}


def lock_edges(session: Session, edges: Sequence[str]) -> None:
    """Lock the rows of edges that exist, in order of their names, until the transaction ends."""
    session.rows(
        select(edge.c.edge).where(edge.c.edge.in_(edges)).order_by(edge.c.edge).with_for_update()
    )


def take_snapshot(session: Session, edge: str, snapshot: Snapshot) -> dict[StreamKey, int]:
    """Project all bays of a snapshot; its seq also tells that the stream reaches so far."""
    position = (snapshot.epoch, snapshot.seq, SNAPSHOT_RANK, to_ms(snapshot.at))
    project(
        session,
        {
            (edge, snapshot.layout, bay.bay): (*position, *facts(bay), blocked(bay))
            for bay in snapshot.bays
        },
    )
    take_open_list(session, edge, snapshot)
    return _raise(session, (edge, snapshot.epoch), News(top=snapshot.seq))


def take_status(session: Session, edge: str, status: Status) -> None:
    """Record a birth, good-bye or will, unless a later life of the edge is known already."""
    session.run(
        _LIVE,
        {
            "of": edge,
            "new_epoch": status.epoch,
            "new_conn": status.conn,
            "new_dead": int(not status.online),
            "new_reason": status.reason,
            "new_at_ms": None if status.at is None else to_ms(status.at),
            "new_birth": status.model_dump_json() if status.online else None,
        },
    )


def take_layout(session: Session, site: str, edge: str, layout: Layout) -> list[str]:
    """Write what the layout's hash stands for, and that it is in force at this edge.

    The broker hands retained layouts out with every connection, so one that is known changes
    nothing. A lot is described by the first edge that did, as long as it serves the lot.

    Returns:
        Lots that another edge describes otherwise: its description stands.
    """
    which = {"of": edge, "hash": layout.hash}
    rows = _bay_rows(site, edge, layout)
    changed = [tuple(row) for row in session.rows(_BAYS, which)] != [row[:-1] for row in rows]
    if changed:
        session.run(_FORGET_BAYS, which)
        session.load(bay, rows)
        mark_carried(session, [edge])
    lots = _lot_rows(site, edge, layout)
    session.upsert(_LOT, lots)
    if session.run(_IN_FORCE, which) or changed:
        recount(session, [edge])
    told = {row[1]: row[2:4] for row in lots}
    known = session.rows(_LOTS, {"at": site, "lots": sorted(map(str, told))}) if told else ()
    return [
        row.lot
        for row in known
        if row.edge not in {None, edge} and (row.name, row.levels) != told[row.lot]
    ]


def _bay_rows(site: str, edge: str, layout: Layout) -> list[Values]:
    """Rows of `bay`, in the order of its columns."""
    return [
        (
            edge,
            layout.hash,
            place,
            each.bay,
            site,
            # A box that names no lot watches the site's only one.
            each.lot or site,
            each.zone,
            each.level,
            each.camera,
            each.kind,
            each.angle,
            None if each.picture is None else json.dumps(each.picture, separators=(",", ":")),
            0,
        )
        for place, each in enumerate(layout.bays)
    ]


def _lot_rows(site: str, edge: str, layout: Layout) -> list[Values]:
    # A lot that is named twice is what was said last of it; in order, as two edges of one lot are
    # not under one lock.
    lots = {each.lot: each for each in layout.lots}
    return [
        (
            site,
            name,
            lots[name].name,
            json.dumps(lots[name].levels),
            place.lat if (place := lots[name].location) else None,
            place.lon if place else None,
            edge,
        )
        for name in sorted(lots)
    ]


def take_health(session: Session, edge: str, health: Health) -> None:
    """Keep the latest figures."""
    session.run(_HEALTH, {"of": edge, "told": health.model_dump_json(), "ms": to_ms(health.at)})


def take_aggregate(session: Session, edge: str, aggregate: Aggregate) -> None:
    """Keep a window's figures; of two versions the one that watched longer."""
    key = (edge, aggregate.period_s, to_ms(aggregate.start))
    session.upsert(_AGGREGATE, [(*key, aggregate.observed_s, aggregate.model_dump_json())])


def give_up(session: Session, edge: str, epoch: int, first: int, last: int) -> int:
    """Record that the edge no longer holds these events; return the new watermark."""
    record_gaps(session, [(edge, epoch, first, last, "not_held")])
    session.announce(edge)
    key = (edge, epoch)
    return _raise(session, key, News(gaps=[(first, last)]))[key]


def newest_stream(session: Session, edge: str) -> tuple[int, int] | None:
    """(epoch, upto) of an edge's newest stream; None if it has none."""
    rows = session.rows(_NEWEST, {"of": edge})
    return (rows[0].epoch, rows[0].upto) if rows else None


def keep_unreadable(session: Session, message: Values) -> None:
    """Keep a message that nobody could use; the same one again is only counted.

    Args:
        session: to write with.
        message: (digest, topic, payload, reason, first_ms).
    """
    session.upsert(_QUARANTINE, [(*message, 1)])


def prune_quarantine(session: Session, before_ms: int) -> int:
    """Delete what is older than that or beyond the newest many; return how many."""
    rows = session.rows(_BEYOND, {"most": _QUARANTINED_MAX})
    return session.run(_PRUNE, {"cut_ms": max([before_ms, *(row.first_ms + 1 for row in rows)])})


def _raise(session: Session, key: StreamKey, news: News) -> dict[StreamKey, int]:
    return raise_streams(session, reach(session, [key[0]]), {key: news})
