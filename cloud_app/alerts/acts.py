"""What people do to an alert: each act in one transaction with its log and the audit log.

A condition that ceases still closes an alert that somebody has acknowledged, and one that returns
opens a new alert, which nobody has. Closing by hand ends the alert, not the condition: as long as
that lasts, the rule opens no other for it. Otherwise the next round of the rules, seconds later,
would undo what a person decided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from cloud_app.accounts.audit import Actor, ActorKind, record
from cloud_app.accounts.audit import Subject as AuditSubject
from cloud_app.errors import AlertClosedError, AlertError, StaleAlertError, UnknownError
from cloud_app.storage.alert_life import locked_alerts, log, wake_closings
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Row, Session
from cloud_app.storage.times import from_ms

SILENCE_MAX_S = 30 * 86_400
COMMENT_MAX = 4_000
# Line breaks and tabs aside, no control characters: PostgreSQL keeps no NUL, terminals obey others.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody does something to an alert.

    Attributes:
        actor: who, and when.
        number: of the alert.
        version: that they have seen; None: whichever it is.
        tenant: whose audit log tells of it; None if nobody knows whose the site is.
    """

    actor: Actor
    number: int
    version: int | None = None
    tenant: str | None = None

    @property
    def name(self) -> str:
        """Who, for people."""
        return name_of(self.actor)


def name_of(actor: Actor) -> str:
    """Who it is, for people: a person's address, else the kind of caller too."""
    if actor.kind in {ActorKind.PERSON, ActorKind.ANONYMOUS}:
        return actor.name
    return f"{actor.kind.value} {actor.name}"


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of an alert: as the audit log and the alert's own log call it, and what of it."""

    verb: str
    entry: str
    facts: Mapping[str, Any]
    said: Mapping[str, Any] = field(default_factory=dict)


def acknowledge(session: Session, act: Act) -> None:
    """Take note of an alert, which stops escalation; of one that is acknowledged nothing changes.

    Raises:
        AlertClosedError: it is closed.
        StaleAlertError: another change came first.
    """
    row = _open(session, act)
    if row.acknowledged_ms is None:
        facts = {"acknowledged_ms": act.actor.at_ms, "acknowledged_by": act.name}
        _change(session, act, row, _Change("acknowledge", "acknowledged", facts))


def assign(session: Session, act: Act, assignee: str | None) -> None:
    """Give an alert to somebody, or to nobody; the caller has seen that it may be given to them.

    Raises:
        AlertClosedError: it is closed.
        StaleAlertError: another change came first.
    """
    row = _open(session, act)
    if row.assignee != assignee:
        facts = {"assignee": assignee}
        _change(session, act, row, _Change("assign", "assigned", facts, facts))


def silence(session: Session, act: Act, until_ms: int) -> None:
    """Let nothing be sent of an alert until then.

    Raises:
        AlertError: that is past, or more than 30 days away.
        AlertClosedError: it is closed.
        StaleAlertError: another change came first.
    """
    now_ms = act.actor.at_ms
    if not now_ms < until_ms <= now_ms + SILENCE_MAX_S * 1000:
        msg = (
            f"until must lie within the next {SILENCE_MAX_S // 86_400} days, "
            f"but got {from_ms(until_ms).isoformat()}"
        )
        raise AlertError(msg)
    row = _open(session, act)
    facts = {"silenced_until_ms": until_ms}
    _change(session, act, row, _Change("silence", "silenced", facts, {"until_ms": until_ms}))


def unsilence(session: Session, act: Act) -> None:
    """End a silence now; without one nothing changes.

    Raises:
        AlertClosedError: the alert is closed.
        StaleAlertError: another change came first.
    """
    row = _open(session, act)
    if row.silenced_until_ms is not None and row.silenced_until_ms > act.actor.at_ms:
        facts = {"silenced_until_ms": None}
        _change(session, act, row, _Change("unsilence", "unsilenced", facts))


def comment(session: Session, act: Act, text: str) -> None:
    """Say something about an alert, be it open or closed.

    Raises:
        AlertError: it is empty, too long, or no plain text.
        StaleAlertError: another change came first.
    """
    said = text.strip()
    if not 0 < len(said) <= COMMENT_MAX or _CONTROL.search(said):
        msg = (
            f"text must be 1 to {COMMENT_MAX} characters without control characters, "
            f"but got {len(said)}: {said[:40]!r}"
        )
        raise AlertError(msg)
    row = _locked(session, act)
    facts = {"comments": row.comments + 1}
    _change(session, act, row, _Change("comment", "commented", facts, {"text": said}))


def close(session: Session, act: Act) -> None:
    """End an alert, whether or not its condition lasts.

    Raises:
        AlertClosedError: it is closed.
        StaleAlertError: another change came first.
    """
    row = _open(session, act)
    facts = {"closed_ms": act.actor.at_ms, "closed_by": act.name}
    _change(session, act, row, _Change("close", "closed", facts))
    wake_closings(session, act.number, act.actor.at_ms)


def _locked(session: Session, act: Act) -> Row:
    row = locked_alerts(session, [act.number]).get(act.number)
    if row is None:
        msg = f"no alert {act.number}"
        raise UnknownError(msg)
    if act.version not in {None, row.version}:
        msg = (
            f"alert {act.number} was changed meanwhile: expected version {act.version}, but it is "
            f"at {row.version}"
        )
        raise StaleAlertError(msg)
    return row


def _open(session: Session, act: Act) -> Row:
    row = _locked(session, act)
    if row.closed_ms is not None:
        by = "as its condition ceased" if row.closed_by is None else f"by {row.closed_by}"
        msg = f"alert {act.number} was closed {by} at {from_ms(row.closed_ms):%Y-%m-%d %H:%M} UTC"
        raise AlertClosedError(msg)
    return row


def _change(session: Session, act: Act, row: Row, change: _Change) -> None:
    session.run(
        update(alert)
        .where(alert.c.alert == act.number)
        .values(version=alert.c.version + 1, **change.facts)
    )
    log(session, act.number, change.entry, act.actor.at_ms, actor=act.name, **change.said)
    about = {"rule": row.rule, "site": row.site, "subject": row.subject}
    record(
        session,
        act.actor,
        f"alert.{change.verb}",
        AuditSubject("alert", str(act.number), act.tenant),
        about | {name: getattr(row, name) for name in change.facts},
        about | dict(change.facts) | dict(change.said),
    )
