"""Downlinks to sensors."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_STEPS = (
    """CREATE TABLE sensor_downlink (
        downlink TEXT NOT NULL PRIMARY KEY, site TEXT NOT NULL, device TEXT NOT NULL,
        action TEXT NOT NULL, interval_s INTEGER, f_port INTEGER NOT NULL, payload TEXT NOT NULL,
        confirmed SMALLINT NOT NULL, way TEXT NOT NULL, reference TEXT NOT NULL,
        actor TEXT NOT NULL, state TEXT NOT NULL, issued_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL, due_ms BIGINT, tries INTEGER NOT NULL, queued_ms BIGINT,
        sent_ms BIGINT, acknowledged_ms BIGINT, ended_ms BIGINT, detail TEXT NOT NULL)""",
    "CREATE INDEX sensor_downlink_by_device ON sensor_downlink (site, device, issued_ms)",
    "CREATE INDEX sensor_downlink_by_reference ON sensor_downlink (reference)",
    "CREATE INDEX sensor_downlink_open ON sensor_downlink (expires_ms) WHERE ended_ms IS NULL",
)


def upgrade() -> None:
    """Make the table."""
    for step in _STEPS:
        op.execute(step)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
