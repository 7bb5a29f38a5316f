"""What both databases do in bulk, each in its own way: upserts, and conditions on a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import (
    Boolean,
    ClauseElement,
    Column,
    ColumnCollection,
    ColumnElement,
    Dialect,
    Insert,
    Select,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    func,
)
from sqlalchemy import select as select_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

Excluded: TypeAlias = ColumnCollection[str, Any]
"""The row that could not be inserted, as `excluded.COLUMN`."""

Change: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Upsert:
    """`INSERT ... ON CONFLICT (primary key) DO UPDATE`, or `DO NOTHING` without a change.

    Attributes:
        table: with a primary key.
        columns: that the rows give, in their order.
        change: what a row that is there becomes, constants as `text`; None leaves it alone.
        only_if: a row that is there changes only if this holds.
    """

    table: Table
    columns: tuple[str, ...]
    change: Callable[[Excluded], Change] | None = None
    only_if: Callable[[Excluded], ColumnElement[bool]] | None = None

    @cached_property
    def of_one(self) -> Insert:
        """For one row, given by the names of its columns."""
        return self._on_conflict(insert(self.table).values({c: bindparam(c) for c in self.columns}))

    @cached_property
    def of_arrays(self) -> Insert:
        """For any number of rows, given as one array for each column (PostgreSQL)."""
        return self.of_select(from_arrays([self.table.c[name] for name in self.columns]))

    def of_select(self, query: Any) -> Insert:
        """For the rows of a query, whose columns are in this order."""
        return self._on_conflict(insert(self.table).from_select(list(self.columns), query))

    def _on_conflict(self, statement: Any) -> Insert:
        # PostgreSQL's construct: SQLAlchemy renders it for SQLite too, which took the clause over.
        key = list(self.table.primary_key.columns)
        if self.change is None:
            done: Insert = statement.on_conflict_do_nothing(index_elements=key)
            return done
        excluded = statement.excluded
        changed: Insert = statement.on_conflict_do_update(
            index_elements=key,
            set_=self.change(excluded),
            where=None if self.only_if is None else self.only_if(excluded),
        )
        return changed


def from_arrays(columns: Iterable[Column[Any]]) -> Select[*tuple[Any, ...]]:
    """Rows from one array for each column, bound by the column's name (PostgreSQL)."""
    arrays = {c.name: cast(bindparam(c.name), ARRAY(c.type)) for c in columns}
    rows = func.unnest(*arrays.values()).table_valued(*arrays).render_derived()
    return select_(*rows.c)


def same(*names: str) -> Callable[[Excluded], Change]:
    """Take these columns from the row that came."""
    return lambda excluded: {name: excluded[name] for name in names}


class _Texts(TypeDecorator[list[str]]):
    """A list of texts as one value: an array, or JSON where there are none."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(Text) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class _AmongTexts(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_AmongTexts, "postgresql")
def _any(element: _AmongTexts, compiler: Any, **options: Any) -> str:
    column, texts = element.clauses
    return f"{compiler.process(column, **options)} = ANY ({compiler.process(texts, **options)})"


@compiles(_AmongTexts)
def _in_json(element: _AmongTexts, compiler: Any, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 - compiled parts


def among(column: ColumnElement[str], given: str) -> ColumnElement[bool]:
    """Whether a column is one of a list of texts, however long, which is bound as `given`.

    Unlike that of `IN`, the statement's text stays the same for each length: it is prepared once.
    """
    return _AmongTexts(column, bindparam(given, type_=_Texts()))


def names(table: Table, *, with_key: bool = True) -> tuple[str, ...]:
    """The names of a table's columns, in their order."""
    return tuple(c.name for c in table.columns if with_key or not c.primary_key)


@dataclass(frozen=True, eq=False)
class Staged:
    """Statements that carry rows over from a table of their own; none sees what another changed.

    Attributes:
        table: the rows, as long as the statements last.
        statements: that read `table`. No two change the same one, and the first ones change what
            later ones do not read.
    """

    table: Table
    statements: Sequence[ClauseElement]

    def texts(self, dialect: Dialect) -> list[str]:
        """The statements as text: they hold no values."""
        return [str(each.compile(dialect=dialect)) for each in self.statements]
