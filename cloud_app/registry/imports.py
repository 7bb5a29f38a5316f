"""A file compared with the registry: what it would add, change and remove, and then that done.

A file states facts as a person does. What it does not name stays as it is: a thing goes only when
removal was asked for, a fact only where the file has its column and an empty cell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cloud_app.registry.checks import Surroundings, check
from cloud_app.registry.columns import place_of
from cloud_app.registry.edges import register_edges
from cloud_app.registry.edits import refuse_if_in_use
from cloud_app.registry.errors import FactsError, Fault, ThingInUseError
from cloud_app.registry.files import Progress, Row
from cloud_app.registry.kinds import KINDS, Ref, in_order
from cloud_app.registry.things import (
    Action,
    Change,
    Said,
    Thing,
    belonging_to,
    find,
    lock,
    versions,
    write,
)
from cloud_app.storage.database import Database, Session

_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do.

    Attributes:
        changes: additions, changes and, where asked for, removals.
        untouched: how many things of the file are so already.
        missing: things beside those of the file, which the file does not name.
        faults: why nothing of it can be done.
        seen: the version of each thing that it was made from; None for what was not there.
    """

    changes: Sequence[Change] = ()
    untouched: int = 0
    missing: Sequence[Ref] = ()
    faults: Sequence[Fault] = field(default=(), repr=False)
    seen: Mapping[Ref, int | None] = field(default_factory=dict, repr=False)

    def of(self, action: Action) -> list[Change]:
        """The changes of one kind."""
        return [each for each in self.changes if each.action is action]


@dataclass(frozen=True, slots=True)
class Import:
    """How a file is taken.

    Attributes:
        rows: of the file.
        actor: who imports.
        name: of the file.
        remove_missing: things that the file does not name go, where they belong to what the file
            names: bays of its lots, lots of its sites.
    """

    rows: Sequence[Row]
    actor: str
    name: str
    remove_missing: bool = False


Note: TypeAlias = Callable[[Session, Plan], None]
"""Takes down what an import did."""


def dry_run(database: Database, given: Import, progress: Progress | None = None) -> Plan:
    """What an import would do, and all that stands against it."""
    with database.read() as session:
        return _plan(session, given, progress)


def run(
    database: Database, given: Import, now_ms: int, note: Note, progress: Progress | None = None
) -> Plan:
    """Do an import: all of it, or nothing.

    Args:
        database: with the registry.
        given: the file.
        now_ms: wall time.
        note: called in the transaction once all is written, for the audit log.
        progress: told of it.

    Raises:
        FactsError: with all that stands against it.
    """
    # A large file takes a while to compare, and meanwhile nobody else should have to wait.
    plan = dry_run(database, given, progress)
    if plan.faults:
        raise FactsError(plan.faults, given.name)
    with database.write() as session:
        register_edges(session, {row.ref: row.given for row in given.rows})
        lock(session)
        if given.remove_missing or not _still_so(session, plan):
            plan = _plan(session, given, progress)
            if plan.faults:
                raise FactsError(plan.faults, given.name)
        write(session, plan.changes, given.actor, now_ms)
        note(session, plan)
    return plan


def _still_so(session: Session, plan: Plan) -> bool:
    now = versions(session, plan.seen)
    return all(now.get(ref) == version for ref, version in plan.seen.items())


def _plan(session: Session, given: Import, progress: Progress | None) -> Plan:
    known = find(session, [row.ref for row in given.rows])
    after = {row.ref: _after(known.get(row.ref), row) for row in given.rows}
    missing = _missing(session, list(after.values()))
    gone: dict[Ref, Thing | None] = {}
    if given.remove_missing:
        gone = {thing.ref: None for thing in missing}
    around = Surroundings(session, {**after, **gone})
    around.fetch(
        ref
        for thing in after.values()
        for ref in (thing.parent, None if thing.site is None else Ref("site", thing.site))
        if ref is not None
    )
    changes: list[Change] = []
    faults: list[Fault] = []
    for number, row in enumerate(given.rows, start=1):
        if progress is not None and number % _EVERY == 0:
            progress(number, len(given.rows))
        before, thing = known.get(row.ref), after[row.ref]
        if before is not None and before.person == thing.person:
            continue
        change = Change.of(before, thing)
        changes.append(change)
        # A new thing is looked at as a whole: its place may be all that it has.
        faults += place_of(check(thing, frozenset(change.difference()), around), row.place)
    seen = {**around.read, **{row.ref: known.get(row.ref) for row in given.rows}}
    untouched = len(given.rows) - len(changes)
    if given.remove_missing:
        faults += _refused_removals(session, missing, gone)
        changes += [Change(thing, None, Action.DELETED) for thing in missing]
    return Plan(
        sorted(changes, key=lambda each: in_order(each.ref)),
        untouched,
        [] if given.remove_missing else [thing.ref for thing in missing],
        faults,
        {ref: None if thing is None else thing.version for ref, thing in seen.items()},
    )


def _after(before: Thing | None, row: Row) -> Thing:
    thing = before or Thing(row.ref)
    person = dict(thing.person)
    for name, value in row.given.items():
        if thing.said.get(name) == value:
            continue
        if value is None and name not in thing.layout:
            person.pop(name, None)
        else:
            person[name] = value
    return replace(thing, person=person)


def _missing(session: Session, stated: Sequence[Thing]) -> list[Thing]:
    """Things of the same kinds that belong to the same, and that nobody stated."""
    named = {thing.ref for thing in stated}
    parents: dict[str, set[str]] = {}
    for thing in stated:
        if thing.parent is not None:
            parents.setdefault(thing.ref.kind, set()).add(thing.parent.key)
    return [
        thing
        for kind in KINDS
        for thing in belonging_to(session, kind, parents.get(kind, ()))
        if thing.ref not in named
    ]


def _refused_removals(
    session: Session, missing: Sequence[Thing], gone: Collection[Ref]
) -> list[Fault]:
    faults = []
    for thing in missing:
        try:
            refuse_if_in_use(session, thing, gone)
        except ThingInUseError as exc:
            faults.append(Fault(None, str(exc)))
    return faults


def summary(change: Change) -> str:
    """A change in one line."""
    match change.action:
        case Action.CREATED:
            return f"+ {change.ref}"
        case Action.DELETED:
            return f"- {change.ref}"
        case _:
            told = ", ".join(
                f"{name}: {_shown(old)} -> {_shown(new)}"
                for name, (old, new) in change.difference().items()
            )
            return f"~ {change.ref}  {told or 'said by a person now'}"


def _shown(value: Said | object) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, dict) and "coordinates" in value:
        return f"({value['type']})"
    if isinstance(value, dict):
        return f"{value['lat']}, {value['lon']}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
