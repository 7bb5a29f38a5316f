"""Gates: what passed them, the counts of lots, and when those were set to the truth."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBER = {"postgresql": "BIGSERIAL", "sqlite": "INTEGER"}
_STATEMENTS = (
    """CREATE TABLE count_point (
        site TEXT NOT NULL, lot TEXT NOT NULL, at_ms BIGINT NOT NULL, occupied INTEGER NOT NULL,
        free INTEGER NOT NULL, unknown INTEGER NOT NULL, PRIMARY KEY (site, lot, at_ms))""",
    "CREATE INDEX count_point_by_time ON count_point (at_ms)",
    """CREATE TABLE gate (
        gate TEXT NOT NULL, site TEXT NOT NULL, lot TEXT NOT NULL,
        level TEXT DEFAULT '' NOT NULL, edge TEXT, heard_ms BIGINT NOT NULL,
        lost BIGINT DEFAULT 0 NOT NULL, PRIMARY KEY (gate))""",
    "CREATE INDEX gate_by_lot ON gate (site, lot)",
    """CREATE TABLE gate_total (
        gate TEXT NOT NULL, direction TEXT NOT NULL, at_ms BIGINT NOT NULL,
        total BIGINT NOT NULL, restarted SMALLINT NOT NULL,
        PRIMARY KEY (gate, direction, at_ms))""",
    "CREATE INDEX gate_total_by_time ON gate_total (at_ms)",
    """CREATE TABLE gate_passage (
        gate TEXT NOT NULL, direction TEXT NOT NULL, at_ms BIGINT NOT NULL, key TEXT NOT NULL,
        site TEXT NOT NULL, lot TEXT NOT NULL, level TEXT NOT NULL, vehicles INTEGER NOT NULL,
        method TEXT NOT NULL, step TEXT, vehicle TEXT, conf DOUBLE PRECISION, hash TEXT,
        PRIMARY KEY (gate, direction, at_ms, key))""",
    "CREATE INDEX gate_passage_by_lot ON gate_passage (site, lot, at_ms)",
    "CREATE INDEX gate_passage_by_time ON gate_passage (at_ms)",
    """CREATE TABLE gate_quarter (
        site TEXT NOT NULL, lot TEXT NOT NULL, start_ms BIGINT NOT NULL, gate TEXT NOT NULL,
        direction TEXT NOT NULL, level TEXT NOT NULL, vehicles BIGINT NOT NULL,
        PRIMARY KEY (site, lot, start_ms, gate, direction))""",
    "CREATE INDEX gate_quarter_by_time ON gate_quarter (start_ms)",
    """CREATE TABLE count_zeroing (
        zeroing {number} PRIMARY KEY, site TEXT NOT NULL, lot TEXT NOT NULL,
        at_ms BIGINT NOT NULL, cause TEXT NOT NULL, vehicles INTEGER NOT NULL, drift BIGINT,
        actor TEXT, note TEXT)""",
    "CREATE UNIQUE INDEX count_zeroing_once ON count_zeroing (site, lot, at_ms, cause)",
    """CREATE TABLE lot_count (
        site TEXT NOT NULL, lot TEXT NOT NULL, edge TEXT,
        news SMALLINT DEFAULT 1 NOT NULL, raw BIGINT, shown INTEGER, source TEXT, why TEXT,
        low INTEGER DEFAULT 0 NOT NULL, high INTEGER DEFAULT 0 NOT NULL, capacity INTEGER,
        closed INTEGER DEFAULT 0 NOT NULL, held_back INTEGER DEFAULT 0 NOT NULL,
        watched INTEGER DEFAULT 0 NOT NULL, changed_ms BIGINT, PRIMARY KEY (site, lot))""",
)


def upgrade() -> None:
    """Make the tables."""
    number = _NUMBER[op.get_context().dialect.name]
    for statement in _STATEMENTS:
        op.execute(statement.replace("{number}", number))


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
