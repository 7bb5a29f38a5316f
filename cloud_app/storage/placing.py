"""Which site an edge belongs to, and what is wrong with an edge that people should know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud_app.errors import StorageError
from cloud_app.storage.database import Session


class FaultKind(StrEnum):
    """What an edge, or whoever uses its name, does that it should not."""

    WRONG_SITE = "wrong_site"
    """Publishes under a site that it is not registered for."""
    NOT_REGISTERED = "not_registered"
    """Is not listed, where only listed edges are taken in."""
    LOT_DISPUTED = "lot_disputed"
    """Describes a lot otherwise than the edge whose description stands."""
    FLOODING = "flooding"
    """Publishes more than its share: some of it was dropped, to be sent again."""


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """One kind of fault of one edge.

    Attributes:
        edge: whose.
        site: who is concerned: the edge's site, or the one that it claims if it has none.
        kind: what it is.
        detail: the site, lot or number that came last.
        last_ms: when it was last seen.
        times: how often.
    """

    edge: str
    site: str
    kind: FaultKind
    detail: str
    last_ms: int
    times: int = 1


def sites_of(session: Session, edges: Sequence[str]) -> dict[str, str]:
    """The site of each of these edges that is registered."""
    found = session.rows_each(
        "SELECT edge, site FROM edge WHERE edge = ?", [(edge,) for edge in edges]
    )
    return {edge: site for rows in found for edge, site in rows}


def register_edge(session: Session, edge: str, site: str) -> None:
    """Make an edge known before it speaks.

    Raises:
        StorageError: it belongs to another site already.
    """
    session.run(
        "INSERT INTO edge (edge, site) VALUES (?, ?) ON CONFLICT (edge) DO NOTHING", (edge, site)
    )
    [known] = sites_of(session, [edge]).values()
    if known != site:
        msg = f"edge {edge} belongs to site {known}: move it if it should belong to {site}"
        raise StorageError(msg)


def move_edge(session: Session, edge: str, site: str) -> str:
    """Let an edge belong to another site; return the one it belonged to.

    What is known of its place goes with the old site: the next layout brings it anew. Its history,
    shadows and stream stay with the edge.

    Raises:
        StorageError: no such edge is known.
    """
    known = sites_of(session, [edge]).get(edge)
    if known is None:
        msg = f"expected a known edge, but got {edge}: it never spoke and was not added"
        raise StorageError(msg)
    session.run(
        "UPDATE edge SET site = ?, birth = NULL, layout = NULL WHERE edge = ?", (site, edge)
    )
    session.run("DELETE FROM bay WHERE edge = ?", (edge,))
    session.run("DELETE FROM edge_fault WHERE edge = ?", (edge,))
    session.announce(edge)
    return known


def note_faults(session: Session, faults: Iterable[EdgeFault]) -> None:
    """Count faults; of each edge and kind the newest detail is kept."""
    session.run_many(
        "INSERT INTO edge_fault (edge, kind, site, detail, first_ms, last_ms, times)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edge, kind) DO UPDATE SET"
        " site = excluded.site, detail = excluded.detail,"
        " last_ms = CASE WHEN excluded.last_ms > edge_fault.last_ms THEN excluded.last_ms"
        " ELSE edge_fault.last_ms END,"
        " times = CASE WHEN edge_fault.times < 1000000000000 THEN edge_fault.times"
        " + excluded.times ELSE edge_fault.times END",
        [
            (each.edge, each.kind, each.site, each.detail, each.last_ms, each.last_ms, each.times)
            for each in sorted(faults, key=lambda each: (each.edge, each.kind))
        ],
    )


def faults_since(session: Session, since_ms: int) -> list[EdgeFault]:
    """Faults that were seen since then."""
    return [
        EdgeFault(row[0], row[1], FaultKind(row[2]), row[3], row[4], row[5])
        for row in session.rows(
            "SELECT edge, site, kind, detail, last_ms, times FROM edge_fault WHERE last_ms >= ?"
            " ORDER BY edge, kind",
            (since_ms,),
        )
    ]
