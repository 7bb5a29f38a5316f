"""Boxes that are let in: the authority, what it issued, codes, boxes that wait, passwords."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE authority (
        authority TEXT NOT NULL, kind TEXT NOT NULL, certificate TEXT NOT NULL, key TEXT,
        made_ms BIGINT NOT NULL, ends_ms BIGINT NOT NULL, crl TEXT,
        crl_number INTEGER DEFAULT 0 NOT NULL, crl_ms BIGINT DEFAULT 0 NOT NULL,
        PRIMARY KEY (authority))""",
    """CREATE TABLE certificate (
        serial TEXT NOT NULL, authority TEXT NOT NULL, profile TEXT NOT NULL, name TEXT NOT NULL,
        site TEXT, fingerprint TEXT NOT NULL, starts_ms BIGINT NOT NULL, ends_ms BIGINT NOT NULL,
        made_ms BIGINT NOT NULL, made_by TEXT NOT NULL, revoked_ms BIGINT, revoked_by TEXT,
        pem TEXT NOT NULL, PRIMARY KEY (serial))""",
    "CREATE INDEX certificate_by_name ON certificate (name, made_ms)",
    """CREATE TABLE claim_code (
        claim TEXT NOT NULL, digest TEXT NOT NULL, tenant TEXT, site TEXT NOT NULL, edge TEXT,
        made_by TEXT NOT NULL, made_ms BIGINT NOT NULL, ends_ms BIGINT NOT NULL, used_ms BIGINT,
        used_by TEXT, box TEXT, revoked_ms BIGINT, PRIMARY KEY (claim))""",
    "CREATE UNIQUE INDEX claim_code_by_digest ON claim_code (digest)",
    """CREATE TABLE waiting_box (
        fingerprint TEXT NOT NULL, state TEXT NOT NULL, edge TEXT, site TEXT, note TEXT NOT NULL,
        address TEXT NOT NULL, first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL,
        decided_ms BIGINT, decided_by TEXT, PRIMARY KEY (fingerprint))""",
    "CREATE INDEX waiting_box_by_address ON waiting_box (address)",
    """CREATE TABLE broker_password (
        name TEXT NOT NULL, hash TEXT NOT NULL, made_by TEXT NOT NULL, made_ms BIGINT NOT NULL,
        PRIMARY KEY (name))""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
