"""Certificates that were issued, and who issues them.

Our own authority is `own_issuer`; another one (EST, ACME, a cloud's own) stands behind `Issuer`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import bindparam, case, func, insert, select, update

from cloud_app.fleet.authority.tables import certificate as table
from cloud_app.fleet.authority.x509 import Profile, PublicKey
from cloud_app.storage.database import Row, Session


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate to issue.

    Attributes:
        profile: what for.
        name: CN.
        key: of the holder.
        life: how long.
        site: of a box.
        hosts: of a server.
    """

    profile: Profile
    name: str
    key: PublicKey
    life: timedelta
    site: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued.

    Attributes:
        serial: hexadecimal.
        profile: what for.
        name: CN.
        site: of a box, when it was issued.
        fingerprint: of its key.
        starts_ms: holds from.
        ends_ms: holds until.
        made_ms: issued at.
        made_by: who let it.
        revoked_ms: since when it no longer holds.
        revoked_by: who saw to that.
        pem: the certificate alone.
        authority: that issued it.
    """

    serial: str
    profile: Profile
    name: str
    site: str | None
    fingerprint: str
    starts_ms: int
    ends_ms: int
    made_ms: int
    made_by: str
    revoked_ms: int | None
    revoked_by: str | None
    pem: str
    authority: str

    def holds(self, now_ms: int) -> bool:
        """Whether a broker takes it."""
        return self.revoked_ms is None and now_ms < self.ends_ms

    @classmethod
    def of(cls, row: Row) -> Issued:
        """A row of the table."""
        return cls(**{**row._mapping, "profile": Profile(row.profile)})  # noqa: SLF001 - its name


class Issuer(Protocol):
    """Who issues certificates: our own authority, or a client of another one.

    One that speaks EST (RFC 7030) sends the request to `/simpleenroll`, keeps what comes back with
    `keep`, and leaves revocation to that authority, whose list it fetches.
    """

    def issue(self, session: Session, order: Order, by: str, now_ms: int) -> Issued:
        """Issue and keep a certificate.

        Raises:
            AuthorityError: it cannot be done now.
        """
        ...

    def chain(self, session: Session, issued: Issued) -> str:
        """A certificate with those between it and the root, PEM."""
        ...

    def roots(self, session: Session) -> str:
        """What boxes and brokers trust, PEM.

        Raises:
            AuthorityError: there is nothing yet.
        """
        ...

    def crls(self, session: Session, now_ms: int) -> str:
        """Revocation lists of every issuer whose certificates may still be shown, PEM."""
        ...


# -- what was issued -------------------------------------------------------------------------------

_NEWEST = (table.c.made_ms.desc(), table.c.serial)


def by_serial(session: Session, serial: str) -> Issued | None:
    """A certificate."""
    rows = session.rows(select(table).where(table.c.serial == serial))
    return Issued.of(rows[0]) if rows else None


def of_name(session: Session, name: str) -> list[Issued]:
    """All that a box ever had, the newest first."""
    query = select(table).where(table.c.name == bindparam("of")).order_by(*_NEWEST)
    return [Issued.of(row) for row in session.rows(query, {"of": name})]


def issued(
    session: Session, sites: Collection[str] | None, name: str | None = None, limit: int = 1000
) -> list[Issued]:
    """Certificates, the newest first.

    Args:
        session: to read.
        sites: of boxes at these sites only; None: all, those of servers too.
        name: of this box only.
        limit: at most so many.
    """
    query = select(table).order_by(*_NEWEST).limit(limit)
    if sites is not None:
        query = query.where(table.c.site.in_(sorted(sites)))
    if name is not None:
        query = query.where(table.c.name == name)
    return [Issued.of(row) for row in session.rows(query)]


def keep(session: Session, made: Issued) -> None:
    """Remember a certificate."""
    session.run(
        insert(table),
        {name: getattr(made, name) for name in Issued.__slots__} | {"profile": made.profile.value},
    )


def revoke(session: Session, name: str, by: str, now_ms: int) -> list[Issued]:
    """Let every certificate of a name hold no longer; those that did until now."""
    ended = [each for each in of_name(session, name) if each.holds(now_ms)]
    if ended:
        session.run(
            update(table)
            .where(table.c.name == name, table.c.revoked_ms.is_(None))
            .values(revoked_ms=now_ms, revoked_by=by)
        )
    return ended


_PUT_OUT = (
    select(table.c.name, func.max(table.c.revoked_ms).label("at_ms"))
    .where(table.c.profile == Profile.BOX.value)
    .group_by(table.c.name)
    .having(
        func.max(table.c.revoked_ms).is_not(None),
        func.sum(
            case(
                (table.c.revoked_ms.is_(None) & (table.c.ends_ms > bindparam("now_ms")), 1), else_=0
            )
        )
        == 0,
    )
)


def put_out(session: Session, now_ms: int) -> dict[str, int]:
    """Boxes of whose certificates none holds since one was revoked; and when that was."""
    return {row.name: row.at_ms for row in session.rows(_PUT_OUT, {"now_ms": now_ms})}
