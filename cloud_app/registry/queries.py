"""Reading the registry: pages of things, a map window, history, who owns what.

Nothing here reads all bays: lists go by what things belong to, page by page, and a map window by
its cells.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, select, true, union_all

from cloud_app.registry.geometry import Box, cells_around
from cloud_app.registry.kinds import DEVICE, OPERATOR, SITE, Kind, Ref
from cloud_app.registry.search import fits
from cloud_app.registry.tables import change as change_table
from cloud_app.registry.tables import thing as table
from cloud_app.registry.things import Action, Thing, find, thing_of
from cloud_app.registry.words import sort_form
from cloud_app.storage.database import Row, Session
from cloud_app.storage.paging import By, Order, beyond, lost, ordered

_PAGE = 1_000
# After every digit of a cell's name.
_PAST_DIGITS = "4"


class ThingOrder(StrEnum):
    """What a list of things is sorted by."""

    KEY = "key"
    NAME = "name"
    TYPE = "type"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which things are wanted.

    Attributes:
        kind: of them.
        parent: they belong to it; None for any.
        site: they are at it; None for any.
        sites: they are at one of these; None for any, and then those of no site too.
        after: the last thing of the page before, or its key.
        keys: only these; None for any.
        q: what people type to find it; see `search.fits`.
        order: of the list; what has no name or type comes last.
        is_down: the opposite order.
    """

    kind: Kind
    parent: str | None = None
    site: str | None = None
    sites: Collection[str] | None = None
    after: str | Thing | None = None
    keys: Collection[str] | None = None
    q: str | None = None
    order: ThingOrder = ThingOrder.KEY
    is_down: bool = False

    @property
    def condition(self) -> ColumnElement[bool]:
        """On rows of the table, wherever the page begins."""
        wanted = [table.c.kind == self.kind.name, _at_sites(self.sites)]
        if self.parent is not None:
            wanted.append(table.c.parent == self.parent)
        if self.site is not None:
            wanted.append(table.c.site == self.site)
        if self.keys is not None:
            wanted.append(table.c.key.in_(sorted(self.keys)) if self.keys else false())
        if self.q is not None and self.q.strip():
            wanted.append(fits(self.kind, self.q, self.sites))
        return and_(*wanted)


def _at_sites(sites: Collection[str] | None) -> ColumnElement[bool]:
    if sites is None:
        return true()
    return table.c.site.in_(sorted(sites)) if sites else false()


def things(session: Session, wanted: Filter, limit: int) -> list[Thing]:
    """A page of things, in the order that is wanted.

    Raises:
        PageLostError: the thing before it is gone.
    """
    order = [By(column, wanted.is_down) for column in _ORDERS[wanted.order]]
    query = select(table).where(wanted.condition).order_by(*ordered(order))
    found: list[Row] = []
    for part in _parts(order, _place(session, wanted)):
        found += session.rows(query.where(part).limit(limit - len(found)))
        if len(found) == limit:
            break
    return [thing_of(row) for row in found]


_ORDERS: Mapping[ThingOrder, tuple[ColumnElement[Any], ...]] = {
    ThingOrder.KEY: (table.c.key,),
    ThingOrder.NAME: (table.c.sort_name, table.c.key),
    ThingOrder.TYPE: (table.c.sort_type, table.c.key),
    ThingOrder.CHANGED: (table.c.changed_ms, table.c.key),
}


def _place(session: Session, wanted: Filter) -> Sequence[Any] | None:
    """Where the last page ended, in the columns of the order."""
    last = wanted.after
    if isinstance(last, Thing):
        return {
            ThingOrder.KEY: (last.ref.key,),
            ThingOrder.NAME: (sort_form(last.said.get("name")), last.ref.key),
            ThingOrder.TYPE: (sort_form(last.type), last.ref.key),
            ThingOrder.CHANGED: (last.changed_ms, last.ref.key),
        }[wanted.order]
    if last is None or wanted.order is ThingOrder.KEY:
        return None if last is None else (last,)
    one = Ref(wanted.kind.name, last)
    rows = session.rows(
        select(*_ORDERS[wanted.order]).where(table.c.kind == one.kind, table.c.key == one.key)
    )
    if not rows:
        raise lost(str(one))
    return rows[0]


def _parts(order: Order, place: Sequence[Any] | None) -> list[ColumnElement[bool]]:
    """The conditions of the parts of a list: first what has a name or type, then what has none."""
    rest = true() if place is None else beyond(order, place)
    column = order[0].column
    if column is not table.c.sort_name and column is not table.c.sort_type:
        return [rest]
    if place is not None and not place[0]:
        return [and_(column == "", beyond(order[1:], place[1:]))]
    return [and_(column > "", rest), column == ""]


def every_thing(session: Session, wanted: Filter) -> Iterator[Thing]:
    """All of them, page by page: for files, never for a page of the browser."""
    after: Thing | None = None
    while True:
        page = things(session, replace(wanted, after=after), _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]


def in_window(
    session: Session, wanted: Filter, window: Box, limit: int
) -> tuple[list[Thing], bool]:
    """Things that a map window shows.

    Args:
        session: to read.
        wanted: which, apart from the place.
        window: in degrees.
        limit: most of them.

    Returns:
        The things, and whether there are more.
    """
    rows = session.rows(_in_window(wanted, window, limit + 1))
    return [thing_of(row) for row in rows[:limit]], len(rows) > limit


def _in_window(wanted: Filter, window: Box, limit: int) -> Select[Any]:
    squares, around = cells_around(window)
    # A branch for each range, as each is a range of the index; no cell is in two of them.
    places = [
        *(and_(table.c.cell >= each, table.c.cell < each + _PAST_DIGITS) for each in squares),
        table.c.cell.in_(around),
    ]
    meets = and_(
        table.c.west <= window.east,
        table.c.east >= window.west,
        table.c.south <= window.north,
        table.c.north >= window.south,
    )
    found = union_all(
        *(select(table).where(wanted.condition, place, meets) for place in places)
    ).subquery()
    return select(found).limit(limit)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of an entry.

    Attributes:
        version: that it made.
        at_ms: when.
        actor: who: a person, a key, or `edge:` and the edge whose layout it was.
        action: what.
        before: the facts that changed, as they were.
        after: the same, as they became.
    """

    version: int
    at_ms: int
    actor: str
    action: Action
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def history(session: Session, ref: Ref, limit: int, before: int | None = None) -> list[Entry]:
    """The changes of a thing, the newest first; they outlive it.

    Args:
        session: to read.
        ref: the thing.
        limit: most of them.
        before: only versions below, for the next page.
    """
    query = select(change_table).where(
        change_table.c.kind == ref.kind, change_table.c.key == ref.key
    )
    if before is not None:
        query = query.where(change_table.c.version < before)
    return [
        Entry(
            row.version,
            row.at_ms,
            row.actor,
            Action(row.action),
            json.loads(row.before),
            json.loads(row.after),
        )
        for row in session.rows(query.order_by(change_table.c.version.desc()).limit(limit))
    ]


def last_site(session: Session, ref: Ref) -> str | None:
    """The site that a thing is at, or was at when it was deleted."""
    rows = session.rows(_LAST_SITE, {"of_kind": ref.kind, "of_key": ref.key})
    return rows[0].site if rows else None


_LAST_SITE = (
    select(change_table.c.site)
    .where(change_table.c.kind == bindparam("of_kind"), change_table.c.key == bindparam("of_key"))
    .order_by(change_table.c.version.desc())
    .limit(1)
)


# -- Who owns what ----------------------------------------------------------------------------


def operator_of(session: Session, site: str) -> str | None:
    """The operator that runs a site; None if nobody said it."""
    return _parent(session, SITE, site)


def council_of(session: Session, operator: str) -> str | None:
    """The council that an operator works for; None if nobody said it."""
    return _parent(session, OPERATOR, operator)


def _parent(session: Session, kind: Kind, key: str) -> str | None:
    rows = session.rows(_PARENT, {"of_kind": kind.name, "of_key": key})
    return rows[0].parent if rows else None


_PARENT = select(table.c.parent).where(
    table.c.kind == bindparam("of_kind"), table.c.key == bindparam("of_key")
)


def sites_of_operator(session: Session, operator: str) -> frozenset[str]:
    """The sites that an operator runs."""
    return _children(session, SITE, operator)


def sites_of_council(session: Session, council: str) -> frozenset[str]:
    """The sites of all operators of a council."""
    rows = session.rows(_SITES_OF_COUNCIL, {"of_council": council})
    return frozenset(row.key for row in rows)


def operators_of_council(session: Session, council: str) -> frozenset[str]:
    """The operators that work for a council."""
    return _children(session, OPERATOR, council)


def _children(session: Session, kind: Kind, parent: str) -> frozenset[str]:
    rows = session.rows(_CHILDREN, {"of_kind": kind.name, "of_parent": parent})
    return frozenset(row.key for row in rows)


_CHILDREN = select(table.c.key).where(
    table.c.kind == bindparam("of_kind"), table.c.parent == bindparam("of_parent")
)
_operators = table.alias("operators")
_SITES_OF_COUNCIL = (
    select(table.c.key)
    .join(
        _operators,
        and_(_operators.c.kind == OPERATOR.name, _operators.c.key == table.c.parent),
    )
    .where(table.c.kind == SITE.name, _operators.c.parent == bindparam("of_council"))
)


def time_zones_of(session: Session, sites: Collection[str]) -> dict[str, str | None]:
    """The time zone of each of these sites that is known."""
    found = find(session, [Ref(SITE.name, site) for site in sites])
    return {ref.key: thing.said.get("time_zone") for ref, thing in found.items()}


def devices_at(session: Session, site: str) -> list[Thing]:
    """The devices of a site."""
    return list(every_thing(session, Filter(DEVICE, parent=site)))
