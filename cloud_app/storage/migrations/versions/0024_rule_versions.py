"""Rules of people that replace one of the service."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_STEPS = (
    "ALTER TABLE rule ADD COLUMN replaces TEXT",
    "CREATE UNIQUE INDEX rule_replacing ON rule (replaces, tenant) WHERE replaces IS NOT NULL",
)


def upgrade() -> None:
    """Add the column; no rule so far replaces any."""
    for step in _STEPS:
        op.execute(step)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
