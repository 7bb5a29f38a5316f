"""Finding things by what people type: words, each of which may be the beginning of one.

A thing is found if one of the words begins one of its own (its name's or its id's), and the others
do too, or begin one of the ids above it: `p1 a-12` is bay A-12 of lot p1. Every read is a short
range of an index, however many bays there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, or_, select, union_all

from cloud_app.registry.kinds import BAY, DEVICE, LOT, SITE, ZONE, Kind, Ref
from cloud_app.registry.tables import thing as thing_table
from cloud_app.registry.tables import word as table
from cloud_app.registry.things import Thing, find
from cloud_app.registry.words import words_in, words_of
from cloud_app.storage.database import Session

# In the order in which they are told.
_KINDS: Sequence[Kind] = (LOT, SITE, DEVICE, ZONE, BAY)
# What is typed beyond them is not looked at.
_WORDS = 5
# Of one kind and word, where the other words may leave few of them.
_CANDIDATES = 1_000
# After every character of a word.
_PAST_LETTERS = "\U0010ffff"


def search(session: Session, typed: str, sites: Collection[str] | None, limit: int) -> list[Thing]:
    """Things that fit what was typed: lots first, whole words before beginnings.

    Args:
        session: to read.
        typed: by a person.
        sites: things of these; None for all.
        limit: most of them.
    """
    wanted = list(dict.fromkeys(words_in(typed)))[:_WORDS]
    if not wanted or (sites is not None and not sites):
        return []
    some = _CANDIDATES if len(wanted) > 1 else limit
    found: dict[Ref, bool] = {}
    for is_whole in (True, False):
        for word in wanted:
            for row in session.rows(_candidates(word, sites, some, is_whole=is_whole)):
                found.setdefault(Ref(row.kind, row.key), is_whole)
    order = {kind.name: place for place, kind in enumerate(_KINDS)}
    first = sorted(found, key=lambda ref: (order[ref.kind], not found[ref], ref.key))
    things: list[Thing] = []
    for start in range(0, len(first), _CANDIDATES):
        page = first[start : start + _CANDIDATES]
        known = find(session, page)
        things += [known[ref] for ref in page if ref in known and _fits(known[ref], wanted)]
        if len(things) >= limit:
            break
    return things[:limit]


def fits(kind: Kind, typed: str, sites: Collection[str] | None) -> ColumnElement[bool]:
    """The condition of rows of `registry_thing` that a thing fits what was typed, as in `search`.

    Args:
        kind: of the thing.
        typed: by a person.
        sites: things of these; None for all.
    """
    wanted = list(dict.fromkeys(words_in(typed)))[:_WORDS]
    if not wanted:
        return false()
    at = [] if sites is None else [table.c.site.in_(sorted(sites))]
    found = select(table.c.key).where(table.c.kind == kind.name, *at, or_(*map(_begins, wanted)))
    if len(wanted) > 1:
        # Asked of the words that the index found: no thing is read for it.
        found = found.where(*(or_(_is_own(kind, word), _is_above(word)) for word in wanted))
    return thing_table.c.key.in_(found)


def _begins(word: str, row: FromClause = table) -> ColumnElement[bool]:
    return and_(row.c.word >= word, row.c.word < word + _PAST_LETTERS)


def _is_own(kind: Kind, word: str) -> ColumnElement[bool]:
    """The word begins one of the thing's own."""
    other = table.alias()
    return table.c.key.in_(
        select(other.c.key).where(other.c.kind == kind.name, _begins(word, other))
    )


def _is_above(word: str) -> ColumnElement[bool]:
    """The word begins one of the words of its ids."""
    ids = func.lower("/" + table.c.key)
    return or_(*(ids.contains(mark + word, autoescape=True) for mark in "/.-"))


def _candidates(
    word: str, sites: Collection[str] | None, limit: int, *, is_whole: bool
) -> Select[Any]:
    place: ColumnElement[bool] = (
        table.c.word == word
        if is_whole
        else and_(table.c.word > word, table.c.word < word + _PAST_LETTERS)
    )
    at = [] if sites is None else [table.c.site.in_(sorted(sites))]
    each = (
        select(table.c.kind, table.c.key).where(table.c.kind == kind.name, *at, place).limit(limit)
        for kind in _KINDS
    )
    found = union_all(*(select(one.subquery()) for one in each)).subquery()
    return select(found.c.kind, found.c.key)


def _fits(thing: Thing, wanted: Sequence[str]) -> bool:
    own = set(_ids(thing)) | set(words_of(thing.ref.key, thing.said.get("name")))
    return all(any(each.startswith(word) for each in own) for word in wanted)


def _ids(thing: Thing) -> Iterator[str]:
    for each in thing.ids.values():
        yield from words_in(each)
        yield each.casefold()
