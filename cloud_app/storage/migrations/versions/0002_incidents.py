"""Incidents: version 2 of the time before Alembic."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE incident (
        edge TEXT NOT NULL, incident TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
        site TEXT NOT NULL, layout TEXT NOT NULL, camera TEXT NOT NULL, kind TEXT NOT NULL,
        bays TEXT NOT NULL, area TEXT, vehicle TEXT, conf DOUBLE PRECISION NOT NULL, box TEXT,
        began_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL, stood_s DOUBLE PRECISION NOT NULL,
        limit_s DOUBLE PRECISION, ended_ms BIGINT, reason TEXT,
        PRIMARY KEY (edge, incident))""",
    "CREATE INDEX incident_by_time ON incident (began_ms)",
    """CREATE TABLE incident_list (
        edge TEXT PRIMARY KEY, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL,
        ids TEXT NOT NULL)""",
)


def upgrade() -> None:
    """Add the tables of incidents."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
