"""What people do to single things: state, change, give back to the layout, delete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, select

from cloud_app.registry.checks import Surroundings, check, typed
from cloud_app.registry.edges import register_edges
from cloud_app.registry.errors import (
    FactsError,
    Fault,
    StaleWriteError,
    ThingInUseError,
    UnknownThingError,
)
from cloud_app.registry.kinds import BAY, DEVICE, KINDS, LOT, ZONE, Kind, Ref
from cloud_app.registry.tables import thing as table
from cloud_app.registry.things import (
    Action,
    Change,
    Said,
    Thing,
    belonging_to,
    find_one,
    lock,
    write,
)
from cloud_app.storage.database import Session
from cloud_app.storage.tables import bay as bay_table
from cloud_app.storage.tables import edge as edge_table

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes which thing, having read which version of it.

    Attributes:
        ref: the thing.
        actor: a person or key.
        now_ms: when.
        version: the one that was read; None for a thing that is to be new.
    """

    ref: Ref
    actor: str
    now_ms: int
    version: int | None = None


def state(session: Session, edit: Edit, given: Said) -> Thing:
    """Say all facts of a thing, new or known; what is not given is known by nobody.

    A fact that is given as the layout has it stays the layout's, unless a person said it before.

    Raises:
        StaleWriteError: the thing has another version, or is there although it was to be new.
        UnknownThingError: it is not there although it was read.
        FactsError: facts are wrong.
    """
    kind = KINDS[edit.ref.kind]
    sound = _sound(kind, given)
    register_edges(session, {edit.ref: sound})
    before = _read(session, edit, may_be_new=True)
    whole = dict.fromkeys(kind.facts.model_fields) | sound
    return _write(session, edit, before, person_of(before, whole))


def person_of(before: Thing | None, given: Said) -> dict[str, Any]:
    """What people say once `given` holds: what a layout says already needs no person."""
    old = before or Thing(Ref("", ""))
    person = dict(old.person)
    for name, value in given.items():
        if name in person or value != old.layout.get(name):
            person[name] = value
        if value is None and name not in old.layout:
            person.pop(name, None)
    return person


def amend(session: Session, edit: Edit, given: Said) -> Thing:
    """Say some facts of a thing; null says that there is none.

    Raises:
        UnknownThingError: it is not there.
        StaleWriteError: it has another version.
        FactsError: facts are wrong.
    """
    sound = _sound(KINDS[edit.ref.kind], given)
    unlocked = find_one(session, edit.ref)
    register_edges(session, {edit.ref: {**(unlocked.said if unlocked else {}), **sound}})
    before = _known(session, edit)
    person = dict(before.person) | sound
    for name, value in sound.items():
        if value is None and name not in before.layout:
            del person[name]
    return _write(session, edit, before, person)


def revert(session: Session, edit: Edit, names: Collection[str]) -> Thing:
    """Take back what people said of some facts: the layout's word holds again.

    Raises:
        UnknownThingError: it is not there.
        StaleWriteError: it has another version.
        FactsError: a name is none of its facts, or what is left is wrong.
    """
    before = _known(session, edit)
    unknown = sorted(set(names) - set(before.kind.facts.model_fields))
    if unknown:
        told = f"expected a fact of a {before.ref.kind}, but this is none"
        raise FactsError([Fault(name, told) for name in unknown])
    person = {name: value for name, value in before.person.items() if name not in names}
    return _write(session, edit, before, person, Action.REVERTED)


def remove(session: Session, edit: Edit) -> None:
    """Delete a thing; its history stays.

    Raises:
        UnknownThingError: it is not there.
        StaleWriteError: it has another version.
        ThingInUseError: others belong to it, or a layout in force has it.
    """
    before = _known(session, edit)
    refuse_if_in_use(session, before, frozenset({before.ref}))
    write(session, [Change(before, None, Action.DELETED)], edit.actor, edit.now_ms)


def refuse_if_in_use(session: Session, thing: Thing, going: Collection[Ref]) -> None:
    """Refuse to delete a thing that others need.

    Args:
        session: to read.
        thing: which.
        going: things that are deleted with it.

    Raises:
        ThingInUseError: with those that need it.
    """
    used = [ref for ref in _users(session, thing) if ref not in going]
    if used:
        shown = ", ".join(str(ref) for ref in used[:_SHOWN])
        more = f" and {len(used) - _SHOWN} more" if len(used) > _SHOWN else ""
        msg = f"{thing.ref} cannot be deleted: {shown}{more} belong to it"
        raise ThingInUseError(msg)
    edges = watching(session, thing)
    if edges:
        msg = (
            f"{thing.ref} cannot be deleted: the layout of edge {', '.join(edges[:_SHOWN])} has it;"
            " take it out of the calibration first"
        )
        raise ThingInUseError(msg)


def _users(session: Session, thing: Thing) -> list[Ref]:
    key = thing.ref.key
    children = [
        row
        for kind in KINDS.values()
        if kind.parent == thing.ref.kind
        for row in session.rows(_CHILDREN, {"of_kind": kind.name, "of_parent": key})
    ]
    used = [Ref(row.kind, row.key) for row in children]
    if thing.ref.kind == ZONE.name:
        lot, _, zone = key.rpartition("/")
        used += [
            b.ref for b in belonging_to(session, BAY.name, [lot]) if b.said.get("zone") == zone
        ]
    if thing.ref.kind in {LOT.name, BAY.name}:
        ids = thing.ids
        used += [
            device.ref
            for device in belonging_to(session, DEVICE.name, [ids["site"]])
            if {name: device.said.get(name) for name in ids} == ids
        ]
    return used


_CHILDREN = (
    select(table.c.kind, table.c.key)
    .where(table.c.kind == bindparam("of_kind"), table.c.parent == bindparam("of_parent"))
    .order_by(table.c.key)
    .limit(100)
)


def watching(session: Session, thing: Thing) -> list[str]:
    """The edges whose layouts in force have a bay, or that are the device itself."""
    if thing.ref.kind == BAY.name:
        rows = session.rows(_WATCHED, thing.ids)
    elif thing.ref.kind == DEVICE.name:
        rows = session.rows(_IN_FORCE, {"device": thing.ref.key})
    else:
        return []
    return [row.edge for row in rows]


_WATCHED = (
    select(edge_table.c.edge)
    .join(
        bay_table,
        (bay_table.c.edge == edge_table.c.edge) & (bay_table.c.layout == edge_table.c.layout),
    )
    .where(
        bay_table.c.site == bindparam("site"),
        bay_table.c.lot == bindparam("lot"),
        bay_table.c.bay == bindparam("bay"),
    )
    .order_by(edge_table.c.edge)
)
_IN_FORCE = select(edge_table.c.edge).where(
    edge_table.c.edge == bindparam("device"), edge_table.c.layout.is_not(None)
)


def _read(session: Session, edit: Edit, *, may_be_new: bool = False) -> Thing | None:
    lock(session)
    thing = find_one(session, edit.ref)
    if thing is None:
        if may_be_new and edit.version is None:
            return None
        msg = f"there is no {edit.ref}"
        raise UnknownThingError(msg)
    if edit.version != thing.version:
        expected = "to be new" if edit.version is None else f"at version {edit.version}"
        msg = f"expected {edit.ref} {expected}, but it is at version {thing.version}"
        raise StaleWriteError(msg, thing)
    return thing


def _known(session: Session, edit: Edit) -> Thing:
    thing = _read(session, edit)
    assert thing is not None, "a new thing was not asked for"  # noqa: S101
    return thing


def _sound(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    facts, faults = typed(kind, given)
    if facts is None:
        raise FactsError(faults)
    return facts.model_dump(mode="json", exclude_unset=True)


def _write(
    session: Session,
    edit: Edit,
    before: Thing | None,
    person: Said,
    action: Action | None = None,
) -> Thing:
    after = replace(before or Thing(edit.ref), person=person)
    if before is not None and dict(person) == before.person:
        return before
    change = Change.of(before, after, action)
    around = Surroundings(session, {after.ref: after})
    faults = check(after, frozenset(change.difference()), around)
    if faults:
        raise FactsError(faults)
    [written] = write(session, [change], edit.actor, edit.now_ms)
    return written
