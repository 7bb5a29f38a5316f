"""Contents of a store that is not in use: read-only, for a technician.

A service that runs locks its store for itself: then the file tells nothing but its size, and the
service is to be asked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.delivery.database import STORE_FILE
from telemetry import BayState, Blocked

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_COUNTS = {
    "waiting": "SELECT count(*) FROM outbox WHERE refused IS NULL",
    "refused": "SELECT count(*) FROM outbox WHERE refused IS NOT NULL",
    "superseded": "SELECT count(*) FROM outbox WHERE superseded = 1",
    "bytes": "SELECT coalesce(sum(bytes), 0) FROM outbox",
    "oldest": "SELECT min(time) FROM outbox",
    "newest": "SELECT max(time) FROM outbox",
}


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What was found.

    Attributes:
        facts: sizes of the files; rows of the tables, the outbox in figures, the stream's numbers.
        states: each bay as it was last; None where that could not be read.
        in_use: whether a service holds the store.
    """

    facts: Mapping[str, Any]
    states: Sequence[Mapping[str, Any]] | None = None
    in_use: bool = False


def read_store(folder: Path) -> StoreFacts:
    """Look into the store of a state folder, as far as that can be done."""
    path = folder / STORE_FILE
    files = {each.name: each.stat().st_size for each in sorted(folder.glob(f"{STORE_FILE}*"))}
    facts: dict[str, Any] = {"files_bytes": files}
    if not path.is_file():
        facts["fault"] = f"{path}: store not found"
        return StoreFacts(facts)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            states = _states(store)
            facts |= _figures(store)
    except sqlite3.Error as exc:
        in_use = (getattr(exc, "sqlite_errorcode", None) or 0) & 0xFF in _LOCKED
        facts["in_use" if in_use else "fault"] = str(exc)
        return StoreFacts(facts, in_use=in_use)
    return StoreFacts(facts, states)


def state_rows(
    states: Iterable[BayState], closed: Collection[str], blocked: Mapping[str, Blocked]
) -> list[dict[str, Any]]:
    """Bays of a running service, as `read_store` gives those of one that does not."""
    return [
        {
            "bay": state.bay,
            "occ": state.occ,
            "reason": state.reason,
            "conf": state.conf,
            "since": state.since.isoformat(),
            "closed": state.bay in closed,
            "blocked": blocked[state.bay].kind if state.bay in blocked else None,
        }
        for state in states
    ]


def _figures(store: sqlite3.Connection) -> dict[str, Any]:
    tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    stream = store.execute("SELECT epoch, last_seq, acked, conn, evicted, lost FROM stream")
    names = [column[0] for column in stream.description]
    return {
        "check": store.execute("PRAGMA quick_check(3)").fetchone()[0],
        "rows": {
            name: store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a name that the store itself gave
            for (name,) in sorted(tables)
        },
        "outbox": {name: store.execute(query).fetchone()[0] for name, query in _COUNTS.items()},
        "stream": dict(zip(names, stream.fetchone(), strict=True)),
    }


def _states(store: sqlite3.Connection) -> list[dict[str, Any]]:
    found = store.execute("SELECT * FROM bay ORDER BY bay")
    columns = [column[0] for column in found.description]
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    return [
        {
            "bay": row["bay"],
            "occ": None if row["occ"] is None else bool(row["occ"]),
            "reason": row["reason"],
            "conf": row["conf"],
            "since": row["since"],
            "closed": bool(row["closed"]),
            # A store of an earlier version has no such column.
            "blocked": json.loads(row["blocked"])["kind"] if row.get("blocked") else None,
        }
        for row in rows
    ]
