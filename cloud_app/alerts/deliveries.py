"""What comes of a delivery: the alert's log, the rule's state, and what is due next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, select, update

from cloud_app.alerts.notices import RuleName
from cloud_app.alerts.tables import notification_state as state
from cloud_app.errors import NotSentError
from cloud_app.storage.alert_life import Step, drop_notices, locked_alerts, log
from cloud_app.storage.alert_tables import alert, alert_notice
from cloud_app.storage.database import Row, Session
from cloud_app.storage.upsert import Upsert, same

GIVE_UP_MS = 86_400_000
_FIRST_WAIT_MS = 10_000
_LONGEST_WAIT_MS = 900_000
_FAULT_MAX = 300
# The rest follows with the next try.
_GIVEN_UP_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A delivery that was tried.

    Attributes:
        rule: that wanted it.
        target: who should be told, for people; empty for the service's log.
        also_closed: whether the rule also tells that alerts are over.
        at_ms: when.
    """

    rule: RuleName
    target: str
    also_closed: bool
    at_ms: int

    @property
    def told(self) -> str:
        """Whom, for an alert's log."""
        return self.target if self.rule.name is None else f"{self.target} ({self.rule.name})"


_IS_IT = (alert_notice.c.alert == bindparam("which")) & (
    alert_notice.c.notification == bindparam("by")
)
_TOLD = (
    update(alert)
    .where(alert.c.alert == bindparam("which"))
    .values(
        told_ms=func.coalesce(alert.c.told_ms, bindparam("now_ms")),
        escalated_ms=func.coalesce(alert.c.escalated_ms, bindparam("escalated")),
    )
)
_THEN_CLOSE = (
    update(alert_notice)
    .where(_IS_IT)
    .values(step=Step.CLOSE.value, due_ms=bindparam("next_ms"), tries=0, failed_ms=None)
)
_LATER = (
    update(alert_notice)
    .where(_IS_IT)
    .values(
        tries=alert_notice.c.tries + 1,
        failed_ms=func.coalesce(alert_notice.c.failed_ms, bindparam("now_ms")),
        due_ms=func.coalesce(bindparam("next_ms"), alert_notice.c.due_ms),
    )
)
_STATE = Upsert(
    state,
    ("notification", "failures", "failed_ms", "retry_ms", "fault", "delivered_ms"),
    same("failures", "failed_ms", "retry_ms", "fault", "delivered_ms"),
)
_TOO_OLD = (
    select(alert_notice.c.alert)
    .join(alert, alert.c.alert == alert_notice.c.alert)
    .where(
        and_(
            alert_notice.c.notification == bindparam("by"),
            alert_notice.c.due_ms <= bindparam("old_ms"),
            func.coalesce(alert.c.silenced_until_ms, 0) <= bindparam("now_ms"),
        )
    )
    .order_by(alert_notice.c.due_ms)
    .limit(_GIVEN_UP_AT_ONCE)
)


def backoff_ms(failures: int) -> int:
    """How long to wait after so many failures in a row."""
    return min(_FIRST_WAIT_MS << min(max(failures, 1) - 1, 20), _LONGEST_WAIT_MS)


def settle_success(session: Session, outcome: Outcome, rows: Sequence[Row]) -> None:
    """Notices were taken."""
    now_ms, by = outcome.at_ms, outcome.rule.id
    # An alert that closes at this moment waits for us, or we for it: its end is told either way.
    current = locked_alerts(session, [row.alert for row in rows])
    for row in rows:
        is_opening = row.step != Step.CLOSE
        if outcome.target:
            action = "escalated" if is_opening and row.escalation else "notified"
            what = outcome.told if is_opening else f"{outcome.told}: closed"
            log(session, row.alert, action, now_ms, text=what)
        if not is_opening:
            drop_notices(session, by, [row.alert])
            continue
        escalated = now_ms if row.escalation else None
        session.run(_TOLD, {"which": row.alert, "now_ms": now_ms, "escalated": escalated})
        if outcome.also_closed and row.step == Step.OPEN:
            is_over = current.get(row.alert, row).closed_ms is not None
            next_ms = now_ms if is_over else None
            session.run(_THEN_CLOSE, {"which": row.alert, "by": by, "next_ms": next_ms})
        else:
            drop_notices(session, by, [row.alert])
    session.upsert(_STATE, [(by, 0, None, None, None, now_ms)])


def settle_failure(
    session: Session, outcome: Outcome, rows: Sequence[Row], fault: NotSentError
) -> None:
    """Notices were not taken: they are tried again, or given up after a day."""
    now_ms, by = outcome.at_ms, outcome.rule.id
    known = session.rows(select(state).where(state.c.notification == by))
    failures = (known[0].failures if known else 0) + 1
    failed_ms = known[0].failed_ms if known and known[0].failed_ms is not None else now_ms
    retry_ms = now_ms + backoff_ms(failures) if fault.is_away else None
    delivered_ms = known[0].delivered_ms if known else None
    text = str(fault)[:_FAULT_MAX]
    session.upsert(_STATE, [(by, failures, failed_ms, retry_ms, text, delivered_ms)])
    if fault.is_away:
        given_up = []
        if now_ms - failed_ms >= GIVE_UP_MS:
            too_old = {"by": by, "old_ms": now_ms - GIVE_UP_MS, "now_ms": now_ms}
            given_up = [row.alert for row in session.rows(_TOO_OLD, too_old)]
    else:
        given_up = [
            row.alert
            for row in rows
            if row.failed_ms is not None and now_ms - row.failed_ms >= GIVE_UP_MS
        ]
    for row in rows:
        next_ms = None if fault.is_away else now_ms + backoff_ms(row.tries + 1)
        session.run(_LATER, {"which": row.alert, "by": by, "now_ms": now_ms, "next_ms": next_ms})
    for number in given_up:
        log(session, number, "not_notified", now_ms, text=f"{outcome.told}: gave up, {text}")
    drop_notices(session, by, given_up)
