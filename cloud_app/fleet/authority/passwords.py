"""Clients of the broker that have no certificate: sensors' network servers, tools, old boxes.

Hashes are those of mosquitto's password file: PBKDF2 with SHA-512, `$7$iterations$salt$hash`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.secret import new_secret
from cloud_app.errors import UnknownError
from cloud_app.fleet.authority.tables import broker_password as table
from cloud_app.storage.database import Session
from cloud_app.storage.upsert import Upsert, names

_ROUNDS = 20_000
"""Few, since the password is 256 random bits and the broker checks it at each connection."""
_SALT_BYTES = 12
_SET = Upsert(
    table,
    names(table),
    lambda new: {"hash": new.hash, "made_by": new.made_by, "made_ms": new.made_ms},
)
_OF = select(table).where(table.c.name == bindparam("of"))


@dataclass(frozen=True, slots=True)
class BrokerClient:
    """A client with a password.

    Attributes:
        name: user name; what it may do follows from the registry, as for a box.
        hash: as mosquitto's file has it.
    """

    name: str
    hash: str


def hashed(password: str, salt: bytes) -> str:
    """A password as mosquitto's file has it."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    texts = (base64.b64encode(each).decode("ascii") for each in (salt, digest))
    return f"$7${_ROUNDS}${'$'.join(texts)}"


def set_password(session: Session, actor: Actor, name: str) -> str:
    """Give a client a new password; it is known only now."""
    password = new_secret()
    kept = hashed(password, secrets.token_bytes(_SALT_BYTES))
    session.upsert(_SET, [(name, kept, actor.name, actor.at_ms)])
    record(session, actor, "broker_password.set", Subject("broker client", name))
    return password


def drop_password(session: Session, actor: Actor, name: str) -> None:
    """Let a password work no longer.

    Raises:
        UnknownError: the client has none.
    """
    if not session.run(delete(table).where(table.c.name == name)):
        msg = f"{name} has no password at the broker"
        raise UnknownError(msg)
    record(session, actor, "broker_password.drop", Subject("broker client", name))


def has_password(session: Session, name: str) -> bool:
    """Whether a client has one."""
    return bool(session.rows(_OF, {"of": name}))


def passwords(session: Session) -> list[BrokerClient]:
    """All clients with a password, by name."""
    rows = session.rows(select(table).order_by(table.c.name))
    return [BrokerClient(row.name, row.hash) for row in rows]
