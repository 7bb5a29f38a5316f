"""SQLite behind the `Database` Protocol: one file, one process, the default."""

from __future__ import annotations

import fcntl
import queue
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.storage.database import Row, Session, Value
from cloud_app.storage.schema import create

# How long a writer waits for another process (a backup, the sqlite3 shell) to let go of the file.
_BUSY_S = 10.0


class _SqliteSession:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.announced: set[str] = set()

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Value] = ()) -> int:
        return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> int:
        return max(0, self._connection.executemany(sql, rows).rowcount)

    def rows_each(self, sql: str, each: Sequence[Sequence[Value]]) -> list[list[Row]]:
        return [self._connection.execute(sql, values).fetchall() for values in each]

    def announce(self, edge: str) -> None:
        self.announced.add(edge)


class SqliteDatabase:
    """A file in WAL mode with synchronous FULL: an acknowledged event survives a power cut.

    Args:
        path: the file; made with its folder when absent.

    Raises:
        StorageError: the file is no database, or holds another version's schema.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _mapped(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode = WAL")
        self._write_lock = threading.Lock()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._changed: set[str] = set()
        self._changed_now = threading.Condition()
        self._leader_file: IO[str] | None = None
        with self.write() as session:
            create(session)

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread: a connection moves between threads, but one thread at a time holds it.
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open the one writing transaction of this file."""
        with self._write_lock, _mapped(self._path):
            session = _SqliteSession(self._writer)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield session
                self._writer.execute("COMMIT")
            except BaseException:
                # After a full disk SQLite has already rolled back, and then refuses to do it again.
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
        if session.announced:
            with self._changed_now:
                self._changed |= session.announced
                self._changed_now.notify_all()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction; it neither waits for the writer nor holds it up."""
        with _mapped(self._path):
            try:
                connection = self._readers.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                connection.execute("BEGIN")
                try:
                    yield _SqliteSession(connection)
                finally:
                    connection.execute("ROLLBACK")
            finally:
                self._readers.put(connection)

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
            self._writer.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        if self._leader_file is not None:
            self._leader_file.close()
            self._leader_file = None


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Map sqlite3's errors to ours: the one border with that library."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        msg = f"{path}: SQLite cannot work on this file now: {exc}"
        raise StorageDownError(msg) from exc
    except (sqlite3.Error, OSError, OverflowError) as exc:
        msg = f"{path}: SQLite refused: {exc}"
        raise StorageError(msg) from exc
