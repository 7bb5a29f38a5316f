"""What layouts that arrive say of sites, lots, zones, bays and edges.

Layouts stay the truth about which bays a box watches; here is only what they say of the things
themselves, beside what people say. A bay that a layout no longer has stays until a person deletes
it. One bay that two edges of a lot watch is described by the edge that came first, as long as its
layout has the bay.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from cloud_app.registry.checks import typed
from cloud_app.registry.kinds import BAY, DEVICE, KINDS, LOT, SITE, ZONE, Ref
from cloud_app.registry.tables import change as change_table
from cloud_app.registry.things import Change, Said, Thing, find, lock, write
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import bay as bay_table
from cloud_app.storage.tables import edge as edge_table
from cloud_app.storage.tables import lot as lot_table

_EDGE = select(edge_table.c.edge, edge_table.c.site, edge_table.c.layout).where(
    edge_table.c.edge == bindparam("of")
)
_BAYS = select(bay_table).where(
    bay_table.c.edge == bindparam("of"), bay_table.c.layout == bindparam("hash")
)
_LOTS = select(lot_table).where(
    lot_table.c.site == bindparam("of_site"),
    lot_table.c.lot.in_(bindparam("lots", expanding=True)),
)
_UNKNOWN_EDGES = (
    select(edge_table.c.edge)
    .outerjoin(
        change_table,
        (change_table.c.kind == DEVICE.name)
        & (change_table.c.key == edge_table.c.edge)
        & (change_table.c.version == 1),
    )
    .where(change_table.c.key.is_(None), edge_table.c.kind == "box")
    .order_by(edge_table.c.edge)
)
_STILL_WATCHED = (
    select(bay_table.c.bay)
    .join(
        edge_table,
        (bay_table.c.edge == edge_table.c.edge) & (bay_table.c.layout == edge_table.c.layout),
    )
    .where(
        bay_table.c.edge == bindparam("of"),
        bay_table.c.site == bindparam("site"),
        bay_table.c.lot == bindparam("lot"),
        bay_table.c.bay == bindparam("bay"),
    )
)
_log = logging.getLogger(__name__)
_BAY_FACTS = ("zone", "level", "kind", "angle")


def take_layouts(session: Session, edges: Iterable[str], now_ms: int) -> int:
    """Learn what the layouts in force of these edges say; call it after a layout was taken in.

    Args:
        session: the transaction that took it.
        edges: whose.
        now_ms: when.

    Returns:
        How many things are new or changed; 0 for a layout that is known, which costs some reads.
    """
    return sum(_take(session, edge, now_ms) for edge in sorted(set(edges)))


def take_unknown(session: Session, now_ms: int) -> int:
    """The same for every edge that the registry does not know yet, as after an upgrade."""
    unknown = [row.edge for row in session.rows(_UNKNOWN_EDGES)]
    return take_layouts(session, unknown, now_ms)


def _take(session: Session, edge: str, now_ms: int) -> int:
    told = _sound(_told(session, edge))
    if not _changes(session, edge, told):
        return 0
    lock(session)
    changes = _changes(session, edge, told)
    write(session, changes, f"edge:{edge}", now_ms)
    return len(changes)


def _told(session: Session, edge: str) -> dict[Ref, Said]:
    rows = session.rows(_EDGE, {"of": edge})
    if not rows:
        return {}
    [(_, site, layout)] = rows
    told: dict[Ref, Said] = {
        Ref(SITE.name, site): {},
        Ref(DEVICE.name, edge): {"site": site, "kind": "edge"},
    }
    bays = session.rows(_BAYS, {"of": edge, "hash": layout})
    told |= _lots(session, site, sorted({bay.lot for bay in bays}))
    for bay in bays:
        if bay.zone is not None:
            told[Ref(ZONE.name, f"{bay.site}/{bay.lot}/{bay.zone}")] = {}
        told[Ref(BAY.name, f"{bay.site}/{bay.lot}/{bay.bay}")] = _bay_facts(bay)
    return told


def _bay_facts(bay: Row) -> dict[str, Any]:
    facts = {name: getattr(bay, name) for name in _BAY_FACTS}
    return {name: value for name, value in facts.items() if value is not None}


def _lots(session: Session, site: str, lots: Sequence[str]) -> Iterator[tuple[Ref, Said]]:
    # As the store has it: of two edges that describe a lot, one stands there.
    described = {row.lot: row for row in session.rows(_LOTS, {"of_site": site, "lots": lots})}
    for lot in lots:
        yield Ref(LOT.name, f"{site}/{lot}"), _lot_facts(described.get(lot))


def _lot_facts(row: Row | None) -> dict[str, Any]:
    if row is None:
        return {}
    facts = {
        "name": row.name or None,
        "levels": json.loads(row.levels) or None,
        "location": None if row.lat is None else {"lat": row.lat, "lon": row.lon},
    }
    return {name: value for name, value in facts.items() if value is not None}


def _changes(session: Session, edge: str, told: Mapping[Ref, Said]) -> list[Change]:
    known = find(session, told)
    differ = {ref: thing for ref, thing in known.items() if thing.layout != told[ref]}
    kept = _described_by_others(session, differ.values(), edge)
    return [
        Change.of(known.get(ref), _told_by(known.get(ref) or Thing(ref), said, edge))
        for ref, said in told.items()
        if ref not in known or (ref in differ and ref not in kept)
    ]


def _told_by(thing: Thing, said: Said, edge: str) -> Thing:
    # Where an edge is registered and what it is are no matters of opinion.
    facts = set(said) if thing.ref.kind == DEVICE.name else set()
    person = {name: value for name, value in thing.person.items() if name not in facts}
    return replace(thing, layout=dict(said), person=person, source=edge)


def _described_by_others(session: Session, differ: Iterable[Thing], edge: str) -> set[Ref]:
    """The bays of which another edge's word stands, as its layout in force still has them."""
    return {
        thing.ref
        for thing in differ
        if thing.ref.kind == BAY.name
        and thing.source not in {None, edge}
        and session.rows(_STILL_WATCHED, {"of": thing.source, **thing.ids})
    }


def _sound(told: Mapping[Ref, Said]) -> dict[Ref, Said]:
    """What the registry takes; what it does not is told in the log, not to the edge."""
    sound: dict[Ref, Said] = {}
    for ref, said in told.items():
        facts, faults = typed(KINDS[ref.kind], said)
        if facts is None:
            for fault in faults:
                _log.warning("%s as its layout has it: %s", ref, fault)
            wrong = {fault.field for fault in faults}
            said = {name: value for name, value in said.items() if name not in wrong}  # noqa: PLW2901
            facts = KINDS[ref.kind].facts.model_validate(said)
        sound[ref] = facts.model_dump(mode="json", exclude_unset=True)
    return sound
