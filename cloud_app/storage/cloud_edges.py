"""Edges that are no box: each speaks for the bays of one lot whose states are made in the cloud.

To every reader such an edge is one like any other: it has a layout, states, counts and a stream
without holes. It is never away, and no message from outside may use its name.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from sqlalchemy import bindparam, select, text

from cloud_app.errors import StorageError
from cloud_app.storage.database import Session
from cloud_app.storage.source_tables import cloud_edge
from cloud_app.storage.tables import edge
from cloud_app.storage.times import to_ms
from cloud_app.storage.upsert import Upsert, among
from telemetry.bounds import LATEST

_LONGEST = 64
# When it was seen last, so that no reader calls it away.
_FOR_EVER_MS = to_ms(LATEST)
_DIGITS = 12


class EdgeKind(StrEnum):
    """What an edge is."""

    BOX = "box"
    CLOUD = "cloud"


_OF_LOT = select(cloud_edge.c.edge).where(
    cloud_edge.c.site == bindparam("at_site"), cloud_edge.c.lot == bindparam("of_lot")
)
_TAKEN = select(edge.c.edge, edge.c.kind, edge.c.site).where(among(edge.c.edge, "edges"))
_CLOUD = select(edge.c.edge).where(among(edge.c.edge, "edges"), edge.c.kind == text("'cloud'"))
_EDGE = Upsert(edge, ("edge", "kind", "site", "seen_ms", "dead"))
_MAP = Upsert(cloud_edge, ("site", "lot", "edge"))


def ensure_cloud_edge(session: Session, site: str, lot: str) -> str:
    """The edge that speaks for a lot in the cloud; it is made if there is none.

    Args:
        session: a transaction that may write, and that has not locked other edges' rows yet.
        site: of the lot.
        lot: which.

    Returns:
        Its name: `{site}.{lot}`, with some digits behind it where that is too long, not the only
        lot that it could mean, or a box's name already.

    Raises:
        StorageError: a box has even the name with the digits.
    """
    known = session.rows(_OF_LOT, {"at_site": site, "of_lot": lot})
    if known:
        return str(known[0].edge)
    names = cloud_edge_names(site, lot)
    boxes = {row.edge for row in session.rows(_TAKEN, {"edges": names}) if row.kind != "cloud"}
    for name in names:
        if name in boxes:
            continue
        session.upsert(_EDGE, [(name, EdgeKind.CLOUD.value, site, _FOR_EVER_MS, 0)])
        session.upsert(_MAP, [(site, lot, name)])
        [row] = session.rows(_TAKEN, {"edges": [name]})
        if row.kind == EdgeKind.CLOUD:
            session.announce(name)
            return name
    msg = f"no edge can be made for lot {lot} of site {site}: boxes have the names {names}"
    raise StorageError(msg)


def cloud_edge_names(site: str, lot: str) -> list[str]:
    """The names that a lot's cloud edge may have, the first one preferred."""
    plain = f"{site}.{lot}"
    digits = hashlib.sha256(f"{site}/{lot}".encode()).hexdigest()[:_DIGITS]
    sure = f"{plain[: _LONGEST - _DIGITS - 1]}-{digits}"
    is_plain = len(plain) <= _LONGEST and "." not in site and "." not in lot
    return [plain, sure] if is_plain else [sure]


def cloud_edges_among(session: Session, edges: list[str]) -> set[str]:
    """Those of these edges that are no box."""
    return {row.edge for row in session.rows(_CLOUD, {"edges": edges})} if edges else set()
