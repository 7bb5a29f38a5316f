"""Campaigns: jobs rolled out to many boxes."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_STEPS = (
    """CREATE TABLE campaign (
        campaign TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
        former TEXT, plan TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
        actor TEXT NOT NULL, version INTEGER NOT NULL,
        goes_back SMALLINT NOT NULL, created_ms BIGINT NOT NULL,
        started_ms BIGINT, ended_ms BIGINT)""",
    "CREATE INDEX campaign_by_state ON campaign (state)",
    "CREATE INDEX campaign_by_time ON campaign (created_ms)",
    """CREATE TABLE campaign_box (
        campaign TEXT NOT NULL, edge TEXT NOT NULL, site TEXT NOT NULL, batch INTEGER NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL, job TEXT, detail TEXT NOT NULL,
        audits TEXT, accuracy_drop DOUBLE PRECISION, given_ms BIGINT, started_ms BIGINT,
        ended_ms BIGINT, PRIMARY KEY (campaign, edge))""",
    "CREATE INDEX campaign_box_by_site ON campaign_box (site)",
)


def upgrade() -> None:
    """Make the tables."""
    for step in _STEPS:
        op.execute(step)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
