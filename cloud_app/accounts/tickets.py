"""Links that are sent out and work once: invitations and password resets."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.people import Person, by_id, touch
from cloud_app.accounts.secret import digest_of, new_secret
from cloud_app.accounts.sessions import end_all
from cloud_app.accounts.tables import account, ticket
from cloud_app.accounts.warnings import Proof, warn_owner
from cloud_app.errors import UnknownError
from cloud_app.storage.database import Session


class TicketKind(StrEnum):
    """The purpose of a link."""

    INVITATION = "invitation"
    RESET = "reset"


def issue(session: Session, actor: Actor, person: Person, kind: TicketKind, lasts_s: float) -> str:
    """Make a link's secret; earlier ones of the kind no longer work."""
    session.run(
        delete(ticket).where(ticket.c.account == person.account, ticket.c.kind == kind.value)
    )
    secret = new_secret()
    expires_ms = actor.at_ms + int(lasts_s * 1000)
    session.run(
        insert(ticket),
        {
            "digest": digest_of(secret),
            "kind": kind.value,
            "account": person.account,
            "expires_ms": expires_ms,
        },
    )
    record(
        session, actor, f"{kind.value}.issue", Subject("person", person.email), None,
        {"expires_ms": expires_ms},
    )  # fmt: skip
    return secret


_FIND = select(ticket).where(ticket.c.digest == bindparam("of"))
_DROP = delete(ticket).where(ticket.c.digest == bindparam("of"))


def holder(session: Session, kind: TicketKind, secret: str, now_ms: int) -> Person:
    """Whose link it is.

    Raises:
        UnknownError: it was used, is too old, of another kind, or never was.
    """
    for row in session.rows(_FIND, {"of": digest_of(secret)}):
        if row.kind == kind.value and now_ms < row.expires_ms:
            person = by_id(session, row.account)
            if not person.is_disabled:
                return person
    msg = "this link does not work: it was used, or it is too old; ask for another"
    raise UnknownError(msg)


def redeem(session: Session, actor: Actor, kind: TicketKind, secret: str, kept: str) -> Person:
    """Set a password's hash with a link, which is used up; every session of the person ends.

    Raises:
        UnknownError: the link does not work.
    """
    person = holder(session, kind, secret, actor.at_ms)
    if not session.run(_DROP, {"of": digest_of(secret)}):
        msg = "this link was used a moment ago"
        raise UnknownError(msg)
    set_password(session, actor, person, kept)
    return person


def is_fresh(session: Session, person: Person, kind: TicketKind, since_ms: int) -> bool:
    """Whether a link that ends after `since_ms` is out: another one would be a nuisance."""
    return bool(
        session.rows(
            select(ticket.c.digest).where(
                ticket.c.account == person.account,
                ticket.c.kind == kind.value,
                ticket.c.expires_ms > since_ms,
            )
        )
    )


def set_password(session: Session, actor: Actor, person: Person, kept: str) -> None:
    """Replace a password's hash; every session and every open link of the person ends.

    Somebody who had one, or the provider's word, is told by mail.
    """
    touch(session, person, None)
    session.run(update(account).where(account.c.account == person.account).values(password=kept))
    session.run(delete(ticket).where(ticket.c.account == person.account))
    record(session, actor, "password.set", Subject("person", person.email))
    if person.is_ready:
        warn_owner(session, actor, person, Proof.PASSWORD)
    end_all(session, actor, person)


def prune(session: Session, now_ms: int) -> None:
    """Drop links that are too old."""
    session.run(delete(ticket).where(ticket.c.expires_ms < now_ms))
