"""The tables of the authority: who may issue, what was issued, who may come in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from cloud_app.storage.tables import key, metadata

# The root (its key is never here) and every issuing certificate, the newest of which issues. `key`
# is sealed by the vault. The revocation list of an issuing certificate is kept with it.
authority = Table(
    "authority",
    metadata,
    key("authority"),
    Column("kind", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("key", Text),
    Column("made_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("crl", Text),
    Column("crl_number", Integer, nullable=False, server_default=text("0")),
    Column("crl_ms", BigInteger, nullable=False, server_default=text("0")),
)

# `name` is the CN; `fingerprint` that of the public key; `site` of a box at the time of issue.
certificate = Table(
    "certificate",
    metadata,
    key("serial"),
    Column("authority", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("site", Text),
    Column("fingerprint", Text, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", Text),
    Column("pem", Text, nullable=False),
    Index("certificate_by_name", "name", "made_ms"),
)

# One-time codes; only a hash is kept. `used_by` is the fingerprint of the key that used it.
claim_code = Table(
    "claim_code",
    metadata,
    key("claim"),
    Column("digest", Text, nullable=False),
    Column("tenant", Text),
    Column("site", Text, nullable=False),
    Column("edge", Text),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Column("used_by", Text),
    Column("box", Text),
    Column("revoked_ms", BigInteger),
    Index("claim_code_by_digest", "digest", unique=True),
)

# Boxes that came without a code; `state` is pending, approved or refused.
waiting_box = Table(
    "waiting_box",
    metadata,
    key("fingerprint"),
    Column("state", Text, nullable=False),
    Column("edge", Text),
    Column("site", Text),
    Column("note", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("decided_ms", BigInteger),
    Column("decided_by", Text),
    Index("waiting_box_by_address", "address"),
)

# Clients of the broker without a certificate; `hash` as mosquitto's password file has it.
broker_password = Table(
    "broker_password",
    metadata,
    key("name"),
    Column("hash", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)
