"""What a nightly fit learned of each site's lots."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """CREATE TABLE forecast_fit (
            site TEXT NOT NULL, ahead INTEGER NOT NULL, fitted_ms BIGINT NOT NULL,
            body TEXT NOT NULL, PRIMARY KEY (site, ahead))"""
    )


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
