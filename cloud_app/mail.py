"""Mail: messages to people, and handing them to an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from cloud_app.config import MailConfig, MailSecurity
from cloud_app.errors import MailError
from cloud_app.storage.times import from_ms


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a letter brings.

    Attributes:
        name: of the file, ASCII.
        media_type: of its content, such as `application/pdf`.
        content: of it.
    """

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one person.

    Attributes:
        key: the same at each try, so that a receiver can tell repetitions.
        recipient: address.
        subject: one line.
        body: plain text.
        at_ms: when it was written.
        attachments: files that it brings.
    """

    key: str
    recipient: str
    subject: str
    body: str
    at_ms: int
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """A way to send mail."""

    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailError: not accepted; it will be retried.
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
        except (OSError, smtplib.SMTPException, ValueError) as exc:
            msg = f"mail: {config.host}:{config.port} did not take a message: {exc}"
            raise MailError(msg, _answer(exc)) from exc

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        if config.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(
                config.host, config.port, timeout=config.timeout_s, context=self._tls
            )
        return smtplib.SMTP(config.host, config.port, timeout=config.timeout_s)


def _answer(exc: Exception) -> str:
    """What of an error may be told to people who do not run the mail server."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        code, refusal = next(iter(exc.recipients.values()))
        return f"{code} {refusal.decode(errors='replace')}"
    if isinstance(exc, smtplib.SMTPResponseException):
        said = exc.smtp_error
        return f"{exc.smtp_code} {said if isinstance(said, str) else said.decode(errors='replace')}"
    return type(exc).__name__


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(from_ms(letter.at_ms))
    message["Message-ID"] = f"<{letter.key}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message.set_content(letter.body)
    for each in letter.attachments:
        kind, _, rest = each.media_type.partition("/")
        message.add_attachment(
            each.content, maintype=kind, subtype=rest.partition(";")[0], filename=each.name
        )
    return message
