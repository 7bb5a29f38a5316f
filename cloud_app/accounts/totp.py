"""The second factor: codes by time (RFC 6238), and recovery codes for a lost phone."""

from __future__ import annotations

import hmac
import secrets

import pyotp
from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.people import Person, touch
from cloud_app.accounts.secret import digest_of
from cloud_app.accounts.tables import account, recovery_code
from cloud_app.accounts.warnings import Proof, warn_owner
from cloud_app.errors import AccountError, LoginError
from cloud_app.storage.database import Session

_STEP_MS = 30_000
# A phone's clock may be off by one step in either direction.
_STEPS_OFF = (0, -1, 1)
_RECOVERY_CODES = 10
# Easily read aloud: neither 0 and O nor 1 and I.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_FACTOR = select(account.c.totp, account.c.totp_on, account.c.totp_step).where(
    account.c.account == bindparam("who")
)


def begin(session: Session, actor: Actor, person: Person) -> tuple[str, str]:
    """Make a secret, which counts once `confirm` has seen a code of it.

    Returns:
        (secret in base 32, `otpauth://` URI for a QR code)

    Raises:
        AccountError: there is a second factor already.
    """
    if person.has_totp:
        msg = "there is a second factor already: remove it first"
        raise AccountError(msg)
    secret = pyotp.random_base32()
    touch(session, person, None)
    session.run(
        update(account)
        .where(account.c.account == person.account)
        .values(totp=session.vault.seal(secret), totp_step=0)
    )
    record(session, actor, "totp.begin", Subject("person", person.email))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name="lotsight")


def confirm(session: Session, actor: Actor, person: Person, code: str) -> list[str]:
    """Switch the second factor on; the recovery codes, shown only now.

    Raises:
        LoginError: the code is wrong.
        AccountError: none was begun.
    """
    [row] = session.rows(_FACTOR, {"who": person.account})
    if row.totp is None or row.totp_on:
        msg = "no second factor is being set up"
        raise AccountError(msg)
    if not _is_code(session, person, code, actor.at_ms):
        msg = "this is not the code that the app shows now"
        raise LoginError(msg)
    touch(session, person, None)
    session.run(update(account).where(account.c.account == person.account).values(totp_on=1))
    record(session, actor, "totp.on", Subject("person", person.email))
    warn_owner(session, actor, person, Proof.TOTP_ON)
    return _new_recovery_codes(session, person)


def _new_recovery_codes(session: Session, person: Person) -> list[str]:
    session.run(delete(recovery_code).where(recovery_code.c.account == person.account))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(_RECOVERY_CODES)]
    session.run_many(
        insert(recovery_code),
        [{"account": person.account, "digest": digest_of(code), "used_ms": None} for code in codes],
    )
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def remove(session: Session, actor: Actor, person: Person) -> None:
    """Switch the second factor off; whoever calls has asked for the password."""
    touch(session, person, None)
    session.run(
        update(account)
        .where(account.c.account == person.account)
        .values(totp=None, totp_on=0, totp_step=0)
    )
    session.run(delete(recovery_code).where(recovery_code.c.account == person.account))
    record(session, actor, "totp.off", Subject("person", person.email), {"totp": True}, None)
    warn_owner(session, actor, person, Proof.TOTP_OFF)


def is_proof(session: Session, actor: Actor, person: Person, code: str) -> bool:
    """Whether a code of the app or a recovery code proves the second factor; each works once."""
    if _is_code(session, person, code, actor.at_ms):
        return True
    digest = digest_of(code.upper().replace("-", "").replace(" ", ""))
    used = session.run(
        update(recovery_code)
        .where(
            recovery_code.c.account == person.account,
            recovery_code.c.digest == digest,
            recovery_code.c.used_ms.is_(None),
        )
        .values(used_ms=actor.at_ms)
    )
    if used:
        record(session, actor, "totp.recovery", Subject("person", person.email))
        warn_owner(session, actor, person, Proof.RECOVERY)
    return bool(used)


_USE_STEP = (
    update(account)
    .where(account.c.account == bindparam("who"), account.c.totp_step < bindparam("step"))
    .values(totp_step=bindparam("step"))
)


def _is_code(session: Session, person: Person, code: str, now_ms: int) -> bool:
    [row] = session.rows(_FACTOR, {"who": person.account})
    digits = code.replace(" ", "")
    if row.totp is None or not digits.isascii():
        return False
    app = pyotp.TOTP(session.vault.open(row.totp))
    for off in _STEPS_OFF:
        step = now_ms // _STEP_MS + off
        if hmac.compare_digest(app.generate_otp(step), digits):
            # The update decides between two requests with the same code.
            return session.run(_USE_STEP, {"who": person.account, "step": step}) == 1
    return False
