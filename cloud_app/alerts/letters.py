"""Notices as mail: plain text, several at once in one message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.alerts.notices import Notice, NoticeKind
from cloud_app.errors import MailError, NotSentError
from cloud_app.mail import Letter, Mailer
from cloud_app.views import AlertItem

# A site that goes down at once is one mail, and none that no mailbox takes.
_AT_ONCE = 50
_SITES_NAMED = 3


class MailTarget:
    """Somebody who reads mail.

    Args:
        mailer: takes letters; None where there is no mail server.
        address: whose.
        reason: why they get it, as the last line says.
    """

    at_once = _AT_ONCE

    def __init__(self, mailer: Mailer | None, address: str, reason: str) -> None:
        self._mailer = mailer
        self._address = address
        self._reason = reason
        self.name = f"mail to {address}"

    def send(self, notices: Sequence[Notice]) -> None:
        """Send one message with all of them."""
        if self._mailer is None:
            msg = "there is no mail server: [mail] is not configured"
            raise NotSentError(msg, is_away=True)
        try:
            self._mailer.send(letter(self._address, notices, self._reason))
        except MailError as exc:
            msg = f"the mail server did not take it: {exc.answer}"
            raise NotSentError(msg, is_away=True) from exc


def letter(address: str, notices: Sequence[Notice], reason: str) -> Letter:
    """The message about some notices.

    Args:
        address: of who gets it.
        notices: at least one.
        reason: why they get it.
    """
    digest = hashlib.sha256("\n".join(notice.key for notice in notices).encode()).hexdigest()
    about = notices[0]
    subject = _title(about) if len(notices) == 1 else _common_title(notices)
    body = "\n\n".join(map(_paragraph, notices))
    return Letter(digest[:32], address, subject, f"{body}\n\n-- \n{reason}\n", about.now_ms)


def _title(notice: Notice) -> str:
    item = notice.item
    what = f"{_phrase(item.rule)}, {item.site}: {item.subject}"
    match notice.kind:
        case NoticeKind.TEST:
            return "Test of a lotsight notification rule"
        case NoticeKind.CLOSED:
            return f"[lotsight] closed: {what}"
        case NoticeKind.ESCALATED:
            return f"[lotsight] {item.severity.value}, not acknowledged: {what}"
    return f"[lotsight] {item.severity.value}: {what}"


def _phrase(rule: str) -> str:
    return AlertRule(rule).phrase if rule in set(AlertRule) else rule.replace("_", " ")


def _common_title(notices: Sequence[Notice]) -> str:
    sites = sorted({notice.item.site for notice in notices})
    where = ", ".join(sites[:_SITES_NAMED]) + (", ..." if len(sites) > _SITES_NAMED else "")
    closed = sum(notice.kind is NoticeKind.CLOSED for notice in notices)
    count = f"{len(notices)} alerts" + (f" ({closed} closed)" if closed else "")
    worst = max((notice.item.severity for notice in notices), key=list(Severity).index)
    return f"[lotsight] {worst.value}: {count}, {where}"


def _paragraph(notice: Notice) -> str:
    item = notice.item
    lines = [
        item.text,
        "",
        f"Severity  {item.severity.value}",
        f"Opened    {_time(item.opened)}",
        f"Now       {_state(notice)}",
    ]
    if item.assignee is not None:
        lines.append(f"Assigned  {item.assignee}")
    return "\n".join([*lines, notice.url])


def _state(notice: Notice) -> str:
    item = notice.item
    if item.closed is not None:
        by = "its condition has ceased" if item.closed_by is None else f"by {item.closed_by}"
        return f"closed, {_time(item.closed)} ({by})"
    told = item.state.value
    if item.acknowledged_by is not None:
        return f"{told}, acknowledged by {item.acknowledged_by}"
    if notice.kind is NoticeKind.ESCALATED:
        return f"{told}, and nobody has acknowledged it for {_span(notice.now_ms, item)}"
    return told


def _span(now_ms: int, item: AlertItem) -> str:
    minutes = max(1, round((now_ms / 1000 - item.opened.timestamp()) / 60))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{hours} h {rest} min"


def _time(moment: datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"
