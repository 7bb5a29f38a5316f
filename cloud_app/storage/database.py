"""The seam between our SQL and a database: what SQLite and PostgreSQL both can do.

Every statement of `cloud_app.storage` is written once, in the dialect that both share, with `?` for
a value. Rows are locked by an upsert that touches them, which both databases understand. What
differs (placeholders, leader lock, change notices) sits behind these two Protocols, so the same
tests run on either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Value = str | int | float | None
Row = tuple[Any, ...]


class Session(Protocol):
    """One transaction."""

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run a query and return all its rows."""
        ...

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it touched."""
        ...

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        """Run one statement for each of `rows`; return how many rows were touched in all."""
        ...

    def rows_each(self, sql: str, each: Sequence[Sequence[Value]]) -> list[list[Row]]:
        """Run one statement that returns rows for each of `each`, in order; one round trip."""
        ...

    def announce(self, edge: str) -> None:
        """Tell every listener, once the transaction has committed, that `edge` changed."""
        ...


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
