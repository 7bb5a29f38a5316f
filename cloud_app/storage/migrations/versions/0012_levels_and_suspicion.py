"""Levels of counted lots, with counts of each; how far a source is suspected."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE gate ADD COLUMN level_from TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE gate_passage ADD COLUMN level_from TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE gate_quarter ADD COLUMN level_from TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE count_zeroing ADD COLUMN level TEXT DEFAULT '' NOT NULL",
    "DROP INDEX count_zeroing_once",
    "CREATE UNIQUE INDEX count_zeroing_once ON count_zeroing (site, lot, level, at_ms, cause)",
    "ALTER TABLE source_trust ADD COLUMN suspicion DOUBLE PRECISION DEFAULT 0 NOT NULL",
    """CREATE TABLE level_count (
        site TEXT NOT NULL, lot TEXT NOT NULL, level TEXT NOT NULL, place INTEGER NOT NULL,
        raw BIGINT, shown INTEGER, source TEXT, why TEXT, low INTEGER NOT NULL,
        high INTEGER NOT NULL, capacity INTEGER, closed INTEGER NOT NULL, watched INTEGER NOT NULL,
        PRIMARY KEY (site, lot, level))""",
)


def upgrade() -> None:
    """Add the columns and the table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
