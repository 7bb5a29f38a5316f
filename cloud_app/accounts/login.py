"""Logging in with a password and, where there is one, a second factor."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from cloud_app.accounts import brake, sessions, totp
from cloud_app.accounts.audit import Actor, ActorKind, Subject, record
from cloud_app.accounts.brake import Brake, Try
from cloud_app.accounts.mail import letter, post
from cloud_app.accounts.passwords import LENGTH_MAX, Passwords
from cloud_app.accounts.people import Person, by_email
from cloud_app.accounts.sessions import Device
from cloud_app.accounts.tables import account
from cloud_app.errors import CodeNeededError, LoginError, UnknownError
from cloud_app.storage.database import Database, Session

_WRONG = "expected an account's e-mail address and its password, but these do not belong together"
_DAY_MS = 86_400_000
# Failures of one account after which its owner is told, and told again.
_TOLD_AT = frozenset({10, 100, 1000, 10_000})

_KEPT = select(account.c.password).where(account.c.account == bindparam("who"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials.

    Attributes:
        email: of the account.
        password: of it.
        code: of the app, or a recovery code; None if none was typed.
    """

    email: str
    password: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Lets people in.

    Attributes:
        database: with the accounts.
        passwords: checks them.
        brake: on guessing.
        tells_by_mail: whether owners are told of failures by mail.
    """

    database: Database
    passwords: Passwords
    brake: Brake
    tells_by_mail: bool = False

    def log_in(self, given: Credentials, device: Device, now_ms: int) -> str:
        """Start a session; the secret for the cookie.

        Raises:
            TooManyTriesError: this try comes too early.
            CodeNeededError: a second factor is asked for.
            LoginError: something is wrong; what, is not said.
            BusyError: too many log in at once.
        """
        email = given.email.strip().lower()[:320]
        actor = Actor(ActorKind.PERSON, email, device.address, now_ms)
        tried = self._begin(email, device, actor)
        person, kept = self._known(email)
        if len(given.password) > LENGTH_MAX:
            raise LoginError(_WRONG)
        if not self.passwords.is_right(kept, given.password) or person is None:
            self._failed(actor, "password")
            raise LoginError(_WRONG)
        if person.is_disabled:
            self._failed(actor, "disabled")
            raise LoginError(_WRONG)
        if person.has_totp and given.code is None:
            # This was no wrong try. Wrong codes stay counted, or the code could be guessed.
            with self.database.write() as session:
                brake.take_back(session, tried)
            msg = "expected the code of your app as well"
            raise CodeNeededError(msg)
        renewed = (
            self.passwords.hash(given.password)
            if kept is not None and self.passwords.is_outdated(kept)
            else None
        )
        with self.database.write() as session:
            secret = self._let_in(session, actor, person, given.code, device)
            if secret is not None:
                brake.succeeded(session, tried)
                if renewed is not None:
                    session.run(
                        update(account)
                        .where(account.c.account == person.account, account.c.password == kept)
                        .values(password=renewed)
                    )
        if secret is None:
            self._failed(actor, "code")
            msg = "this is not the code that the app shows now"
            raise LoginError(msg)
        return secret

    def is_owner(self, person: Person, password: str, device: Device, now_ms: int) -> bool:
        """Whether somebody who is in knows their password; counted like a login.

        Raises:
            TooManyTriesError: this try comes too early.
        """
        actor = Actor(ActorKind.PERSON, person.email, device.address, now_ms)
        tried = self._begin(person.email, device, actor)
        _, kept = self._known(person.email)
        if not self.passwords.is_right(kept, password[:LENGTH_MAX]):
            self._failed(actor, "password")
            return False
        with self.database.write() as session:
            brake.succeeded(session, tried)
        return True

    def _begin(self, email: str, device: Device, actor: Actor) -> Try:
        with self.database.read() as session:
            familiar = sessions.is_familiar(session, email, device.address)
        tried = Try(email, device.address, actor.at_ms, familiar)
        with self.database.write() as session:
            failures = brake.begin(session, self.brake, tried)
            if failures in _TOLD_AT:
                self._tell(session, actor, failures)
        return tried

    def _known(self, email: str) -> tuple[Person | None, str | None]:
        with self.database.read() as session:
            try:
                person = by_email(session, email)
            except UnknownError:
                return None, None
            [row] = session.rows(_KEPT, {"who": person.account})
            return person, row.password

    def _failed(self, actor: Actor, why: str) -> None:
        with self.database.write() as session:
            record(session, actor, "login.fail", Subject("person", actor.name), None, {"why": why})

    def _let_in(
        self, session: Session, actor: Actor, person: Person, code: str | None, device: Device
    ) -> str | None:
        if person.has_totp and not (code and totp.is_proof(session, actor, person, code)):
            return None
        return sessions.start(session, actor, person, "password", device)

    def _tell(self, session: Session, actor: Actor, failures: int) -> None:
        """Tell the log, and an owner who exists, that somebody is guessing."""
        subject = Subject("person", actor.name)
        record(session, actor, "login.guessing", subject, None, {"failures": failures})
        if not self.tells_by_mail:
            return
        try:
            person = by_email(session, actor.name)
        except UnknownError:
            return
        text = (
            f"Somebody has tried {failures} times to log in to lotsight as {person.email} and "
            f"failed, most recently from {actor.address}.\n\nIf that was you, you can reset your "
            "password on the sign-in page. If not, nothing needs to be done: further tries from "
            "there are slowed down, and you can log in from where you usually do.\n"
        )
        post(
            session,
            letter(person.email, "Failed logins to your lotsight account", text, actor.at_ms),
            actor.at_ms + _DAY_MS,
        )
