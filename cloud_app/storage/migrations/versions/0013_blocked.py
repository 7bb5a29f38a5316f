"""Bays that no vehicle can use: why, beside their states, and how many of the free ones."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column each; nothing was ever told to be blocked before."""
    op.execute("ALTER TABLE bay_state ADD COLUMN blocked TEXT")
    op.execute("ALTER TABLE bay_count ADD COLUMN blocked INTEGER DEFAULT 0 NOT NULL")


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
