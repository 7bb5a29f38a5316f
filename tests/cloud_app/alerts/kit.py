"""Receivers of notifications that run here, and a desk over a hub's alerts."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from sqlalchemy import func, select

from cloud_app.accounts.roles import Tenant
from cloud_app.alert_words import Severity
from cloud_app.alerts import notifications
from cloud_app.alerts.acts import Act
from cloud_app.alerts.courier import Courier
from cloud_app.alerts.notifications import Destination, Notification, Plan
from cloud_app.alerts.planning import plan
from cloud_app.alerts.targets import Targets
from cloud_app.config import MailConfig, MailSecurity
from cloud_app.storage.alert_life import Subject, cease_all, lasting_alerts, open_all
from cloud_app.storage.alert_tables import alert_notice
from cloud_app.storage.alerts import alert_detail
from cloud_app.storage.times import to_ms
from cloud_app.views import AlertDetail
from tests.cloud_app.accounts.kit import NORTH, acting
from tests.cloud_app.hub import Hub
from tests.kit.mosquitto import free_port


@dataclass
class Hook:
    """A receiver of webhooks that keeps what it took, unless it is told to answer otherwise."""

    url: str = ""
    status: int = 204
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tried: int = 0
    before_answer: Callable[[], None] | None = None

    @property
    def types(self) -> list[str]:
        """What was told, in order."""
        return [f"{body['type']} {body['subject']}" for body in self.bodies]


@contextmanager
def receiving_posts() -> Iterator[Hook]:
    """An HTTP server on loopback."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.tried += 1
            if hook.status < 300:
                hook.bodies.append(json.loads(body))
                hook.raw.append(body)
                hook.headers.append({k.lower(): v for k, v in self.headers.items()})
            if hook.before_answer is not None:
                hook.before_answer()
            self.send_response(hook.status)
            if 300 <= hook.status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook/secret-path"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """A mail server that keeps what it took, unless it is told to refuse."""

    config: MailConfig = field(init=False)
    messages: list[EmailMessage] = field(default_factory=list)
    refusal: str | None = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.refusal is not None:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 taken"

    @property
    def subjects(self) -> list[str]:
        """Of all messages, in order."""
        return [message["Subject"] for message in self.messages]


@contextmanager
def receiving_mail() -> Iterator[Mailbox]:
    """An SMTP server on loopback."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    mailbox.config = MailConfig(
        host="127.0.0.1", port=controller.port, security=MailSecurity.NONE,
        sender="lotsight@example.org",
    )  # fmt: skip
    try:
        yield mailbox
    finally:
        controller.stop()


FULL = Subject("lot_full", "north", "p1")


@dataclass
class Desk:
    """Opens and closes alerts of a hub as the rules do, and tells people as the service does."""

    hub: Hub
    lead: list[bool] = field(default_factory=lambda: [True])

    def __post_init__(self) -> None:
        accounts = self.hub.accounts
        self.courier = Courier(
            self.hub.database, Targets.of(self.hub.context.config, accounts.url),
            accounts.tenants, lambda: self.lead[0], self.hub.clock,
        )  # fmt: skip

    @property
    def now_ms(self) -> int:
        return to_ms(self.hub.clock.utc())

    def open(self, *subjects: Subject, severity: Severity | None = None) -> list[int]:
        """Let conditions begin; the numbers of their alerts."""
        of = self.hub.rules.severity_of if severity is None else lambda _rule: severity
        with self.hub.database.write() as session:
            texts = [(each, f"{each.subject} of {each.site}.") for each in subjects]
            open_all(session, texts, self.now_ms, of)
            plan(session, self.hub.accounts.tenants)
            known = lasting_alerts(session)
        return [known[each] for each in subjects]

    def cease(self, *numbers: int) -> None:
        """Let conditions cease."""
        with self.hub.database.write() as session:
            cease_all(session, list(numbers), self.now_ms)

    def tell(self, later_s: float = 0) -> None:
        """Let time pass, then tell what is due."""
        self.hub.clock.advance(later_s)
        for which in self.courier.due_rules():
            self.courier.tell(which)

    def rule(self, to: Destination, tenant: Tenant = NORTH, **facts: Any) -> Notification:
        """A notification rule."""
        name = facts.pop("name", "Night shift")
        with self.hub.database.write() as session:
            made = Plan(name=name, enabled=facts.pop("enabled", True), to=to, **facts)
            return notifications.create(session, acting(self.hub), tenant, made)

    def act(self, number: int, name: str = "ada") -> Act:
        return Act(acting(self.hub, name), number)

    def seen(self, number: int) -> AlertDetail:
        with self.hub.database.read() as session:
            found = alert_detail(session, self.now_ms, number)
        assert found is not None
        return found

    def log(self, number: int) -> list[str]:
        """The alert's log: actions with their texts."""
        return [f"{e.action}: {e.text}" if e.text else e.action for e in self.seen(number).log]


def mail_to(address: str = "night@example.org") -> Destination:
    return Destination.mail(address)


def posted_to(hook: Hook, secret: str | None = None) -> Destination:
    return Destination.webhook(hook.url, secret, allow_private=True)


def left(desk: Desk) -> int:
    """How many notices are kept, due or not, the log's aside."""
    count = select(func.count()).where(alert_notice.c.notification != "config")
    with desk.hub.database.read() as session:
        return int(session.rows(count)[0][0])
