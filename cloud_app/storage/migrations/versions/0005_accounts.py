"""Accounts, roles, sessions, API keys, outgoing mail, and the audit log, which only grows."""

from __future__ import annotations

from alembic import op

from cloud_app.storage.migrations import refuse_downgrade

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE account (
        account TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL, password TEXT, totp TEXT,
        totp_on SMALLINT NOT NULL DEFAULT 0, totp_step BIGINT NOT NULL DEFAULT 0,
        disabled SMALLINT NOT NULL DEFAULT 0, version BIGINT NOT NULL DEFAULT 1,
        created_ms BIGINT NOT NULL,
        PRIMARY KEY (account), CONSTRAINT account_email_key UNIQUE (email))""",
    """CREATE TABLE membership (
        account TEXT NOT NULL, tenant TEXT NOT NULL, role TEXT NOT NULL,
        PRIMARY KEY (account, tenant, role))""",
    "CREATE INDEX membership_by_tenant ON membership (tenant)",
    """CREATE TABLE recovery_code (
        account TEXT NOT NULL, digest TEXT NOT NULL, used_ms BIGINT,
        PRIMARY KEY (account, digest))""",
    """CREATE TABLE oidc_identity (
        issuer TEXT NOT NULL, subject TEXT NOT NULL, account TEXT NOT NULL,
        PRIMARY KEY (issuer, subject))""",
    "CREATE INDEX oidc_identity_by_account ON oidc_identity (account)",
    """CREATE TABLE oidc_login (
        digest TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, target TEXT NOT NULL,
        expires_ms BIGINT NOT NULL, PRIMARY KEY (digest))""",
    """CREATE TABLE login_session (
        digest TEXT NOT NULL, session TEXT NOT NULL, account TEXT NOT NULL, method TEXT NOT NULL,
        address TEXT NOT NULL, agent TEXT NOT NULL, created_ms BIGINT NOT NULL,
        seen_ms BIGINT NOT NULL, ended_ms BIGINT,
        PRIMARY KEY (digest), CONSTRAINT login_session_session_key UNIQUE (session))""",
    "CREATE INDEX login_session_by_account ON login_session (account, created_ms)",
    """CREATE TABLE login_failure (
        counted TEXT NOT NULL, failures BIGINT NOT NULL, first_ms BIGINT NOT NULL,
        last_ms BIGINT NOT NULL, PRIMARY KEY (counted))""",
    """CREATE TABLE ticket (
        digest TEXT NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL,
        expires_ms BIGINT NOT NULL, PRIMARY KEY (digest))""",
    "CREATE INDEX ticket_by_account ON ticket (account)",
    """CREATE TABLE api_key (
        key TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, tenant TEXT NOT NULL,
        scopes TEXT NOT NULL, sites TEXT, created_by TEXT NOT NULL, created_ms BIGINT NOT NULL,
        expires_ms BIGINT, used_ms BIGINT, revoked_ms BIGINT,
        PRIMARY KEY (key), CONSTRAINT api_key_digest_key UNIQUE (digest))""",
    "CREATE INDEX api_key_by_tenant ON api_key (tenant)",
    """CREATE TABLE mail (
        mail TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
        tries BIGINT NOT NULL DEFAULT 0, due_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,
        PRIMARY KEY (mail))""",
    "CREATE INDEX mail_due ON mail (due_ms)",
    """CREATE TABLE audit (
        audit TEXT NOT NULL, at_ms BIGINT NOT NULL, actor_kind TEXT NOT NULL, actor TEXT NOT NULL,
        address TEXT, action TEXT NOT NULL, subject_kind TEXT NOT NULL, subject TEXT NOT NULL,
        tenant TEXT, before TEXT, after TEXT, PRIMARY KEY (audit))""",
    "CREATE INDEX audit_by_tenant ON audit (tenant, audit)",
    "CREATE INDEX audit_by_subject ON audit (subject, audit)",
    "CREATE INDEX audit_by_actor ON audit (actor, audit)",
)

_ON_SQLITE = tuple(
    f"""CREATE TRIGGER audit_no_{what} BEFORE {what} ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"""
    for what in ("UPDATE", "DELETE")
)
_ON_POSTGRES = (
    """CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$""",
    """CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()""",
)


def upgrade() -> None:
    """Make the tables, and let nobody rewrite the audit log."""
    is_postgres = op.get_context().dialect.name == "postgresql"
    for statement in (*_TABLES, *(_ON_POSTGRES if is_postgres else _ON_SQLITE)):
        op.execute(statement)


def downgrade() -> None:
    """There is no way down."""
    refuse_downgrade(revision)
