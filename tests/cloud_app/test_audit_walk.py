"""Whatever a person or a key changes leaves a line in the audit log: every route that changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import func, select

from cloud_app.accounts import people, tickets
from cloud_app.accounts.roles import Role
from cloud_app.accounts.tables import audit
from cloud_app.accounts.tickets import TicketKind
from cloud_app.api import route_permissions
from cloud_app.api.access import digest_of
from cloud_app.config import (
    DownlinkApiConfig,
    GatesConfig,
    HttpConfig,
    MailConfig,
    MailSecurity,
    NotificationsConfig,
    Scope,
    SensorsConfig,
    TokenConfig,
)
from cloud_app.fleet.authority.own_issuer import initialise
from cloud_app.fleet.authority.x509 import new_key
from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.counting import count_lot
from cloud_app.occupancy.passages import Place, take_reports
from cloud_app.registry.kinds import KINDS
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from sensors.gates import GateReport, Passage
from telemetry import PassageDirection, PassageMethod
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.accounts.kit import NORTH, PASSWORD, PEOPLE, acting, add, log_in, signed_in
from tests.cloud_app.alerts.kit import FULL, Desk, receiving_posts
from tests.cloud_app.authority.box_key import BoxKey
from tests.cloud_app.calibrated_box import CalibratedBox, square
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.sensors.town import chirpstack, eui
from tests.kit.waiting import eventually

ADA, BOB = "ada@example.org", "bob@example.org"
HTTP = HttpConfig(
    tokens=(TokenConfig(name="ops", sha256=digest_of("ops"), scopes=frozenset(Scope)),)
)
# What devices and networks bring is no act of a person: the frames themselves are kept.
NOT_BY_PEOPLE = "/api/v1/intake/"
NEW = "nine orange bollards in rain"


@dataclass
class Walk:
    """Calls routes and sees that each leaves a line.

    Attributes:
        hub: with the log.
        folder: for files.
        done: routes that were called.
    """

    hub: Hub
    folder: Path
    done: set[tuple[str, str]] = field(default_factory=set)

    def call(
        self, client: httpx.Client, method: str, route: str, body: Any = None, /,
        etag: str | None = None, **ids: Any,
    ) -> httpx.Response:  # fmt: skip
        """Call a route, which must work."""
        before = self._count()
        headers = {} if etag is None else {"If-Match": etag}
        path = "/api/v1/" + route.format(**ids)
        answer = client.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        # A reset is worked on after its answer, so that the time tells nothing.
        eventually(lambda: self._count() > before, f"the audit log to tell of {method} {path}", 20)
        self.done.add((method, f"/api/v1/{route}"))
        return answer

    def send(self, client: httpx.Client, method: str, route: str, content: str, **ids: str) -> None:
        """Call a route with a file, which must work."""
        before = self._count()
        path = "/api/v1/" + route.format(**ids)
        answer = client.request(method, path, content=content, headers={"Content-Type": "text/csv"})
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        assert self._count() > before, path
        self.done.add((method, f"/api/v1/{route}"))

    def _count(self) -> int:
        with self.hub.database.read() as session:
            found: int = session.rows(select(func.count()).select_from(audit))[0][0]
        return found


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    private = NotificationsConfig(allow_private_urls=True)
    mail = MailConfig(host="127.0.0.1", security=MailSecurity.NONE, sender="l@example.org")
    api = DownlinkApiConfig.model_validate(
        {"name": "lns", "kind": "chirpstack", "url": "http://127.0.0.1:1", "token": "t",
         "sites": ["north"]}
    )  # fmt: skip
    hub = Hub(
        database, HTTP, people=PEOPLE, notifications=private, mail=mail,
        sensors=SensorsConfig(downlink_api=(api,)),
    )  # fmt: skip
    fill(hub, ScriptedEdge())
    add(hub, ADA, (NORTH, Role.OPERATOR_ADMIN))
    yield Walk(hub, tmp_path)
    database.close()


def test_every_route_that_changes_something_is_in_the_audit_log(walk: Walk) -> None:
    with walk.hub.client() as ada, walk.hub.client("ops") as ops:
        walk.call(ada, "POST", "login", {"email": ADA, "password": PASSWORD})
        log_in(ada, ADA)
        _registry(walk, ops)
        walk.call(ops, "PATCH", "edges/{edge}/shadow", {"desired": {"a": 1}}, edge="box-1")
        _settings(walk, ops)
        order = {"name": "restart_service", "id": "c1"}
        walk.call(ops, "POST", "edges/{edge}/commands", order, edge="box-1")
        one = {"edge": "box-1", "command": "c1"}
        walk.call(ops, "DELETE", "edges/{edge}/commands/{command}", **one)
        _downlinks(walk, ops)
        _calibrations(walk, ada)
        _campaigns(walk, ops)
        _lots(walk, ops)
        file = "lot,start,end,name\n,2026-08-15T18:00+02:00,2026-08-15T23:00+02:00,Fair\n"
        walk.send(ops, "PUT", "sites/{site}/local-events", file, site="north")
        _boxes(walk, ops)
        _alerts(walk, ada)
        _schedules(walk, ada)
        _rules(walk, ada)
        _others(walk, ada)
        _oneself(walk, ada)
    changing = {
        (method, template)
        for template, methods in route_permissions.NEEDED.items()
        for method in methods
        if method != "GET" and not template.startswith(NOT_BY_PEOPLE)
    }
    assert changing - walk.done == set(), "call these in this test too"


def _settings(walk: Walk, client: httpx.Client) -> None:
    hold = {"type": "number", "minimum": 0}
    evidence = {"type": "object", "properties": {"enter_hold_s": hold}}
    schema: Any = {"type": "object", "properties": {"evidence": evidence}}
    about = ShadowUpdate(reported={"settings_schema": schema}, sections=frozenset({"reported"}))
    walk.hub.shadows.update(ShadowTopics("box-1"), about)
    change = {"settings": {"evidence": {"enter_hold_s": 5}}, "version": 0}
    walk.call(client, "PATCH", "edges/{edge}/settings", change, edge="box-1")


def _registry(walk: Walk, client: httpx.Client) -> None:
    ids = {
        "council": "c1", "operator": "o1", "site": "s1", "lot": "l1", "zone": "z1", "bay": "b1",
        "device": "d1",
    }  # fmt: skip
    routes = [
        f"registry/{kind.plural}/" + "/".join(f"{{{name}}}" for name in kind.ids)
        for kind in KINDS.values()
    ]
    for route in routes:
        made = walk.call(client, "PUT", route, {"name": "A"}, **ids)
        changed = walk.call(client, "PATCH", route, {"name": "B"}, etag=made.headers["ETag"], **ids)
        etag = changed.headers["ETag"]
        walk.call(client, "POST", f"{route}/revert", {"facts": ["name"]}, etag=etag, **ids)
    watching = {"site": "s1", "lot": "l1", "bay": "b1", "kind": "sensor"}
    device = routes[-1]
    made = walk.call(client, "PUT", device, watching, etag=_etag(client, device, ids), **ids)
    etag = made.headers["ETag"]
    walk.call(client, "POST", f"{device}/replacement", {"device": "d2"}, etag=etag, **ids)
    path = "/api/v1/registry/devices/d2"
    client.delete(path, headers={"If-Match": client.get(path).headers["ETag"]})
    for route in reversed(routes):
        etag = client.get("/api/v1/" + route.format(**ids)).headers["ETag"]
        walk.call(client, "DELETE", route, etag=etag, **ids)


def _downlinks(walk: Walk, client: httpx.Client) -> None:
    about = {"kind": "sensor", "site": "north", "profile": "milesight-em400"}
    device = eui(1)
    client.put(f"/api/v1/registry/devices/{device}", json=about)
    up = chirpstack(device, "01", f_port=85)
    up["time"] = walk.hub.clock.utc().isoformat()
    client.post("/api/v1/intake/chirpstack", params={"event": "up"}, json=up)
    one = {"device": device, "downlink": "d1"}
    asked = {"action": "restart", "id": "d1"}
    walk.call(client, "POST", "sensors/{device}/downlinks", asked, device=device)
    walk.call(client, "DELETE", "sensors/{device}/downlinks/{downlink}", **one)


def _calibrations(walk: Walk, client: httpx.Client) -> None:
    box = CalibratedBox(walk.hub, walk.folder, "north", "box-1", "cam-1")
    box.draw(square("a1", 0.1))
    one, ids = "edges/{edge}/cameras/{camera}/calibration", {"edge": "box-1", "camera": "cam-1"}
    walk.call(client, "POST", f"{one}/fetch", **ids)
    box.answer_commands()
    back = {"revision": 1, "base_revision": 1}
    walk.call(client, "POST", f"{one}/rollback", back, **ids)


def _campaigns(walk: Walk, client: httpx.Client) -> None:
    payload = {"target": "net.onnx", "version": "2"}
    draft = {"name": "n", "kind": "model", "payload": payload, "edges": ["box-1"]}
    which = walk.call(client, "POST", "campaigns", draft).json()["id"]
    for act in ("start", "pause", "retry", "stop"):
        etag = f'"{client.get(f"/api/v1/campaigns/{which}").json()["version"]}"'
        body: dict[str, str] | None = {} if act == "stop" else None
        walk.call(client, "POST", f"campaigns/{{campaign}}/{act}", body, etag=etag, campaign=which)


def _etag(client: httpx.Client, route: str, ids: dict[str, str]) -> str:
    return client.get("/api/v1/" + route.format(**ids)).headers["ETag"]


def _lots(walk: Walk, client: httpx.Client) -> None:
    bay = {"site": "north", "lot": "p1", "bay": "a1"}
    until = (walk.hub.clock.utc() + timedelta(hours=1)).isoformat()
    path = "lots/{site}/{lot}/bays/{bay}/manual"
    walk.call(client, "PUT", path, {"state": "free", "until": until}, **bay)
    walk.call(client, "DELETE", path, **bay)
    garage = {"site": "north", "lot": "garage"}
    walk.call(client, "PUT", "registry/lots/{site}/{lot}", {"capacity": 100}, **garage)
    gate = {**garage, "kind": "gate_counter"}
    walk.call(client, "PUT", "registry/devices/{device}", gate, device="gate-1")
    now = walk.hub.clock.utc()
    passed = Passage(PassageDirection.IN, 1, now, "1", PassageMethod.PULSE)
    with walk.hub.database.write() as session:
        report = GateReport("gate-1", now, (passed,))
        take_reports(session, Place("gate-1", "north", "garage"), [report], to_ms(now))
        count_lot(session, Lot("north", "garage"), walk.hub.context.now(), GatesConfig())
    etag = client.get("/api/v1/lots/north/garage/count").headers["ETag"]
    walk.call(client, "POST", "lots/{site}/{lot}/count", {"count": 3}, etag=etag, **garage)


def _boxes(walk: Walk, client: httpx.Client) -> None:
    with walk.hub.database.write() as session:
        initialise(session, new_key(), "root", walk.hub.context.now().now_ms)
    code = walk.call(client, "POST", "provisioning/codes", {"site": "north"}).json()
    box = BoxKey()
    made = walk.call(
        client, "POST", "provisioning/claims", {"code": code["code"], "csr": box.request()}
    ).json()
    edge, chain = made["home"]["edge"], made["certificate"]
    walk.call(client, "POST", "provisioning/renewals", box.renewal(chain, BoxKey()))
    walk.call(client, "POST", "provisioning/certificates/{edge}/revocation", edge=edge)
    code = walk.call(client, "POST", "provisioning/codes", {"site": "north"}).json()
    which = code["made"]["id"]
    walk.call(client, "DELETE", "provisioning/codes/{code_id}", code_id=which)
    one = "provisioning/boxes/{fingerprint}"
    for act, body in (("approval", {"edge": "box-77", "site": "north"}), ("refusal", None)):
        other = BoxKey()
        walk.call(client, "POST", "provisioning/announcements", {"csr": other.request()})
        walk.call(client, "POST", f"{one}/{act}", body, fingerprint=other.fingerprint)


def _alerts(walk: Walk, client: httpx.Client) -> None:
    [alert] = Desk(walk.hub).open(FULL)
    walk.call(client, "POST", "alerts/{alert}/actions", {"action": "acknowledge"}, alert=alert)
    with receiving_posts() as hook:
        rule = {"name": "n", "to": {"kind": "webhook", "url": hook.url}}
        made = walk.call(client, "POST", "notifications", {**rule, "tenant": str(NORTH)})
        one, which = "notifications/{notification}", made.json()["id"]
        changed = {**rule, "name": "other"}
        walk.call(client, "PUT", one, changed, etag=made.headers["ETag"], notification=which)
        walk.call(client, "POST", f"{one}/test", notification=which)
        walk.call(client, "DELETE", one, notification=which)


def _schedules(walk: Walk, client: httpx.Client) -> None:
    plan = {"name": "Weekly", "every": "week", "recipients": [BOB], "formats": ["csv"]}
    made = walk.call(client, "POST", "report-schedules", {**plan, "tenant": str(NORTH)})
    one, which = "report-schedules/{schedule}", made.json()["id"]
    walk.call(client, "PUT", one, plan, etag=made.headers["ETag"], schedule=which)
    walk.call(client, "POST", f"{one}/send", schedule=which)
    walk.call(client, "DELETE", one, schedule=which)


def _rules(walk: Walk, client: httpx.Client) -> None:
    rule = {"name": "r", "when": "true", "actions": [{"kind": "alert"}]}
    given = {"tenant": str(NORTH), "rule": rule}
    walk.call(client, "POST", "rules/dry-run", given)
    made = walk.call(client, "POST", "rules", given)
    one, which = "rules/{rule}", made.json()["id"]
    changed = {**rule, "name": "other"}
    walk.call(client, "PUT", one, changed, etag=made.headers["ETag"], rule=which)
    walk.call(client, "POST", f"{one}/release", rule=which)
    walk.call(client, "POST", f"{one}/letters/replay", rule=which)
    walk.call(client, "DELETE", f"{one}/letters", rule=which)
    walk.call(client, "DELETE", one, rule=which)


def _others(walk: Walk, client: httpx.Client) -> None:
    body = {"email": BOB, "name": "Bob", "roles": [{"tenant": str(NORTH), "role": "viewer"}]}
    made = walk.call(client, "POST", "people", body)
    one, bob = "people/{account}", made.json()["person"]["account"]
    walk.call(client, "POST", f"{one}/invitation", account=bob)
    etag = client.get(f"/api/v1/people/{bob}").headers["ETag"]
    etag = walk.call(client, "PATCH", one, {"name": "Rob"}, etag=etag, account=bob).headers["ETag"]
    roles = {"roles": [{"tenant": str(NORTH), "role": "technician"}]}
    walk.call(client, "PUT", f"{one}/roles", roles, etag=etag, account=bob)
    with walk.hub.database.write() as session:
        person = people.by_id(session, bob)
        secret = tickets.issue(session, acting(walk.hub), person, TicketKind.INVITATION, 60)
    link = {"secret": secret, "password": NEW}
    walk.call(client, "POST", "links/{kind}", link, kind="invitation")
    with signed_in(walk.hub, BOB, NEW):
        walk.call(client, "DELETE", f"{one}/sessions", account=bob)
    key = {"name": "signs", "tenant": str(NORTH), "scopes": ["read"], "sites": None}
    made = walk.call(client, "POST", "keys", key)
    walk.call(client, "DELETE", "keys/{key}", key=made.json()["key"]["key"])


def _oneself(walk: Walk, client: httpx.Client) -> None:
    walk.call(client, "POST", "password-resets", {"email": BOB})
    change = {"old": PASSWORD, "new": NEW}
    told = walk.call(client, "PUT", "me/password", change)
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    begun = walk.call(client, "POST", "me/totp", {"password": NEW}).json()
    code = pyotp.TOTP(begun["secret"]).at(walk.hub.clock.utc())
    walk.call(client, "PUT", "me/totp", {"code": code})
    walk.call(client, "POST", "me/totp/removal", {"password": NEW})
    with signed_in(walk.hub, ADA, NEW) as other:
        walk.call(client, "DELETE", "sessions")
        log_in(other, ADA, NEW)
        [session] = [each for each in client.get("/api/v1/sessions").json() if not each["current"]]
        walk.call(client, "DELETE", "sessions/{session_id}", session_id=session["session"])
    walk.call(client, "DELETE", "session")
