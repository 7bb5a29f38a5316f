"""Insert or update, stated once and run in bulk on either database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import ColumnCollection, ColumnElement, Executable, Table, bindparam, cast, func
from sqlalchemy import select as select_
from sqlalchemy.dialects.postgresql import ARRAY, insert

Excluded: TypeAlias = ColumnCollection[str, Any]
"""The row that could not be inserted, as `excluded.COLUMN`."""

Change: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
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
    def of_one(self) -> Executable:
        """For one row, given by the names of its columns."""
        return self._on_conflict(insert(self.table).values({c: bindparam(c) for c in self.columns}))

    @cached_property
    def of_arrays(self) -> Executable:
        """For any number of rows, given as one array for each column (PostgreSQL)."""
        arrays = [cast(bindparam(name), ARRAY(self.table.c[name].type)) for name in self.columns]
        rows = func.unnest(*arrays).table_valued(*self.columns).render_derived()
        return self._on_conflict(
            insert(self.table).from_select(list(self.columns), select_(*rows.c))
        )

    def of_select(self, query: Any) -> Executable:
        """For the rows of a query, whose columns are in this order."""
        return self._on_conflict(insert(self.table).from_select(list(self.columns), query))

    def _on_conflict(self, statement: Any) -> Executable:
        # PostgreSQL's construct: SQLAlchemy renders it for SQLite too, which took the clause over.
        key = list(self.table.primary_key.columns)
        if self.change is None:
            done: Executable = statement.on_conflict_do_nothing(index_elements=key)
            return done
        excluded = statement.excluded
        changed: Executable = statement.on_conflict_do_update(
            index_elements=key,
            set_=self.change(excluded),
            where=None if self.only_if is None else self.only_if(excluded),
        )
        return changed


def same(*names: str) -> Callable[[Excluded], Change]:
    """Take these columns from the row that came."""
    return lambda excluded: {name: excluded[name] for name in names}


def names(table: Table, *, with_key: bool = True) -> tuple[str, ...]:
    """The names of a table's columns, in their order."""
    return tuple(c.name for c in table.columns if with_key or not c.primary_key)
