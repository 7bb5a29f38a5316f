"""Several sources of one bay: what each says, whom to believe, and edges that speak for them."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE edge ADD COLUMN kind TEXT DEFAULT 'box' NOT NULL",
    "ALTER TABLE bay ADD COLUMN carried SMALLINT DEFAULT 0 NOT NULL",
    "CREATE INDEX bay_carried ON bay (edge, layout) WHERE carried = 1",
    "ALTER TABLE bay_count ADD COLUMN counted SMALLINT DEFAULT 0 NOT NULL",
    """CREATE TABLE cloud_edge (
        site TEXT NOT NULL, lot TEXT NOT NULL, edge TEXT NOT NULL, PRIMARY KEY (site, lot))""",
    "CREATE UNIQUE INDEX cloud_edge_by_edge ON cloud_edge (edge)",
    """CREATE TABLE source_state (
        site TEXT NOT NULL, lot TEXT NOT NULL, bay TEXT NOT NULL, source TEXT NOT NULL,
        kind TEXT NOT NULL, occ SMALLINT, reason TEXT, since_ms BIGINT NOT NULL,
        heard_ms BIGINT NOT NULL, until_ms BIGINT, conf DOUBLE PRECISION,
        news SMALLINT DEFAULT 1 NOT NULL, PRIMARY KEY (site, lot, bay, source))""",
    "CREATE INDEX source_state_by_end ON source_state (until_ms)",
    "CREATE INDEX source_state_with_news ON source_state (site, lot) WHERE news = 1",
    """CREATE TABLE bay_truth (
        site TEXT NOT NULL, lot TEXT NOT NULL, bay TEXT NOT NULL, believed TEXT, why TEXT NOT NULL,
        at_ms BIGINT NOT NULL, said TEXT NOT NULL, differ_ms BIGINT, movers TEXT,
        PRIMARY KEY (site, lot, bay))""",
    "CREATE INDEX bay_truth_differing ON bay_truth (differ_ms) WHERE differ_ms IS NOT NULL",
    """CREATE TABLE source_trust (
        site TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
        checked_ms DOUBLE PRECISION NOT NULL, wrong_ms DOUBLE PRECISION NOT NULL,
        spells DOUBLE PRECISION NOT NULL, recent_checked_ms DOUBLE PRECISION NOT NULL,
        recent_wrong_ms DOUBLE PRECISION NOT NULL,
        recent_spells DOUBLE PRECISION NOT NULL, at_ms BIGINT NOT NULL,
        PRIMARY KEY (site, source))""",
)


def upgrade() -> None:
    """Make the tables; every edge that is there is a box."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
