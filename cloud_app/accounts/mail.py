"""The outbox: mail is put in it in the transaction of what it tells, and sent until it is taken."""

from __future__ import annotations

import base64
import logging

from sqlalchemy import bindparam, delete, insert, select, update

from cloud_app.accounts.secret import new_id
from cloud_app.accounts.tables import mail, mail_attachment
from cloud_app.errors import MailError
from cloud_app.mail import Attachment, Letter, Mailer
from cloud_app.storage.database import Database, Row, Session

_log = logging.getLogger(__name__)

_PER_ROUND = 20
_FIRST_WAIT_MS = 10_000
_LONGEST_WAIT_MS = 900_000


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
    session.run_many(
        insert(mail_attachment),
        [
            {
                "mail": letter.key, "place": place, "name": each.name, "kind": each.media_type,
                "content": base64.b64encode(each.content).decode(),
            }
            for place, each in enumerate(letter.attachments)
        ],
    )  # fmt: skip


def letter(recipient: str, subject: str, body: str, at_ms: int) -> Letter:
    """A new letter."""
    return Letter(new_id(), recipient, subject, body, at_ms)


def prune(session: Session, now_ms: int) -> None:
    """Drop what is over: where there is no mail server nobody else does."""
    session.run(delete(mail).where(mail.c.expires_ms <= now_ms))
    session.run(delete(mail_attachment).where(mail_attachment.c.mail.not_in(select(mail.c.mail))))


_DUE = (
    select(mail)
    .where(mail.c.due_ms <= bindparam("now_ms"))
    .order_by(mail.c.due_ms)
    .limit(_PER_ROUND)
)
_DROP = delete(mail).where(mail.c.mail == bindparam("which"))
_FILES = (
    select(mail_attachment)
    .where(mail_attachment.c.mail == bindparam("which"))
    .order_by(mail_attachment.c.place)
)
_DROP_FILES = delete(mail_attachment).where(mail_attachment.c.mail == bindparam("which"))
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
                mailer.send(_letter(database, row))
                sent += 1
            except MailError as exc:
                _log.warning("%s; it is tried again", exc)
                wait_ms = min(_FIRST_WAIT_MS << min(row.tries, 20), _LONGEST_WAIT_MS)
                with database.write() as session:
                    session.run(_LATER, {"which": row.mail, "next_ms": now_ms + wait_ms})
                continue
        with database.write() as session:
            session.run(_DROP, {"which": row.mail})
            session.run(_DROP_FILES, {"which": row.mail})
    return sent


def _letter(database: Database, row: Row) -> Letter:
    with database.read() as session:
        files = session.rows(_FILES, {"which": row.mail})
    brought = (Attachment(each.name, each.kind, base64.b64decode(each.content)) for each in files)
    return Letter(row.mail, row.recipient, row.subject, row.body, row.due_ms, tuple(brought))
