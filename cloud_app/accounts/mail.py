"""Mail: put in the outbox in the transaction of what it tells, sent until the server takes it."""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol

from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.accounts.secret import new_id
from cloud_app.accounts.tables import mail
from cloud_app.config import MailConfig, MailSecurity
from cloud_app.errors import MailError
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import from_ms

_log = logging.getLogger(__name__)

_PER_ROUND = 20
_FIRST_WAIT_MS = 10_000
_LONGEST_WAIT_MS = 900_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one person.

    Attributes:
        key: the same at each try, so that a receiver can tell repetitions.
        recipient: address.
        subject: one line.
        body: plain text.
        at_ms: when it was written.
    """

    key: str
    recipient: str
    subject: str
    body: str
    at_ms: int


class Mailer(Protocol):
    """A way to send mail."""

    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailError: nobody took it; it will be tried again.
        """
        ...


class SmtpMailer:
    """Mail through an SMTP server; STARTTLS is insisted on where it is configured."""

    def __init__(self, config: MailConfig) -> None:
        self._config = config
        self._tls = ssl.create_default_context(
            cafile=None if config.ca_file is None else str(config.ca_file)
        )

    def send(self, letter: Letter) -> None:
        """Hand a letter over."""
        config = self._config
        try:
            with self._connected() as server:
                if config.security is MailSecurity.STARTTLS:
                    server.starttls(context=self._tls)
                if config.username is not None and config.password is not None:
                    server.login(config.username, config.password.get_secret_value())
                server.send_message(_message(letter, config.sender))
        except (OSError, smtplib.SMTPException) as exc:
            msg = f"mail: {config.host}:{config.port} did not take a message: {exc}"
            raise MailError(msg) from exc

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        if config.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(
                config.host, config.port, timeout=config.timeout_s, context=self._tls
            )
        return smtplib.SMTP(config.host, config.port, timeout=config.timeout_s)


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(from_ms(letter.at_ms))
    message["Message-ID"] = make_msgid(letter.key, sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message.set_content(letter.body)
    return message


def post(session: Session, letter: Letter, expires_ms: int) -> None:
    """Put a letter into the outbox; it is dropped unsent once what it tells is over."""
    session.run(
        insert(mail),
        {
            "mail": letter.key,
            "recipient": letter.recipient,
            "subject": letter.subject,
            "body": letter.body,
            "due_ms": letter.at_ms,
            "expires_ms": expires_ms,
        },
    )


def letter(recipient: str, subject: str, body: str, at_ms: int) -> Letter:
    """A new letter."""
    return Letter(new_id(), recipient, subject, body, at_ms)


_DUE = (
    select(mail)
    .where(mail.c.due_ms <= bindparam("now_ms"))
    .order_by(mail.c.due_ms)
    .limit(_PER_ROUND)
)
_DROP = delete(mail).where(mail.c.mail == bindparam("which"))
_LATER = (
    update(mail)
    .where(mail.c.mail == bindparam("which"))
    .values(tries=mail.c.tries + 1, due_ms=bindparam("next_ms"))
)


def deliver(database: Database, mailer: Mailer, now_ms: int) -> int:
    """Send what is due, at least once each; how many were sent."""
    with database.read() as session:
        due = session.rows(_DUE, {"now_ms": now_ms})
    sent = 0
    for row in due:
        if row.expires_ms <= now_ms:
            _log.warning("mail to %s was never taken and is too old now", row.recipient)
        else:
            try:
                mailer.send(Letter(row.mail, row.recipient, row.subject, row.body, row.due_ms))
                sent += 1
            except MailError as exc:
                _log.warning("%s; it is tried again", exc)
                wait_ms = min(_FIRST_WAIT_MS << min(row.tries, 20), _LONGEST_WAIT_MS)
                with database.write() as session:
                    session.run(_LATER, {"which": row.mail, "next_ms": now_ms + wait_ms})
                continue
        with database.write() as session:
            session.run(_DROP, {"which": row.mail})
    return sent
