"""Forecasts of zones and kinds of bay, and what corrects the intervals of forecasts."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE forecast_part_fit (
        site TEXT NOT NULL, lot TEXT NOT NULL, ahead INTEGER NOT NULL, fitted_ms BIGINT NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (site, lot, ahead))""",
    """CREATE TABLE forecast_width (
        site TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT NOT NULL, ahead_min INTEGER NOT NULL,
        below DOUBLE PRECISION NOT NULL, above DOUBLE PRECISION NOT NULL, told_ms BIGINT NOT NULL,
        PRIMARY KEY (site, lot, zone, ahead_min))""",
    # By which prunings find what they delete.
    "CREATE INDEX forecast_score_by_day ON forecast_score (day_ms)",
    """CREATE INDEX sensor_downlink_ended ON sensor_downlink (ended_ms)
       WHERE ended_ms IS NOT NULL""",
    "CREATE INDEX lake_record_by_time ON lake_record (time_ms)",
)


def upgrade() -> None:
    """Make tables and indexes."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
