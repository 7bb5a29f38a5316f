"""Calibrations of cameras, edited here and rolled out to boxes."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_STEPS = (
    """CREATE TABLE calibration_revision (
        calibration TEXT NOT NULL PRIMARY KEY, edge TEXT NOT NULL, camera TEXT NOT NULL,
        revision INTEGER NOT NULL, base INTEGER NOT NULL, author TEXT NOT NULL,
        note TEXT NOT NULL, changes TEXT NOT NULL, document TEXT NOT NULL, job TEXT,
        dismissed SMALLINT NOT NULL, at_ms BIGINT NOT NULL)""",
    """CREATE INDEX calibration_revision_by_camera
        ON calibration_revision (edge, camera, at_ms)""",
    """CREATE TABLE calibration_draft (
        edge TEXT NOT NULL, camera TEXT NOT NULL, tab TEXT NOT NULL, document TEXT NOT NULL,
        saved_ms BIGINT NOT NULL, PRIMARY KEY (edge, camera, tab))""",
)


def upgrade() -> None:
    """Make the tables."""
    for step in _STEPS:
        op.execute(step)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
