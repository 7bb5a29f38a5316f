"""Downlinks from a person's request to the device's acknowledgement, over real HTTP both ways."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud_app.api.access import digest_of
from cloud_app.config import (
    CloudConfig,
    DownlinkApiConfig,
    DownlinkConfig,
    HttpConfig,
    Scope,
    SensorsConfig,
    TokenConfig,
)
from cloud_app.ingest.sensors.downlink_sender import DownlinkSender
from cloud_app.ingest.sensors.downlinks import prune_downlinks
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from sensors.downlinks import DownlinkAction
from sensors.envelopes import ServerKind
from telemetry import ConfigError
from tests.cloud_app.hub import Hub
from tests.cloud_app.sensors.town import (
    NOW,
    chirpstack,
    eui,
    register,
    things_stack,
    things_stack_ids,
)

HTTP = HttpConfig(
    host="0.0.0.0",
    tokens=tuple(
        TokenConfig(name=name, sha256=digest_of(name), sites=sites, scopes=frozenset(scopes))
        for name, sites, scopes in (
            ("ops", None, set(Scope)),
            ("reader", None, {Scope.READ}),
            ("south", frozenset({"south"}), set(Scope)),
        )
    ),
)
SITES = frozenset({"north"})


@dataclass
class NetworkServer:
    """Takes downlinks as ChirpStack's REST proxy and The Things Stack's webhook API do."""

    url: str = ""
    answer: tuple[int, dict[str, Any]] = (200, {})
    got: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)


@contextmanager
def serving_a_network() -> Iterator[NetworkServer]:
    server = NetworkServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, self.headers["Authorization"], json.loads(body)))
            code, answer = server.answer
            text = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()


@dataclass
class Town:
    """A hub with an EM400 (1, ChirpStack), a Bosch (2) and an EM400 (3) of The Things Stack."""

    hub: Hub
    server: NetworkServer
    sender: DownlinkSender

    def up(self, client: httpx.Client) -> None:
        """Each is heard of."""
        for number in (1, 2):
            message = chirpstack(eui(number), "01", f_port=85)
            client.post("/api/v1/intake/chirpstack", params={"event": "up"}, json=message)
        client.post("/api/v1/intake/things-stack", json=things_stack(eui(3), "00"))

    def event(self, client: httpx.Client, kind: str, **more: Any) -> str:
        """ChirpStack tells something of a downlink to 1; what became of it."""
        message = {"deviceInfo": {"devEui": eui(1)}, **more}
        answer = client.post("/api/v1/intake/chirpstack", params={"event": kind}, json=message)
        found: str = answer.json()["results"][0]["outcome"]
        return found


@contextmanager
def town_on(database: Database) -> Iterator[Town]:
    for number, profile in ((1, "milesight-em400"), (2, "bosch-tps110"), (3, "milesight-em400")):
        register(database, 1, first=number, profile=profile, threshold_mm=1500.0)
    with serving_a_network() as server:
        apis = tuple(
            DownlinkApiConfig.model_validate(
                {"name": kind.value, "kind": kind, "url": server.url, "token": "t", "sites": SITES}
            )
            for kind in ServerKind
        )
        recalibrate = DownlinkConfig(
            profile="bosch-tps110", action=DownlinkAction.RECALIBRATE, f_port=10, payload="01"
        )
        config = SensorsConfig(downlink_api=apis, downlink=(recalibrate,))
        hub = Hub(database, HTTP, sensors=config)
        hub.clock.now_s = (NOW - hub.clock.utc()).total_seconds()
        yield Town(hub, server, DownlinkSender(database, config, (), hub.clock))


@pytest.fixture
def town(migrated_file: Path, tmp_path: Path) -> Iterator[Town]:
    shutil.copyfile(migrated_file, tmp_path / "cloud.db")
    database = SqliteDatabase(tmp_path / "cloud.db")
    with town_on(database) as town:
        yield town
    database.close()


def path(number: int, downlink: str = "") -> str:
    return f"/api/v1/sensors/{eui(number)}/downlinks" + (f"/{downlink}" if downlink else "")


INTERVAL = {"action": "interval", "interval_s": 1200, "id": "d1"}


def test_from_a_request_to_the_acknowledgement(database: Database) -> None:
    with town_on(database) as town, town.hub.client("ops") as client:
        town.up(client)
        answer = client.post(path(1), json=INTERVAL)
        assert answer.status_code == 202, answer.text
        made = answer.json()
        assert (made["state"], made["payload"], made["f_port"]) == ("waiting", "ff03b004", 85)
        assert client.post(path(1), json=INTERVAL).json() == made, "the same id is the same one"
        other = client.post(path(1), json={**INTERVAL, "interval_s": 600})
        assert other.status_code == 422
        town.server.answer = (200, {"id": "11111111-2222-3333-4444-555555555555"})
        town.sender.tick()
        town.sender.tick()
        [(where, bearer, body)] = town.server.got
        assert (where, bearer) == (f"/api/devices/{eui(1)}/queue", "Bearer t")
        assert body["queueItem"]["data"] == "/wOwBA=="
        assert client.get(path(1, "d1")).json()["state"] == "queued"
        which = {"queueItemId": "11111111-2222-3333-4444-555555555555"}
        # In whatever order they come: the acknowledgement is the end.
        assert town.event(client, "ack", **which, acknowledged=True) == "taken"
        assert town.event(client, "txack", **which) == "taken"
        assert town.event(client, "txack", queueItemId="another") == "passed_over"
        now = client.get(path(1)).json()
        assert now["unreachable"] is None
        assert now["actions"] == ["interval", "restart", "bytes"]
        [one] = now["downlinks"]
        assert one["state"] == "acknowledged"
        assert all(one[name] for name in ("queued", "sent", "acknowledged", "ended"))
        late = client.delete(path(1, "d1"))
        assert (late.status_code, late.json()["detail"]) == (
            409, "only a waiting downlink can be taken back: this one is acknowledged",
        )  # fmt: skip


def test_the_things_stack_by_its_webhook_api(town: Town) -> None:
    with town.hub.client("ops") as client:
        town.up(client)
        client.post(path(3), json={**INTERVAL, "confirmed": False})
        town.sender.tick()
        [(where, _, body)] = town.server.got
        assert where == (
            f"/api/v3/as/applications/parking/webhooks/lotsight/devices/eui-{eui(3)}/down/push"
        )
        [one] = body["downlinks"]
        for name in ("downlink_queued", "downlink_sent"):
            told = {"end_device_ids": things_stack_ids(eui(3)), name: one}
            answer = client.post("/api/v1/intake/things-stack", json=told).json()
            assert answer["counts"] == {"taken": 1}
        found = client.get(path(3, "d1")).json()
        assert (found["state"], found["acknowledged"]) == ("sent", None)
        assert found["ended"], "one that need not be acknowledged ends with its sending"


def test_a_server_that_is_away_and_one_that_refuses(town: Town) -> None:
    with town.hub.client("ops") as client:
        town.up(client)
        client.post(path(1), json=INTERVAL)
        town.server.answer = (503, {})
        town.sender.tick()
        town.sender.tick()
        assert len(town.server.got) == 1, "not again at once"
        found = client.get(path(1, "d1")).json()
        assert (found["state"], "HTTP 503" in found["detail"]) == ("waiting", True)
        town.hub.clock.now_s += 5
        town.server.answer = (404, {"message": "object does not exist"})
        town.sender.tick()
        found = client.get(path(1, "d1")).json()
        assert found["state"] == "failed"
        assert "object does not exist" in found["detail"]


def test_expiry_and_taking_back(town: Town) -> None:
    with town.hub.client("ops") as client:
        town.up(client)
        client.post(path(1), json={**INTERVAL, "life_s": 60})
        client.post(path(1), json={"action": "restart", "id": "d2"})
        assert client.delete(path(1, "d2")).json()["state"] == "cancelled"
        town.sender.tick()
        assert len(town.server.got) == 1, "what was taken back is not sent"
        town.hub.clock.now_s += 61
        town.sender.tick()
        states = {each["id"]: each["state"] for each in client.get(path(1)).json()["downlinks"]}
        assert states == {"d1": "expired", "d2": "cancelled"}
        # What the server tells afterwards is the truth all the same.
        reference = town.server.got[0][2]["queueItem"]["id"]
        town.event(client, "ack", queueItemId=reference, acknowledged=True)
        assert client.get(path(1, "d1")).json()["state"] == "acknowledged"
        client.post(path(1), json={"action": "restart", "id": "d3"})
        with town.hub.database.write() as session:
            prune_downlinks(session, to_ms(town.hub.clock.utc()) + 1)
        assert [each["id"] for each in client.get(path(1)).json()["downlinks"]] == ["d3"]


REFUSED: list[tuple[int, dict[str, Any], str]] = [
    (2, INTERVAL, "Bosch parking lot sensor TPS110 cannot be asked for interval: "),
    (1, {"action": "recalibrate"}, "cannot be asked for recalibrate: "),
    (1, {"action": "interval", "interval_s": 5}, "expected 60 to 64800 s, but got 5"),
    (1, {"action": "restart", "interval_s": 600}, "expected none with restart"),
    (1, {"action": "bytes"}, "expected them with the action bytes"),
    (1, {**INTERVAL, "f_port": 1, "payload": "00"}, "expected them with the action bytes"),
    (1, {"action": "bytes", "f_port": 1}, "expected f_port and payload together"),
]


def test_what_cannot_be_asked_for_and_bytes_of_a_makers_document(town: Town) -> None:
    with town.hub.client("ops") as client:
        town.up(client)
        for number, asked, why in REFUSED:
            answer = client.post(path(number), json=asked)
            assert (answer.status_code, why in answer.text) == (422, True), answer.text
        assert client.get(path(1)).json()["downlinks"] == []
        assert client.get(path(2)).json()["actions"] == ["recalibrate", "bytes"]
        by_config = client.post(path(2), json={"action": "recalibrate"}).json()
        assert (by_config["f_port"], by_config["payload"]) == (10, "01")
        by_hand = client.post(path(2), json={"action": "bytes", "f_port": 7, "payload": "0AFF"})
        assert (by_hand.json()["f_port"], by_hand.json()["payload"]) == (7, "0aff")


def test_who_may(town: Town) -> None:
    with town.hub.client("ops") as client:
        town.up(client)
        client.post(path(1), json=INTERVAL)
    with town.hub.client("reader") as reader:
        assert reader.get(path(1)).status_code == 200
        assert reader.post(path(1), json=INTERVAL).status_code == 403
    with town.hub.client("south") as south:
        answers = [
            south.get(path(1)), south.post(path(1), json=INTERVAL), south.get(path(1, "d1")),
            south.delete(path(1, "d1")),
        ]  # fmt: skip
        assert [each.status_code for each in answers] == [404] * 4
        # Nor may another's key tell what became of it.
        town.sender.tick()
        which = {"queueItemId": town.server.got[0][2]["queueItem"]["id"]}
        assert town.event(south, "ack", **which, acknowledged=True) == "passed_over"


def test_without_a_way(town: Town) -> None:
    register(town.hub.database, 1, site="south", first=8, profile="milesight-em400")
    register(town.hub.database, 2, first=5, profile="milesight-em400")
    with town.hub.client("ops") as client:
        client.post(
            "/api/v1/intake/chirpstack", params={"event": "up"}, json=chirpstack(eui(8), "01")
        )
        answer = client.post(path(8), json=INTERVAL)
        assert answer.status_code == 422
        assert "no [[sensors.downlink_api]] of kind chirpstack is for site 'south'" in answer.text
        plain = {"device": eui(5), "id": "1", "occupied": True}
        client.post("/api/v1/intake/sensors", json=plain)
        assert "names no application" in client.get(path(5)).json()["unreachable"]
        assert client.post(path(6), json=INTERVAL).status_code == 404


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sites": []}, "at least 1"),
        ({"url": "http://chirpstack.example.org"}, "is beyond loopback"),
        ({"url": "chirpstack"}, "expected an address"),
        ({"token": None}, "expected token or token_file"),
        ({"token_file": "x"}, "expected token or token_file"),
    ],
)
def test_an_api_that_is_not_as_it_must_be(change: dict[str, Any], why: str) -> None:
    right = {
        "name": "a", "kind": "chirpstack", "url": "https://c.example.org", "token": "t",
        "sites": ["north"],
    }  # fmt: skip
    assert CloudConfig(sensors={"downlink_api": [right]})
    with pytest.raises(ValueError, match=why):
        CloudConfig(sensors={"downlink_api": [right | change]})


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    given = {
        "name": "a", "kind": "chirpstack", "url": "https://c.example.org", "sites": ["north"],
        "token_file": tmp_path / "none",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="expected a readable token_file"):
        DownlinkApiConfig.model_validate(given).secret()
    (tmp_path / "none").write_text("secret\n")
    assert DownlinkApiConfig.model_validate(given).secret() == "secret"


@pytest.mark.parametrize(
    "change", [{"profile": "none"}, {"action": "interval"}, {"f_port": 0}, {"payload": "0"}]
)
def test_configured_bytes_that_cannot_be_sent(change: dict[str, Any]) -> None:
    right = {"profile": "bosch-tps110", "action": "recalibrate", "f_port": 10, "payload": "01"}
    with pytest.raises(ValueError, match=r"expected|match"):
        SensorsConfig.model_validate({"downlink": [right | change]})
