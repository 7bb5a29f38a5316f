"""Boxes that came without a code and wait until a person has compared their fingerprint."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, delete, func, insert, select, update

from cloud_app.errors import RequestRefusedError, UnknownError
from cloud_app.fleet.authority.tables import waiting_box as table
from cloud_app.storage.database import Row, Session
from telemetry.provisioning import Refusal

PER_ADDRESS_MAX = 20
"""Boxes behind one address that may wait at once: a depot that sets up a delivery has some."""
FORGET_MS = 7 * 24 * 3_600_000
"""A box that did not ask for so long no longer waits."""


class WaitingState(StrEnum):
    """What a person said of a box."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class WaitingBox:
    """A box that came without a code.

    Attributes:
        fingerprint: of its key; the box shows the same.
        state: what a person said.
        edge: the name that it wants, or was given.
        site: the same of its site.
        note: what it says of itself.
        address: where it came from first.
        first_ms: since when it waits.
        last_ms: when it asked last.
        decided_ms: when a person decided.
        decided_by: who.
    """

    fingerprint: str
    state: WaitingState
    edge: str | None
    site: str | None
    note: str
    address: str
    first_ms: int
    last_ms: int
    decided_ms: int | None
    decided_by: str | None


_OF = select(table).where(table.c.fingerprint == bindparam("of"))
_PENDING = table.c.state == WaitingState.PENDING.value
_SEEN = (
    update(table).where(table.c.fingerprint == bindparam("of")).values(last_ms=bindparam("at_ms"))
)


def waiting_box(session: Session, fingerprint: str, *, lock: bool = False) -> WaitingBox | None:
    """A box, by its fingerprint; hyphens and case aside."""
    plain = fingerprint.upper().replace("-", "").replace(" ", "").replace(":", "")
    name = "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    query = _OF.with_for_update() if lock else _OF
    rows = session.rows(query, {"of": name})
    return _box(rows[0]) if rows else None


def known_box(session: Session, fingerprint: str, *, lock: bool = True) -> WaitingBox:
    """The same; locked for a change, which a transaction that only reads cannot.

    Raises:
        UnknownError: it does not wait.
    """
    found = waiting_box(session, fingerprint, lock=lock)
    if found is None:
        msg = f"no box with the fingerprint {fingerprint[:60]} waits: compare it with the box's"
        raise UnknownError(msg)
    return found


def waiting_boxes(session: Session, sites: Collection[str] | None) -> list[WaitingBox]:
    """Boxes that wait, the newest first, and those that were decided lately.

    Args:
        session: to read.
        sites: those that want to belong to one of these; None: all.
    """
    query = select(table).order_by(table.c.first_ms.desc(), table.c.fingerprint).limit(500)
    if sites is not None:
        query = query.where(table.c.site.in_(sorted(sites)))
    return [_box(row) for row in session.rows(query)]


def arrive(session: Session, box: WaitingBox, waiting_max: int) -> WaitingBox:
    """Let a box wait, or note that it asked again.

    Args:
        session: a writing transaction.
        box: as it came; what a person decided of it before stands.
        waiting_max: boxes that may wait at once.

    Raises:
        RequestRefusedError: too many wait, from its address or in all.
    """
    known = waiting_box(session, box.fingerprint, lock=True)
    if known is not None:
        session.run(_SEEN, {"of": box.fingerprint, "at_ms": box.last_ms})
        return known
    session.run(delete(table).where(table.c.last_ms < box.last_ms - FORGET_MS))
    count = select(func.count()).select_from(table).where(_PENDING)
    [(everybody,)] = session.rows(count)
    [(neighbours,)] = session.rows(count.where(table.c.address == box.address))
    if everybody >= waiting_max or neighbours >= PER_ADDRESS_MAX:
        msg = "too many boxes wait for approval: approve or refuse some, or use a code"
        raise RequestRefusedError(msg, Refusal.FULL)
    session.run(insert(table), {name: getattr(box, name) for name in WaitingBox.__slots__})
    return box


def decide(session: Session, box: WaitingBox) -> None:
    """Keep what a person decided."""
    session.run(
        update(table)
        .where(table.c.fingerprint == box.fingerprint)
        .values(
            state=box.state.value,
            edge=box.edge,
            site=box.site,
            decided_ms=box.decided_ms,
            decided_by=box.decided_by,
        )
    )


def _box(row: Row) -> WaitingBox:
    facts = {name: getattr(row, name) for name in WaitingBox.__slots__}
    return WaitingBox(**{**facts, "state": WaitingState(row.state)})
