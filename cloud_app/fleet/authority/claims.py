"""One-time codes: whoever has one may bring one box in, at the site that it was made for.

Only a hash is kept. A code has 100 random bits, so there is nothing to guess; that guessing is
braked all the same, by address, is the caller's part. It may be used again by the same key as long
as it lives: a box that was cut off half way simply repeats.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, insert, or_, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.secret import digest_of, new_id
from cloud_app.errors import RequestRefusedError, UnknownError
from cloud_app.fleet.authority.tables import claim_code as table
from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import from_ms
from telemetry.provisioning import Refusal

# Crockford's base 32: no I, L, O, U, so that a person can read it out and type it.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 20
_GROUP = 5
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class ClaimState(StrEnum):
    """What became of a code."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """What a code is to allow.

    Attributes:
        site: that the box belongs to.
        edge: its name; None: the box says it, or gets one.
        tenant: the operator of the site, as text, for the audit log.
        life_ms: it works for so long.
    """

    site: str
    edge: str | None
    tenant: str | None
    life_ms: int


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """A code as it is shown: the code itself is not kept.

    Attributes:
        claim: identifier.
        site: that the box belongs to.
        edge: its name, if the code says it.
        made_by: who made it.
        made_ms: when.
        ends_ms: it works until then.
        used_ms: since when it is used up.
        used_by: fingerprint of the key that used it.
        box: which box that was.
        revoked_ms: since when nobody can use it.
        tenant: the operator of the site when it was made.
    """

    claim: str
    site: str
    edge: str | None
    made_by: str
    made_ms: int
    ends_ms: int
    used_ms: int | None
    used_by: str | None
    box: str | None
    revoked_ms: int | None
    tenant: str | None

    def state(self, now_ms: int) -> ClaimState:
        """What became of it."""
        if self.revoked_ms is not None:
            return ClaimState.REVOKED
        if self.used_ms is not None:
            return ClaimState.USED
        return ClaimState.OPEN if now_ms < self.ends_ms else ClaimState.EXPIRED


def new_code() -> str:
    """A code as people read it: `K7QF2-...`, four groups of five."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))


def plain_code(typed: str) -> str:
    """A code as it is hashed, however it was typed: case, hyphens and misread letters aside."""
    return typed.upper().translate(_MISREAD)


def make_claim(session: Session, actor: Actor, plan: ClaimPlan) -> tuple[ClaimCode, str]:
    """Make a code; the whole of it is known only now."""
    code, which = new_code(), new_id()
    session.run(
        insert(table),
        {
            "claim": which,
            "digest": digest_of(plain_code(code)),
            "tenant": plan.tenant,
            "site": plan.site,
            "edge": plan.edge,
            "made_by": actor.name,
            "made_ms": actor.at_ms,
            "ends_ms": actor.at_ms + plan.life_ms,
        },
    )
    facts = {"site": plan.site, "edge": plan.edge, "ends_ms": actor.at_ms + plan.life_ms}
    record(session, actor, "claim.create", Subject("claim", which, plan.tenant), None, facts)
    return claim_of(session, which), code


def claim_of(session: Session, which: str) -> ClaimCode:
    """A code, by its identifier.

    Raises:
        UnknownError: there is none.
    """
    for row in session.rows(select(table).where(table.c.claim == which)):
        return _claim(row)
    msg = f"there is no code {which[:40]!r}"
    raise UnknownError(msg)


def claims(session: Session, sites: Collection[str] | None, limit: int = 500) -> list[ClaimCode]:
    """The codes of some sites, the newest first; None: of all."""
    query = select(table).order_by(table.c.made_ms.desc(), table.c.claim).limit(limit)
    if sites is not None:
        query = query.where(table.c.site.in_(sorted(sites)))
    return [_claim(row) for row in session.rows(query)]


def revoke_claim(session: Session, actor: Actor, claim: ClaimCode) -> None:
    """Let nobody use a code; one that was used stays so."""
    done = session.run(
        update(table)
        .where(
            table.c.claim == claim.claim, table.c.revoked_ms.is_(None), table.c.used_ms.is_(None)
        )
        .values(revoked_ms=actor.at_ms)
    )
    if done:
        subject = Subject("claim", claim.claim, claim.tenant)
        record(session, actor, "claim.revoke", subject, {"site": claim.site}, None)


_BY_DIGEST = select(table).where(table.c.digest == bindparam("of")).with_for_update()
_USE = (
    update(table)
    .where(
        table.c.claim == bindparam("which"),
        or_(table.c.used_by.is_(None), table.c.used_by == bindparam("by")),
    )
    .values(used_ms=bindparam("at_ms"), used_by=bindparam("by"), box=bindparam("of_box"))
)


def open_claim(session: Session, code: str, fingerprint: str, now_ms: int) -> ClaimCode:
    """The code that a box sent, if that key may use it now.

    Args:
        session: a writing transaction; the code is locked until its end.
        code: as it was typed.
        fingerprint: of the box's key.
        now_ms: wall time.

    Raises:
        RequestRefusedError: unknown, run out, revoked, or used by another key.
    """
    rows = session.rows(_BY_DIGEST, {"of": digest_of(plain_code(code))})
    if not rows:
        msg = "there is no such code: check it, or have a new one made"
        raise RequestRefusedError(msg, Refusal.CODE_UNKNOWN)
    claim = _claim(rows[0])
    if claim.revoked_ms is not None:
        msg = "this code was revoked: have a new one made"
        raise RequestRefusedError(msg, Refusal.CODE_REVOKED)
    if claim.used_by not in {None, fingerprint}:
        msg = (
            f"this code was used on {from_ms(claim.used_ms or 0):%d %B %Y, %H:%M} UTC by "
            f"{claim.box}, with another key ({claim.used_by}): have a new one made, and if that "
            "was not your box, revoke it"
        )
        raise RequestRefusedError(msg, Refusal.CODE_USED)
    if now_ms >= claim.ends_ms:
        msg = (
            f"this code ran out on {from_ms(claim.ends_ms):%d %B %Y, %H:%M} UTC: have a new one "
            "made"
        )
        raise RequestRefusedError(msg, Refusal.CODE_EXPIRED)
    return claim


def use_claim(session: Session, claim: ClaimCode, fingerprint: str, box: str, now_ms: int) -> None:
    """Note who used a code; the time of the first use stays."""
    at_ms = now_ms if claim.used_ms is None else claim.used_ms
    given = {"which": claim.claim, "by": fingerprint, "at_ms": at_ms, "of_box": box}
    session.run(_USE, given)


def _claim(row: Row) -> ClaimCode:
    return ClaimCode(**{name: getattr(row, name) for name in ClaimCode.__slots__})
