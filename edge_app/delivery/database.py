"""Opening the store's SQLite file: durability, one owner, schema, epoch.

WAL with synchronous FULL: a transaction that returned survives a power cut. Exclusive locking: a
second process on the same file would number events twice, so it is refused.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from telemetry.clock import Clock
from telemetry.errors import TelemetryError

_log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
_JOURNAL_LIMIT_BYTES = 4 * 1024 * 1024

_SCHEMA = """
CREATE TABLE stream (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  last_seq INTEGER NOT NULL DEFAULT 0,
  acked INTEGER NOT NULL DEFAULT 0,
  conn INTEGER NOT NULL DEFAULT 0,
  evicted INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  running_s REAL NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE bay (
  bay TEXT PRIMARY KEY,
  occ INTEGER,
  reason TEXT,
  conf REAL NOT NULL,
  since TEXT NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0,
  calibration INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  subject TEXT,
  time TEXT NOT NULL,
  data TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  running_s REAL NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0,
  refused INTEGER
) STRICT;
CREATE INDEX outbox_newest ON outbox (subject) WHERE superseded = 0;
CREATE TABLE document (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE aggregate (
  period_s INTEGER NOT NULL,
  start TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (period_s, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE command (
  id TEXT PRIMARY KEY,
  result TEXT,
  kept_until TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


class StoreError(TelemetryError):
    """The store's file cannot be opened or is in use."""


def open_database(path: Path, clock: Clock, max_pages: int | None) -> sqlite3.Connection:
    """Open or make the store's file.

    A file that is no database any more is moved aside and a new one made, whose epoch is higher:
    the cloud then knows that a new stream begins.

    Raises:
        StoreError: the folder cannot be written, another process owns the file, or it comes from
            a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open(path, clock, max_pages)
        except sqlite3.DatabaseError as exc:
            if _code(exc) not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise
            aside = _move_aside(path)
            _log.error("%s is damaged (%s): kept as %s, a new store begins", path, exc, aside.name)
            return _open(path, clock, max_pages)
    except sqlite3.Error as exc:
        if _code(exc) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            msg = f"{path}: in use by another process; one service owns one store"
        else:
            msg = f"{path}: cannot be opened as the store: {exc}"
        raise StoreError(msg) from exc
    except OSError as exc:
        msg = f"{path}: cannot be opened as the store: {exc.strerror or exc}"
        raise StoreError(msg) from exc


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk, or the file's size limit, is the reason."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: sqlite3.Error) -> int:
    # The low byte is the primary code; extended codes such as IOERR_WRITE sit above it.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _open(path: Path, clock: Clock, max_pages: int | None) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        database.row_factory = sqlite3.Row
        # Exclusive before WAL: then no shared-memory file is needed, and the lock is held for good.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        if database.execute("PRAGMA page_count").fetchone()[0] == 0:
            # For a new file only: it writes, and a store must open on a full disk too.
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        if max_pages is not None:
            database.execute(f"PRAGMA max_page_count = {max_pages:d}")
        database.execute("BEGIN IMMEDIATE")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _create(database, next_epoch(path, clock))
        else:
            _check_version(path, version)
        database.execute("COMMIT")
        epoch = database.execute("SELECT epoch FROM stream").fetchone()[0]
        remember_epoch(path, epoch)
    except BaseException:
        database.close()
        raise
    return database


def _check_version(path: Path, version: int) -> None:
    if version != SCHEMA_VERSION:
        msg = f"{path}: expected a store of version {SCHEMA_VERSION}, but got {version}"
        raise StoreError(msg)


def _create(database: sqlite3.Connection, epoch: int) -> None:
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            database.execute(statement)
    database.execute("INSERT INTO stream (id, epoch) VALUES (1, ?)", (epoch,))
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def next_epoch(path: Path, clock: Clock) -> int:
    """The epoch of a new store: Unix time, but always above the last one made at `path`.

    Time alone would not do, since a box may wake in the past; the file beside the store alone
    would not do, since it may be deleted with it. Should both fail, the consumer's acknowledgement
    tells of the higher epoch and `Store.renew_epoch` goes past it.
    """
    return max(int(clock.utc().timestamp()), _remembered_epoch(path) + 1, 1)


def remember_epoch(path: Path, epoch: int) -> None:
    """Keep the epoch beside the store, so that it survives the store's deletion."""
    if _remembered_epoch(path) == epoch:
        return
    marker = _marker(path)
    fresh = marker.with_name(marker.name + ".new")
    try:
        with fresh.open("w", encoding="ascii") as file:
            file.write(f"{epoch}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(marker)
    except OSError as exc:
        _log.warning("%s cannot be written: %s", marker, exc.strerror or exc)


def _remembered_epoch(path: Path) -> int:
    try:
        return int(_marker(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".epoch")


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.replace(aside)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return aside
