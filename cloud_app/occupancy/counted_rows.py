"""Rows that show a counted lot to everybody, and what is kept of how its count came about."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, or_, select, text, update

from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.tables import lot_count
from cloud_app.registry.facts import LotFacts
from cloud_app.storage.database import Session
from cloud_app.storage.tables import bay_count, count_point
from cloud_app.storage.tables import lot as lot_table
from cloud_app.storage.upsert import Upsert, names, same
from sensors.counting import Capacity, Figure

Shown = tuple[int, int, int]
"""(occupied, free, unknown) of the places that no single bay stands for."""

_OF_LOT = (lot_count.c.site == bindparam("at_site"), lot_count.c.lot == bindparam("of_lot"))
_SEEN = update(lot_count).where(*_OF_LOT).values(news=text("0"), edge=bindparam("name"))
_STATES = ("occupied", "free", "unknown")
_ROW = (
    bay_count.c.edge == bindparam("name"),
    bay_count.c.lot == bindparam("of_lot"),
    bay_count.c.counted == text("1"),
)
_SHOWN = select(*(bay_count.c[state] for state in _STATES)).where(*_ROW)
_HIDE = delete(bay_count).where(*_ROW)
_SHOW = Upsert(bay_count, names(bay_count), same("bays", *_STATES, "closed", "counted"))
_POINT = Upsert(count_point, names(count_point), same(*_STATES))
_LOT = Upsert(
    lot_table,
    names(lot_table),
    same("name", "levels", "lat", "lon", "edge"),
    lambda new: or_(lot_table.c.edge.is_(None), lot_table.c.edge == new.edge),
)


def seen(session: Session, lot: Lot, name: str) -> None:
    """Take the news of a lot as seen; `name` is its cloud edge."""
    session.run(_SEEN, {**lot.given, "name": name})


def describe(session: Session, lot: Lot, name: str, facts: LotFacts) -> None:
    """Let lists know the lot, unless a box describes it."""
    place = facts.location
    where = (None, None) if place is None else (place.lat, place.lon)
    levels = json.dumps(list(facts.levels or ()))
    session.upsert(_LOT, [(lot.site, lot.lot, facts.name, levels, *where, name)])


def show(session: Session, lot: Lot, name: str, shown: Shown | None, now_ms: int) -> None:
    """Show a count under the lot's cloud edge; None: single bays stand for all places."""
    which = {**lot.given, "name": name}
    rows = session.rows(_SHOWN, which)
    before = tuple(rows[0]) if rows else None
    if before == shown:
        return
    if shown is None:
        session.run(_HIDE, which)
    else:
        group = (name, "", lot.lot, "", "", "standard")
        session.upsert(_SHOW, [(*group, lot.site, sum(shown), *shown, 0, 1, 0)])
    session.upsert(_POINT, [(lot.site, lot.lot, now_ms, *(shown or (0, 0, 0)))])
    session.announce(name)


@dataclass(frozen=True, slots=True)
class Kept:
    """How a count came about.

    Attributes:
        raw: the ledger's balance; None where it is not believed.
        figure: what was made of it; None where no capacity is known.
        why: the count is not known.
        capacity: on the same basis.
        watched: how many bays are watched one by one.
    """

    raw: int | None
    figure: Figure | None
    why: str | None
    capacity: Capacity | None
    watched: int


_FACTS = (
    "raw",
    "shown",
    "source",
    "why",
    "low",
    "high",
    "capacity",
    "closed",
    "held_back",
    "watched",
)
_KEPT = select(*(lot_count.c[name] for name in _FACTS)).where(*_OF_LOT)
_KEEP = (
    update(lot_count)
    .where(*_OF_LOT)
    .values({name: bindparam(f"new_{name}") for name in (*_FACTS, "changed_ms")})
)


def keep(session: Session, lot: Lot, kept: Kept, now_ms: int) -> None:
    """Keep how a count came about, for later questions."""
    found, capacity = kept.figure, kept.capacity
    new = (
        kept.raw,
        None if found is None else found.count,
        None if found is None else found.source.value,
        kept.why,
        0 if found is None else found.low,
        0 if found is None else found.high,
        None if capacity is None else capacity.places,
        0 if capacity is None else capacity.closed,
        0 if capacity is None else capacity.held_back,
        kept.watched,
    )
    rows = session.rows(_KEPT, lot.given)
    if rows and tuple(rows[0]) == new:
        return
    given = {f"new_{name}": value for name, value in zip(_FACTS, new, strict=True)}
    session.run(_KEEP, {**lot.given, **given, "new_changed_ms": now_ms})
