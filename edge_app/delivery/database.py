"""Opening the store's SQLite file: durability, one owner, migrations, epoch.

WAL with synchronous FULL: a transaction that returned survives a power cut. Exclusive locking: a
second process on the same file would number events twice, so it is refused.

A file of an earlier version is migrated when it is opened: `migrations/NNNN_*.sql` are the steps,
and the file's `user_version` is the number of the last one that it has seen. All missing steps are
one transaction, so a power cut leaves the file as it was before or as it is after.

What a step has after the line `-- way back` undoes it, and is kept in the file (table `way_back`).
So an earlier version, to which a box falls back after an update, can open a file of a later one:
it takes the steps back by what the file itself says, and loses neither an event nor a number. A
file that does not say how is refused, and left alone.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from telemetry.clock import Clock
from telemetry.errors import TelemetryError

_log = logging.getLogger(__name__)

STORE_FILE = "store.db"
"""In the state folder."""
_MIGRATIONS = Path(__file__).with_name("migrations")
_WAY_BACK = "-- way back"
_KEEPS_WAYS_BACK = (
    "CREATE TABLE IF NOT EXISTS way_back (version INTEGER PRIMARY KEY, script TEXT NOT NULL) STRICT"
)
_JOURNAL_LIMIT_BYTES = 4 * 1024 * 1024


class StoreError(TelemetryError):
    """The store's file cannot be opened or is in use."""


def shipped_migrations() -> tuple[str, ...]:
    """The SQL of each step, in order; the first makes the tables."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted(_MIGRATIONS.glob("*.sql")))


def open_database(
    path: Path, clock: Clock, max_pages: int | None, migrations: Sequence[str] | None = None
) -> sqlite3.Connection:
    """Open the store's file, make it, or bring it up to date.

    A file that is no database any more is moved aside and a new one made, whose epoch is higher:
    the cloud then knows that a new stream begins.

    Args:
        path: the file.
        clock: wall time, for the epoch of a new file.
        max_pages: bound on the file's size; a migration may go beyond it.
        migrations: the steps; None: those of this version.

    Raises:
        StoreError: the folder cannot be written, another process owns the file, it comes from a
            later version and does not say how to undo its steps, or it cannot be migrated.
    """
    steps = shipped_migrations() if migrations is None else migrations
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open(path, clock, max_pages, steps)
        except sqlite3.DatabaseError as exc:
            if _code(exc) not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise
            aside = _move_aside(path)
            _log.error(
                "%s is damaged (%s): moved to %s, creating a new store", path, exc, aside.name
            )
            return _open(path, clock, max_pages, steps)
    except sqlite3.Error as exc:
        if _code(exc) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            msg = f"{path}: in use by another process; only one service may use a store"
        else:
            msg = f"{path}: cannot open the store: {exc}"
        raise StoreError(msg) from exc
    except OSError as exc:
        msg = f"{path}: cannot open the store: {exc.strerror or exc}"
        raise StoreError(msg) from exc


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk, or the file's size limit, is the reason."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: sqlite3.Error) -> int:
    # The low byte is the primary code; extended codes such as IOERR_WRITE sit above it.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _open(
    path: Path, clock: Clock, max_pages: int | None, migrations: Sequence[str]
) -> sqlite3.Connection:
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
        database.execute("BEGIN IMMEDIATE")
        if _migrate(path, database, migrations) == 0:
            epoch = next_epoch(path, clock)
            database.execute("INSERT INTO stream (id, epoch) VALUES (1, ?)", (epoch,))
        database.execute("COMMIT")
        if max_pages is not None:
            database.execute(f"PRAGMA max_page_count = {max_pages:d}")
        epoch = database.execute("SELECT epoch FROM stream").fetchone()[0]
        remember_epoch(path, epoch)
    except BaseException:
        database.close()
        raise
    return database


def _migrate(path: Path, database: sqlite3.Connection, migrations: Sequence[str]) -> int:
    """Run the steps that the file has not seen, or undo those that are not known here.

    Within the caller's transaction.

    Returns:
        The version that the file had; 0: it is new.

    Raises:
        StoreError: a later version of lotsight made the file, and it does not say how to undo it.
    """
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    known = len(migrations)
    if version == known:
        return version  # nothing is written: a store must open on a full disk too
    if version > known:
        _take_back(path, database, version, known)
    for number, script in enumerate(migrations[version:], version + 1):
        forth, _, back = script.partition(_WAY_BACK)
        _run(database, forth)
        if back:
            database.execute(_KEEPS_WAYS_BACK)
            database.execute("INSERT INTO way_back (version, script) VALUES (?, ?)", (number, back))
    database.execute(f"PRAGMA user_version = {known}")
    if version:
        _log.info("%s: migrated from version %d to %d", path, version, known)
    return version


def _take_back(path: Path, database: sqlite3.Connection, version: int, known: int) -> None:
    """Undo the steps after `known`, the last one first."""
    database.execute(_KEEPS_WAYS_BACK)
    query = "SELECT version, script FROM way_back WHERE version > ? ORDER BY version DESC"
    scripts = {row["version"]: row["script"] for row in database.execute(query, (known,))}
    if set(scripts) != set(range(known + 1, version + 1)):
        msg = (
            f"{path}: expected a store of version {known} or earlier, but got {version}: written "
            "by a newer lotsight; install that version again"
        )
        raise StoreError(msg)
    for script in scripts.values():
        _run(database, script)
    database.execute("DELETE FROM way_back WHERE version > ?", (known,))


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        database.execute(statement)


def _statements(script: str) -> Iterator[str]:
    # sqlite3's executescript would commit what came before.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def next_epoch(path: Path, clock: Clock) -> int:
    """The epoch of a new store: Unix time, but always above the last one made at `path`.

    Time alone would not do, since a box may wake in the past; the file beside the store alone
    would not do, since it may be deleted with it. Should both fail, the consumer's acknowledgement
    reports the higher epoch and `Store.renew_epoch` goes past it.
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
        _log.warning("cannot write %s: %s", marker, exc.strerror or exc)


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
