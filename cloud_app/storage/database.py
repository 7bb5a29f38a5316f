"""The seam between our code and a database: transactions, bulk loading, leadership, notices.

Statements are SQLAlchemy Core over the tables of `cloud_app.storage.tables`, so each is written
once and runs on SQLite and PostgreSQL. What differs (bulk loading, leader lock, change notices)
sits behind `Session` and `Database`; the same tests run on either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Executable, Table

from cloud_app.storage.upsert import Staged, Upsert
from cloud_app.storage.vault import Vault

Row: TypeAlias = sqlalchemy.Row[*tuple[Any, ...]]
"""One row of an answer: a tuple whose values have names too."""
Value: TypeAlias = str | int | float | None
Values: TypeAlias = Sequence[Value]
"""One row, in the order of its columns."""
Given: TypeAlias = Mapping[str, Any]
"""Values of a statement's `bindparam`s."""


class Session:
    """One transaction. Each kind of database has a subclass, which adds the bulk paths.

    Args:
        connection: with the transaction begun; whoever opened it ends it.
        vault: seals secrets that are written, and opens those that are read.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self.connection = connection
        self.vault = vault
        self.announced: set[str] = set()

    def rows(self, statement: Executable, given: Given | None = None) -> Sequence[Row]:
        """Run a query and return all its rows."""
        return self.connection.execute(statement, given).all()

    def tuples(self, statement: Executable, given: Given | None = None) -> list[tuple[Any, ...]]:
        """Like `rows`, as the driver has them: cheaper, where they are many and have no names."""
        cursor = self.connection.execute(statement, given).cursor
        return [] if cursor is None else list(cursor.fetchall())

    def parts(
        self, statement: Executable, given: Given, rows: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Like `tuples`, so many at a time: for what goes elsewhere before the next is read."""
        cursor = self.connection.execute(statement, given).cursor
        while cursor is not None and (part := cursor.fetchmany(rows)):
            yield list(part)

    def run(self, statement: Executable, given: Given | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        return _rowcount(self.connection.execute(statement, given))

    def run_many(self, statement: Executable, each: Sequence[Given]) -> int:
        """Run one statement for each of `each`; return how many rows were touched in all."""
        return _rowcount(self.connection.execute(statement, list(each))) if each else 0

    def load(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert new rows the fastest way that there is.

        Args:
            table: whose columns are all given.
            rows: values in the order of the table's columns.

        Raises:
            StorageError: a row is there already, or does not fit.
        """
        raise NotImplementedError

    def upsert(self, upsert: Upsert, rows: Sequence[Values]) -> None:
        """Insert rows, or update those that are there, in their order.

        Args:
            upsert: what to do.
            rows: values in the order of its columns; no key twice.
        """
        raise NotImplementedError

    def stage(self, staged: Staged, rows: Sequence[Values]) -> None:
        """Carry rows over into tables by the statements of `staged`.

        Args:
            staged: what to do with the rows.
            rows: values in the order of the columns of its table.
        """
        raise NotImplementedError

    def announce(self, edge: str) -> None:
        """Tell every listener, once the transaction has committed, that `edge` changed."""
        self.announced.add(edge)


def _rowcount(result: CursorResult[*tuple[Any, ...]]) -> int:
    return max(0, result.rowcount)


class Database(Protocol):
    """A database with our schema in it. All methods may be called from any thread."""

    def write(self) -> AbstractContextManager[Session]:
        """Open a transaction that may write: committed on a clean exit, else rolled back.

        Raises:
            StorageDownError: the database cannot be reached.
            StorageError: the database refused a statement.
        """
        ...

    def read(self) -> AbstractContextManager[Session]:
        """Open a transaction that sees one state of the database throughout."""
        ...

    def keep_room(self, now_ms: int, before_ms: int) -> None:
        """Make room for the events to come, and drop whole months of events that are over.

        Args:
            now_ms: wall time.
            before_ms: only what is older than that may go.
        """
        ...

    def lead(self) -> bool:
        """Whether this process holds the leader lock, taking it if nobody does.

        One process among several consumers serves shadows, sends alerts and prunes.
        """
        ...

    def changes(self, timeout_s: float) -> set[str]:
        """Edges announced since the last call; waits up to `timeout_s` for the first."""
        ...

    def close(self) -> None:
        """Give back connections and locks."""
        ...
