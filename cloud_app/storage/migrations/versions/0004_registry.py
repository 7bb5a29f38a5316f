"""The registry: things and their changes."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE registry_thing (
        kind TEXT NOT NULL, key TEXT NOT NULL, parent TEXT, site TEXT, version BIGINT NOT NULL,
        changed_ms BIGINT NOT NULL, source TEXT, said_layout TEXT NOT NULL,
        said_person TEXT NOT NULL, cell TEXT, west DOUBLE PRECISION, south DOUBLE PRECISION,
        east DOUBLE PRECISION, north DOUBLE PRECISION,
        PRIMARY KEY (kind, key))""",
    "CREATE INDEX registry_thing_by_parent ON registry_thing (kind, parent, key)",
    "CREATE INDEX registry_thing_by_site ON registry_thing (kind, site, key)",
    "CREATE INDEX registry_thing_by_cell ON registry_thing (kind, cell)",
    """CREATE TABLE registry_change (
        kind TEXT NOT NULL, key TEXT NOT NULL, version BIGINT NOT NULL, site TEXT,
        at_ms BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, before TEXT NOT NULL,
        after TEXT NOT NULL,
        PRIMARY KEY (kind, key, version))""",
    "CREATE INDEX registry_change_by_time ON registry_change (at_ms)",
)


def upgrade() -> None:
    """Make both tables; layouts that are known fill them at the next start."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
