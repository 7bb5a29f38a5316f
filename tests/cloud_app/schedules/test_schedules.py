"""Scheduled reports: kept by tenant, made once a period, mailed with their files."""

from __future__ import annotations

import email
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import openpyxl
import pypdf
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from sqlalchemy import text

from cloud_app.accounts.mail import deliver
from cloud_app.accounts.roles import Role
from cloud_app.config import MailConfig, MailSecurity
from cloud_app.errors import StorageError
from cloud_app.mail import SmtpMailer
from cloud_app.schedules.schedules import Every
from cloud_app.schedules.sending import Sender
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, SOUTH, add, audit_actions, log_in
from tests.cloud_app.analytics.reports.test_making import a_week
from tests.cloud_app.hub import Hub
from tests.kit.mosquitto import free_port

ADA, BOB = "ada@example.org", "bob@example.org"


@dataclass
class Inbox:
    messages: list[EmailMessage] = field(default_factory=list)
    is_full: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.is_full:
            return "452 try again later"
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@dataclass
class Office:
    """A service with a week of the north, and a mail server."""

    hub: Hub
    inbox: Inbox
    mail: MailConfig

    @property
    def sender(self) -> Sender:
        accounts = self.hub.accounts
        return Sender(self.hub.database, accounts.tenants, accounts.url, self.hub.clock)

    def send(self) -> int:
        """A round of sending, and of the outbox."""
        self.sender.tick()
        return deliver(self.hub.database, SmtpMailer(self.mail), to_ms(self.hub.clock.utc()))


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        config = MailConfig(
            host="127.0.0.1", port=controller.port, security=MailSecurity.NONE,
            sender="lotsight@example.org",
        )  # fmt: skip
        box = a_week(database)
        hub = Hub(database, people=PEOPLE, mail=config)
        hub.clock.epoch_utc = box.now - timedelta(days=3)
        add(hub, ADA, (NORTH, Role.OPERATOR_ADMIN))
        add(hub, BOB, (SOUTH, Role.OPERATOR_ADMIN))
        yield Office(hub, inbox, config)
    finally:
        controller.stop()


BODY = {
    "tenant": str(NORTH), "name": "Weekly to the council", "every": "week",
    "recipients": ["mayor@example.org", "clerk@example.org"], "formats": ["pdf", "xlsx", "csv"],
    "language": "de",
}  # fmt: skip


def test_a_week_is_mailed_once_with_its_files(office: Office) -> None:
    hub = office.hub
    with hub.client() as ada:
        log_in(ada, ADA)
        made = ada.post("/api/v1/report-schedules", json=BODY)
        assert (made.status_code, made.json()["next_first"]) == (201, "2026-03-23")
    assert office.send() == 0, "the week is not over"
    hub.clock.now_s += 3 * 86_400
    assert office.send() == 0, "its last quarters may not be kept yet"
    hub.clock.now_s += 5 * 3600
    due = office.sender
    assert office.send() == 2
    due.tick()
    assert office.send() == 0, "once"
    first, second = office.inbox.messages
    assert {first["To"], second["To"]} == set(BODY["recipients"])
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"] == "Parkbericht: Weekly to the council, 23. März 2026 – 29. März 2026"
    plain = first.get_body()
    assert plain is not None
    assert "/reports?from=2026-03-23&to=2026-03-29" in plain.get_content()
    files = {part.get_filename(): part.get_content() for part in first.iter_attachments()}
    assert {name.rpartition(".")[2] for name in files if name} == {"pdf", "xlsx", "csv"}
    by_kind = {str(name).rpartition(".")[2]: content for name, content in files.items()}
    pages = pypdf.PdfReader(io.BytesIO(by_kind["pdf"])).pages
    told = " ".join(page.extract_text() for page in pages)
    assert "Belegung nach Stunde und Wochentag" in told
    assert "Kamera ausgefallen" in told
    book = openpyxl.load_workbook(io.BytesIO(by_kind["xlsx"]))
    assert "figures" in book.sheetnames
    assert "2026-03-23/2026-03-29" in by_kind["csv"]


def test_what_fails_half_way_is_done_again_and_no_letter_is_lost(office: Office) -> None:
    hub = office.hub
    if not isinstance(hub.database, SqliteDatabase):
        pytest.skip("the trigger that fails is SQLite's")
    with hub.client() as ada:
        log_in(ada, ADA)
        ada.post("/api/v1/report-schedules", json=BODY | {"formats": ["csv"]})
    hub.clock.now_s += 4 * 86_400
    # The second recipient's letter cannot be written: as if the process died between the two.
    fail = (
        "CREATE TRIGGER no_room BEFORE INSERT ON mail WHEN NEW.recipient = 'clerk@example.org' "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with hub.database.write() as session:
        session.run(text(fail))
    with pytest.raises(StorageError):
        office.sender.tick()
    with hub.database.write() as session:
        session.run(text("DROP TRIGGER no_room"))
    office.inbox.is_full = True
    assert office.send() == 0, "the mail server takes nothing now"
    office.inbox.is_full = False
    hub.clock.now_s += 60
    assert office.send() == 2
    assert sorted(str(each["To"]) for each in office.inbox.messages) == sorted(BODY["recipients"])
    with hub.database.read() as session:
        assert session.rows(text("SELECT count(*) FROM mail_attachment"))[0][0] == 0


def test_schedules_are_the_tenants(office: Office) -> None:
    hub = office.hub
    with hub.client() as ada, hub.client() as bob:
        log_in(ada, ADA)
        log_in(bob, BOB)
        made = ada.post("/api/v1/report-schedules", json=BODY).json()
        one = f"/api/v1/report-schedules/{made['id']}"
        assert bob.get("/api/v1/report-schedules").json() == []
        assert bob.delete(one).status_code == 404
        assert bob.post(f"{one}/send").status_code == 404
        assert bob.post("/api/v1/report-schedules", json=BODY).status_code == 403
        strange = ada.post("/api/v1/report-schedules", json=BODY | {"sites": ["south"]})
        assert (strange.status_code, "south" in strange.text) == (422, True)
        nobody = ada.post("/api/v1/report-schedules", json=BODY | {"recipients": []})
        assert nobody.status_code == 422
        change = {k: v for k, v in BODY.items() if k != "tenant"} | {"every": "month"}
        etag = {"If-Match": '"1"'}
        assert ada.put(one, json=change, headers=etag).json()["next_first"] == "2026-03-01"
        stale = ada.put(one, json=change, headers=etag)
        assert (stale.status_code, stale.json()["schedule"]["version"]) == (412, 2)
        sent = ada.post(f"{one}/send")
        assert (sent.status_code, sent.json()["first"]) == (200, "2026-02-01")
        assert ada.post(f"{one}/send").status_code == 429
        assert ada.delete(one).status_code == 204
    assert office.send() == 2, "what was asked for is on its way"
    assert {"report_schedule.create", "report_schedule.change", "report_schedule.send",
            "report_schedule.delete"} <= set(audit_actions(hub))  # fmt: skip


def test_periods_follow_each_other() -> None:
    for every in Every:
        period = every.around(date(2026, 12, 31))
        after = every.after(period)
        assert (after.first - period.last).days == 1
    assert Every.MONTH.around(date(2024, 2, 10)).last == date(2024, 2, 29)
    assert Every.WEEK.around(date(2026, 1, 1)).first == date(2025, 12, 29)
