"""Tables of accounts, their proofs, API keys and the audit log.

Random secrets (sessions, links, keys) are kept as SHA-256 digests, passwords as argon2id, TOTP
secrets sealed (`storage.vault`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cloud_app.storage.tables import metadata


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


# `version` counts changes of the person or of their roles: what a browser tab must name to change
# it. `totp` is a secret that is being set up while `totp_on` is 0; `totp_step` is the last used.
account = Table(
    "account",
    metadata,
    _key("account"),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password", Text),
    Column("totp", Text),
    Column("totp_on", SmallInteger, nullable=False, server_default=text("0")),
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),
    Column("disabled", SmallInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    _time("created_ms"),
    UniqueConstraint("email"),
)

membership = Table(
    "membership",
    metadata,
    _key("account"),
    _key("tenant"),
    _key("role"),
    Index("membership_by_tenant", "tenant"),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    _key("account"),
    _key("digest"),
    _time("used_ms", nullable=True),
)

oidc_identity = Table(
    "oidc_identity",
    metadata,
    _key("issuer"),
    _key("subject"),
    Column("account", Text, nullable=False),
    Index("oidc_identity_by_account", "account"),
)

# A sign-in that the provider has not answered yet.
oidc_login = Table(
    "oidc_login",
    metadata,
    _key("digest"),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("target", Text, nullable=False),
    _time("expires_ms"),
)

login_session = Table(
    "login_session",
    metadata,
    _key("digest"),
    Column("session", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    _time("created_ms"),
    _time("seen_ms"),
    _time("ended_ms", nullable=True),
    UniqueConstraint("session"),
    Index("login_session_by_account", "account", "created_ms"),
)

# Failed tries by what they are counted for; see `brake`.
login_failure = Table(
    "login_failure",
    metadata,
    _key("counted"),
    Column("failures", BigInteger, nullable=False),
    _time("first_ms"),
    _time("last_ms"),
)

# An invitation or a password reset that was sent out.
ticket = Table(
    "ticket",
    metadata,
    _key("digest"),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    _time("expires_ms"),
    Index("ticket_by_account", "account"),
)

api_key = Table(
    "api_key",
    metadata,
    _key("key"),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("sites", Text),
    Column("created_by", Text, nullable=False),
    _time("created_ms"),
    _time("expires_ms", nullable=True),
    _time("used_ms", nullable=True),
    _time("revoked_ms", nullable=True),
    UniqueConstraint("digest"),
    Index("api_key_by_tenant", "tenant"),
)

# Mail that the server has not taken yet.
mail = Table(
    "mail",
    metadata,
    _key("mail"),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", BigInteger, nullable=False, server_default=text("0")),
    _time("due_ms"),
    _time("expires_ms"),
    Index("mail_due", "due_ms"),
)

# Files that mail brings, base64.
mail_attachment = Table(
    "mail_attachment",
    metadata,
    _key("mail"),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
)

# Append-only: a trigger of the database refuses changes and deletions. `audit` sorts by time.
audit = Table(
    "audit",
    metadata,
    _key("audit"),
    _time("at_ms"),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("tenant", Text),
    Column("before", Text),
    Column("after", Text),
    Index("audit_by_tenant", "tenant", "audit"),
    Index("audit_by_subject", "subject", "audit"),
    Index("audit_by_actor", "actor", "audit"),
)
