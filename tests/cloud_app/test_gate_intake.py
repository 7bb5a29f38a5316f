"""What gates post, over real HTTP: to the count that everybody reads, and no plate anywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from cloud_app.api.access import digest_of
from cloud_app.config import GatesConfig, HttpConfig, Scope, TokenConfig
from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.counting import count_lot
from cloud_app.occupancy.tables import passage
from cloud_app.registry.edits import Edit, state
from cloud_app.registry.kinds import Ref
from cloud_app.storage.database import Database
from cloud_app.storage.migrate import every_table
from cloud_app.storage.tables import quarantine
from tests.cloud_app.hub import Hub
from tests.sensors.gates.messages import (
    AXIS,
    HIKVISION,
    PLATE,
    PLATE_RECOGNIZER,
    encoded,
    multipart,
)

HTTP = HttpConfig(
    host="0.0.0.0",
    tokens=(
        TokenConfig(
            name="ops", sha256=digest_of("ops"), scopes=frozenset({Scope.READ, Scope.WRITE})
        ),
        TokenConfig(
            name="garage",
            sha256=digest_of("gates"),
            scopes=frozenset({Scope.INTAKE}),
            sites=frozenset({"north"}),
        ),
        TokenConfig(
            name="other",
            sha256=digest_of("other"),
            scopes=frozenset({Scope.INTAKE, Scope.READ, Scope.WRITE}),
            sites=frozenset({"south"}),
        ),
    ),
)
GATES = GatesConfig(plate_key=SecretStr("a secret of thirty-two characters or more"))
LOT = "/api/v1/lots/north/garage"
_DEVICES = {
    "gate-1": {},
    "camera-1": {},
    "axis-1": {"serial": "B8A44F000001"},
    "hik-1": {"serial": "C42F90A7B5D1"},
}


@pytest.fixture
def hub(database: Database) -> Hub:
    hub = Hub(database, HTTP, gates=GATES)
    things: dict[Ref, dict[str, Any]] = {
        Ref("site", "north"): {"time_zone": "Europe/Berlin"},
        Ref("lot", "north/garage"): {"capacity": 50, "name": "Garage"},
    }
    for name, said in _DEVICES.items():
        things[Ref("device", name)] = {
            "site": "north", "lot": "garage", "kind": "gate_counter", **said,
        }  # fmt: skip
    with database.write() as session:
        for ref, facts in things.items():
            state(session, Edit(ref, "test", 0), facts)
    return hub


@pytest.fixture
def client(hub: Hub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


def _post(client: httpx.Client, path: str, body: bytes, kind: str = "application/json") -> Any:
    headers = {"Authorization": "Bearer gates", "Content-Type": kind}
    return client.post(f"/api/v1/intake/{path}", content=body, headers=headers)


def _pulses(hub: Hub, *directions: str) -> bytes:
    now = hub.clock.utc()
    return json.dumps(
        [
            {"gate": "gate-1", "direction": way, "time": (now - timedelta(seconds=n)).isoformat()}
            for n, way in enumerate(directions)
        ]
    ).encode()


def _as(client: httpx.Client, token: str) -> httpx.Client:
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _count(hub: Hub) -> None:
    with hub.database.write() as session:
        count_lot(session, Lot("north", "garage"), hub.context.now(), GATES)


def test_from_a_pulse_to_the_count_that_everybody_reads(hub: Hub, client: httpx.Client) -> None:
    answer = _post(client, "gates", _pulses(hub, "in"))
    assert answer.json() == {"counts": {"taken": 1}, "unknown": []}
    _count(hub)
    reader = _as(client, "ops")
    unknown = reader.get(f"{LOT}/count")
    assert (unknown.json()["count"], unknown.json()["why"]) == (None, "no_truth")
    # Whoever looked sets it; the cloud counts on from there.
    hub.clock.now_s += 60
    etag = unknown.headers["ETag"]
    done = reader.post(
        f"{LOT}/count", json={"count": 20, "note": "looked"}, headers={"If-Match": etag}
    )
    assert done.status_code == 200
    assert (done.json()["count"], done.json()["free"]) == (20, 30)
    hub.clock.now_s += 60
    _post(client, "gates", _pulses(hub, "in", "in", "out"))
    _count(hub)
    found = _as(client, "ops").get(f"{LOT}/count").json()
    assert (found["count"], found["free"], found["source"]) == (21, 29, "gates")
    assert (found["in_today"], found["out_today"]) == (3, 1)
    assert found["last_true"] | {"at": ""} == {
        "at": "", "count": 20, "cause": "manual", "drift": None, "by": "ops", "note": "looked",
        "level": None,
    }  # fmt: skip
    [lot] = client.get("/api/v1/lots").json()
    assert lot["name"] == "Garage"
    assert (lot["counts"]["bays"], lot["counts"]["occupied"], lot["counts"]["free"]) == (50, 21, 29)
    [gate] = [each for each in client.get(f"{LOT}/gates").json() if each["gate"] == "gate-1"]
    assert (gate["in_today"], gate["out_today"], gate["silent_since"]) == (3, 1, None)
    steps = client.get(f"{LOT}/passages").json()
    assert isinstance(steps, list), steps
    assert sum(each["in"] for each in steps) == 3
    assert [each["count"] for each in client.get(f"{LOT}/true-counts").json()] == [20]


def test_setting_a_count_needs_what_was_read(hub: Hub, client: httpx.Client) -> None:
    _post(client, "gates", _pulses(hub, "in"))
    reader = _as(client, "ops")
    assert reader.post(f"{LOT}/count", json={"count": 2}).status_code == 428
    first = {"If-Match": reader.get(f"{LOT}/count").headers["ETag"]}
    assert reader.post(f"{LOT}/count", json={"count": 2}, headers=first).status_code == 200
    hub.clock.now_s += 1
    stale = reader.post(f"{LOT}/count", json={"count": 9}, headers=first)
    assert (stale.status_code, stale.json()["last_true"]["count"]) == (412, 2)
    [line] = reader.get(f"{LOT}/true-counts").json()
    assert line["count"] == 2


def test_setting_a_count_is_in_the_audit_log(hub: Hub, client: httpx.Client) -> None:
    from cloud_app.accounts.audit import AuditFilter, lines

    _post(client, "gates", _pulses(hub, "in"))
    reader = _as(client, "ops")
    etag = reader.get(f"{LOT}/count").headers["ETag"]
    reader.post(f"{LOT}/count", json={"count": 2}, headers={"If-Match": etag})
    with hub.database.read() as session:
        [line] = lines(session, AuditFilter(action="count.set"), 10)
    assert (line.actor, line.subject, json.loads(line.after)["count"]) == ("ops", "north/garage", 2)


def test_a_key_speaks_for_the_gates_of_its_own_sites(hub: Hub, client: httpx.Client) -> None:
    headers = {"Authorization": "Bearer other"}
    answer = client.post("/api/v1/intake/gates", content=_pulses(hub, "in"), headers=headers)
    assert answer.json() == {"counts": {"unknown_gate": 1}, "unknown": ["gate-1"]}
    with hub.database.read() as session:
        assert not session.rows(select(passage))
    _post(client, "gates", _pulses(hub, "in"))
    # And sees and sets no count of another's.
    assert client.get(f"{LOT}/count", headers=headers).status_code == 404
    other = {**headers, "If-Match": '"0"'}
    assert client.post(f"{LOT}/count", json={"count": 1}, headers=other).status_code == 404
    # Reading needs more than the right to bring.
    bringer = {"Authorization": "Bearer gates"}
    assert client.get(f"{LOT}/count", headers=bringer).status_code == 403
    reader = {"Authorization": "Bearer ops"}
    assert client.post("/api/v1/intake/gates", content=b"[]", headers=reader).status_code == 403


def test_a_level_is_read_and_set_by_hand(hub: Hub, client: httpx.Client) -> None:
    lot = {"name": "Garage", "levels": ["0", "1"], "level_capacities": [30, 20]}
    at = {"site": "north", "lot": "garage", "kind": "gate_counter"}
    with hub.database.write() as session:
        state(session, Edit(Ref("lot", "north/garage"), "test", 0, 1), lot)
        between = {**at, "level": "1", "level_from": "0"}
        state(session, Edit(Ref("device", "gate-1"), "test", 0, 1), between)
    _post(client, "gates", _pulses(hub, "in"))
    _count(hub)
    ops = _as(client, "ops")
    answer = ops.get(f"{LOT}/levels").json()
    assert [each["why"] for each in answer] == ["no_truth", "no_truth"], answer

    def put(level: str, count: int) -> httpx.Response:
        etag = ops.get(f"{LOT}/count").headers["ETag"]
        body = {"count": count, "level": level}
        return ops.post(f"{LOT}/count", json=body, headers={"If-Match": etag})

    assert put("9", 1).json()["detail"] == "level: expected one that is counted (0, 1), but got '9'"
    assert put("1", 8).status_code == 200
    hub.clock.advance(1)
    _post(client, "gates", _pulses(hub, "in", "in"))
    _count(hub)
    ground, deck = _as(client, "ops").get(f"{LOT}/levels").json()
    assert (ground["occupied"], ground["free"], ground["unknown"]) == (0, 0, 30)
    assert (deck["occupied"], deck["free"], deck["balance"], deck["source"]) == (9, 11, 9, "gates")
    told = client.get(f"{LOT}/true-counts").json()
    assert [(each["level"], each["count"]) for each in told] == [("1", 8)]


def test_a_lot_without_gates_has_no_count(client: httpx.Client) -> None:
    assert _as(client, "ops").get(f"{LOT}/count").status_code == 404


def test_a_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    assert _post(client, "gates", b" " * (8 * 1024 * 1024 + 1)).status_code == 413


_JSON = "application/json"
_POSTED = {
    "plate-recognizer": (encoded(PLATE_RECOGNIZER), _JSON, "camera-1"),
    "axis": (encoded(AXIS), _JSON, "axis-1"),
    "hikvision": (*multipart(HIKVISION), "hik-1"),
}


@pytest.mark.parametrize("path", _POSTED)
def test_no_plate_is_in_any_table_answer_or_log(
    hub: Hub, client: httpx.Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    body, kind, gate = _POSTED[path]
    caplog.set_level(logging.DEBUG)
    hub.clock.now_s = 100 * 86_400.0
    answers = [_post(client, path, body, kind)]
    assert answers[0].json() == {"counts": {"taken": 1}, "unknown": []}
    # The same again, and what cannot be used.
    cut = body[: body.upper().index(PLATE.encode()) + 20]
    answers += [_post(client, path, body, kind), _post(client, path, cut, kind)]
    assert answers[2].status_code == 422
    broken = body.replace(b"2026-06-01T", PLATE.encode()).replace(b"178029", PLATE.encode())
    answers.append(_post(client, path, broken.replace(b"20260601", b"x"), kind))
    with hub.database.read() as session:
        [row] = session.rows(select(passage))
        kept = session.rows(select(quarantine.c.payload))
        everything = [
            (table.name, tuple(row))
            for table in every_table().sorted_tables
            for row in session.rows(select(table))
        ]
    assert (row.gate, row.direction, len(row.hash)) == (gate, "in", 64)
    assert kept
    assert {each.payload for each in kept} == {""}
    told = repr(everything) + caplog.text + "".join(each.text for each in answers)
    plain = "".join(each for each in told.upper() if each.isalnum())
    assert PLATE not in plain
