"""Days of quarters packed into one row, and indexes by which the past is pruned."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE quarter_day (
        site TEXT NOT NULL, lot TEXT NOT NULL, day_ms BIGINT NOT NULL, zone TEXT NOT NULL,
        kind TEXT NOT NULL, cause TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (site, lot, day_ms, zone, kind, cause))""",
    "CREATE INDEX quarter_day_by_time ON quarter_day (day_ms)",
    """CREATE TABLE quarter_pack (
        site TEXT NOT NULL, lot TEXT NOT NULL, upto_ms BIGINT NOT NULL, PRIMARY KEY (site, lot))""",
    # What is kept already is packed by the leader, a month of some lots at a time.
    "INSERT INTO quarter_pack SELECT DISTINCT site, lot, 0 FROM quarter",
    "CREATE INDEX quarter_by_time ON quarter (start_ms)",
    "CREATE INDEX quarter_part_by_time ON quarter_part (start_ms)",
    "CREATE INDEX quarter_cause_by_time ON quarter_cause (start_ms)",
    "CREATE INDEX stay_day_by_day ON stay_day (day)",
)


def upgrade() -> None:
    """Make tables and indexes."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
