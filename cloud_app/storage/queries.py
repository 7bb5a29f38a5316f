"""Reading: lots, bays, edges, history. Every function sees one state of the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from cloud_app.json_values import read_json
from cloud_app.storage.database import Session
from cloud_app.storage.intake import StreamKey
from cloud_app.storage.times import from_ms
from cloud_app.views import (
    AlertItem,
    BayNow,
    Counts,
    EdgeNow,
    EventItem,
    GapItem,
    LotNow,
    StaleReason,
    StreamNow,
)
from telemetry.messages import Location, Occupancy

# An edge heard of within it is speaking now.
_JUST_HEARD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Now:
    """The moment that a reading is for.

    Attributes:
        now_ms: wall time.
        stale_after_ms: an edge not heard of for so long is stale.
    """

    now_ms: int
    stale_after_ms: int

    def staleness(self, dead: int, seen_ms: int | None) -> StaleReason | None:
        """Why an edge's bays are stale, None while they are fresh: offline is stale, not free."""
        if dead:
            return StaleReason.OFFLINE
        if seen_ms is None or self.now_ms - seen_ms > self.stale_after_ms:
            return StaleReason.SILENT
        return None


@dataclass(frozen=True, slots=True)
class Hole:
    """A stream that is complete up to `upto` though it reaches `top`."""

    site: str
    edge: str
    epoch: int
    upto: int
    top: int
    online: bool
    is_current: bool

    @property
    def stream(self) -> StreamKey:
        """Which numbering it is in."""
        return (self.edge, self.epoch)


def occupancy_of(occ: int | None) -> Occupancy:
    """The word for a stored occupancy."""
    return Occupancy.of(None if occ is None else bool(occ))


Sites = Collection[str] | None
"""Which sites are wanted; None for all, and an empty one for none."""


def of_sites(column: str, sites: Sites) -> tuple[str, tuple[str, ...]]:
    """A condition on a column that holds a site, and its values."""
    if sites is None:
        return "1 = 1", ()
    if not sites:
        return "1 = 0", ()
    return f"{column} IN ({', '.join('?' * len(sites))})", tuple(sorted(sites))


def lots_now(session: Session, now: Now, sites: Sites = None) -> list[LotNow]:
    """The lots of some sites, with counts."""
    condition, values = of_sites("bay.site", sites)
    counts: dict[tuple[str, str], Counts] = {}
    for row in session.rows(
        # The condition is a constant of this module with as many places as there are sites.
        "SELECT bay.site, bay.lot, edge.dead, edge.seen_ms, s.closed, s.occ, COUNT(*)"  # noqa: S608
        " FROM edge JOIN bay ON bay.edge = edge.edge AND bay.layout = edge.layout"
        " LEFT JOIN bay_state s"
        " ON s.edge = bay.edge AND s.layout = bay.layout AND s.bay = bay.bay"
        f" WHERE {condition}"
        " GROUP BY bay.site, bay.lot, edge.edge, edge.dead, edge.seen_ms, s.closed, s.occ",
        values,
    ):
        lot_site, lot, dead, seen_ms, closed, occ, number = row
        if closed:
            kind = "closed"
        elif now.staleness(dead, seen_ms) is not None:
            kind = "stale"
        else:
            kind = occupancy_of(occ).value
        add = Counts(**{"bays": number, kind: number})
        counts[lot_site, lot] = counts.get((lot_site, lot), Counts()) + add
    about = {
        (row[0], row[1]): row
        for row in session.rows("SELECT site, lot, name, levels, lat, lon FROM lot")
    }
    return [_lot(key, counts[key], about.get(key)) for key in sorted(counts)]


def _lot(key: tuple[str, str], counts: Counts, about: Sequence[Any] | None) -> LotNow:
    _, _, name, levels, lat, lon = about or (*key, None, "[]", None, None)
    return LotNow(
        site=key[0],
        lot=key[1],
        name=name,
        levels=tuple(json.loads(levels)),
        location=None if lat is None or lon is None else Location(lat=lat, lon=lon),
        counts=counts,
        occupancy=counts.occupancy,
    )


def bays_now(
    session: Session, now: Now, *, site: str, lot: str | None = None, edge: str | None = None
) -> list[BayNow]:
    """Bays of the layouts in force, in the order of edge and layout."""
    return [
        BayNow(
            site=row[0],
            lot=row[1],
            zone=row[2],
            level=row[3],
            edge=row[4],
            bay=row[5],
            camera=row[6],
            kind=row[7],
            angle=row[8],
            state=occupancy_of(row[9]),
            closed=bool(row[10]),
            reason=row[11] if row[10] is not None else "starting",
            conf=row[12],
            since=from_ms(row[13]),
            stale=now.staleness(row[14], row[15]) is not None,
        )
        for row in session.rows(
            "SELECT bay.site, bay.lot, bay.zone, bay.level, bay.edge, bay.bay, bay.camera,"
            " bay.kind, bay.angle, s.occ, s.closed, s.reason, s.conf, s.since_ms,"
            " edge.dead, edge.seen_ms"
            " FROM edge JOIN bay ON bay.edge = edge.edge AND bay.layout = edge.layout"
            " LEFT JOIN bay_state s"
            " ON s.edge = bay.edge AND s.layout = bay.layout AND s.bay = bay.bay"
            " WHERE bay.site = ? AND (CAST(? AS TEXT) IS NULL OR bay.lot = ?)"
            " AND (CAST(? AS TEXT) IS NULL OR bay.edge = ?) ORDER BY bay.edge, bay.place",
            (site, lot, lot, edge, edge),
        )
    ]


def bay_count(session: Session, site: str, lot: str) -> int:
    """How many bays a lot has in the layouts in force; 0 for a lot that is not known."""
    [(count,)] = session.rows(
        "SELECT COUNT(*) FROM edge JOIN bay ON bay.edge = edge.edge AND bay.layout = edge.layout"
        " WHERE bay.site = ? AND bay.lot = ?",
        (site, lot),
    )
    return int(count)


def edges_of(session: Session, sites: Sites) -> frozenset[str]:
    """The names of the edges of some sites."""
    condition, values = of_sites("site", sites)
    rows = session.rows(f"SELECT edge FROM edge WHERE {condition}", values)  # noqa: S608 - as above
    return frozenset(row[0] for row in rows)


def edges_now(
    session: Session, now: Now, edge: str | None = None, sites: Sites = None
) -> list[EdgeNow]:
    """The edges of some sites, or one."""
    condition, values = of_sites("edge.site", sites)
    lost = {
        # A range may be told many times over; in whole numbers SQLite's sum would overflow.
        (name, epoch): int(number)
        for name, epoch, number in session.rows(
            "SELECT edge, epoch, SUM(CAST(last_seq - first_seq + 1 AS DOUBLE PRECISION))"
            " FROM gap GROUP BY edge, epoch"
        )
    }
    faults: dict[str, list[str]] = {}
    for name, kind in session.rows("SELECT edge, kind FROM edge_fault ORDER BY edge, kind"):
        faults.setdefault(name, []).append(kind)
    return [
        _edge(row, now, lost).model_copy(update={"faults": tuple(faults.get(row[0], ()))})
        for row in session.rows(
            "SELECT edge.edge, edge.site, edge.dead, edge.seen_ms, edge.at_ms, edge.reason,"  # noqa: S608
            " edge.birth, edge.health, edge.layout,"
            " (SELECT COUNT(*) FROM bay WHERE bay.edge = edge.edge AND bay.layout = edge.layout),"
            " t.epoch, t.upto, t.top"
            " FROM edge LEFT JOIN stream t ON t.edge = edge.edge"
            " AND t.epoch = (SELECT MAX(epoch) FROM stream WHERE stream.edge = edge.edge)"
            f" WHERE {condition} AND (CAST(? AS TEXT) IS NULL OR edge.edge = ?)"
            " ORDER BY edge.site, edge.edge",
            (*values, edge, edge),
        )
    ]


def _edge(row: Sequence[Any], now: Now, lost: dict[tuple[str, int], int]) -> EdgeNow:
    (
        name,
        site,
        dead,
        seen_ms,
        at_ms,
        reason,
        birth_text,
        health,
        layout,
        bays,
        epoch,
        upto,
        top,
    ) = row
    birth = read_json(birth_text) if birth_text else {}
    stale = now.staleness(dead, seen_ms)
    return EdgeNow(
        edge=name,
        site=site,
        online=not dead,
        stale=stale is not None,
        stale_reason=stale,
        last_seen=from_ms(seen_ms),
        since=from_ms(at_ms),
        offline_reason=reason,
        software=birth.get("software"),
        platform=birth.get("platform"),
        cameras=tuple(birth.get("cameras", ())),
        layout=layout,
        bays=bays,
        stream=None
        if epoch is None
        else StreamNow(epoch=epoch, upto=upto, top=top, lost=min(top, lost.get((name, epoch), 0))),
        health=read_json(health) if health else None,
    )


def site_of(session: Session, edge: str) -> str | None:
    """Where an edge is; None if it is not known."""
    rows = session.rows("SELECT site FROM edge WHERE edge = ?", (edge,))
    return rows[0][0] if rows else None


def recent_events(session: Session, limit: int, sites: Sites = None) -> list[EventItem]:
    """The newest events of some sites, newest first."""
    condition, values = of_sites("site", sites)
    return [
        EventItem(
            id=f"{row[1]}-{row[2]}",
            site=row[3],
            edge=row[0],
            kind=row[4],
            bay=row[5],
            time=from_ms(row[6]),
            state=occupancy_of(row[7]) if row[4] == "changed" else None,
            reason=row[8],
            cause=row[9],
            conf=row[10],
        )
        for row in session.rows(
            "SELECT edge, epoch, seq, site, kind, bay, time_ms, occ, reason, cause, conf"  # noqa: S608
            f" FROM event WHERE {condition}"
            " ORDER BY time_ms DESC, edge, epoch DESC, seq DESC LIMIT ?",
            (*values, limit),
        )
    ]


def gaps(session: Session, edge: str) -> list[GapItem]:
    """What is known to be lost of an edge's stream."""
    return [
        GapItem(edge=row[0], epoch=row[1], first=row[2], last=row[3], reason=row[4])
        for row in session.rows(
            "SELECT edge, epoch, first_seq, last_seq, reason FROM gap WHERE edge = ?"
            " ORDER BY epoch, first_seq",
            (edge,),
        )
    ]


def holes(session: Session) -> list[Hole]:
    """Streams that are incomplete."""
    return [
        Hole(
            site=row[0],
            edge=row[1],
            epoch=row[2],
            upto=row[3],
            top=row[4],
            online=not row[5],
            is_current=row[2] >= row[6],
        )
        for row in session.rows(
            "SELECT edge.site, s.edge, s.epoch, s.upto, s.top, edge.dead, edge.epoch"
            " FROM stream s JOIN edge ON edge.edge = s.edge WHERE s.upto < s.top"
            " ORDER BY s.edge, s.epoch"
        )
    ]


def hole_end(session: Session, hole: Hole) -> int:
    """The last number of a stream's first hole."""
    [(next_event, next_gap)] = session.rows(
        "SELECT"
        " (SELECT MIN(seq) FROM event WHERE edge = ? AND epoch = ? AND seq > ?),"
        " (SELECT MIN(first_seq) FROM gap WHERE edge = ? AND epoch = ? AND first_seq > ?)",
        (hole.edge, hole.epoch, hole.upto) * 2,
    )
    return min(x for x in (next_event, next_gap, hole.top + 1) if x is not None) - 1


def edges_to_reread(session: Session, now: Now) -> list[tuple[str, str]]:
    """Edges (site, edge) of which a retained message must have been missed.

    Either the birth or the layout never came, or the newest state was reported against another
    layout than the one in force, or an edge that is called dead goes on speaking.
    """
    rows = session.rows(
        "SELECT site, edge FROM edge WHERE birth IS NULL OR layout IS NULL"
        " OR (dead = 1 AND seen_ms > ?)"
        " OR layout <> (SELECT s.layout FROM bay_state s WHERE s.edge = edge.edge"
        "  ORDER BY s.epoch DESC, s.seq DESC, s.rank DESC, s.at_ms DESC LIMIT 1)"
        " ORDER BY site, edge",
        (now.now_ms - _JUST_HEARD_MS,),
    )
    return [(site, edge) for site, edge in rows]


def alerts(session: Session, limit: int, sites: Sites = None) -> list[AlertItem]:
    """Alerts of some sites, the open ones first, then the newest."""
    condition, values = of_sites("site", sites)
    return [
        AlertItem(
            rule=row[0],
            subject=row[1],
            text=row[2],
            opened=from_ms(row[3]),
            closed=from_ms(row[4]),
            delivered=bool(row[5]),
            site=row[6],
        )
        for row in session.rows(
            "SELECT rule, subject, text, opened_ms, closed_ms, open_sent, site FROM alert"  # noqa: S608
            f" WHERE {condition}"
            " ORDER BY CASE WHEN closed_ms IS NULL THEN 0 ELSE 1 END, opened_ms DESC, rule, subject"
            " LIMIT ?",
            (*values, limit),
        )
    ]
