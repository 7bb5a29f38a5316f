"""The words by which a thing is found: of its name and of its own id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import bindparam, delete

from cloud_app.registry.tables import word as table
from cloud_app.storage.database import Session

_WORD = re.compile(r"\w+")
_LONGEST = 64
_NUMBER = re.compile("[0-9]+")
_DIGITS = 10


def words_in(text: str) -> list[str]:
    """The words of a text, without case and accents: as names are kept and queries are read."""
    return [each[:_LONGEST] for each in _WORD.findall(_plain(text))]


def sort_form(value: str | None) -> str:
    """What a text is sorted by: without case and accents, numbers by value; '' for none."""
    return _NUMBER.sub(lambda found: found[0].zfill(_DIGITS), _plain(value or ""))


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def words_of(key: str, name: str | None) -> list[str]:
    """What finds a thing; its own id also as it is, so that `A-12` is found by `a-1`."""
    own = key.rpartition("/")[2]
    return sorted({own.casefold()[:_LONGEST], *words_in(own), *words_in(name or "")})


def index(
    session: Session, kind: str, things: Iterable[tuple[str, str | None, str | None]]
) -> None:
    """Rebuild the search words of things of a kind.

    Args:
        session: a writing transaction.
        kind: of them.
        things: (key, site, name) of each; no key twice.
    """
    found = list(things)
    forget(session, kind, [key for key, _, _ in found])
    session.load(
        table,
        [(kind, key, word, site) for key, site, name in found for word in words_of(key, name)],
    )


def forget(session: Session, kind: str, keys: list[str]) -> None:
    """Drop the words of things."""
    if keys:
        session.run(_FORGET, {"of_kind": kind, "keys": keys})


_FORGET = delete(table).where(
    table.c.kind == bindparam("of_kind"), table.c.key.in_(bindparam("keys", expanding=True))
)
