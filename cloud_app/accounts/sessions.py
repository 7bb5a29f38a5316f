"""Sessions of people in a browser: kept here, so that they can be listed and ended.

The cookie holds 256 random bits, the table their digest. A login always makes a new one. A session
ends when it is unused, when it is old, and with its account.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.brake import network_of
from cloud_app.accounts.people import Person, by_id
from cloud_app.accounts.secret import digest_of, new_id, new_secret
from cloud_app.accounts.tables import account, login_session
from cloud_app.config import AccountsConfig
from cloud_app.errors import UnknownError
from cloud_app.storage.database import Row, Session

# Use is noted at most so often: each note is a write.
_NOTE_MS = 60_000
_AGENT_MAX = 200
# Ended sessions are kept this long: from where somebody has logged in before is of use.
_KEPT_MS = 90 * 86_400_000


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts."""

    idle_ms: int
    max_ms: int

    @classmethod
    def of(cls, config: AccountsConfig) -> Lifetime:
        """As configured."""
        return cls(int(config.session_idle_s * 1000), int(config.session_max_s * 1000))


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A session as its owner may see it.

    Attributes:
        session: identifier, no secret.
        account: whose.
        method: how they logged in.
        address: from where.
        agent: what the browser calls itself.
        created_ms: of the login.
        seen_ms: of the last use, to the minute.
        ends_ms: at the latest.
    """

    session: str
    account: str
    method: str
    address: str
    agent: str
    created_ms: int
    seen_ms: int
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from."""

    address: str
    agent: str


_END = (
    update(login_session)
    .where(login_session.c.session == bindparam("which"), login_session.c.ended_ms.is_(None))
    .values(ended_ms=bindparam("now_ms"))
)


def start(session: Session, actor: Actor, person: Person, method: str, device: Device) -> str:
    """Begin a session; the secret for the cookie."""
    secret, which = new_secret(), new_id()
    session.run(
        insert(login_session),
        {
            "digest": digest_of(secret),
            "session": which,
            "account": person.account,
            "method": method,
            "address": device.address,
            "agent": device.agent[:_AGENT_MAX],
            "created_ms": actor.at_ms,
            "seen_ms": actor.at_ms,
        },
    )
    record(
        session, actor, "session.start", Subject("person", person.email), None,
        {"session": which, "method": method},
    )  # fmt: skip
    return secret


_FIND = (
    select(login_session)
    .join(account, account.c.account == login_session.c.account)
    .where(
        login_session.c.digest == bindparam("of"),
        login_session.c.ended_ms.is_(None),
        account.c.disabled == 0,
    )
)


def find(
    session: Session, secret: str, lifetime: Lifetime, now_ms: int
) -> tuple[LoginSession, Person] | None:
    """The session of a cookie and whose it is; None: there is none, or no longer."""
    for row in session.rows(_FIND, {"of": digest_of(secret)}):
        found = _session(row, lifetime)
        if now_ms < min(found.ends_ms, found.seen_ms + lifetime.idle_ms):
            return found, by_id(session, found.account)
    return None


def is_due(found: LoginSession, now_ms: int) -> bool:
    """Whether its use should be noted."""
    return now_ms - found.seen_ms >= _NOTE_MS


_SEEN = (
    update(login_session)
    .where(login_session.c.session == bindparam("which"))
    .values(seen_ms=bindparam("now_ms"))
)


def note_use(session: Session, found: LoginSession, now_ms: int) -> None:
    """Keep a session from ending for lack of use."""
    session.run(_SEEN, {"which": found.session, "now_ms": now_ms})


_OF_PERSON = (
    select(login_session)
    .where(login_session.c.account == bindparam("who"), login_session.c.ended_ms.is_(None))
    .order_by(login_session.c.seen_ms.desc())
)


def of_person(
    session: Session, person: Person, lifetime: Lifetime, now_ms: int
) -> list[LoginSession]:
    """The sessions of somebody that still work, the newest use first."""
    found = (_session(row, lifetime) for row in session.rows(_OF_PERSON, {"who": person.account}))
    return [each for each in found if now_ms < min(each.ends_ms, each.seen_ms + lifetime.idle_ms)]


def _session(row: Row, lifetime: Lifetime) -> LoginSession:
    return LoginSession(
        session=row.session,
        account=row.account,
        method=row.method,
        address=row.address,
        agent=row.agent,
        created_ms=row.created_ms,
        seen_ms=row.seen_ms,
        ends_ms=row.created_ms + lifetime.max_ms,
    )


def end(session: Session, actor: Actor, person: Person, which: str) -> None:
    """End one session of somebody.

    Raises:
        UnknownError: they have no such session.
    """
    mine = {row.session for row in session.rows(_OF_PERSON, {"who": person.account})}
    if which not in mine:
        msg = f"there is no session {which[:40]!r}"
        raise UnknownError(msg)
    session.run(_END, {"which": which, "now_ms": actor.at_ms})
    facts = {"session": which}
    record(session, actor, "session.end", Subject("person", person.email), facts, None)


def end_all(session: Session, actor: Actor, person: Person, but: str | None = None) -> int:
    """End all sessions of somebody, but for one; how many there were."""
    rows = session.rows(_OF_PERSON, {"who": person.account})
    ended = [row.session for row in rows if row.session != but]
    session.run_many(_END, [{"which": which, "now_ms": actor.at_ms} for which in ended])
    if ended:
        facts = {"sessions": sorted(ended)}
        record(session, actor, "session.end", Subject("person", person.email), facts, None)
    return len(ended)


def is_familiar(session: Session, email: str, address: str) -> bool:
    """Whether an account has logged in from an address before."""
    rows = session.rows(
        select(login_session.c.address)
        .join(account, account.c.account == login_session.c.account)
        .where(account.c.email == email)
        .distinct()
    )
    return network_of(address) in {network_of(row.address) for row in rows}


def prune(session: Session, now_ms: int) -> None:
    """Drop sessions that ended long ago."""
    session.run(delete(login_session).where(login_session.c.created_ms < now_ms - _KEPT_MS))


def csrf_token(secret: str) -> str:
    """What a page of ours sends with each change, and a page of a stranger cannot know."""
    return hmac.new(secret.encode(), b"lotsight csrf", hashlib.sha256).hexdigest()


def is_csrf_token(secret: str, given: str) -> bool:
    """Whether it is the token of a session."""
    return hmac.compare_digest(csrf_token(secret), given.encode("ascii", "replace").decode())
