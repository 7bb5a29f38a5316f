"""Our own authority: a root whose key is offline, and below it a certificate that issues.

The key of the issuing certificate is in the database, sealed by the vault. When it is renewed, the
earlier one stays as long as what it issued may be shown: for the chain, and for its revocation
list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography.x509 import Certificate
from sqlalchemy import bindparam, insert, select, update

from cloud_app.errors import AuthorityError
from cloud_app.fleet.authority.issuing import Issued, Order, keep
from cloud_app.fleet.authority.tables import authority as table
from cloud_app.fleet.authority.tables import certificate
from cloud_app.fleet.authority.x509 import (
    Key,
    Leaf,
    Revoked,
    Signer,
    fingerprint_of,
    key_pem,
    load,
    load_key,
    make_crl,
    make_issuing,
    make_leaf,
    make_root,
    moment,
    ms,
    new_key,
    pem,
    public_key_of,
    revoked_in,
    serial_of,
)
from cloud_app.storage.database import Row, Session

CRL_FRESH_MS = 24 * 3_600_000
"""A revocation list is made again after a day, changed or not."""
NOT_SET_UP = "there is no certificate authority yet: run `lotsight-cloud ca init`"


class AuthorityKind(StrEnum):
    """What a certificate of the authority does."""

    ROOT = "root"
    ISSUING = "issuing"


@dataclass(frozen=True, slots=True)
class AuthorityCertificate:
    """A root or issuing certificate.

    Attributes:
        authority: fingerprint of its key.
        kind: which.
        pem: the certificate.
        made_ms: since when it is here.
        ends_ms: holds until.
    """

    authority: str
    kind: AuthorityKind
    pem: str
    made_ms: int
    ends_ms: int


def authorities(session: Session) -> list[AuthorityCertificate]:
    """The root and the issuing certificates, the newest of each first."""
    query = select(table).order_by(table.c.kind.desc(), table.c.made_ms.desc())
    return [
        AuthorityCertificate(
            row.authority, AuthorityKind(row.kind), row.certificate, row.made_ms, row.ends_ms
        )
        for row in session.rows(query)
    ]


def initialise(session: Session, key: Key, name: str, now_ms: int) -> bool:
    """Make a root certificate for a key, and the first issuing one below it.

    Args:
        session: a writing transaction.
        key: of the root; it is not kept here.
        name: CN of the root.
        now_ms: wall time.

    Returns:
        Whether there was none yet; the same key again changes nothing.

    Raises:
        AuthorityError: there is a root with another key.
    """
    if _root_of(session, key) is not None:
        return False
    root = make_root(key, name, moment(now_ms))
    _add(session, AuthorityKind.ROOT, root, None, now_ms)
    renew_issuing(session, key, now_ms)
    return True


def renew_issuing(session: Session, root_key: Key, now_ms: int) -> AuthorityCertificate:
    """Make the issuing certificate that issues from now on; earlier ones still prove what they did.

    Raises:
        AuthorityError: there is no root yet, it has another key, or it is over.
    """
    root = _root_of(session, root_key)
    if root is None:
        raise AuthorityError(NOT_SET_UP)
    at = moment(now_ms)
    if now_ms >= root.ends_ms:
        msg = f"the root certificate ran out on {moment(root.ends_ms):%d %B %Y}"
        raise AuthorityError(msg)
    number = sum(each.kind is AuthorityKind.ISSUING for each in authorities(session)) + 1
    key = new_key()
    made = make_issuing(Signer(load(root.pem), root_key), key, f"lotsight issuing {number}", at)
    _add(session, AuthorityKind.ISSUING, made, session.vault.seal(key_pem(key).decode()), now_ms)
    return next(each for each in authorities(session) if each.kind is AuthorityKind.ISSUING)


def _root_of(session: Session, key: Key) -> AuthorityCertificate | None:
    """The root, which must have that key."""
    name = fingerprint_of(key.public_key())
    for each in authorities(session):
        if each.kind is AuthorityKind.ROOT:
            if each.authority == name:
                return each
            msg = (
                f"expected the root key {each.authority}, but got {name}: a second root would cut "
                "off every box"
            )
            raise AuthorityError(msg)
    return None


def _add(
    session: Session, kind: AuthorityKind, made: Certificate, key: str | None, now_ms: int
) -> None:
    session.run(
        insert(table),
        {
            "authority": fingerprint_of(public_key_of(made)),
            "kind": kind.value,
            "certificate": pem(made),
            "key": key,
            "made_ms": now_ms,
            "ends_ms": ms(made.not_valid_after_utc),
        },
    )


_ISSUING = (
    select(table)
    .where(table.c.kind == AuthorityKind.ISSUING.value)
    .order_by(table.c.made_ms.desc(), table.c.authority)
)
_OF = select(table).where(table.c.authority == bindparam("of"))
_REVOKED = (
    select(certificate.c.serial, certificate.c.revoked_ms)
    .where(
        certificate.c.authority == bindparam("of"),
        certificate.c.revoked_ms.is_not(None),
        certificate.c.ends_ms > bindparam("now_ms"),
    )
    .order_by(certificate.c.serial)
)
_KEEP_CRL = (
    update(table)
    .where(table.c.authority == bindparam("of"), table.c.crl_number == bindparam("was"))
    .values(crl=bindparam("text"), crl_number=bindparam("number"), crl_ms=bindparam("at_ms"))
)


@dataclass(frozen=True, slots=True)
class OwnIssuer:
    """Issues with the newest issuing certificate; an `Issuer`."""

    def issue(self, session: Session, order: Order, by: str, now_ms: int) -> Issued:
        """Issue and keep a certificate.

        Raises:
            AuthorityError: there is no authority, its issuing certificate is over, or its key
                cannot be opened.
        """
        rows = session.rows(_ISSUING)
        if not rows:
            raise AuthorityError(NOT_SET_UP)
        if now_ms >= rows[0].ends_ms:
            msg = (
                f"the issuing certificate ran out on {moment(rows[0].ends_ms):%d %B %Y}: run "
                "`lotsight-cloud ca renew-intermediate` with the root key"
            )
            raise AuthorityError(msg)
        leaf = Leaf(order.profile, order.name, order.key, order.life, order.hosts)
        made = make_leaf(_signer(session, rows[0]), leaf, moment(now_ms))
        found = Issued(
            serial=serial_of(made),
            profile=order.profile,
            name=order.name,
            site=order.site,
            fingerprint=fingerprint_of(order.key),
            starts_ms=ms(made.not_valid_before_utc),
            ends_ms=ms(made.not_valid_after_utc),
            made_ms=now_ms,
            made_by=by,
            revoked_ms=None,
            revoked_by=None,
            pem=pem(made),
            authority=rows[0].authority,
        )
        keep(session, found)
        return found

    def chain(self, session: Session, issued: Issued) -> str:
        """A certificate and the one that issued it."""
        above = session.rows(_OF, {"of": issued.authority})
        return issued.pem + "".join(row.certificate for row in above)

    def roots(self, session: Session) -> str:
        """The root certificate.

        Raises:
            AuthorityError: there is none yet.
        """
        found = [each.pem for each in authorities(session) if each.kind is AuthorityKind.ROOT]
        if not found:
            raise AuthorityError(NOT_SET_UP)
        return "".join(found)

    def crls(self, session: Session, now_ms: int) -> str:
        """The lists of all issuing certificates that hold; made again where they are out of date.

        Args:
            session: a writing transaction.
            now_ms: wall time.

        Raises:
            AuthorityError: there is no authority yet.
        """
        rows = session.rows(_ISSUING.with_for_update())
        if not rows:
            raise AuthorityError(NOT_SET_UP)
        return "".join(_crl(session, row, now_ms) for row in rows if now_ms < row.ends_ms)

    def kept_crls(self, session: Session, now_ms: int) -> str:
        """The lists as they were made last, which the leader's round keeps current.

        Args:
            session: to read.
            now_ms: wall time.

        Raises:
            AuthorityError: there is no authority yet, or none of its lists was made.
        """
        rows = session.rows(_ISSUING)
        if not rows:
            raise AuthorityError(NOT_SET_UP)
        kept = [row.crl for row in rows if now_ms < row.ends_ms and row.crl is not None]
        if not kept:
            msg = "no revocation list was made yet: the service makes one in its first minute"
            raise AuthorityError(msg)
        return "".join(kept)

    def are_lists_due(self, session: Session, now_ms: int) -> bool:
        """Whether `crls` would make a list; False too where there is no authority."""
        return any(
            now_ms < row.ends_ms and _is_due(row, _revoked(session, row, now_ms), now_ms)
            for row in session.rows(_ISSUING)
        )


def _revoked(session: Session, row: Row, now_ms: int) -> list[Row]:
    return list(session.rows(_REVOKED, {"of": row.authority, "now_ms": now_ms}))


def _is_due(row: Row, revoked: Iterable[Row], now_ms: int) -> bool:
    listed = set() if row.crl is None else revoked_in(row.crl)
    is_changed = any(each.serial not in listed for each in revoked)
    is_fresh = row.crl is not None and now_ms - row.crl_ms < CRL_FRESH_MS
    # Lists of the same second would be one to the broker, so what comes late in it waits for the
    # next round.
    is_same_second = now_ms // 1000 <= row.crl_ms // 1000
    return not is_fresh or (is_changed and not is_same_second)


def _crl(session: Session, row: Row, now_ms: int) -> str:
    revoked = _revoked(session, row, now_ms)
    if not _is_due(row, revoked, now_ms):
        return str(row.crl)
    lines = [Revoked(each.serial, moment(each.revoked_ms)) for each in revoked]
    number = int(row.crl_number) + 1
    text = make_crl(_signer(session, row), lines, number, moment(now_ms))
    session.run(
        _KEEP_CRL,
        {
            "of": row.authority,
            "was": row.crl_number,
            "text": text,
            "number": number,
            "at_ms": now_ms,
        },
    )
    return text


def _signer(session: Session, row: Row) -> Signer:
    key = load_key(session.vault.open(row.key).encode(), f"issuing key {row.authority}")
    return Signer(load(row.certificate), key)
