"""Mail through a real SMTP server with STARTTLS: resets, invitations, warnings, retries."""

from __future__ import annotations

import email
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from pydantic import SecretStr, ValidationError

from cloud_app.accounts.mail import deliver
from cloud_app.accounts.roles import Role
from cloud_app.accounts.upkeep import AccountsWorker
from cloud_app.config import MailConfig, MailSecurity
from cloud_app.errors import MailError
from cloud_app.mail import Letter, SmtpMailer
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from tests.cloud_app.accounts.kit import (
    NORTH,
    PASSWORD,
    PEOPLE,
    add,
    audit_actions,
    log_in,
    signed_in,
)
from tests.cloud_app.hub import Hub
from tests.kit.mosquitto import free_port

ADA = "ada@example.org"


@dataclass
class Inbox:
    """What a server took, with whether the way was encrypted."""

    messages: list[Message] = field(default_factory=list)
    is_full: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.is_full:
            return "452 try again later"
        assert session.ssl is not None, "mail came in the clear"
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@dataclass
class MailServer:
    inbox: Inbox
    config: MailConfig


def _authenticator(
    _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login, data.password) == (b"lotsight", b"mail-secret")
    return AuthResult(success=is_right, handled=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    inbox = Inbox()
    controller = Controller(
        inbox, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=_authenticator, auth_required=True,
    )  # fmt: skip
    controller.start()
    try:
        port = controller.port
        yield MailServer(
            inbox,
            MailConfig(
                host="127.0.0.1", port=port, sender="lotsight@example.org", ca_file=ca_file,
                username="lotsight", password=SecretStr("mail-secret"),
            ),
        )  # fmt: skip
    finally:
        controller.stop()


@pytest.fixture
def hub(database: Database, server: MailServer) -> Hub:
    hub = Hub(database, people=PEOPLE, mail=server.config)
    add(hub, ADA, (NORTH, Role.OPERATOR_ADMIN))
    return hub


def send_all(hub: Hub, server: MailServer) -> int:
    return deliver(hub.database, SmtpMailer(server.config), to_ms(hub.clock.utc()))


def link_of(message: Message) -> str:
    found = re.search(r"http://\S+#\w+=(\S+)", message.get_content())  # type: ignore[attr-defined]
    assert found is not None
    return found[1]


def ask_for_reset(hub: Hub, address: str) -> int:
    with hub.client() as client:
        answer = client.post("/api/v1/password-resets", json={"email": address})
    assert not answer.content
    return answer.status_code


def test_a_forgotten_password_is_reset_by_mail(hub: Hub, server: MailServer) -> None:
    new = "nine orange bollards in rain"
    assert ask_for_reset(hub, " Ada@Example.org") == 202
    assert send_all(hub, server) == 1
    assert send_all(hub, server) == 0
    [message] = server.inbox.messages
    assert (message["From"], message["To"]) == ("lotsight@example.org", ADA)
    assert message["Subject"] == "Reset your lotsight password"
    assert message["Auto-Submitted"] == "auto-generated"
    given = {"secret": link_of(message), "password": new}
    with signed_in(hub, ADA) as client:
        assert client.post("/api/v1/links/reset", json=given).status_code == 200
        assert client.get("/api/v1/session").status_code == 401, "every session ended"
        assert client.post("/api/v1/links/reset", json=given).status_code == 404
        assert log_in(client, ADA).status_code == 401
        assert log_in(client, ADA, new).status_code == 200
    assert audit_actions(hub, ADA)[-4:] == [
        "password.set", "session.end", "login.fail", "session.start",
    ]  # fmt: skip


def test_an_unknown_address_gets_the_same_answer_and_no_mail(hub: Hub, server: MailServer) -> None:
    assert ask_for_reset(hub, "nobody@example.org") == 202
    assert send_all(hub, server) == 0


def test_many_requests_are_one_mail(hub: Hub, server: MailServer) -> None:
    assert {ask_for_reset(hub, ADA) for _ in range(3)} == {202}
    assert send_all(hub, server) == 1
    hub.clock.now_s += 301
    ask_for_reset(hub, ADA)
    assert send_all(hub, server) == 1
    # Only the newest link works.
    old, new = map(link_of, server.inbox.messages)
    with hub.client() as client:
        for secret, code in ((old, 404), (new, 200)):
            given = {"secret": secret, "password": PASSWORD}
            assert client.post("/api/v1/links/reset", json=given).status_code == code


def test_a_reset_does_not_get_past_the_second_factor(hub: Hub, server: MailServer) -> None:
    from cloud_app.accounts import people, totp
    from tests.cloud_app.accounts.kit import acting

    with hub.database.write() as session:
        import pyotp

        secret, _ = totp.begin(session, acting(hub), people.by_email(session, ADA))
        code = pyotp.TOTP(secret).at(hub.clock.utc())
        totp.confirm(session, acting(hub), people.by_email(session, ADA), code)
    ask_for_reset(hub, ADA)
    send_all(hub, server)
    [reset] = [each for each in server.inbox.messages if "Reset" in each["Subject"]]
    given = {"secret": link_of(reset), "password": PASSWORD}
    with hub.client() as client:
        client.post("/api/v1/links/reset", json=given)
        assert log_in(client, ADA).json()["code_needed"]


def test_an_invitation_goes_by_mail_and_not_to_who_invites(hub: Hub, server: MailServer) -> None:
    roles = [{"tenant": str(NORTH), "role": "viewer"}]
    with signed_in(hub, ADA) as client:
        body = {"email": "new@example.org", "name": "New", "roles": roles}
        assert client.post("/api/v1/people", json=body).json()["link"] is None
        assert send_all(hub, server) == 1
        [message] = server.inbox.messages
        assert "ada@example.org has invited you" in message.get_content()  # type: ignore[attr-defined]
        given = {"secret": link_of(message), "password": PASSWORD}
        assert client.post("/api/v1/links/invitation", json=given).status_code == 200


def test_an_owner_is_told_by_mail_of_somebody_who_guesses(hub: Hub, server: MailServer) -> None:
    with hub.client() as client:
        for _ in range(12):
            log_in(client, ADA, "wrong")
            hub.clock.now_s += 100  # longer than any wait of the first ten
    assert send_all(hub, server) == 1
    text = server.inbox.messages[0].get_content()  # type: ignore[attr-defined]
    assert "has tried" in text
    assert "127.0.0.1" in text


def test_a_server_that_refuses_is_asked_again(hub: Hub, server: MailServer) -> None:
    server.inbox.is_full = True
    ask_for_reset(hub, ADA)
    assert send_all(hub, server) == 0
    server.inbox.is_full = False
    assert send_all(hub, server) == 0, "not at once"
    hub.clock.now_s += 10
    assert send_all(hub, server) == 1
    hub.clock.now_s += 3600
    assert len(server.inbox.messages) == 1


def test_mail_that_is_too_old_is_not_sent(hub: Hub, server: MailServer) -> None:
    ask_for_reset(hub, ADA)
    hub.clock.now_s += 3600
    assert send_all(hub, server) == 0
    assert server.inbox.messages == []


def test_a_server_with_a_strangers_certificate_gets_nothing(hub: Hub, server: MailServer) -> None:
    ask_for_reset(hub, ADA)
    mailer = SmtpMailer(server.config.model_copy(update={"ca_file": None}))
    assert deliver(hub.database, mailer, to_ms(hub.clock.utc())) == 0
    assert server.inbox.messages == []


def test_a_server_without_starttls_gets_nothing(hub: Hub) -> None:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        port = controller.port
        config = MailConfig(host="127.0.0.1", port=port, sender="a@example.org")
        ask_for_reset(hub, ADA)
        with hub.database.read() as session:
            from cloud_app.accounts.mail import _DUE

            [row] = session.rows(_DUE, {"now_ms": to_ms(hub.clock.utc())})
        letter = Letter(row.mail, row.recipient, row.subject, row.body, row.due_ms)
        with pytest.raises(MailError, match="did not take a message"):
            SmtpMailer(config).send(letter)
    finally:
        controller.stop()
    assert inbox.messages == []


def test_the_worker_sends_what_waits(hub: Hub, server: MailServer) -> None:
    ask_for_reset(hub, ADA)
    AccountsWorker(hub.database, SmtpMailer(server.config), hub.clock).tick()
    assert len(server.inbox.messages) == 1


def test_what_is_over_is_dropped(database: Database) -> None:
    from sqlalchemy import func, select

    from cloud_app.accounts.tables import login_failure, login_session, ticket
    from tests.cloud_app.accounts.kit import session_headers

    hub = Hub(database, people=PEOPLE)
    ada = add(hub, ADA, (NORTH, Role.VIEWER))
    session_headers(hub, ada)
    with hub.client() as client:
        log_in(client, ADA, "wrong")
    from cloud_app.accounts.tickets import TicketKind
    from tests.cloud_app.accounts.kit import acting

    with database.write() as session:
        hub.accounts.send_link(session, acting(hub), ada, TicketKind.RESET)
    worker = AccountsWorker(database, None, hub.clock)

    def left() -> list[int]:
        with database.read() as session:
            tables = (login_failure, login_session, ticket)
            return [session.rows(select(func.count()).select_from(t))[0][0] for t in tables]

    worker.tick()
    assert left() == [3, 1, 1]
    hub.clock.now_s += 91 * 86400
    worker.tick()
    assert left() == [0, 0, 0]


def test_without_a_mail_server_a_reset_says_so(database: Database) -> None:
    hub = Hub(database, people=PEOPLE)
    with hub.client() as client:
        answer = client.post("/api/v1/password-resets", json={"email": ADA})
    assert answer.status_code == 422
    assert "there is no mail server here" in answer.json()["detail"]


def test_plaintext_mail_stays_on_loopback() -> None:
    with pytest.raises(ValidationError, match="for loopback alone"):
        MailConfig(host="mail.example.org", sender="a@b.c", security=MailSecurity.NONE)
    MailConfig(host="127.0.0.1", sender="a@b.c", security=MailSecurity.NONE)


@pytest.mark.parametrize("change", ["password", "totp on", "totp off", "e-mail"])
def test_an_owner_is_told_by_mail_of_changed_proofs(
    hub: Hub, server: MailServer, change: str
) -> None:
    import pyotp

    from cloud_app.accounts import people, tickets, totp
    from cloud_app.accounts.warnings import Proof, warn_owner
    from tests.cloud_app.accounts.kit import acting

    actor, new = acting(hub, "mallory@example.org"), "ada@elsewhere.example"
    with hub.database.write() as session:
        ada = people.by_email(session, ADA)
        match change:
            case "password":
                tickets.set_password(session, actor, ada, "hash")
            case "e-mail":
                people.change_email(session, actor, ada, new)
                for address in (ADA, new):
                    warn_owner(session, actor, ada, Proof.EMAIL, address)
            case _:
                secret, _ = totp.begin(session, actor, ada)
                code = pyotp.TOTP(secret).at(hub.clock.utc())
                totp.confirm(session, actor, people.by_email(session, ADA), code)
                if change == "totp off":
                    totp.remove(session, actor, people.by_email(session, ADA))
    sent = send_all(hub, server)
    messages = server.inbox.messages
    assert sent == len(messages) == (2 if change in {"totp off", "e-mail"} else 1)
    told = {"password": "password was set", "totp on": "switched on", "totp off": "switched off",
            "e-mail": "address was changed"}[change]  # fmt: skip
    text = messages[-1].get_content()  # type: ignore[attr-defined]
    assert told in " ".join(text.split())
    assert "by mallory@example.org" in " ".join(text.split())
    assert {message["To"] for message in messages} == ({ADA, new} if change == "e-mail" else {ADA})


def test_the_first_password_is_no_change_to_warn_of(hub: Hub, server: MailServer) -> None:
    add(hub, "new@example.org", (NORTH, Role.VIEWER))
    assert send_all(hub, server) == 0
