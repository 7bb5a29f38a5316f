"""Sending scheduled reports: made once a period, put into the outbox with their files.

The period moves on in the transaction that fills the outbox, so a process that dies leaves either
both or nothing, and the next leader goes on from there. The outbox sends each letter until the
mail server has taken it; a repetition has the same Message-ID.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_app.accounts import mail
from cloud_app.accounts.roles import Tenants
from cloud_app.accounts.secret import new_id
from cloud_app.analytics.past import every_site, zone_of
from cloud_app.analytics.reports.figures import Report
from cloud_app.analytics.reports.files import file_of
from cloud_app.analytics.reports.making import Compared, Order, make_report
from cloud_app.analytics.reports.period import Period, ReportError
from cloud_app.analytics.reports.words import Language, Words
from cloud_app.mail import Attachment, Letter
from cloud_app.schedules import schedules
from cloud_app.schedules.schedules import Schedule
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

# By then the last quarters of the day are kept, also of a box that was away for a few hours.
_SETTLE = timedelta(hours=6)
# After a long time without the service nobody wants a year of weekly reports.
_TOO_LATE = timedelta(days=45)
_EXPIRES_MS = 3 * 86_400_000
_FAULT_MAX = 300

_SUBJECT = {
    Language.EN: "Parking report: {name}, {period}",
    Language.DE: "Parkbericht: {name}, {period}",
}
_BODY = {
    Language.EN: """{name}: {period}

Occupancy                {occupancy}
Full, share of time      {full}
Vehicles a bay a day     {turnover}
Observed                 {observed}

The report is attached.{link}

--
You get this because the scheduled report "{name}" of {tenant} names your address.
""",
    Language.DE: """{name}: {period}

Belegung                          {occupancy}
Voll, Anteil der Zeit             {full}
Fahrzeuge je Stellplatz und Tag   {turnover}
Beobachtet                        {observed}

Der Bericht liegt bei.{link}

--
Sie erhalten diese E-Mail, weil der geplante Bericht „{name}“ von {tenant} Ihre Adresse nennt.
""",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what is due, while this process leads.

    Attributes:
        database: with schedules, the past, and the outbox.
        tenants: whose sites are whose, at the moment of sending.
        url: of the pages, for a link.
        clock: wall time.
    """

    database: Database
    tenants: Tenants
    url: str
    clock: Clock

    def tick(self) -> None:
        """One round: one period of each schedule that is due."""
        now = self.clock.utc()
        with self.database.read() as session:
            known = schedules.enabled(session)
            due = [each for each in known if self._is_due(session, each, now)]
        for schedule in due:
            self._send(schedule, now)

    def send_now(self, schedule: Schedule, now: datetime) -> tuple[Period, list[Letter]]:
        """The letters on the last period that is over, for somebody who asked.

        Raises:
            ReportError: the report cannot be made.
        """
        every = schedule.plan.every
        with self.database.read() as session:
            zones = [zone_of(session, site) for site in self._sites(session, schedule)]
        today = min((now.astimezone(zone).date() for zone in zones), default=now.date())
        period = every.around(every.around(today).first - timedelta(days=1))
        return period, self._letters(schedule, period, now)

    def _is_due(self, session: Session, schedule: Schedule, now: datetime) -> bool:
        sites = self._sites(session, schedule)
        ends = [schedule.next.window(zone_of(session, site)).end_ms for site in sites]
        return bool(ends) and to_ms(now - _SETTLE) >= max(ends)

    def _send(self, schedule: Schedule, now: datetime) -> None:
        now_ms = to_ms(now)
        letters: list[Letter] = []
        fault: str | None = None
        if now.date() - schedule.next.last > _TOO_LATE:
            fault = f"{schedule.next.last} was too long ago when the service came back"
        else:
            try:
                letters = self._letters(schedule, schedule.next, now)
            except ReportError as exc:
                fault = str(exc)[:_FAULT_MAX]
        with self.database.write() as session:
            if not schedules.note_sent(session, schedule, now_ms, fault):
                return
            for letter in letters:
                mail.post(session, letter, now_ms + _EXPIRES_MS)
        if fault is not None:
            _log.warning("scheduled report %s: %s", schedule.id, fault)

    def _sites(self, session: Session, schedule: Schedule) -> tuple[str, ...]:
        """What it is about, as far as it is the tenant's today."""
        theirs = self.tenants.sites(session, schedule.tenant)
        there = set(every_site(session))
        seen = there if theirs is None else there & theirs
        wanted = schedule.plan.sites
        return tuple(sorted(seen & wanted if wanted else seen))

    def _letters(self, schedule: Schedule, period: Period, now: datetime) -> list[Letter]:
        plan = schedule.plan
        with self.database.read() as session:
            sites = self._sites(session, schedule)
            order = Order(sites, None, period, Compared.BEFORE, plan.name)
            report = make_report(session, order, now)
        files = tuple(
            Attachment(each.name, each.media_type, each.content)
            for each in (file_of(report, kind, plan.language) for kind in sorted(plan.formats))
        )
        subject, body = self._texts(schedule, report)
        at_ms = to_ms(now)
        return [Letter(new_id(), to, subject, body, at_ms, files) for to in plan.recipients]

    def _texts(self, schedule: Schedule, report: Report) -> tuple[str, str]:
        language, total = schedule.plan.language, report.total
        words = Words(language)
        period = words.period(report.first, report.last)
        turnover = total.stays.turnover_per_day
        link = f"\n{self.url}/reports?from={report.first}&to={report.last}"
        given = {
            "name": schedule.plan.name,
            "period": period,
            "occupancy": words.share(total.occupancy, 1),
            "full": words.share(total.unmet.share, 1),
            "turnover": "–" if turnover.value is None else words.number(turnover.value, 1),
            "observed": words.percent(total.occupancy.observed),
            "tenant": schedule.tenant.name,
            "link": link,
        }
        return _SUBJECT[language].format(**given), _BODY[language].format(**given)
