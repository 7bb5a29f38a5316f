"""PostgreSQL behind the `Database` Protocol: for several consumers, or more than one machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Dialect, QueuePool, Table, create_engine, func, select, text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,  # noqa: A004 - the pool's
)

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.storage.database import Session, Values
from cloud_app.storage.migrate import migrate
from cloud_app.storage.partitions import keep_room
from cloud_app.storage.upsert import Upsert, names

_CHANNEL: LiteralString = "lotsight_changes"
# Advisory locks are one number space per database: 'lots' and 'sche' as ASCII keep ours apart.
_LEADER_LOCK = 0x6C6F7473
_SCHEMA_LOCK = 0x73636865
# Longer than a fail-over's TCP hiccup, shorter than the edge's patience with a missing ack.
_CONNECT_S = 10.0


class PostgresSession(Session):
    """A transaction on the server; rows in bulk go by COPY, or as one array for each column."""

    def load(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert with COPY."""
        if rows:
            with self._driver.cursor() as cursor, cursor.copy(_copy_into(table)) as copy:
                for row in rows:
                    copy.write_row(row)

    def upsert(self, upsert: Upsert, rows: Sequence[Values]) -> None:
        """Upsert what `unnest` makes of the columns."""
        if rows:
            columns = zip(*rows, strict=True)
            given = {
                name: list(column) for name, column in zip(upsert.columns, columns, strict=True)
            }
            self._driver.execute(_sql(upsert, self.connection.dialect), given)

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        return cast("psycopg.Connection[Any]", self.connection.connection.driver_connection)

    def notify(self) -> None:
        """Hand the announcements to the server, which passes them on at the commit."""
        if self.announced:
            self.connection.execute(_NOTIFY, {"channel": _CHANNEL, "edges": sorted(self.announced)})


_NOTIFY = text("SELECT pg_notify(:channel, edge) FROM unnest(CAST(:edges AS TEXT[])) AS edge")


@lru_cache(maxsize=256)
def _sql(upsert: Upsert, dialect: Dialect) -> str:
    # Straight to the driver: SQLAlchemy would walk through the statement with every batch.
    return str(upsert.of_arrays.compile(dialect=dialect))


@cache
def _copy_into(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names(table)))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)


class PostgresDatabase:
    """A pool of connections to one PostgreSQL database.

    Args:
        url: `postgresql://user:password@host:port/database`, or anything that libpq takes.
        pool_size: connections at most; three more are used for notices, leadership and set-up.

    Raises:
        StorageDownError: the server cannot be reached.
        StorageError: it refuses the user, or a newer version made the tables.
    """

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self._url = url
        self._name = _without_password(url)
        self._lock = threading.Lock()
        self._leader: psycopg.Connection | None = None
        self._listener: psycopg.Connection | None = None
        self._engine = create_engine(
            "postgresql+psycopg://",
            # libpq reads the URL itself, so several hosts, sockets and services work too.
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            use_native_hstore=False,
        )
        # Every statement of a reading transaction sees the same state.
        self._reader = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        try:
            with self.write() as session:
                # Two consumers that start together must not both migrate.
                session.rows(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
                migrate(session.connection, self._name)
        except StorageError:
            self._engine.dispose()
            raise

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction at READ COMMITTED: after a row lock, what others committed is seen."""
        with self._mapped(), self._engine.connect() as connection, connection.begin():
            session = PostgresSession(connection)
            yield session
            session.notify()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction whose statements all see the same state."""
        with self._mapped(), self._reader.connect() as connection:
            yield PostgresSession(connection)

    def keep_room(self, now_ms: int, before_ms: int) -> None:
        """See to the months of `event`."""
        with self.write() as session:
            keep_room(session, now_ms, before_ms)

    def lead(self) -> bool:
        """Whether this process holds the advisory lock; it falls free when its connection dies."""
        with self._lock:
            try:
                if self._leader is None:
                    self._leader = self._connect(autocommit=True)
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
                self._listener = self._connect(autocommit=True)
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
        self._engine.dispose()
        for connection in (self._leader, self._listener):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()
        self._leader = self._listener = None

    def _connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=autocommit, connect_timeout=int(_CONNECT_S))

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Map errors of SQLAlchemy and of the driver to ours: the one border with both."""
        try:
            yield
        except (OperationalError, psycopg.OperationalError) as exc:
            cause = exc.orig if isinstance(exc, OperationalError) else exc
            if isinstance(cause, psycopg.errors.ProgramLimitExceeded):
                # It lies with the row, and waiting does not help.
                msg = f"{self._name}: PostgreSQL refused: {cause}"
                raise StorageError(msg) from exc
            msg = f"{self._name}: PostgreSQL cannot be reached now: {cause}"
            raise StorageDownError(msg) from exc
        except (
            InterfaceError,
            TimeoutError,
            psycopg.InterfaceError,
        ) as exc:
            msg = f"{self._name}: PostgreSQL cannot be reached now: {_told(exc)}"
            raise StorageDownError(msg) from exc
        except (SQLAlchemyError, psycopg.Error) as exc:
            msg = f"{self._name}: PostgreSQL refused: {_told(exc)}"
            raise StorageError(msg) from exc


def _told(exc: Exception) -> str:
    """What the driver said, without the statement and its values."""
    return str(exc.orig) if isinstance(exc, DBAPIError) else str(exc)


def _without_password(url: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "postgresql"
    return f"postgresql://{parts.get('host', '')}:{parts.get('port', '')}/{parts.get('dbname', '')}"
