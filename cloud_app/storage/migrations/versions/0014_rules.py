"""Rules: what they say, where they are, what waits to be sent; how alerts came from rules."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE rule (
        rule TEXT NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, enabled SMALLINT NOT NULL,
        body TEXT NOT NULL, version BIGINT DEFAULT 1 NOT NULL, quarantined_ms BIGINT, fault TEXT,
        fired BIGINT DEFAULT 0 NOT NULL, fired_ms BIGINT, PRIMARY KEY (rule))""",
    "CREATE UNIQUE INDEX rule_by_tenant ON rule (tenant, name)",
    """CREATE TABLE rule_spell (
        rule TEXT NOT NULL, site TEXT NOT NULL, key TEXT NOT NULL, spell TEXT NOT NULL,
        told TEXT NOT NULL, due_ms BIGINT, PRIMARY KEY (rule, site, key))""",
    "CREATE INDEX rule_spell_due ON rule_spell (due_ms) WHERE due_ms IS NOT NULL",
    """CREATE TABLE rule_position (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
        PRIMARY KEY (edge, epoch))""",
    """CREATE TABLE rule_outbox (
        id TEXT NOT NULL, rule TEXT NOT NULL, place INTEGER NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL, made_ms BIGINT NOT NULL, nth INTEGER NOT NULL, asked_ms BIGINT NOT NULL,
        due_ms BIGINT NOT NULL,
        tries INTEGER DEFAULT 0 NOT NULL, fault TEXT, dead_ms BIGINT, PRIMARY KEY (id))""",
    "CREATE INDEX rule_outbox_by_rule ON rule_outbox (rule)",
    "CREATE INDEX rule_outbox_due ON rule_outbox (due_ms) WHERE dead_ms IS NULL",
    "CREATE INDEX rule_outbox_dead ON rule_outbox (rule, dead_ms) WHERE dead_ms IS NOT NULL",
    """CREATE TABLE rule_outcome (
        id TEXT NOT NULL, rule TEXT NOT NULL, site TEXT NOT NULL, key TEXT NOT NULL,
        change TEXT NOT NULL, at_ms BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id))""",
    "CREATE INDEX rule_outcome_by_rule ON rule_outcome (rule, at_ms)",
    "CREATE INDEX rule_outcome_by_time ON rule_outcome (at_ms)",
    # What happened before there were rules is none of theirs.
    "INSERT INTO rule_position (edge, epoch, seq) SELECT edge, epoch, upto FROM stream",
    "ALTER TABLE alert ADD COLUMN depth SMALLINT DEFAULT 0 NOT NULL",
    "ALTER TABLE alert ADD COLUMN judged SMALLINT DEFAULT 0 NOT NULL",
    "UPDATE alert SET judged = 1",
    "CREATE INDEX alert_unjudged ON alert (alert) WHERE judged = 0",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
