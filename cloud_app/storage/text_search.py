"""Whether a row holds the words that somebody searches for, whatever their case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_


def has_words(
    text: str | None, columns: Sequence[ColumnElement[Any]], dialect: str
) -> list[ColumnElement[bool]]:
    """A condition for each word: it is part of one of the columns.

    Args:
        text: words, separated by spaces; None or empty: no condition.
        columns: of text; NULL holds no word.
        dialect: of the database.
    """
    return [has_word(word, columns, dialect) for word in (text or "").split()]


def has_word(word: str, columns: Sequence[ColumnElement[Any]], dialect: str) -> ColumnElement[bool]:
    """Whether one of the columns holds a word."""
    if dialect != "sqlite" and word.isascii():
        # Folding the case of ASCII alone and looking for bytes takes a third of ILIKE's time.
        whole = func.concat_ws("\n", *columns)
        return func.strpos(func.lower(whole.collate("C")), word.lower()) > 0
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", word) + "%"
    # SQLite's LIKE knows no case, and takes a third of the time of comparing with lower().
    if dialect == "sqlite":
        return or_(*(column.like(pattern, escape="\\") for column in columns))
    return or_(*(column.ilike(pattern, escape="\\") for column in columns))
