"""How far each stream is in the lake, and the files that it is made of."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """CREATE TABLE lake_stream (
            edge TEXT NOT NULL, epoch BIGINT NOT NULL, upto BIGINT DEFAULT 0 NOT NULL,
            known_top BIGINT DEFAULT 0 NOT NULL, PRIMARY KEY (edge, epoch))"""
    )
    op.execute(
        """CREATE TABLE lake_late (
            edge TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
            PRIMARY KEY (edge, epoch, seq))"""
    )
    op.execute(
        """CREATE TABLE lake_file (
            path TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL,
            date TEXT NOT NULL, site TEXT NOT NULL, rows BIGINT NOT NULL, bytes BIGINT NOT NULL,
            sha256 TEXT NOT NULL, first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL,
            hashes INTEGER NOT NULL, version INTEGER NOT NULL, changed_ms BIGINT NOT NULL,
            listed SMALLINT DEFAULT 0 NOT NULL)"""
    )
    op.execute("CREATE INDEX lake_file_by_place ON lake_file (kind, date, site)")
    op.execute("CREATE INDEX lake_file_by_state ON lake_file (state, changed_ms)")
    op.execute(
        """CREATE TABLE lake_record (
            record TEXT NOT NULL PRIMARY KEY, stream TEXT NOT NULL, site TEXT NOT NULL,
            time_ms BIGINT NOT NULL, body TEXT NOT NULL)"""
    )


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
