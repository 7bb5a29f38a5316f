"""PostgreSQL behind the `Database` Protocol: for several consumers, or more than one machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import (
    Connection,
    Dialect,
    Executable,
    QueuePool,
    Table,
    create_engine,
    func,
    select,
)
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,  # noqa: A004 - the pool's
)

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.storage.database import Given, Row, Session, Value, Values
from cloud_app.storage.migrate import migrate
from cloud_app.storage.partitions import keep_room
from cloud_app.storage.upsert import Staged, Upsert, from_arrays, names
from cloud_app.storage.vault import Vault

_CHANNEL: LiteralString = "lotsight_changes"
# Advisory locks are one number space per database: 'lots' and 'sche' as ASCII keep ours apart.
_LEADER_LOCK = 0x6C6F7473
_SCHEMA_LOCK = 0x73636865
# Longer than a fail-over's TCP hiccup, shorter than the edge's patience with a missing ack.
_CONNECT_S = 10.0


class PostgresSession(Session):
    """A transaction on the server; rows in bulk go by COPY, or as one array for each column.

    Statements that answer nothing wait for the next one that does, or for the commit, and go to the
    server in one round trip.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        super().__init__(connection, vault)
        self._waiting: list[tuple[str, Mapping[str, Any]]] = []

    def rows(self, statement: Executable, given: Given | None = None) -> Sequence[Row]:
        """Run a query and return all its rows."""
        self.flush()
        return super().rows(statement, given)

    def run(self, statement: Executable, given: Given | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        self.flush()
        return super().run(statement, given)

    def run_many(self, statement: Executable, each: Sequence[Given]) -> int:
        """Run one statement for each of `each`; return how many rows were touched in all."""
        self.flush()
        return super().run_many(statement, each)

    def load(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert with COPY."""
        if rows:
            self.flush()
            with self._driver.cursor() as cursor, cursor.copy(_copy_into(table)) as copy:
                for row in rows:
                    copy.write_row(row)

    def upsert(self, upsert: Upsert, rows: Sequence[Values]) -> None:
        """Upsert what `unnest` makes of the columns."""
        if rows:
            statement = _upsert(upsert, self.connection.dialect)
            self._waiting.append((statement, _arrays(upsert.columns, rows)))

    def stage(self, staged: Staged, rows: Sequence[Values]) -> None:
        """Carry over what `unnest` makes of the columns."""
        if rows:
            statement = _carry_over(staged, self.connection.dialect)
            self._waiting.append((statement, _arrays(names(staged.table), rows)))

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        return cast("psycopg.Connection[Any]", self.connection.connection.driver_connection)

    def notify(self) -> None:
        """Hand the announcements to the server, which passes them on at the commit."""
        if self.announced:
            edges = _array(sorted(self.announced))
            self._waiting.append((_NOTIFY, {"channel": _CHANNEL, "edges": edges}))

    def flush(self) -> None:
        """Run what waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            with self._driver.pipeline(), self._driver.cursor() as cursor:
                for statement, given in waiting:
                    cursor.execute(statement, given)


_NOTIFY = "SELECT pg_notify(%(channel)s, edge) FROM unnest(CAST(%(edges)s AS TEXT[])) AS edge"


@lru_cache(maxsize=256)
def _upsert(upsert: Upsert, dialect: Dialect) -> str:
    # Straight to the driver: SQLAlchemy would walk through the statement with every batch.
    return str(upsert.of_arrays.compile(dialect=dialect))


@lru_cache(maxsize=16)
def _carry_over(staged: Staged, dialect: Dialect) -> str:
    """One statement, all parts of which see the tables as they were before it."""
    rows = from_arrays(staged.table.columns).compile(dialect=dialect)
    *parts, last = staged.texts(dialect)
    before = "".join(f", part_{n} AS ({part})" for n, part in enumerate(parts))
    return f"WITH {staged.table.name} AS MATERIALIZED ({rows}){before} {last}"


def _arrays(columns: Sequence[str], rows: Sequence[Values]) -> dict[str, str]:
    return dict(zip(columns, map(_array, zip(*rows, strict=True)), strict=True))


def _array(values: Sequence[Value]) -> str:
    """An array as PostgreSQL reads it; psycopg would ask for the type of each element, at length.

    It reads JSON's, but for the brackets, and but for a backslash before anything else than itself
    and a quote.
    """
    text = json.dumps(values, ensure_ascii=False)[1:-1]
    return f"{{{','.join(map(_element, values)) if chr(92) in text else text}}}"


def _element(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return json.dumps(value)


@cache
def _copy_into(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names(table)))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)


class PostgresDatabase:
    """A pool of connections to one PostgreSQL database.

    Args:
        url: `postgresql://user:password@host:port/database`, or anything that libpq takes.
        vault: of its secrets.
        pool_size: connections at most; three more are used for notices, leadership and set-up.

    Raises:
        StorageDownError: the server cannot be reached.
        StorageError: it refuses the user, or a newer version made the tables.
    """

    def __init__(self, url: str, vault: Vault, pool_size: int = 8) -> None:
        self._url = url
        self._vault = vault
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
            session = PostgresSession(connection, self._vault)
            yield session
            session.notify()
            session.flush()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction whose statements all see the same state."""
        with self._mapped(), self._reader.connect() as connection:
            yield PostgresSession(connection, self._vault)

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
