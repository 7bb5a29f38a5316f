"""What else the store keeps: named documents, aggregates that wait, answers to commands."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from edge_app.delivery.database import StoreError
from edge_app.delivery.outbox import rfc3339

MAX_AGGREGATES = 2_000
"""About twelve days of both periods; beyond it the oldest go."""


class Documents:
    """Small things beside states and events, each write its own transaction.

    Every method raises StoreError when the disk fails.

    Args:
        database: of the store.
        lock: the store's; one thread at a time may use the database.
    """

    def __init__(self, database: sqlite3.Connection, lock: threading.RLock) -> None:
        self._database = database
        self._lock = lock

    def get(self, name: str) -> str | None:
        """A document's text; None when there is none."""
        with self._reading():
            row = self._database.execute(
                "SELECT body FROM document WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, body: str) -> None:
        """Keep a document.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._writing():
            self._database.execute(
                "INSERT INTO document (name, body) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                (name, body),
            )

    def remove(self, name: str) -> None:
        """Forget a document."""
        with self._writing():
            self._database.execute("DELETE FROM document WHERE name = ?", (name,))

    def add_aggregate(self, period_s: int, start: datetime, body: str) -> None:
        """Keep an aggregate until the broker has it; the same window again replaces it."""
        with self._writing():
            self._database.execute(
                "INSERT INTO aggregate (period_s, start, body) VALUES (?, ?, ?) "
                "ON CONFLICT (period_s, start) DO UPDATE SET body = excluded.body",
                (period_s, rfc3339(start), body),
            )
            self._database.execute(
                "DELETE FROM aggregate WHERE (period_s, start) NOT IN "
                "(SELECT period_s, start FROM aggregate ORDER BY start DESC LIMIT ?)",
                (MAX_AGGREGATES,),
            )

    def aggregates(self, limit: int) -> list[tuple[int, str, str]]:
        """The oldest waiting aggregates: period, start, body."""
        with self._reading():
            found = self._database.execute(
                "SELECT period_s, start, body FROM aggregate ORDER BY start, period_s LIMIT ?",
                (limit,),
            )
            return [(row[0], row[1], row[2]) for row in found]

    def remove_aggregate(self, period_s: int, start: str, body: str) -> None:
        """Forget an aggregate that the broker has, unless it changed in the meantime."""
        with self._writing():
            self._database.execute(
                "DELETE FROM aggregate WHERE period_s = ? AND start = ? AND body = ?",
                (period_s, start, body),
            )

    def begin_command(self, command_id: str, kept_until: datetime, now: datetime) -> bool:
        """Whether this id is new; it is remembered until `kept_until`, older ones are forgotten."""
        with self._writing():
            self._database.execute("DELETE FROM command WHERE kept_until < ?", (rfc3339(now),))
            added = self._database.execute(
                "INSERT INTO command (id, kept_until) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (command_id, rfc3339(kept_until)),
            )
            return added.rowcount == 1

    def finish_command(self, command_id: str, result: str) -> None:
        """Keep the result, for repeated requests."""
        with self._writing():
            self._database.execute(
                "UPDATE command SET result = ? WHERE id = ?", (result, command_id)
            )

    def command_result(self, command_id: str) -> str | None:
        """The answer that was given; None while there is none."""
        with self._reading():
            row = self._database.execute(
                "SELECT result FROM command WHERE id = ?", (command_id,)
            ).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as exc:
                msg = f"cannot read the store: {exc}"
                raise StoreError(msg) from exc

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self._database.execute("COMMIT")
                finally:
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")
            except sqlite3.Error as exc:
                msg = f"cannot write the store: {exc}"
                raise StoreError(msg) from exc
