"""Telling people of alerts: each rule by itself, at least once each, until a day has passed.

Rules do not wait for each other: each is told in a thread of the courier's, and while its receiver
takes nothing, it is tried again after 10 s, 20 s, 40 s and so on up to 15 minutes. What a receiver
refuses by itself waits alone. While an alert is silenced nothing of it is told; what was due
meanwhile is told when the silence ends, if it is still so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, or_, select

from cloud_app.accounts.roles import Tenants
from cloud_app.alerts.deliveries import Outcome, settle_failure, settle_success
from cloud_app.alerts.notices import CONFIGURED, Notice, NoticeKind, RuleName, Target
from cloud_app.alerts.notifications import by_id
from cloud_app.alerts.planning import Audience
from cloud_app.alerts.tables import notification_state
from cloud_app.alerts.targets import Targets
from cloud_app.errors import NotSentError, UnknownError
from cloud_app.one_at_a_time import OneAtATime
from cloud_app.storage.alert_life import Step, drop_notices
from cloud_app.storage.alert_tables import alert, alert_notice
from cloud_app.storage.alerts import facts_of
from cloud_app.storage.database import Database, Row, Session
from cloud_app.storage.times import to_ms
from cloud_app.views import AlertItem
from telemetry import Clock

_log = logging.getLogger(__name__)

# Enough for a site that goes down at once; the rest follows with the next round.
_PER_ROUND = 50

_IS_DUE = and_(
    alert_notice.c.due_ms <= bindparam("now_ms"),
    func.coalesce(alert.c.silenced_until_ms, 0) <= bindparam("now_ms"),
)
_DUE_RULES = (
    select(alert_notice.c.notification)
    .distinct()
    .join(alert, alert.c.alert == alert_notice.c.alert)
    .outerjoin(notification_state, notification_state.c.notification == alert_notice.c.notification)
    .where(
        _IS_DUE,
        or_(
            notification_state.c.retry_ms.is_(None),
            notification_state.c.retry_ms <= bindparam("now_ms"),
        ),
    )
)
_DUE = (
    select(alert, *(alert_notice.c[name] for name in ("step", "escalation", "tries", "failed_ms")))
    .join(alert_notice, alert_notice.c.alert == alert.c.alert)
    .where(alert_notice.c.notification == bindparam("which"), _IS_DUE)
    # What was refused before does not hold up what is new.
    .order_by(alert_notice.c.tries, alert_notice.c.due_ms, alert.c.alert)
    .limit(_PER_ROUND)
)


@dataclass(frozen=True, slots=True)
class _Errand:
    """A rule with what it has to tell now."""

    rule: RuleName
    target: Target
    also_closed: bool
    wanted: list[Row]
    dropped: list[Row]


class Courier:
    """Works a round at a time, while this process leads.

    Args:
        database: with the alerts.
        targets: makes the ways to tell.
        tenants: whose sites are whose.
        leads: whether this process is the one that works.
        clock: wall time.
    """

    def __init__(
        self,
        database: Database,
        targets: Targets,
        tenants: Tenants,
        leads: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._database = database
        self._targets = targets
        self._tenants = tenants
        self._leads = leads
        self._clock = clock
        self._telling = OneAtATime("courier", self.tell, "notification rule {}".format)

    def tick(self) -> None:
        """One round: start telling what is due. What is under way is not waited for."""
        self._telling.start(self.due_rules())

    def close(self) -> None:
        """Wait for what is being sent now; what was not begun is told by whoever leads next."""
        self._telling.close()

    def due_rules(self) -> list[str]:
        """The rules that have something to tell now."""
        with self._database.read() as session:
            rows = session.rows(_DUE_RULES, {"now_ms": self._now_ms()})
        return sorted(row.notification for row in rows)

    def tell(self, which: str) -> None:
        """Tell what a rule has to tell now, until its receiver takes no more.

        Raises:
            StorageError: the database did not do it; what was told may be told again.
        """
        now_ms = self._now_ms()
        with self._database.read() as session:
            rows = session.rows(_DUE, {"which": which, "now_ms": now_ms})
            errand = self._errand(session, which, rows)
        if errand is None or errand.dropped:
            with self._database.write() as session:
                gone = rows if errand is None else errand.dropped
                drop_notices(session, which, [row.alert for row in gone])
        if errand is None:
            return
        size = errand.target.at_once
        for first in range(0, len(errand.wanted), size):
            some = errand.wanted[first : first + size]
            if not self._leads() or not self._hand_over(errand, some):
                return

    def _hand_over(self, errand: _Errand, rows: Sequence[Row]) -> bool:
        """Tell some notices together; False: the receiver takes nothing now."""
        rule, target = errand.rule, errand.target
        fault: NotSentError | None = None
        try:
            target.send([self._notice(errand, row) for row in rows])
        except NotSentError as exc:
            fault = exc
        except Exception as exc:
            # Whatever it is, it lies with these notices: others need not wait for them.
            _log.exception("notification rule %s", rule.id)
            fault = NotSentError(type(exc).__name__, is_away=False)
        outcome = Outcome(rule, target.name, errand.also_closed, self._now_ms())
        with self._database.write() as session:
            if fault is None:
                settle_success(session, outcome, rows)
            else:
                settle_failure(session, outcome, rows, fault)
        if fault is not None:
            _log.warning("notification rule %s: %s: %s", rule.id, target.name, fault)
        return fault is None or not fault.is_away

    def _errand(self, session: Session, which: str, rows: Sequence[Row]) -> _Errand | None:
        if which == CONFIGURED.id:
            return _Errand(CONFIGURED, self._targets.configured, True, list(rows), [])
        try:
            rule = by_id(session, which)
        except UnknownError:
            return None
        audience = Audience(session, self._tenants)
        wanted: list[Row] = []
        dropped: list[Row] = []
        for row in rows:
            is_wanted = audience.has(rule, row) and not _is_over(
                row, also_closed=rule.plan.also_closed
            )
            (wanted if is_wanted else dropped).append(row)
        target = self._targets.target(rule)
        return _Errand(rule.rule_name, target, rule.plan.also_closed, wanted, dropped)

    def _notice(self, errand: _Errand, row: Row) -> Notice:
        now_ms = self._now_ms()
        kind = NoticeKind.ESCALATED if row.escalation else NoticeKind.OPENED
        if row.step == Step.CLOSE:
            kind = NoticeKind.CLOSED
        item = AlertItem(**facts_of(row, now_ms))
        return Notice(kind, item, self._targets.link(row.alert), errand.rule, now_ms)

    def _now_ms(self) -> int:
        return to_ms(self._clock.utc())


def _is_over(row: Row, *, also_closed: bool) -> bool:
    """Whether there is nothing left to tell: somebody cares by now, or the end is not wanted."""
    if row.step == Step.CLOSE:
        return not also_closed
    return bool(row.escalation) and (row.closed_ms is not None or row.acknowledged_ms is not None)
