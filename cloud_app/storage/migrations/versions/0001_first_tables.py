"""The tables of version 1, from before Alembic."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE edge (
        edge TEXT PRIMARY KEY, site TEXT NOT NULL, seen_ms BIGINT,
        epoch BIGINT NOT NULL DEFAULT 0, conn BIGINT NOT NULL DEFAULT 0,
        dead SMALLINT NOT NULL DEFAULT 1, reason TEXT, at_ms BIGINT, birth TEXT,
        health TEXT, health_ms BIGINT, layout TEXT)""",
    """CREATE TABLE bay (
        edge TEXT NOT NULL, layout TEXT NOT NULL, place INTEGER NOT NULL, bay TEXT NOT NULL,
        site TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT, level TEXT, camera TEXT NOT NULL,
        kind TEXT NOT NULL, angle TEXT NOT NULL,
        PRIMARY KEY (edge, layout, bay))""",
    """CREATE TABLE lot (
        site TEXT NOT NULL, lot TEXT NOT NULL, name TEXT, levels TEXT NOT NULL,
        lat DOUBLE PRECISION, lon DOUBLE PRECISION,
        PRIMARY KEY (site, lot))""",
    "CREATE INDEX bay_by_lot ON bay (site, lot)",
    """CREATE TABLE bay_state (
        edge TEXT NOT NULL, layout TEXT NOT NULL, bay TEXT NOT NULL,
        epoch BIGINT NOT NULL, seq BIGINT NOT NULL, rank SMALLINT NOT NULL, at_ms BIGINT NOT NULL,
        occ SMALLINT, closed SMALLINT NOT NULL, reason TEXT, since_ms BIGINT, conf DOUBLE PRECISION,
        PRIMARY KEY (edge, layout, bay))""",
    """CREATE TABLE event (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, site TEXT NOT NULL,
        kind TEXT NOT NULL, bay TEXT, time_ms BIGINT NOT NULL,
        occ SMALLINT, closed SMALLINT, reason TEXT, since_ms BIGINT, conf DOUBLE PRECISION,
        cause TEXT, layout TEXT, body TEXT NOT NULL,
        PRIMARY KEY (edge, epoch, seq))""",
    "CREATE INDEX event_by_bay ON event (edge, bay, epoch, seq)",
    "CREATE INDEX event_by_time ON event (time_ms)",
    """CREATE TABLE gap (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (edge, epoch, first_seq, last_seq))""",
    """CREATE TABLE stream (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, upto BIGINT NOT NULL, top BIGINT NOT NULL,
        PRIMARY KEY (edge, epoch))""",
    """CREATE TABLE aggregate (
        edge TEXT NOT NULL, period_s INTEGER NOT NULL, start_ms BIGINT NOT NULL,
        observed_s DOUBLE PRECISION NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (edge, period_s, start_ms))""",
    """CREATE TABLE quarantine (
        digest TEXT PRIMARY KEY, topic TEXT NOT NULL, payload TEXT NOT NULL, reason TEXT NOT NULL,
        first_ms BIGINT NOT NULL, times INTEGER NOT NULL)""",
    """CREATE TABLE shadow (
        thing TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, body TEXT,
        changed_ms BIGINT NOT NULL,
        PRIMARY KEY (thing, name))""",
    """CREATE TABLE alert (
        rule TEXT NOT NULL, site TEXT NOT NULL, subject TEXT NOT NULL,
        opened_ms BIGINT NOT NULL, closed_ms BIGINT, text TEXT NOT NULL,
        open_sent SMALLINT NOT NULL DEFAULT 0,
        close_sent SMALLINT NOT NULL DEFAULT 0,
        PRIMARY KEY (rule, site, subject, opened_ms))""",
)


def upgrade() -> None:
    """Make the first tables."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
