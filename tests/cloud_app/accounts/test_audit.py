"""The audit log: it only grows, is filtered and exported, and is shown to those allowed."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import text

from cloud_app.accounts import audit
from cloud_app.accounts.audit import Actor, ActorKind, AuditFilter, Subject, every_line, record
from cloud_app.accounts.roles import Role
from cloud_app.errors import StorageError
from cloud_app.storage.database import Database
from tests.cloud_app.accounts.kit import NORTH, SOUTH, acting, add, signed_in
from tests.cloud_app.hub import Hub

ADMIN = "admin@example.org"


def write(hub: Hub, count: int, **more: str) -> None:
    with hub.database.write() as session:
        for n in range(count):
            subject = Subject("lot", more.get("subject", f"lot-{n}"), more.get("tenant"))
            action = more.get("action", "lot.edit")
            record(session, acting(hub), action, subject, {"bays": n}, {"bays": n + 1})


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
def test_the_database_refuses_to_rewrite_it(hub: Hub, statement: str) -> None:
    write(hub, 3)
    grows = pytest.raises(StorageError, match="the audit log only grows")
    with grows, hub.database.write() as session:
        session.run(text(statement))
    with hub.database.read() as session:
        assert len(audit.lines(session, AuditFilter(), 10)) == 3


@pytest.mark.postgres
def test_postgresql_refuses_to_empty_it(hub: Hub) -> None:
    write(hub, 1)
    with hub.database.read() as session:
        if session.connection.dialect.name != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(StorageError, match="only grows"), hub.database.write() as session:
        session.run(text("TRUNCATE audit"))


def test_a_change_that_fails_leaves_no_line(hub: Hub) -> None:
    def fail() -> None:
        with hub.database.write() as session:
            record(session, acting(hub), "lot.edit", Subject("lot", "a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with hub.database.read() as session:
        assert audit.lines(session, AuditFilter(), 10) == []


def test_lines_keep_their_order_within_a_millisecond_and_are_paged(hub: Hub) -> None:
    write(hub, 2500)
    names = [row.subject for row in every_line(hub.database, AuditFilter())]
    assert names == [f"lot-{n}" for n in reversed(range(2500))]
    with hub.database.read() as session:
        first = audit.lines(session, AuditFilter(), 100)
        second = audit.lines(session, AuditFilter(before=first[-1].audit), 100)
    assert [row.subject for row in second] == names[100:200]


def test_each_filter(hub: Hub) -> None:
    write(hub, 1, subject="a", action="lot.edit")
    write(hub, 1, subject="b", action="lot.edit")
    write(hub, 1, subject="c", action="lot.rename")
    write(hub, 1, subject="d", action="lottery", tenant="operator:x")
    start_ms = acting(hub).at_ms + 1000
    hub.clock.now_s += 1
    with hub.database.write() as session:
        other = Actor(ActorKind.KEY, "board", "10.0.0.1", start_ms)
        record(session, other, "lot.edit", Subject("lot", "e"))

    def found(**wanted: object) -> str:
        with hub.database.read() as session:
            lines = audit.lines(session, AuditFilter(**wanted), 10)  # type: ignore[arg-type]
        return "".join(row.subject for row in lines)[::-1]

    assert found() == "abcde"
    assert found(action="lot") == "abce"
    assert found(action="lot.edit") == "abe"
    assert found(action="l_t") == ""
    assert found(actor="board") == "e"
    assert found(subject="c") == "c"
    assert found(start_ms=start_ms) == "e"
    assert found(end_ms=start_ms) == "abcd"
    assert found(tenants=["operator:x"]) == "d"
    assert found(tenants=[]) == ""


def test_an_administrator_reads_filters_and_exports_what_is_theirs(hub: Hub) -> None:
    add(hub, ADMIN, (NORTH, Role.OPERATOR_ADMIN))
    add(hub, "other@example.org", (SOUTH, Role.OPERATOR_ADMIN))
    write(hub, 2, tenant=str(NORTH), subject="=cmd|calc")
    write(hub, 2, tenant=str(SOUTH), subject="theirs")
    write(hub, 2, subject="of the installation")
    with signed_in(hub, ADMIN) as client:
        told = client.get("/api/v1/audit")
        assert "theirs" not in told.text
        assert "other@example.org" not in told.text
        assert "of the installation" not in told.text
        actions = [line["action"] for line in told.json()]
        # The newest first; what concerns the administrator's own account is there too.
        assert actions[:2] == ["lot.edit", "lot.edit"] or actions[0] == "session.start"
        assert {"person.create", "role.grant", "password.set", "session.start"} <= set(actions)
        only = client.get("/api/v1/audit", params={"action": "lot", "limit": 1}).json()
        assert [line["after"] for line in only] == [{"bays": 2}]
        rest = client.get("/api/v1/audit", params={"action": "lot", "before": only[0]["id"]}).json()
        assert [line["after"] for line in rest] == [{"bays": 1}]
        assert client.get("/api/v1/audit", params={"tenant": str(SOUTH)}).json() == []

        exported = client.get("/api/v1/audit/export", params={"action": "lot"})
        assert exported.headers["content-disposition"] == 'attachment; filename="audit.csv"'
        rows = list(csv.DictReader(io.StringIO(exported.text)))
        assert [row["subject"] for row in rows] == ["'=cmd|calc"] * 2, "no formula"
        assert json.loads(rows[0]["after"]) == {"bays": 2}
        lines = client.get("/api/v1/audit/export", params={"format": "ndjson"}).text.splitlines()
        assert json.loads(lines[0])["action"] == "audit.export"
        assert json.loads(lines[0])["actor"] == ADMIN
        assert "theirs" not in "".join(lines)


def test_what_changes_and_who_did_it(hub: Hub) -> None:
    add(hub, ADMIN, (NORTH, Role.OPERATOR_ADMIN))
    bob = add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    with signed_in(hub, ADMIN) as client:
        path = f"/api/v1/people/{bob.account}"
        match = {"If-Match": client.get(path).headers["etag"]}
        client.patch(path, json={"name": "Robert"}, headers=match)
        [line] = client.get("/api/v1/audit", params={"action": "person.rename"}).json()
    assert (line["actor_kind"], line["actor"], line["address"]) == ("person", ADMIN, "127.0.0.1")
    assert (line["before"], line["after"]) == ({"name": "Bob"}, {"name": "Robert"})


def test_no_secret_is_in_it(database: Database) -> None:
    from tests.cloud_app.accounts.kit import PASSWORD, PEOPLE

    hub = Hub(database, people=PEOPLE)
    add(hub, ADMIN, (NORTH, Role.OPERATOR_ADMIN))
    with signed_in(hub, ADMIN) as client:
        secret = client.cookies["lotsight_session"]
        totp = client.post("/api/v1/me/totp", json={"password": PASSWORD}).json()["secret"]
        key = {"name": "k", "tenant": str(NORTH), "scopes": ["read"]}
        key_secret = client.post("/api/v1/keys", json=key).json()["secret"]
        body = {
            "email": "n@example.org", "name": "N",
            "roles": [{"tenant": str(NORTH), "role": "viewer"}],
        }  # fmt: skip
        link = client.post("/api/v1/people", json=body).json()["link"]
    told = "".join(str(row) for row in every_line(hub.database, AuditFilter()))
    for each in (secret, totp, key_secret, link.partition("=")[2], PASSWORD, "argon2"):
        assert each not in told
