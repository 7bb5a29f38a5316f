"""SQLite behind the `Database` Protocol: one file, one process, the default."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    QueuePool,
    Table,
    create_engine,
    event,
    insert,
)
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.storage.database import Session, Values
from cloud_app.storage.migrate import migrate
from cloud_app.storage.upsert import Staged, Upsert
from cloud_app.storage.vault import Vault

# How long a writer waits for another process (a backup, the sqlite3 shell) to let go of the file.
_BUSY_S = 10.0
# Readers at once beyond which a request waits: FastAPI has forty threads.
_CONNECTIONS = 48


class SqliteSession(Session):
    """A transaction on a file; rows in bulk go to the driver by one compiled statement."""

    def load(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert with `executemany`."""
        if rows:
            self._driver.executemany(_insert(table, self.connection.dialect), rows)

    def upsert(self, upsert: Upsert, rows: Sequence[Values]) -> None:
        """Upsert with `executemany`."""
        if rows:
            self._driver.executemany(_upsert(upsert, self.connection.dialect), rows)

    def stage(self, staged: Staged, rows: Sequence[Values]) -> None:
        """Stage rows in a temporary table, which is made each time: a connection may be new."""
        if rows:
            make, *carry, empty = _carry_over(staged, self.connection.dialect)
            self._driver.execute(make)
            self.load(staged.table, rows)
            for statement in (*carry, empty):
                self._driver.execute(statement)

    @property
    def _driver(self) -> sqlite3.Connection:
        return cast(sqlite3.Connection, self.connection.connection.driver_connection)


@lru_cache(maxsize=256)
def _insert(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


@lru_cache(maxsize=256)
def _upsert(upsert: Upsert, dialect: Dialect) -> str:
    # The values are numbered in the order of the columns.
    return str(upsert.of_one.compile(dialect=dialect))


@lru_cache(maxsize=16)
def _carry_over(staged: Staged, dialect: Dialect) -> Sequence[str]:
    make = CreateTable(staged.table, if_not_exists=True).compile(dialect=dialect)
    return [str(make), *staged.texts(dialect), f"DELETE FROM {staged.table.name}"]  # noqa: S608


class SqliteDatabase:
    """A file in WAL mode with synchronous FULL: an acknowledged event survives a power cut.

    Args:
        path: the file; made with its folder when absent, brought up when older.
        vault: of its secrets; None: with a file of keys beside it.

    Raises:
        StorageError: the file is no database, or a newer version made it.
    """

    def __init__(self, path: Path, vault: Vault | None = None) -> None:
        self._path = path
        self._vault = vault or Vault(path.with_name(path.name + ".key"))
        self._write_lock = threading.Lock()
        self._changed: set[str] = set()
        self._changed_now = threading.Condition()
        self._leader_file: IO[str] | None = None
        self._engine = _engine(path)
        try:
            with _mapped(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            with self.write() as session:
                migrate(session.connection, str(path))
        except StorageError:
            self._engine.dispose()
            raise

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open the one writing transaction of this file."""
        with self._write_lock, _mapped(self._path), self._engine.connect() as connection:
            connection.execution_options(lotsight_begin="BEGIN IMMEDIATE")
            with connection.begin():
                session = SqliteSession(connection, self._vault)
                yield session
        if session.announced:
            with self._changed_now:
                self._changed |= session.announced
                self._changed_now.notify_all()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction; it neither waits for the writer nor holds it up."""
        with _mapped(self._path), self._engine.connect() as connection:
            yield SqliteSession(connection, self._vault)

    def keep_room(self, now_ms: int, before_ms: int) -> None:
        """Nothing: a file grows by itself, and rows go one by one (`prune`)."""

    def lead(self) -> bool:
        """Whether this process holds the lock beside the file."""
        if self._leader_file is None:
            file = self._path.with_name(self._path.name + ".leader").open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._leader_file = file
        return True

    def changes(self, timeout_s: float) -> set[str]:
        """Edges changed by this process since the last call."""
        with self._changed_now:
            self._changed_now.wait_for(lambda: bool(self._changed), timeout_s)
            changed, self._changed = self._changed, set()
            return changed

    def close(self) -> None:
        """Close the connections and give up the leader lock."""
        with self._write_lock:
            self._engine.dispose()
        if self._leader_file is not None:
            self._leader_file.close()
            self._leader_file = None


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        # A connection moves between threads, but one thread at a time holds it.
        connect_args={"timeout": _BUSY_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(driver: sqlite3.Connection, _record: object) -> None:
        # The driver begins nothing by itself: our transactions hold DDL and say how they begin.
        driver.isolation_level = None
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(
            connection.get_execution_options().get("lotsight_begin", "BEGIN")
        )

    return engine


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Map errors of SQLAlchemy and of the driver to ours: the one border with both."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as exc:
        msg = f"{path}: SQLite cannot work on this file now: {_told(exc)}"
        raise StorageDownError(msg) from exc
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError) as exc:
        msg = f"{path}: SQLite refused: {_told(exc)}"
        raise StorageError(msg) from exc


def _told(exc: Exception) -> str:
    """What the driver said, without the statement and its values."""
    return str(exc.orig) if isinstance(exc, DBAPIError) else str(exc)
