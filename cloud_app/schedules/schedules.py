"""Scheduled reports: what a schedule says; kept, changed, found."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from cloud_app.accounts.audit import Actor, Subject, record
from cloud_app.accounts.people import plain_email, plain_name
from cloud_app.accounts.roles import Tenant, Tenants
from cloud_app.accounts.secret import new_id
from cloud_app.analytics.reports.files import FileKind
from cloud_app.analytics.reports.period import Period, ReportError
from cloud_app.analytics.reports.words import Language
from cloud_app.errors import StaleError, UnknownError
from cloud_app.schedules.tables import report_schedule as table
from cloud_app.storage.database import Row, Session

RECIPIENTS_MAX = 20
_PER_TENANT = 50
_DAY = timedelta(days=1)


class Every(StrEnum):
    """How often a report comes, and how long its period is."""

    WEEK = "week"
    MONTH = "month"

    def around(self, day: date) -> Period:
        """The period that a day is part of: from Monday, or from the first."""
        if self is Every.WEEK:
            monday = day - timedelta(days=day.weekday())
            return Period(monday, monday + timedelta(days=6))
        first = day.replace(day=1)
        return Period(first, (first + timedelta(days=31)).replace(day=1) - _DAY)

    def after(self, period: Period) -> Period:
        """The next one."""
        return self.around(period.last + _DAY)


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """What a schedule says.

    Attributes:
        name: for people; the reports' title.
        enabled: whether it counts.
        every: how often.
        recipients: addresses of mail.
        sites: what about; all of the tenant's if empty.
        formats: files that are attached.
        language: of mail and files.
    """

    name: str
    enabled: bool
    every: Every
    recipients: tuple[str, ...]
    sites: frozenset[str]
    formats: frozenset[FileKind]
    language: Language

    def __post_init__(self) -> None:
        """Refuse what cannot be sent."""
        object.__setattr__(self, "name", plain_name(self.name))
        each_once = tuple(dict.fromkeys(map(plain_email, self.recipients)))
        object.__setattr__(self, "recipients", each_once)
        if not 1 <= len(each_once) <= RECIPIENTS_MAX:
            msg = f"expected 1 to {RECIPIENTS_MAX} recipients, but got {len(each_once)}"
            raise ReportError(msg)
        if not self.formats:
            msg = "expected at least one format of pdf, xlsx, csv, but got none"
            raise ReportError(msg)

    def facts(self) -> dict[str, Any]:
        """For the audit log."""
        return {
            "name": self.name,
            "enabled": self.enabled,
            "every": self.every.value,
            "recipients": list(self.recipients),
            "sites": sorted(self.sites),
            "formats": sorted(self.formats),
            "language": self.language.value,
        }


@dataclass(frozen=True, slots=True)
class Schedule:
    """A scheduled report.

    Attributes:
        id: of it.
        tenant: whose.
        plan: what it says.
        next: the next period to report.
        sent_ms: when the last one was put into the outbox.
        fault: why the last one could not be made; None if it could.
        version: counts changes.
    """

    id: str
    tenant: Tenant
    plan: SchedulePlan
    next: Period
    sent_ms: int | None
    fault: str | None
    version: int


def check_sites(session: Session, tenants: Tenants, tenant: Tenant, sites: Collection[str]) -> None:
    """Refuse a schedule about sites that are not its tenant's.

    Raises:
        ReportError: one is not.
    """
    theirs = tenants.sites(session, tenant)
    strange = [] if theirs is None else sorted(set(sites) - theirs)
    if strange:
        msg = f"sites must be those of {tenant}, but got {', '.join(strange[:5])}"
        raise ReportError(msg)


def create(
    session: Session, actor: Actor, tenant: Tenant, plan: SchedulePlan, today: date
) -> Schedule:
    """Make a schedule; the first report is on the period that is running.

    Raises:
        ReportError: the tenant has too many.
    """
    count = select(func.count()).select_from(table).where(table.c.tenant == str(tenant))
    if session.rows(count)[0][0] >= _PER_TENANT:
        msg = f"{tenant} has {_PER_TENANT} scheduled reports already, which is the most"
        raise ReportError(msg)
    which = new_id()
    session.run(
        insert(table),
        {
            "report_schedule": which,
            "tenant": str(tenant),
            "next_day": plan.every.around(today).first.isoformat(),
            **_columns(plan),
        },
    )
    record(session, actor, "report_schedule.create", _subject(which, tenant), None, plan.facts())
    return by_id(session, which)


def change(
    session: Session, actor: Actor, known: Schedule, plan: SchedulePlan, version: int, today: date
) -> Schedule:
    """Let a schedule say something else.

    Raises:
        StaleError: another change came first.
    """
    # What was off meanwhile, or came in other steps, is not sent afterwards.
    is_new = plan.every is not known.plan.every or (plan.enabled and not known.plan.enabled)
    first = plan.every.around(today).first if is_new else known.next.first
    done = session.run(
        update(table)
        .where(table.c.report_schedule == known.id, table.c.version == version)
        .values(version=table.c.version + 1, next_day=first.isoformat(), **_columns(plan))
    )
    if not done:
        msg = (
            f"the scheduled report {known.plan.name!r} was changed meanwhile: expected version "
            f"{version}, but it is at {by_id(session, known.id).version}"
        )
        raise StaleError(msg)
    subject = _subject(known.id, known.tenant)
    record(session, actor, "report_schedule.change", subject, known.plan.facts(), plan.facts())
    return by_id(session, known.id)


def remove(session: Session, actor: Actor, known: Schedule) -> None:
    """Delete a schedule; mail that is on its way stays."""
    session.run(delete(table).where(table.c.report_schedule == known.id))
    subject = _subject(known.id, known.tenant)
    record(session, actor, "report_schedule.delete", subject, known.plan.facts(), None)


def note_sent(session: Session, known: Schedule, now_ms: int, fault: str | None) -> bool:
    """Go on to the next period; False: another process did it first."""
    after = known.plan.every.after(known.next)
    done = session.run(
        update(table)
        .where(
            table.c.report_schedule == known.id,
            table.c.next_day == known.next.first.isoformat(),
            table.c.version == known.version,
        )
        .values(
            next_day=after.first.isoformat(),
            sent_ms=now_ms if fault is None else table.c.sent_ms,
            fault=fault,
        )
    )
    return bool(done)


def note_asked(session: Session, actor: Actor, known: Schedule, earliest_ms: int) -> bool:
    """A report is sent because somebody asked; False: one was sent after `earliest_ms`."""
    done = session.run(
        update(table)
        .where(
            table.c.report_schedule == known.id,
            or_(table.c.sent_ms.is_(None), table.c.sent_ms <= earliest_ms),
        )
        .values(sent_ms=actor.at_ms)
    )
    if done:
        subject = _subject(known.id, known.tenant)
        to = {"recipients": list(known.plan.recipients)}
        record(session, actor, "report_schedule.send", subject, None, to)
    return bool(done)


def by_id(session: Session, which: str) -> Schedule:
    """A schedule.

    Raises:
        UnknownError: there is none.
    """
    for row in session.rows(select(table).where(table.c.report_schedule == which)):
        return _schedule(row)
    msg = f"there is no scheduled report {which[:40]!r}"
    raise UnknownError(msg)


def of_tenants(session: Session, tenants: Collection[Tenant]) -> list[Schedule]:
    """The schedules of some tenants, by tenant and name."""
    query = select(table).where(table.c.tenant.in_(sorted(map(str, tenants))))
    return [_schedule(row) for row in session.rows(query.order_by(table.c.tenant, table.c.name))]


def enabled(session: Session) -> list[Schedule]:
    """Those that count."""
    return [_schedule(row) for row in session.rows(select(table).where(table.c.enabled == 1))]


def _subject(which: str, tenant: Tenant) -> Subject:
    return Subject("report_schedule", which, str(tenant))


def _columns(plan: SchedulePlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "enabled": int(plan.enabled),
        "every": plan.every.value,
        "recipients": json.dumps(plan.recipients),
        "sites": json.dumps(sorted(plan.sites)),
        "formats": json.dumps(sorted(plan.formats)),
        "language": plan.language.value,
    }


def _schedule(row: Row) -> Schedule:
    every = Every(row.every)
    plan = SchedulePlan(
        name=row.name,
        enabled=bool(row.enabled),
        every=every,
        recipients=tuple(json.loads(row.recipients)),
        sites=frozenset(json.loads(row.sites)),
        formats=frozenset(map(FileKind, json.loads(row.formats))),
        language=Language(row.language),
    )
    return Schedule(
        id=row.report_schedule,
        tenant=Tenant.parse(row.tenant),
        plan=plan,
        next=every.around(date.fromisoformat(row.next_day)),
        sent_ms=row.sent_ms,
        fault=row.fault,
        version=row.version,
    )
