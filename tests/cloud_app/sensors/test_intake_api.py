"""Webhooks of network servers over real HTTP: envelopes, keys, tenants, batches, bad bodies."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.database import Database
from telemetry.bounds import MAX_MESSAGE_BYTES
from tests.cloud_app.hub import Hub
from tests.cloud_app.sensors.town import (
    NOW,
    body,
    chirpstack,
    contents,
    eui,
    register,
    things_stack,
)

HTTP = HttpConfig(
    host="0.0.0.0",
    tokens=tuple(
        TokenConfig(name=name, sha256=digest_of(name), sites=sites, scopes=scopes)
        for name, sites, scopes in (
            ("server", frozenset({"north"}), frozenset({Scope.INTAKE})),
            ("south", frozenset({"south"}), frozenset({Scope.INTAKE})),
            ("reader", None, frozenset({Scope.READ})),
            ("north-reader", frozenset({"north"}), frozenset({Scope.READ})),
        )
    ),
)
INTAKE = "/api/v1/intake"


@pytest.fixture
def hub(database: Database) -> Hub:
    register(database, 2)
    register(database, 1, site="south", first=9)
    hub = Hub(database, HTTP)
    hub.clock.now_s = (NOW - hub.clock.utc()).total_seconds()
    return hub


def test_both_envelopes_and_plain_json_over_http(hub: Hub) -> None:
    up = chirpstack(eui(1), "01")
    with hub.client("server") as client:
        answer = client.post(f"{INTAKE}/chirpstack", params={"event": "up"}, json=up)
        assert (answer.status_code, answer.json()["counts"]) == (200, {"taken": 1})
        again = client.post(f"{INTAKE}/chirpstack", params={"event": "up"}, json=up).json()
        assert again["results"] == [{"outcome": "duplicate", "device": eui(1), "detail": None}]
        ack = client.post(f"{INTAKE}/chirpstack", params={"event": "ack"}, json=up).json()
        assert ack["results"][0]["outcome"] == "passed_over"
        answer = client.post(f"{INTAKE}/things-stack", json=things_stack(eui(2), "00"))
        assert answer.json()["counts"] == {"taken": 1}
        batch = [
            {
                "device": eui(1),
                "time": (NOW + timedelta(seconds=60)).isoformat(),
                "occupied": False,
            },
            {"device": eui(2), "occupied": True},
            {"device": "nobody", "id": "1", "occupied": True},
        ]
        answer = client.post(f"{INTAKE}/sensors", json={"readings": batch})
        outcomes = [each["outcome"] for each in answer.json()["results"]]
        assert outcomes == ["taken", "refused", "unknown_device"]
    with hub.client("reader") as client:
        found = {each["device"]: each for each in client.get("/api/v1/sensors").json()}
        assert {name: each["state"] for name, each in found.items()} == {
            eui(1): "free", eui(2): "free", "nobody": "occupied",
        }  # fmt: skip
        one = client.get(f"/api/v1/sensors/{eui(1)}").json()
        assert (one["bay"], one["condition"], one["network"]) == ("b1", "ok", "token server")
        frames = client.get(f"/api/v1/sensors/{eui(1)}/frames").json()
        assert [each["payload"] for each in frames] == [None, "01"]
        assert frames[1]["fields"] == {"occupied": True}
        table = client.get("/api/v1/sensors", params={"format": "csv"}).text
        assert len(table.strip().splitlines()) == 4


def test_a_key_brings_frames_of_its_own_sites_only(hub: Hub) -> None:
    with hub.client("south") as client:
        answer = client.post(
            f"{INTAKE}/chirpstack", params={"event": "up"}, json=chirpstack(eui(1), "01")
        )
        # As for a device that nobody registered: it does not tell that there is one.
        assert answer.json()["results"][0]["outcome"] == "unknown_device"
        taken = client.post(
            f"{INTAKE}/chirpstack", params={"event": "up"}, json=chirpstack(eui(9), "01")
        )
        assert taken.json()["counts"] == {"taken": 1}
        assert client.get("/api/v1/sensors").status_code == 403
    assert [row[0] for row in contents(hub.database, ["source_state"])["source_state"]] == ["south"]
    with hub.client("north-reader") as client:
        assert client.get("/api/v1/sensors").json() == []
        assert client.get(f"/api/v1/sensors/{eui(9)}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer server"}, 200),
        ({"X-API-Key": "server"}, 200),
        ({"X-API-Key": "wrong"}, 401),
        ({"Authorization": "Bearer reader"}, 403),
        ({}, 401),
    ],
)
def test_who_may_post(hub: Hub, headers: dict[str, str], code: int) -> None:
    with hub.client() as client:
        answer = client.post(
            f"{INTAKE}/things-stack", json=things_stack(eui(1), "01"), headers=headers
        )
    assert answer.status_code == code, answer.text


def test_bodies_that_are_none(hub: Hub) -> None:
    def post(path: str, content: bytes, kind: str = "application/json") -> httpx.Response:
        headers = {"Content-Type": kind}
        return client.post(f"{INTAKE}/{path}", content=content, headers=headers)

    with hub.client("server") as client:
        assert post("chirpstack?event=up", b"{").status_code == 400
        assert post("chirpstack?event=up", b"{", "text/plain").status_code == 422
        assert post("chirpstack?event=up", b"{}").status_code == 422
        assert post("chirpstack", body(chirpstack(eui(1), "01"))).status_code == 422
        assert post("things-stack", b"[1]").status_code == 422
        answer = post("sensors", b'{"device": "a", "occupied": true}')
        assert (answer.status_code, "a time or an id" in answer.text) == (422, True)
        assert post("sensors", b"[]").json() == {"counts": {}, "results": []}
        assert post("sensors", b"[" + b"0," * MAX_MESSAGE_BYTES + b"0]").status_code == 413
        ok = body([{"device": eui(1), "id": str(n), "occupied": True} for n in range(1000)])
        assert len(ok) > 50_000
        assert post("sensors", ok).json()["counts"] == {"taken": 1000}
