"""Alerts: opened once, closed once, delivered at least once."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cloud_app.notify import LogNotifier, Notice, deliver, notifier_for
from pydantic import SecretStr

from cloud_app.config import RulesConfig
from cloud_app.errors import SinkError
from cloud_app.rules import judge
from cloud_app.storage.alerts import EVERY_ALERT, alerts
from cloud_app.storage.database import Database
from cloud_app.views import AlertItem
from telemetry import UnknownReason
from telemetry.messages import OfflineReason, Status
from telemetry.topics import TopicKind
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import now_of, take

RULES = RulesConfig()


def judged(
    database: Database, edge: ScriptedEdge, later_s: float = 0.0, listening_since_ms: int = 0
) -> list[AlertItem]:
    with database.write() as session:
        judge(session, now_of(edge, later_s), RULES, listening_since_ms)
    with database.read() as session:
        return alerts(session, 0, EVERY_ALERT, 50)


def test_an_edge_that_is_away_opens_an_alert_once_and_its_return_closes_it(
    database: Database,
) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    assert judged(database, edge, 500) == []
    [alert] = judged(database, edge, 601)
    assert (alert.rule, alert.subject, alert.closed) == ("edge_offline", "box-1", None)
    assert len(judged(database, edge, 700)) == 1

    take(database, [edge.health()])

    [alert] = judged(database, edge, 1)
    assert alert.closed is not None


def test_our_own_absence_is_not_the_edges(database: Database) -> None:
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.health()])
    just_back_ms = now_of(edge, 3600).now_ms
    assert judged(database, edge, 3601, just_back_ms) == []
    assert len(judged(database, edge, 3600 + 601, just_back_ms)) == 1


def test_a_box_that_moved_away_is_not_missed(database: Database) -> None:
    edge = ScriptedEdge()
    gone = Status(online=False, epoch=1, conn=1, reason=OfflineReason.MOVED, at=edge.now)
    take(database, [*edge.hello(), edge.health(), edge.inbound(TopicKind.STATUS, gone)])
    assert judged(database, edge, 9000) == []


def test_a_lost_camera_is_told_after_a_while(database: Database) -> None:
    edge = ScriptedEdge(reason=UnknownReason.BLIND)
    take(database, [*edge.hello(), *(edge.change(bay, None) for bay in edge.bay_ids)])
    assert judged(database, edge, 100) == []
    edge.now += timedelta(seconds=300)
    take(database, [edge.health()])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("camera_lost", "box-1/cam-1")
    assert "blind" in alert.text

    take(database, [edge.change("a1", True)])
    assert judged(database, edge)[0].closed is not None


def test_a_full_lot_is_called_so_until_it_clears(database: Database) -> None:
    bays = tuple(f"b{n}" for n in range(20))
    edge = ScriptedEdge(bay_ids=bays)
    take(database, [*edge.hello(), *(edge.change(bay, bay != "b0") for bay in bays)])
    assert judged(database, edge) == []
    take(database, [edge.change("b0", True)])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("lot_full", "p1")
    take(database, [edge.change("b1", False)])
    assert judged(database, edge)[0].closed is None
    take(database, [edge.change("b2", False)])
    assert judged(database, edge)[0].closed is not None


def test_lost_events_are_told_once(database: Database) -> None:
    edge = ScriptedEdge()
    edge.change("a1", True)
    edge.change("a1", False)
    take(database, [*edge.hello(), edge.gap((1, 2))])
    [alert] = judged(database, edge)
    assert (alert.rule, alert.subject) == ("events_lost", "box-1 1-1")
    assert "lost events 1 to 2" in alert.text
    assert len(judged(database, edge)) == 1


@dataclass
class Hook:
    """A receiver of webhooks."""

    secret: str = "s3cret"
    refuse: int = 0
    bodies: list[dict[str, str | None]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def hook() -> Iterator[Hook]:
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            digest = hmac.new(state.secret.encode(), body, hashlib.sha256).hexdigest()
            assert self.headers["X-Lotsight-Signature"] == f"sha256={digest}"
            if state.refuse:
                state.refuse -= 1
                self.send_response(503)
            else:
                state.bodies.append(json.loads(body))
                state.keys.append(self.headers["Idempotency-Key"])
                self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_gets_opening_and_closing_once(database: Database, hook: Hook) -> None:
    edge = ScriptedEdge()
    notifier = notifier_for(
        RulesConfig(webhook_url=hook.url, webhook_secret=SecretStr(hook.secret))
    )
    take(database, [*edge.hello(), edge.health()])
    judged(database, edge, 601)
    hook.refuse = 1
    with pytest.raises(SinkError, match="503"):
        deliver(database, notifier)

    assert deliver(database, notifier) == 1
    assert deliver(database, notifier) == 0
    take(database, [edge.health()])
    judged(database, edge)
    assert deliver(database, notifier) == 1

    assert [body["closed"] is None for body in hook.bodies] == [True, False]
    assert len(set(hook.keys)) == 2
    with database.read() as session:
        assert alerts(session, 0, EVERY_ALERT, 1)[0].delivered


def test_without_a_webhook_alerts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    LogNotifier().send(Notice("lot_full", "north", "p1", "Lot p1 is full.", 0, None))
    assert "Lot p1 is full." in caplog.text
