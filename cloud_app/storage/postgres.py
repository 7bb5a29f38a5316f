"""PostgreSQL behind the `Database` Protocol: for several consumers, or more than one machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.storage.database import Row, Session, Value
from cloud_app.storage.schema import create

_CHANNEL: LiteralString = "lotsight_changes"
# Advisory locks are one number space per database: 'lots' and 'sche' as ASCII keep ours apart.
_LEADER_LOCK = 0x6C6F7473
_SCHEMA_LOCK = 0x73636865
# Longer than a fail-over's TCP hiccup, shorter than the edge's patience with a missing ack.
_CONNECT_S = 10.0


@lru_cache(maxsize=256)
def _translated(sql: str) -> LiteralString:
    # Our statements are constants of this package and hold neither '%' nor a quoted '?'.
    return sql.replace("?", "%s")


class _PostgresSession:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._announced: set[str] = set()

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        return self._connection.execute(_translated(sql), values).fetchall()

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        return self._connection.execute(_translated(sql), values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), rows)
            return max(0, cursor.rowcount)

    def rows_each(self, sql: str, each: Sequence[Sequence[Value]]) -> list[list[Row]]:
        statement = _translated(sql)
        with self._connection.pipeline():
            cursors = [self._connection.execute(statement, values) for values in each]
            return [cursor.fetchall() for cursor in cursors]

    def announce(self, edge: str) -> None:
        self._announced.add(edge)

    def notify(self) -> None:
        """Hand the announcements to the server, which passes them on at the commit."""
        if self._announced:
            self._connection.execute(
                "SELECT pg_notify(%s, edge) FROM unnest(%s::text[]) AS edge",
                (_CHANNEL, sorted(self._announced)),
            )


class PostgresDatabase:
    """A pool of connections to one PostgreSQL database.

    Args:
        url: `postgresql://user:password@host:port/database`.
        pool_size: connections at most; three more are used for notices, leadership and set-up.

    Raises:
        StorageDownError: the server cannot be reached.
        StorageError: it refuses the user, or holds another version's schema.
    """

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self._url = url
        self._name = _without_password(url)
        self._lock = threading.Lock()
        self._leader: psycopg.Connection | None = None
        self._listener: psycopg.Connection | None = None
        with self._mapped():
            with psycopg.connect(url, connect_timeout=int(_CONNECT_S)) as connection:
                # Two consumers that start together must not both create the tables.
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
                create(_PostgresSession(connection))
            self._pool = ConnectionPool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=_CONNECT_S,
                check=ConnectionPool.check_connection,
                kwargs={"connect_timeout": int(_CONNECT_S)},
                open=True,
                name="lotsight-cloud",
            )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction at READ COMMITTED: after a row lock, what others committed is seen."""
        with self._mapped(), self._pool.connection() as connection:
            session = _PostgresSession(connection)
            yield session
            session.notify()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction whose statements all see the same state."""
        with self._mapped(), self._pool.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield _PostgresSession(connection)

    def lead(self) -> bool:
        """Whether this process holds the advisory lock; it falls free when its connection dies."""
        with self._lock:
            try:
                if self._leader is None:
                    self._leader = self._autocommit()
                    row = self._leader.execute(
                        "SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)
                    ).fetchone()
                    if row != (True,):
                        self._leader.close()
                        self._leader = None
                        return False
                else:
                    self._leader.execute("SELECT 1")
            except psycopg.Error:
                # Without a connection nobody knows who leads; not leading is the safe answer.
                if self._leader is not None:
                    self._leader.close()
                    self._leader = None
                return False
            return True

    def changes(self, timeout_s: float) -> set[str]:
        """Edges changed by any consumer since the last call."""
        try:
            if self._listener is None:
                self._listener = self._autocommit()
                self._listener.execute(f"LISTEN {_CHANNEL}")
            return {
                notice.payload
                for notice in self._listener.notifies(timeout=timeout_s, stop_after=1)
            }
        except psycopg.Error:
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            time.sleep(timeout_s)
            return set()

    def close(self) -> None:
        """Close the pool and give up the leader lock."""
        self._pool.close()
        for connection in (self._leader, self._listener):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()
        self._leader = self._listener = None

    def _autocommit(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=int(_CONNECT_S))

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Map psycopg's errors to ours: the one border with that library."""
        try:
            yield
        except psycopg.errors.ProgramLimitExceeded as exc:
            # An OperationalError to psycopg; but it lies with the row, and waiting does not help.
            msg = f"{self._name}: PostgreSQL refused: {exc}"
            raise StorageError(msg) from exc
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as exc:
            msg = f"{self._name}: PostgreSQL cannot be reached now: {exc}"
            raise StorageDownError(msg) from exc
        except psycopg.Error as exc:
            msg = f"{self._name}: PostgreSQL refused: {exc}"
            raise StorageError(msg) from exc


def _without_password(url: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "postgresql"
    return f"postgresql://{parts.get('host', '')}:{parts.get('port', '')}/{parts.get('dbname', '')}"
