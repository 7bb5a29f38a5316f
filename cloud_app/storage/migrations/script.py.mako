"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
from cloud_app.storage.migrations import refuse_downgrade

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
