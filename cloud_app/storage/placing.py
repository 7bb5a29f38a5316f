"""Which site an edge belongs to, and what is wrong with an edge that people should know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, case, delete, select, text, update

from cloud_app.errors import StorageError
from cloud_app.storage.counts import recount
from cloud_app.storage.database import Session
from cloud_app.storage.tables import bay, edge, edge_fault
from cloud_app.storage.upsert import Upsert, among, names
from cloud_app.stream import EdgeFault, FaultKind

_SITES = select(edge.c.edge, edge.c.site).where(among(edge.c.edge, "edges"))
_BOXES = select(edge.c.edge, edge.c.site).where(
    among(edge.c.edge, "edges"), edge.c.kind == text("'box'")
)
_ALL = (
    select(edge.c.edge, edge.c.site)
    .where(edge.c.kind == text("'box'"))
    .order_by(edge.c.site, edge.c.edge)
)
_REGISTER = Upsert(edge, ("edge", "site"))
_MOVE = (
    update(edge)
    .values(site=bindparam("to"), birth=None, layout=None)
    .where(edge.c.edge == bindparam("of"))
)
# A count that grows for years still fits.
_TIMES_MAX = text("1000000000000")
_NOTE = Upsert(
    edge_fault,
    names(edge_fault),
    lambda new: {
        "site": new.site,
        "detail": new.detail,
        "last_ms": case(
            (new.last_ms > edge_fault.c.last_ms, new.last_ms), else_=edge_fault.c.last_ms
        ),
        "times": case(
            (edge_fault.c.times < _TIMES_MAX, edge_fault.c.times + new.times),
            else_=edge_fault.c.times,
        ),
    },
)
_SINCE = (
    select(edge_fault)
    .where(edge_fault.c.last_ms >= bindparam("since_ms"))
    .order_by(edge_fault.c.edge, edge_fault.c.kind)
)


def sites_of(session: Session, edges: Sequence[str]) -> dict[str, str]:
    """The site of each of these edges that is registered."""
    return {name: site for name, site in session.rows(_SITES, {"edges": edges})}  # noqa: C416 - typed


def sites_of_boxes(session: Session, edges: Sequence[str]) -> dict[str, str]:
    """The same of boxes alone: nothing that comes from outside speaks for a cloud edge."""
    return {name: site for name, site in session.rows(_BOXES, {"edges": edges})}  # noqa: C416 - typed


def registered(session: Session) -> list[tuple[str, str]]:
    """Every box with its site, in the order of site and edge."""
    return [(row.edge, row.site) for row in session.rows(_ALL)]


def register_edge(session: Session, name: str, site: str) -> None:
    """Make an edge known before it speaks.

    Raises:
        StorageError: it belongs to another site already, or is a cloud edge.
    """
    session.upsert(_REGISTER, [(name, site)])
    known = sites_of_boxes(session, [name]).get(name)
    if known is None:
        msg = f"edge {name} speaks for a lot of the cloud: give the box another name"
        raise StorageError(msg)
    if known != site:
        msg = f"edge {name} belongs to site {known}: move it if it should belong to {site}"
        raise StorageError(msg)


def move_edge(session: Session, name: str, site: str) -> str:
    """Let an edge belong to another site; return the one it belonged to.

    What is known of its place goes with the old site: the next layout brings it again. Its history,
    shadows and stream stay with the edge.

    Raises:
        StorageError: no such edge is known.
    """
    known = sites_of_boxes(session, [name]).get(name)
    if known is None:
        msg = f"expected a known edge, but got {name}: it never spoke and was not added"
        raise StorageError(msg)
    session.run(_MOVE, {"of": name, "to": site})
    session.run(delete(bay).where(bay.c.edge == name))
    session.run(delete(edge_fault).where(edge_fault.c.edge == name))
    recount(session, [name])
    session.announce(name)
    return known


def note_faults(session: Session, faults: Iterable[EdgeFault]) -> None:
    """Count faults; of each edge and kind the newest detail is kept. No edge and kind twice."""
    session.upsert(
        _NOTE,
        [
            (each.edge, each.kind, each.site, each.detail, each.last_ms, each.last_ms, each.times)
            for each in sorted(faults, key=lambda each: (each.edge, each.kind))
        ],
    )


def faults_since(session: Session, since_ms: int) -> list[EdgeFault]:
    """Faults that were seen since then."""
    return [
        EdgeFault(row.edge, row.site, FaultKind(row.kind), row.detail, row.last_ms, row.times)
        for row in session.rows(_SINCE, {"since_ms": since_ms})
    ]
