"""Commands and jobs for boxes, and files that answer commands."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STEPS = (
    """CREATE TABLE command (
        command TEXT NOT NULL PRIMARY KEY, edge TEXT NOT NULL, site TEXT NOT NULL,
        name TEXT NOT NULL, args TEXT NOT NULL, actor TEXT NOT NULL, issued_ms BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL, state TEXT NOT NULL, due_ms BIGINT, sends INTEGER NOT NULL,
        sent_conn TEXT, sent_ms BIGINT, received_ms BIGINT, running_ms BIGINT, ended_ms BIGINT,
        detail TEXT, result TEXT)""",
    "CREATE INDEX command_by_edge ON command (edge, issued_ms)",
    "CREATE INDEX command_due ON command (due_ms) WHERE due_ms IS NOT NULL",
    """CREATE TABLE command_part (
        command TEXT NOT NULL, number INTEGER NOT NULL, parts INTEGER NOT NULL,
        name TEXT NOT NULL, media_type TEXT NOT NULL, sha256 TEXT NOT NULL, data TEXT NOT NULL,
        until_ms BIGINT NOT NULL, PRIMARY KEY (command, number))""",
    "CREATE INDEX command_part_by_end ON command_part (until_ms)",
    """CREATE TABLE job (
        edge TEXT NOT NULL, job TEXT NOT NULL, document TEXT NOT NULL, actor TEXT NOT NULL,
        status TEXT NOT NULL, version INTEGER NOT NULL, details TEXT NOT NULL,
        told SMALLINT NOT NULL, queued_ms BIGINT NOT NULL, started_ms BIGINT, ended_ms BIGINT,
        PRIMARY KEY (edge, job))""",
    "CREATE INDEX job_by_job ON job (job)",
)


def upgrade() -> None:
    """Make the tables."""
    for step in _STEPS:
        op.execute(step)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
