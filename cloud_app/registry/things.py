"""Things in the database: found, and written with their history."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import bindparam, delete, func, select, text

from cloud_app.registry import words
from cloud_app.registry.facts import Facts
from cloud_app.registry.geometry import cell_of
from cloud_app.registry.kinds import KINDS, Kind, Ref, in_order
from cloud_app.registry.tables import change as change_table
from cloud_app.registry.tables import thing as table
from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.upsert import Upsert, names, same

Said: TypeAlias = Mapping[str, Any]
"""Facts by name as JSON has them; null where somebody said that there is none."""

# Keys in one statement: below every driver's bound on parameters.
_CHUNK = 500


class Speaker(StrEnum):
    """The source of a value."""

    LAYOUT = "layout"
    PERSON = "person"


class Action(StrEnum):
    """The kind of a change."""

    CREATED = "created"
    CHANGED = "changed"
    REVERTED = "reverted"
    DELETED = "deleted"


@dataclass(frozen=True)
class Thing:
    """A thing as it stands.

    Attributes:
        ref: which.
        version: of its last change; 0 for one that is not written yet.
        layout: what layouts say of it.
        person: what people say; it stands before what layouts say.
        source: the edge whose layout it is.
        changed_ms: when it last changed.
    """

    ref: Ref
    version: int = 0
    layout: Said = ()  # type: ignore[assignment]
    person: Said = ()  # type: ignore[assignment]
    source: str | None = None
    changed_ms: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", dict(self.layout))
        object.__setattr__(self, "person", dict(self.person))

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return KINDS[self.ref.kind]

    @property
    def ids(self) -> dict[str, str]:
        """What names it."""
        return self.kind.ids_of(self.ref.key)

    @cached_property
    def said(self) -> Said:
        """What holds: a person's word before a layout's."""
        return {**self.layout, **self.person}

    @cached_property
    def facts(self) -> Facts:
        """The same, typed."""
        return self.kind.facts.model_validate(self.said)

    def numbered(self, version: int, changed_ms: int) -> Thing:
        """The same thing as its version; what was worked out of its facts stays."""
        thing = replace(self, version=version, changed_ms=changed_ms)
        thing.__dict__["facts"] = self.facts
        return thing

    @property
    def said_by(self) -> dict[str, Speaker]:
        """Who said each fact."""
        return {
            name: Speaker.PERSON if name in self.person else Speaker.LAYOUT
            for name in sorted(self.said)
        }

    @property
    def type(self) -> str | None:
        """Which type of its kind it is; None where that has none, or nobody said it."""
        return self.said.get(self.kind.type_fact or "")

    @property
    def parent(self) -> Ref | None:
        """What it belongs to."""
        return self.kind.parent_of(self.ref.key, self.said)

    @property
    def site(self) -> str | None:
        """The site that it is at."""
        return self.kind.site_of(self.ref.key, self.said)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing before and after.

    Attributes:
        before: None for a new one.
        after: None for one that goes.
        action: what happened.
    """

    before: Thing | None
    after: Thing | None
    action: Action

    @classmethod
    def of(cls, before: Thing | None, after: Thing, action: Action | None = None) -> Change:
        """A thing made or changed."""
        plain = Action.CREATED if before is None else Action.CHANGED
        return cls(before, after, action or plain)

    @property
    def ref(self) -> Ref:
        """Which thing."""
        one = self.after or self.before
        assert one is not None, "a change of nothing"  # noqa: S101
        return one.ref

    def difference(self) -> dict[str, tuple[Any, Any]]:
        """Each fact that differs: (before, after)."""
        old = {} if self.before is None else self.before.said
        new = {} if self.after is None else self.after.said
        return {
            name: (old.get(name), new.get(name))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        }


def find(session: Session, refs: Iterable[Ref]) -> dict[Ref, Thing]:
    """Those of these things that are there."""
    found: dict[Ref, Thing] = {}
    for kind, keys in _by_kind(refs):
        for row in session.rows(_SOME, {"of_kind": kind, "keys": keys}):
            thing = thing_of(row)
            found[thing.ref] = thing
    return found


def find_one(session: Session, ref: Ref) -> Thing | None:
    """A thing, if it is there."""
    return find(session, [ref]).get(ref)


def versions(session: Session, refs: Iterable[Ref]) -> dict[Ref, int]:
    """The versions of those of these things that are there."""
    return {
        Ref(row.kind, row.key): row.version
        for kind, keys in _by_kind(refs)
        for row in session.rows(_VERSIONS, {"of_kind": kind, "keys": keys})
    }


def belonging_to(session: Session, kind: str, parents: Collection[str]) -> Iterator[Thing]:
    """The things of a kind that belong to these."""
    for some in _chunks(sorted(parents)):
        for row in session.rows(_OF_PARENTS, {"of_kind": kind, "parents": some}):
            yield thing_of(row)


_SOME = select(table).where(
    table.c.kind == bindparam("of_kind"), table.c.key.in_(bindparam("keys", expanding=True))
)
_VERSIONS = select(table.c.kind, table.c.key, table.c.version).where(
    table.c.kind == bindparam("of_kind"), table.c.key.in_(bindparam("keys", expanding=True))
)
_OF_PARENTS = (
    select(table)
    .where(
        table.c.kind == bindparam("of_kind"),
        table.c.parent.in_(bindparam("parents", expanding=True)),
    )
    .order_by(table.c.parent, table.c.key)
)


def thing_of(row: Row) -> Thing:
    """A row of the table."""
    return Thing(
        Ref(row.kind, row.key),
        row.version,
        json.loads(row.said_layout),
        json.loads(row.said_person),
        row.source,
        row.changed_ms,
    )


def lock(session: Session) -> None:
    """Let no other transaction write things until this one ends; reading goes on.

    Edits are rare, so they simply wait for each other. SQLite has one writer anyway.
    """
    if session.connection.dialect.name == "postgresql":
        session.run(_LOCK)


_LOCK = text("LOCK TABLE registry_change IN SHARE ROW EXCLUSIVE MODE")


def write(session: Session, changes: Sequence[Change], actor: str, now_ms: int) -> list[Thing]:
    """Write changes and their history; the caller has the lock.

    Args:
        session: a writing transaction.
        changes: of things that were read under the lock; no thing twice.
        actor: who did it.
        now_ms: when.

    Returns:
        The things that are there now, in the order of `changes`.
    """
    gone = _last_versions(session, [each.ref for each in changes if each.before is None])
    done = [_numbered(each, gone, now_ms) for each in changes]
    for kind, keys in _by_kind(each.ref for each in done if each.after is None):
        session.run(_DELETE, {"of_kind": kind, "keys": keys})
        words.forget(session, kind, keys)
    ordered = sorted(done, key=lambda each: in_order(each.ref))
    session.upsert(_WRITE, [_row(each.after) for each in ordered if each.after is not None])
    session.load(change_table, [_history_row(each, actor, now_ms) for each in ordered])
    _index(session, [each for each in done if _is_found_otherwise(each)])
    return [each.after for each in done if each.after is not None]


def _is_found_otherwise(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return after is not None
    return (before.site, before.said.get("name")) != (after.site, after.said.get("name"))


def _index(session: Session, changes: Iterable[Change]) -> None:
    things = {each.ref: each.after for each in changes if each.after is not None}
    for kind, keys in _by_kind(things):
        some = (things[Ref(kind, key)] for key in keys)
        words.index(
            session, kind, [(each.ref.key, each.site, each.said.get("name")) for each in some]
        )


_DELETE = delete(table).where(
    table.c.kind == bindparam("of_kind"), table.c.key.in_(bindparam("keys", expanding=True))
)
_WRITE = Upsert(table, names(table), same(*names(table, with_key=False)))
_LAST = (
    select(change_table.c.kind, change_table.c.key, func.max(change_table.c.version).label("last"))
    .where(
        change_table.c.kind == bindparam("of_kind"),
        change_table.c.key.in_(bindparam("keys", expanding=True)),
    )
    .group_by(change_table.c.kind, change_table.c.key)
)


def _last_versions(session: Session, refs: Iterable[Ref]) -> dict[Ref, int]:
    # A thing that was deleted and comes again goes on counting: its versions stay unique.
    return {
        Ref(row.kind, row.key): row.last
        for kind, keys in _by_kind(refs)
        for row in session.rows(_LAST, {"of_kind": kind, "keys": keys})
    }


def _numbered(change: Change, gone: Mapping[Ref, int], now_ms: int) -> Change:
    if change.after is None:
        return change
    last = gone.get(change.ref, 0) if change.before is None else change.before.version
    return replace(change, after=change.after.numbered(last + 1, now_ms))


def _row(thing: Thing) -> Values:
    box = thing.facts.box()
    parent = thing.parent
    return (
        *thing.ref,
        None if parent is None else parent.key,
        thing.site,
        thing.version,
        thing.changed_ms,
        thing.source,
        _json(thing.layout),
        _json(thing.person),
        None if box is None else cell_of(box),
        *((None,) * 4 if box is None else box),
        words.sort_form(thing.said.get("name")),
        words.sort_form(thing.type),
    )


def _history_row(change: Change, actor: str, now_ms: int) -> Values:
    # A deletion is one version more than the last: a thing that comes again goes on from there.
    one = change.after or change.before
    assert one is not None, "a change of nothing"  # noqa: S101
    version = one.version if change.after is not None else one.version + 1
    difference = change.difference()
    before = {name: old for name, (old, _) in difference.items()}
    after = {name: new for name, (_, new) in difference.items()}
    return (
        *one.ref,
        version,
        one.site,
        now_ms,
        actor,
        change.action.value,
        _json({} if change.before is None else before),
        _json({} if change.after is None else after),
    )


def _json(value: Said) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _by_kind(refs: Iterable[Ref]) -> Iterator[tuple[str, list[str]]]:
    keys: dict[str, list[str]] = {}
    for ref in refs:
        keys.setdefault(ref.kind, []).append(ref.key)
    for kind, found in keys.items():
        for some in _chunks(found):
            yield kind, some


def _chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield list(keys[start : start + _CHUNK])
