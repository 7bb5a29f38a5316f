"""Alerts to webhooks: signed, retried, and nobody held up by one that is away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from cloud_app.alerts import notifications
from cloud_app.alerts.deliveries import backoff_ms
from cloud_app.alerts.notifications import Destination
from cloud_app.alerts.targets import Targets
from cloud_app.alerts.webhook import WebhookTarget, signature
from cloud_app.config import RulesConfig
from cloud_app.storage.alert_life import Subject
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry import SystemClock
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.alerts.kit import (
    FULL,
    Desk,
    Hook,
    Mailbox,
    left,
    mail_to,
    posted_to,
)
from tests.cloud_app.hub import Hub

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AWAY = Subject("edge_offline", "north", "box-1")


def test_a_webhook_is_signed_as_standard_webhooks_says(desk: Desk, hook: Hook) -> None:
    desk.rule(posted_to(hook, SECRET), also_closed=True)
    [number] = desk.open(FULL)
    desk.tell()
    desk.cease(number)
    desk.tell(60)
    assert hook.types == ["alert.opened p1", "alert.closed p1"]
    assert len({headers["webhook-id"] for headers in hook.headers}) == 2
    for headers, body in zip(hook.headers, hook.raw, strict=True):
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        older = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-lotsight-signature"] == f"sha256={older}"
    opened = hook.bodies[0]
    assert opened | {"timestamp": "", "opened": ""} == {
        "type": "alert.opened", "timestamp": "", "id": opened["id"], "alert": number,
        "rule": "lot_full", "site": "north", "subject": "p1", "text": "p1 of north.",
        "severity": "info", "state": "open", "opened": "", "closed": None, "closed_by": None,
        "acknowledged_by": None, "assignee": None, "notification": "Night shift",
        "url": f"http://127.0.0.1:8090/alerts/{number}",
    }  # fmt: skip
    assert hook.bodies[1]["closed"] is not None
    # Paths of webhooks are secrets.
    assert desk.log(number)[1] == "notified: webhook 127.0.0.1 (Night shift)"


def test_the_signature_is_that_of_the_published_example() -> None:
    """From the specification's own libraries."""
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [SECRET, "a secret of another form"])
def test_the_published_package_takes_our_signature(desk: Desk, hook: Hook, secret: str) -> None:
    package = pytest.importorskip("standardwebhooks")
    # It compares with the clock of this machine.
    target = WebhookTarget(hook.url, secret, anywhere=True)
    rule = desk.rule(posted_to(hook))
    now_ms = to_ms(SystemClock().utc())
    targets = Targets.of(desk.hub.context.config, "https://parking.example.org")
    target.send([targets.test_notice(rule, now_ms)])
    key = secret if secret.startswith("whsec_") else secret.encode()
    verified = package.Webhook(key).verify(hook.raw[0], hook.headers[0])
    assert verified["type"] == "alert.test"


def test_the_configurations_webhook_works_as_before(database: Database, hook: Hook) -> None:
    rules = RulesConfig(webhook_url=hook.url, webhook_secret=SecretStr("s3cret"))
    desk = Desk(Hub(database, people=PEOPLE, rules=rules))
    [number] = desk.open(FULL)
    hook.status = 503
    desk.tell()
    hook.status = 204
    desk.tell(5)
    assert (hook.tried, hook.bodies) == (1, []), "not at once"
    desk.tell(5)
    desk.tell(60)
    desk.cease(number)
    desk.tell()
    assert [body["closed"] is None for body in hook.bodies] == [True, False]
    opened_ms = round(desk.seen(number).opened.timestamp() * 1000)
    keys = [f"lot_full/north/p1/{opened_ms}/{state}" for state in ("open", "closed")]
    assert [body["id"] for body in hook.bodies] == keys
    for headers, body, key in zip(hook.headers, hook.raw, keys, strict=True):
        assert headers["idempotency-key"] == hashlib.sha256(key.encode()).hexdigest()
        digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        assert headers["x-lotsight-signature"] == f"sha256={digest}"
    assert desk.log(number)[1] == "notified: webhook 127.0.0.1"


def test_without_a_webhook_alerts_are_lines_of_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    [number] = desk.open(FULL)
    with caplog.at_level(logging.WARNING):
        desk.tell()
        desk.cease(number)
        desk.tell()
    assert [r.message for r in caplog.records if "alert" in r.message] == [
        "alert: p1 of north.", "alert over: p1 of north.",
    ]  # fmt: skip
    assert desk.seen(number).delivered
    assert desk.log(number) == ["opened: p1 of north.", "closed"]


def test_a_dead_webhook_is_tried_ever_more_seldom_and_holds_up_nobody(
    desk: Desk, hook: Hook, mailbox: Mailbox
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    dead = Destination.webhook(f"http://127.0.0.1:{port}/x", None, allow_private=True)
    broken = desk.rule(dead, name="Dead")
    desk.rule(mail_to())
    desk.rule(posted_to(hook), name="Alive")
    [number] = desk.open(FULL)
    desk.tell()
    assert (len(mailbox.messages), len(hook.bodies)) == (1, 1)
    with desk.hub.database.read() as session:
        state = notifications.by_id(session, broken.id)
    assert state.fault == "expected 2xx, but got: ConnectError"
    assert state.failed_ms == desk.now_ms
    assert [backoff_ms(n) for n in (1, 2, 3, 7, 8, 100)] == [
        10_000, 20_000, 40_000, 640_000, 900_000, 900_000,
    ]  # fmt: skip
    for _ in range(100):
        desk.tell(900)
    assert desk.log(number)[-1] == (
        "not_notified: webhook 127.0.0.1 (Dead): gave up, expected 2xx, but got: ConnectError"
    )
    assert sorted(desk.log(number)[1:3]) == [
        "notified: mail to night@example.org (Night shift)", "notified: webhook 127.0.0.1 (Alive)",
    ]  # fmt: skip
    assert left(desk) == 0


def test_what_a_receiver_refuses_does_not_hold_up_the_rest(desk: Desk, hook: Hook) -> None:
    desk.rule(posted_to(hook))
    [bad] = desk.open(FULL)
    hook.status = 400
    desk.tell()
    hook.status = 204
    desk.open(AWAY)
    desk.tell(1)
    assert hook.types == ["alert.opened box-1"]
    desk.tell(10)
    assert hook.types[1:] == ["alert.opened p1"]
    assert desk.seen(bad).delivered


def test_a_redirect_is_not_followed(desk: Desk, hook: Hook) -> None:
    rule = desk.rule(posted_to(hook))
    hook.status = 302
    desk.open(FULL)
    desk.tell()
    assert hook.tried == 1
    with desk.hub.database.read() as session:
        assert notifications.by_id(session, rule.id).fault == "expected 2xx, but got: HTTP 302"


@contextmanager
def dripping() -> Iterator[tuple[str, threading.Event]]:
    """A receiver that never ends its answer."""
    stop, asked = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        asked.set()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x" * 100)
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", asked
    finally:
        stop.set()
        thread.join(10)
        listener.close()


def test_an_answer_without_an_end_is_not_waited_for(desk: Desk) -> None:
    with dripping() as (url, asked):
        desk.rule(Destination.webhook(url, None, allow_private=True))
        [number] = desk.open(FULL)
        desk.tell()
        assert asked.is_set()
    assert desk.seen(number).delivered
