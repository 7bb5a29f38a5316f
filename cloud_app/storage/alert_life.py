"""The life of alerts in the tables: opening, closing, the log of each, deleting old ones.

What people do to an alert is `cloud_app.alerts.acts`; reading is `cloud_app.storage.alerts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_unless

from cloud_app.alert_words import Severity
from cloud_app.storage.alert_tables import alert, alert_log, alert_notice
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import edge, gap


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What an alert is about."""

    rule: str
    site: str
    subject: str


class Step(StrEnum):
    """What a notification rule has to tell of an alert next; see `alert_notice`."""

    OPEN = "open"
    ONCE = "once"
    """That it opened; it was over at once, so there is no end to tell."""
    CLOSE = "close"


# PostgreSQL's construct: SQLAlchemy renders it for SQLite too, which took the clause over. Without
# a target it also stands back before an alert of the same subject that lasts.
_OPEN = (
    insert_unless(alert)
    .values({
        name: bindparam(name)
        for name in ("rule", "site", "subject", "text", "severity", "opened_ms", "closed_ms",
                     "ceased_ms")
    })
    .on_conflict_do_nothing()
)  # fmt: skip
_LOG_OPENED = insert(alert_log).from_select(
    ["alert", "at_ms", "action", "text"],
    select(alert.c.alert, alert.c.opened_ms, text("'opened'"), alert.c.text)
    .where(
        alert.c.planned == text("0"),
        ~select(alert_log.c.entry).where(alert_log.c.alert == alert.c.alert).exists(),
    )
    .order_by(alert.c.alert),
)
_LASTING = select(alert.c.alert, alert.c.rule, alert.c.site, alert.c.subject).where(
    alert.c.ceased_ms.is_(None)
)
_CLOSED_BY_HAND = select(alert.c.alert).where(
    alert.c.ceased_ms.is_(None), alert.c.closed_ms.is_not(None)
)
_CEASE = (
    update(alert)
    .where(alert.c.alert == bindparam("which"))
    .values(
        ceased_ms=bindparam("now_ms"),
        closed_ms=func.coalesce(alert.c.closed_ms, bindparam("now_ms")),
        version=alert.c.version + 1,
    )
)
_LOG = insert(alert_log).values(
    {
        name: bindparam(name)
        for name in ("alert", "at_ms", "action", "actor", "text", "until_ms", "assignee")
    }
)
_WAKE = (
    update(alert_notice)
    .where(
        alert_notice.c.alert == bindparam("which"),
        alert_notice.c.step == Step.CLOSE.value,
        alert_notice.c.due_ms.is_(None),
    )
    .values(due_ms=bindparam("now_ms"))
)


def lasting_alerts(session: Session) -> dict[Subject, int]:
    """The alerts whose condition lasted at the last look, with their numbers.

    Those that a person has closed meanwhile are among them: they do not open again before their
    condition has ceased.
    """
    return {Subject(row.rule, row.site, row.subject): row.alert for row in session.rows(_LASTING)}


def open_all(
    session: Session,
    texts: Iterable[tuple[Subject, str]],
    now_ms: int,
    severity_of: Callable[[str], Severity],
) -> None:
    """Open an alert for each subject, with a sentence for people."""
    _open(session, texts, {"opened_ms": now_ms}, severity_of)


def open_and_close(
    session: Session,
    texts: Iterable[tuple[Subject, str]],
    now_ms: int,
    severity_of: Callable[[str], Severity],
) -> None:
    """Open an alert for each subject that is over at once: nothing would end it."""
    at_once = {"opened_ms": now_ms, "closed_ms": now_ms, "ceased_ms": now_ms}
    _open(session, texts, at_once, severity_of)


def _open(
    session: Session,
    texts: Iterable[tuple[Subject, str]],
    times: Mapping[str, int],
    severity_of: Callable[[str], Severity],
) -> None:
    rows = [
        {
            "rule": each.rule,
            "site": each.site,
            "subject": each.subject,
            "text": told,
            "severity": severity_of(each.rule).value,
            "closed_ms": None,
            "ceased_ms": None,
            **times,
        }
        for each, told in texts
    ]
    if rows:
        session.run_many(_OPEN, rows)
        session.run(_LOG_OPENED)


def cease_all(session: Session, numbers: Collection[int], now_ms: int) -> None:
    """The conditions of alerts have ceased: close those that nobody has closed before."""
    if not numbers:
        return
    by_hand = {row.alert for row in session.rows(_CLOSED_BY_HAND)}
    each = sorted(numbers)
    session.run_many(_CEASE, [{"which": number, "now_ms": now_ms} for number in each])
    ends = [_entry(number, "ceased" if number in by_hand else "closed", now_ms) for number in each]
    session.run_many(_LOG, ends)
    session.run_many(_WAKE, [{"which": number, "now_ms": now_ms} for number in each])


def wake_closings(session: Session, number: int, now_ms: int) -> None:
    """Let those who were told of an alert be told that it is over."""
    session.run(_WAKE, {"which": number, "now_ms": now_ms})


def log(session: Session, number: int, action: str, at_ms: int, **facts: Any) -> None:
    """Append to an alert's log: `actor`, `text`, `until_ms`, `assignee` where there is one."""
    session.run(_LOG, _entry(number, action, at_ms) | facts)


def _entry(number: int, action: str, at_ms: int) -> dict[str, Any]:
    nothing = dict.fromkeys(("actor", "text", "until_ms", "assignee"))
    return {"alert": number, "at_ms": at_ms, "action": action} | nothing


def drop_notices(session: Session, notification: str, numbers: Collection[int]) -> None:
    """A notification rule has nothing more to tell of these alerts."""
    of_rule = alert_notice.c.notification == notification
    for number in numbers:
        session.run(delete(alert_notice).where(of_rule, alert_notice.c.alert == number))


# -- Losses -------------------------------------------------------------------------------------

_UNTOLD = (
    select(gap, edge.c.site)
    .join(edge, edge.c.edge == gap.c.edge)
    .where(gap.c.told == text("0"))
    .order_by(gap.c.edge, gap.c.epoch, gap.c.first_seq, gap.c.last_seq)
    .limit(bindparam("rows"))
)
_TOLD = (
    update(gap)
    .values(told=1)
    .where(
        gap.c.edge == bindparam("of"),
        gap.c.epoch == bindparam("in"),
        gap.c.first_seq == bindparam("first"),
        gap.c.last_seq == bindparam("last"),
    )
)
# The rest follows with the next round.
_LOSSES_PER_ROUND = 1000


def untold_losses(session: Session) -> Sequence[Row]:
    """(edge, epoch, first_seq, last_seq, reason, site) of gaps that no rule has seen."""
    return session.rows(_UNTOLD, {"rows": _LOSSES_PER_ROUND})


def losses_told(session: Session, lost: Sequence[Row]) -> None:
    """Rules have seen these gaps."""
    session.run_many(
        _TOLD,
        [
            {"of": row.edge, "in": row.epoch, "first": row.first_seq, "last": row.last_seq}
            for row in lost
        ],
    )


# -- Pruning ------------------------------------------------------------------------------------

_IS_OLD = select(alert.c.alert).where(
    alert.c.opened_ms < bindparam("before_ms"), alert.c.ceased_ms < bindparam("before_ms")
)


def prune_alerts(session: Session, before_ms: int) -> int:
    """Delete alerts that were over before that, with their logs; return how many."""
    given = {"before_ms": before_ms}
    for table in (alert_log, alert_notice):
        session.run(delete(table).where(table.c.alert.in_(_IS_OLD)), given)
    return session.run(delete(alert).where(alert.c.alert.in_(_IS_OLD)), given)


def locked_alerts(session: Session, numbers: Sequence[int]) -> dict[int, Row]:
    """Alerts by number, locked until the transaction ends."""
    query = (
        select(alert).where(alert.c.alert.in_(numbers)).order_by(alert.c.alert).with_for_update()
    )
    return {row.alert: row for row in session.rows(query)}
