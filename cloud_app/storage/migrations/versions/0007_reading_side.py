"""What pages read: outlines in the picture, words to search by, quarters of an hour, health."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import text

from cloud_app.storage.migrations import refuse_downgrade

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = (
    "ALTER TABLE bay ADD COLUMN picture TEXT",
    """CREATE TABLE quarter (
        site TEXT NOT NULL, lot TEXT NOT NULL, start_ms BIGINT NOT NULL, edge TEXT NOT NULL,
        occupied_ms BIGINT NOT NULL, free_ms BIGINT NOT NULL, unknown_ms BIGINT NOT NULL,
        PRIMARY KEY (site, lot, start_ms, edge))""",
    """CREATE TABLE quarter_mark (
        edge TEXT NOT NULL, upto_ms BIGINT NOT NULL, PRIMARY KEY (edge))""",
    """CREATE TABLE edge_health (
        edge TEXT NOT NULL, at_ms BIGINT NOT NULL, uptime_s DOUBLE PRECISION NOT NULL,
        outbox_rows BIGINT NOT NULL, outbox_age_s DOUBLE PRECISION NOT NULL,
        cameras INTEGER NOT NULL, cameras_up INTEGER NOT NULL, fps DOUBLE PRECISION,
        latency_p95_ms DOUBLE PRECISION, disk_free_bytes BIGINT, memory_bytes BIGINT,
        temperature_c DOUBLE PRECISION, alarms INTEGER NOT NULL,
        PRIMARY KEY (edge, at_ms))""",
    "CREATE INDEX edge_health_by_time ON edge_health (at_ms)",
)
_WORD = """CREATE TABLE registry_word (
    kind TEXT NOT NULL, key TEXT NOT NULL, word TEXT{collation} NOT NULL, site TEXT,
    PRIMARY KEY (kind, key, word))"""
_WORD_INDEXES = (
    "CREATE INDEX registry_word_by_word ON registry_word (kind, word)",
    "CREATE INDEX registry_word_by_site ON registry_word (site, kind, word)",
)
_PAGE = 5_000


def upgrade() -> None:
    """Make the tables, and the words of the things that are there."""
    is_postgres = op.get_context().dialect.name == "postgresql"
    for statement in _TABLES:
        op.execute(statement)
    op.execute(_WORD.format(collation=' COLLATE "C"' if is_postgres else ""))
    if not op.get_context().as_sql:
        _fill()
    for statement in _WORD_INDEXES:
        op.execute(statement)


def _fill() -> None:
    bind = op.get_bind()
    page = text(
        "SELECT kind, key, site, said_layout, said_person FROM registry_thing"
        " WHERE (kind, key) > (:kind, :key) ORDER BY kind, key LIMIT :rows"
    )
    write = text("INSERT INTO registry_word (kind, key, word, site) VALUES (:k, :key, :w, :site)")
    after: dict[str, Any] = {"kind": "", "key": "", "rows": _PAGE}
    while rows := bind.execute(page, after).all():
        found = [
            {"k": kind, "key": key, "w": word, "site": site}
            for kind, key, site, layout, person in rows
            for word in _words(key, {**json.loads(layout), **json.loads(person)}.get("name"))
        ]
        if found:
            bind.execute(write, found)
        after |= {"kind": rows[-1].kind, "key": rows[-1].key}


def _words(key: str, name: str | None) -> Iterator[str]:
    # As cloud_app.registry.words had it at this revision.
    own = key.rpartition("/")[2]
    found = {own.casefold()}
    for said in (own, name or ""):
        plain = unicodedata.normalize("NFKD", said.casefold())
        plain = "".join(each for each in plain if not unicodedata.combining(each))
        found.update(re.findall(r"\w+", plain))
    yield from sorted(each[:64] for each in found)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
