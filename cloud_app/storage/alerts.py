"""Reading alerts: pages of those that are wanted, one with its log, how many are open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select

from cloud_app.alert_words import AlertState, Severity
from cloud_app.storage.alert_tables import alert, alert_log
from cloud_app.storage.database import Database, Row, Session
from cloud_app.storage.queries import Sites, of_sites
from cloud_app.storage.text_search import has_words
from cloud_app.storage.times import from_ms
from cloud_app.views import AlertDetail, AlertItem, AlertLogEntry

_PAGE_ROWS = 1000
# The newest entries of a log that are shown; nobody reads more of one alert.
_LOG_ROWS = 1000


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted; None, or an empty collection of states, does not matter.

    Attributes:
        states: of their life.
        rule: that opened them.
        severity: how grave.
        assignee: who is to see to it.
        q: words in their text, subject or site, whatever their case.
        start_ms: opened then or later.
        end_ms: opened before.
        before: only alerts with a lower number, for the next page.
        sites: those that the reader sees; an empty collection has no alerts.
    """

    states: frozenset[AlertState] = frozenset()
    rule: str | None = None
    severity: Severity | None = None
    assignee: str | None = None
    q: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    before: int | None = None
    sites: Sites = None


EVERY_ALERT = AlertFilter()


def alerts(session: Session, now_ms: int, wanted: AlertFilter, limit: int) -> list[AlertItem]:
    """A page of alerts, the newest first.

    Unless states or a page are asked for, those that are not closed come before the others.
    """
    conditions = _conditions(wanted, now_ms, session.connection.dialect.name)
    query = select(alert).where(*conditions).order_by(alert.c.alert.desc())
    is_open = alert.c.closed_ms.is_(None)
    if wanted.states or wanted.before is not None:
        rows = session.rows(query.limit(limit))
    else:
        # The open ones have an index of their own; of the closed ones only as many as are left.
        rows = session.rows(query.where(is_open).limit(limit))
        if len(rows) < limit:
            closed = query.where(~is_open).limit(limit - len(rows))
            rows = [*rows, *session.rows(closed)]
    return [AlertItem(**facts_of(row, now_ms)) for row in rows]


def every_alert(database: Database, now_ms: int, wanted: AlertFilter) -> Iterator[AlertItem]:
    """All alerts that are wanted, the newest first: for files.

    They are read page by page, so that a slow reader holds no connection.
    """
    wanted = replace(wanted, before=wanted.before or 2**53)
    while True:
        with database.read() as session:
            page = alerts(session, now_ms, wanted, _PAGE_ROWS)
        yield from page
        if len(page) < _PAGE_ROWS:
            return
        wanted = replace(wanted, before=page[-1].id)


def alert_detail(session: Session, now_ms: int, number: int) -> AlertDetail | None:
    """An alert with its log; None if there is none."""
    rows = session.rows(select(alert).where(alert.c.alert == number))
    if not rows:
        return None
    entries = session.rows(
        select(alert_log)
        .where(alert_log.c.alert == number)
        .order_by(alert_log.c.entry.desc())
        .limit(_LOG_ROWS)
    )
    return AlertDetail(**facts_of(rows[0], now_ms), log=[_entry(row) for row in reversed(entries)])


def _entry(row: Row) -> AlertLogEntry:
    return AlertLogEntry(
        at=from_ms(row.at_ms),
        actor=row.actor,
        action=row.action,
        text=row.text,
        until=from_ms(row.until_ms),
        assignee=row.assignee,
    )


def open_by_severity(session: Session, sites: Sites = None) -> dict[Severity, int]:
    """How many alerts are not closed, by how grave they are."""
    counted = (
        select(alert.c.severity, func.count().label("alerts"))
        .where(alert.c.closed_ms.is_(None), of_sites(alert.c.site, sites))
        .group_by(alert.c.severity)
    )
    found = {row.severity: row.alerts for row in session.rows(counted)}
    return {severity: found.get(severity.value, 0) for severity in Severity}


def last_alert_entry(session: Session) -> int:
    """The number of the newest entry in any alert's log: it grows with each change."""
    newest: Select[Any] = select(func.coalesce(func.max(alert_log.c.entry), 0))
    return int(session.rows(newest)[0][0])


def state_of(row: Row, now_ms: int) -> AlertState:
    """Where an alert is in its life."""
    if row.closed_ms is not None:
        return AlertState.CLOSED
    if row.silenced_until_ms is not None and row.silenced_until_ms > now_ms:
        return AlertState.SILENCED
    return AlertState.OPEN if row.acknowledged_ms is None else AlertState.ACKNOWLEDGED


def facts_of(row: Row, now_ms: int) -> dict[str, Any]:
    """A row as readers see it."""
    return {
        "id": row.alert,
        "rule": row.rule,
        "site": row.site,
        "subject": row.subject,
        "text": row.text,
        "severity": row.severity,
        "state": state_of(row, now_ms),
        "opened": from_ms(row.opened_ms),
        "closed": from_ms(row.closed_ms),
        "closed_by": row.closed_by,
        "lasts": row.ceased_ms is None,
        "acknowledged_at": from_ms(row.acknowledged_ms),
        "acknowledged_by": row.acknowledged_by,
        "assignee": row.assignee,
        "silenced_until": from_ms(row.silenced_until_ms),
        "comments": row.comments,
        "escalated_at": from_ms(row.escalated_ms),
        "delivered": row.told_ms is not None,
        "version": row.version,
    }


def _conditions(wanted: AlertFilter, now_ms: int, dialect: str) -> list[ColumnElement[bool]]:
    needed = [of_sites(alert.c.site, wanted.sites)]
    if wanted.states:
        needed.append(or_(false(), *(_is(state, now_ms) for state in sorted(wanted.states))))
        if AlertState.CLOSED not in wanted.states:
            # Said once more in the words of the index of those.
            needed.append(alert.c.closed_ms.is_(None))
    needed += [
        column == value
        for column, value in (
            (alert.c.rule, wanted.rule),
            (alert.c.severity, wanted.severity),
            (alert.c.assignee, wanted.assignee),
        )
        if value is not None
    ]
    needed += has_words(wanted.q, (alert.c.text, alert.c.subject, alert.c.site), dialect)
    if wanted.start_ms is not None:
        needed.append(alert.c.opened_ms >= wanted.start_ms)
    if wanted.end_ms is not None:
        needed.append(alert.c.opened_ms < wanted.end_ms)
    if wanted.before is not None:
        needed.append(alert.c.alert < wanted.before)
    return needed


def _is(state: AlertState, now_ms: int) -> ColumnElement[bool]:
    """The condition of a state; see `state_of`."""
    if state is AlertState.CLOSED:
        return alert.c.closed_ms.is_not(None)
    is_silenced = func.coalesce(alert.c.silenced_until_ms, 0) > now_ms
    if state is AlertState.SILENCED:
        return alert.c.closed_ms.is_(None) & is_silenced
    is_acknowledged = alert.c.acknowledged_ms.is_not(None)
    held = is_acknowledged if state is AlertState.ACKNOWLEDGED else ~is_acknowledged
    return alert.c.closed_ms.is_(None) & ~is_silenced & held
