"""The audit log: who did what to whom, written in the transaction of the change itself.

There is no function that changes or deletes a line, and the database refuses both.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, or_, select

from cloud_app.accounts.tables import account, audit, membership
from cloud_app.storage.database import Database, Row, Session

_order = itertools.count()
_PAGE_ROWS = 1000


class ActorKind(StrEnum):
    """The kind of an actor."""

    PERSON = "person"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 - a kind of caller
    ANONYMOUS = "anonymous"
    COMMAND_LINE = "command line"
    SYSTEM = "system"
    BOX = "box"
    """A box that asks for a certificate; by its name, or the fingerprint of its key."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where, and when.

    Attributes:
        kind: of caller.
        name: e-mail address of a person, name of a key or token.
        address: of the network; None for the command line and the service itself.
        at_ms: moment of the act.
    """

    kind: ActorKind
    name: str
    address: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line is about.

    Attributes:
        kind: person, key, session, and whatever other packages have: lot, rule, ...
        name: its identifier.
        tenant: whose it is, as text; None if it belongs to the whole installation.
    """

    kind: str
    name: str
    tenant: str | None = None


_RECORD = insert(audit)


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: Subject,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append a line; call it in the transaction of the change.

    Args:
        session: that transaction.
        actor: who did it.
        action: a short verb phrase with dots, e.g. `role.grant`; it is filtered by.
        subject: to what.
        before: facts as they were, without secrets; None where there was nothing.
        after: facts as they are; None where nothing is left.
    """
    session.run(
        _RECORD,
        {
            # Two lines of one millisecond keep their order; two processes never clash.
            "audit": f"{actor.at_ms:013d}-{next(_order):012d}-{secrets.token_hex(6)}",
            "at_ms": actor.at_ms,
            "actor_kind": actor.kind.value,
            "actor": actor.name,
            "address": actor.address,
            "action": action,
            "subject_kind": subject.kind,
            "subject": subject.name,
            "tenant": subject.tenant,
            "before": _json(before),
            "after": _json(after),
        },
    )


def _json(facts: Mapping[str, Any] | None) -> str | None:
    return None if facts is None else json.dumps(facts, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines are wanted; None for all.

    Attributes:
        tenants: whose lines; None: everybody's, and those of the installation.
        people: with the lines about these tenants' members that belong to no tenant (logins, ...).
        actor: name of who acted.
        action: an action, or its beginning up to a dot (`role` finds `role.grant`).
        subject: name of what it was done to.
        start_ms: at or after.
        end_ms: before.
        before: only lines older than that one (its `audit`), for the next page.
    """

    tenants: Collection[str] | None = None
    people: bool = True
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    before: str | None = None


def lines(session: Session, wanted: AuditFilter, limit: int) -> list[Row]:
    """The newest lines first."""
    query = select(audit).order_by(audit.c.audit.desc()).limit(limit)
    if wanted.tenants is not None:
        names = sorted(wanted.tenants)
        # What concerns a person as such has no tenant: whoever governs one of theirs sees it.
        members = (
            select(account.c.email)
            .join(membership, membership.c.account == account.c.account)
            .where(membership.c.tenant.in_(names))
        )
        of_members = (
            audit.c.tenant.is_(None)
            & (audit.c.subject_kind == "person")
            & audit.c.subject.in_(members)
        )
        theirs = audit.c.tenant.in_(names)
        query = query.where(theirs | of_members if wanted.people else theirs)
    if wanted.action is not None:
        query = query.where(
            or_(
                audit.c.action == wanted.action,
                audit.c.action.startswith(f"{wanted.action}.", autoescape=True),
            )
        )
    for column, value in ((audit.c.actor, wanted.actor), (audit.c.subject, wanted.subject)):
        if value is not None:
            query = query.where(column == value)
    if wanted.start_ms is not None:
        query = query.where(audit.c.audit >= f"{wanted.start_ms:013d}")
    if wanted.end_ms is not None:
        query = query.where(audit.c.audit < f"{wanted.end_ms:013d}")
    if wanted.before is not None:
        query = query.where(audit.c.audit < wanted.before)
    return list(session.rows(query))


def every_line(database: Database, wanted: AuditFilter) -> Iterator[Row]:
    """All lines, the newest first; read page by page, so that a slow reader holds no connection."""
    while True:
        with database.read() as session:
            page = lines(session, wanted, _PAGE_ROWS)
        yield from page
        if len(page) < _PAGE_ROWS:
            return
        wanted = replace(wanted, before=page[-1].audit)
