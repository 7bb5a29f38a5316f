"""What a caller may send: parameters, bodies, names, shadows; each with its right answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, text, update

from cloud_app.config import DatabaseConfig, HttpConfig
from cloud_app.shadow_service import ShadowWorker
from cloud_app.storage.database import Database
from cloud_app.storage.open import open_database
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.tables import edge, shadow
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowDocument
from tests.cloud_app.hub import TOKENS, Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take
from tests.http_server.half_sent import hold_up

SHADOW = "/api/v1/edges/box-1/shadow"


@dataclass
class Served:
    """One box's two hours behind a running server."""

    hub: Hub
    client: httpx.Client


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    if request.param == "sqlite":
        url = f"sqlite:{tmp_path_factory.mktemp('bounds') / 'cloud.db'}"
    else:
        url = request.getfixturevalue("postgres").migrated_database()
    database = open_database(DatabaseConfig(url=SecretStr(url)))
    hub = Hub(database)
    fill(hub, ScriptedEdge())
    with hub.client() as client:
        yield Served(hub, client)
    database.close()


@pytest.fixture
def served(running: Served) -> Served:
    running.hub.published.clear()
    with running.hub.database.write() as session:
        session.run(text("DELETE FROM shadow"))
    return running


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("lots/north/p1/series?start=0001-01-01T00:00:00%2B01:00", 422, id="year-1"),
        pytest.param("lots/north/p1/series?end=9999-12-31T23:59:59-01:00", 422, id="year-9999"),
        pytest.param("lots/north/p1/dwell?end=0001-01-01T00:00:00Z", 422, id="end-of-year-1"),
        pytest.param("lots/north/p1/stays?start=9999-12-31T23:59:59Z", 422, id="stays"),
        pytest.param("edges/box-1/bays/a1/history?start=1999-12-31T23:59:59Z", 422, id="history"),
        pytest.param("incidents?start=0001-01-01T00:00:00%2B01:00", 422, id="incidents"),
        pytest.param("lots/north/p1/dwell?start=2001-01-01T00:00:00Z", 422, id="25-years"),
        pytest.param("lots/north/p1/series?start=99999999999999999999", 422, id="number"),
        pytest.param("lots/north/p9/series", 404, id="series-of-no-lot"),
        pytest.param("lots/south/p1/series", 404, id="series-of-no-site"),
        pytest.param("lots/north/p9/stays", 404, id="stays-of-no-lot"),
        pytest.param("lots/north/p9/dwell", 404, id="dwell-of-no-lot"),
        pytest.param("incidents?bay=%25", 422, id="wildcard"),
        pytest.param("lots/north/p1/stays?bay=%25", 422, id="wildcard-of-stays"),
        pytest.param("incidents?bay=%00", 422, id="nul"),
        pytest.param("incidents?lot=a%00b", 422, id="nul-inside"),
        pytest.param("incidents?edge=%ff%fe", 422, id="not-utf-8"),
        pytest.param("lots?site=%00", 422, id="nul-site"),
        pytest.param("lots/no%00rth/p1", 422, id="nul-in-path"),
        pytest.param("edges/%00", 422, id="nul-edge"),
        pytest.param("edges/box-1/bays/%00/history", 422, id="nul-bay"),
        pytest.param("edges/" + "x" * 65, 422, id="long"),
        pytest.param("lots?sit=north", 422, id="misspelt"),
        pytest.param("edges?start=2026-01-01T00:00:00Z", 422, id="of-another-route"),
        pytest.param("events?limit=1&limit=2", 422, id="twice"),
        pytest.param("events?limit=0", 422, id="too-few"),
        pytest.param("events?limit=1001", 422, id="too-many"),
        pytest.param("events?limit=" + "9" * 5000, 422, id="endless-number"),
        pytest.param("events?limit=NaN", 422, id="not-a-number"),
        pytest.param("incidents?kind=unheard", 422, id="kind"),
        pytest.param("incidents?open=perhaps", 422, id="open"),
        pytest.param("edges/box-1/shadow?name=other", 422, id="shadow-name"),
        pytest.param("lots/north/p1/series?step_s=59", 422, id="small-step"),
        pytest.param("events?site=nowhere", 200, id="no-events"),
    ],
)
def test_a_parameter_has_a_type_and_bounds(served: Served, path: str, code: int) -> None:
    client = served.client
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == code, answer.text
    assert code == 200 or answer.json()["detail"]


@pytest.mark.parametrize("path", ["/%00", "/a%00b", "/" + "x" * 5000, "/../etc/passwd", "/%2e%2e/"])
def test_the_page_has_its_own_files_and_nothing_else(served: Served, path: str) -> None:
    client = served.client
    assert client.get(path).status_code == 404


def test_bays_are_told_apart_by_case(served: Served) -> None:
    edge = ScriptedEdge()
    take(
        served.hub.database,
        [edge.incident("i-1", bays=("a1",)), edge.incident("i-2", bays=("A1",))],
    )
    client = served.client
    found = client.get("/api/v1/incidents", params={"bay": "A1"}).json()
    assert [each["incident"] for each in found] == ["i-2"]


def nested(levels: int) -> str:
    """A section of so many levels."""
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        pytest.param(b'{"desired": {"x": NaN}}', 400, "NaN", id="nan"),
        pytest.param(b'{"desired": {"x": -Infinity}}', 400, "Infinity", id="infinity"),
        pytest.param(b'{"desired": {"x": 1e400}}', 400, "1e400", id="1e400"),
        pytest.param(b'{"desired": {"x": ' + b"9" * 5000 + b"}}", 400, "64-bit", id="digits"),
        pytest.param(b'{"desired": {"x": "\\ud800"}}', 400, "surrogate", id="surrogate"),
        pytest.param(b'{"desired": {"\\udfff": 1}}', 400, "surrogate", id="surrogate-key"),
        pytest.param(f'{{"desired": {nested(8)}}}'.encode(), 200, "", id="8-levels"),
        pytest.param(f'{{"desired": {nested(9)}}}'.encode(), 400, "8 levels", id="9-levels"),
        pytest.param(f'{{"desired": {nested(200)}}}'.encode(), 400, "levels", id="200-levels"),
        pytest.param(
            f'{{"desired": {{"x": {"[" * 5000}{"]" * 5000}}}}}'.encode(), 400, "levels", id="5000"
        ),
        pytest.param(b'{"desired": {"x": 1, "x": 2}}', 400, "twice", id="doubled-key"),
        pytest.param(b'{"desired": {"x": "\xff"}}', 400, "UTF-8", id="not-utf-8"),
        pytest.param('{"desired": {}}'.encode("utf-16"), 400, "UTF-8", id="utf-16"),
        pytest.param(b"{", 400, "JSON", id="half"),
        pytest.param(b"[]", 422, "", id="array"),
        pytest.param(b'{"desired": []}', 422, "", id="section-array"),
        pytest.param(b'{"reported": {}}', 422, "", id="reported"),
        pytest.param(b'{"desired": {}, "version": 1.5}', 422, "", id="version"),
        pytest.param(b'{"desired": {}, "version": -1}', 422, "", id="old-version"),
        pytest.param(b'{"desired": {"x": "' + b"y" * 9000 + b'"}}', 413, "8192", id="document"),
        pytest.param(b" " * 40_000, 413, "32768", id="blanks"),
        pytest.param(b'{"desired": {"x": "\\u0000"}}', 400, "NUL", id="nul"),
    ],
)
def test_what_a_shadow_may_be(served: Served, body: bytes, code: int, word: str) -> None:
    client = served.client
    before = client.get(SHADOW)
    answer = client.patch(SHADOW, content=body, headers={"Content-Type": "application/json"})
    after = client.get(SHADOW)
    assert answer.status_code == code, answer.text
    assert word in json.dumps(answer.json(), ensure_ascii=False)
    if code == 200:
        assert after.status_code == 200
    else:
        assert (after.status_code, after.text) == (before.status_code, before.text), "stored"
        assert served.hub.published == []


def test_a_body_of_unknown_length_is_bounded(served: Served) -> None:
    blanks = (b" " * 1000 for _ in range(10_000))
    headers = {"Content-Type": "application/json"}
    assert served.client.patch(SHADOW, content=blanks, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        pytest.param('{"x": NaN, "y": 1}', {"y": 1}, id="nan"),
        pytest.param('{"x": [1e400, 2]}', {"x": [2]}, id="1e400"),
        pytest.param('{"x": "\\ud800!"}', {"x": "\ufffd!"}, id="surrogate"),
        pytest.param(f'{{"y": 1, "x": {nested(200)}}}', None, id="200-levels"),
    ],
)
def test_what_an_older_service_stored_is_shown_and_heals(
    served: Served, stored: str, shown: dict[str, object] | None
) -> None:
    empty = ShadowDocument(version=3)
    body = (
        f'{{"desired": {stored}, "reported": {{}}, "desired_times": {{}}, "reported_times": {{}},'
        f' "version": {empty.version}, "timestamp_s": 0}}'
    )
    with served.hub.database.write() as session:
        row = {"thing": "box-1", "name": "", "version": 3, "body": body, "changed_ms": 0}
        session.run(insert(shadow), row)
        session.run(update(edge).where(edge.c.edge == "box-1").values(health=stored))
    client = served.client
    got = client.get(SHADOW)
    edges = client.get("/api/v1/edges")
    metrics = client.get("/metrics")
    changed = client.patch(SHADOW, json={"desired": {"z": 1}})
    assert (got.status_code, edges.status_code, metrics.status_code) == (200, 200, 200)
    assert changed.status_code == 200, changed.text
    if shown is not None:
        assert got.json()["document"]["state"]["desired"] == shown
        assert edges.json()[0]["health"] == shown
    for _, payload in served.hub.published:
        json.loads(payload.decode())


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b'{"state": {"desired": {"x": 1e400}}}', id="1e400"),
        pytest.param(b'{"state": {"desired": {"x": NaN}}}', id="nan"),
        pytest.param(b'{"state": {"reported": {"x": "\\ud800"}}}', id="surrogate"),
        pytest.param(b'{"state": {"reported": {}}, "clientToken": "\\ud800"}', id="token"),
        pytest.param(f'{{"state": {{"desired": {nested(9)}}}}}'.encode(), id="9-levels"),
        pytest.param(b'{"state": ' + b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="bytes"),
        pytest.param(b" " * 1_000_000, id="megabyte"),
    ],
)
@pytest.mark.parametrize("action", ["update", "get", "delete"])
def test_over_mqtt_the_same_is_refused_and_the_service_goes_on(
    served: Served, payload: bytes, action: str
) -> None:
    topics = ShadowTopics("box-1")
    answers = served.hub.shadows.answer(str(topics.of(action)), payload)
    assert [str(each.topic).rsplit("/", 1)[1] for each in answers] == ["rejected"]
    worker = ShadowWorker(served.hub.shadows, served.hub._publish, lambda: True)
    worker.offer(str(topics.of(action)), payload)
    worker._serve(*worker._waiting.get_nowait())
    assert served.hub.published[-1][0].endswith("rejected")


HOSTS = [
    pytest.param(
        HttpConfig(),
        {
            "localhost:8090": 200, "LOCALHOST.": 200, "[::1]:8090": 200,
            "evil.example": 400, "192.0.2.7": 400, "127.0.0.1.evil.example": 400,
        },
        id="loopback",
    ),
    pytest.param(
        HttpConfig(hosts=("lots.example",)),
        {"Lots.Example:443": 200, "localhost": 200, "x.lots.example": 400, "evil.example": 400},
        id="named",
    ),
    pytest.param(
        TOKENS,
        {
            "192.0.2.7:8090": 200, "[2001:db8::1]": 200, socket.gethostname(): 200,
            "evil.example": 400, "evil.example:8090": 400, "localhost@evil.example": 400,
        },
        id="tokens",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("config", "hosts"), HOSTS)
def test_a_foreign_host_is_refused(
    tmp_path: Path, config: HttpConfig, hosts: dict[str, int]
) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    with Hub(database, config).client("all") as client:
        for path in ("/api/v1/lots", "/", "/health/live"):
            for host, code in hosts.items():
                answer = client.get(path, headers={"Host": host})
                assert answer.status_code == code, (path, host)
    database.close()


def test_no_forwarded_header_is_believed(database: Database) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil", "X-Real-IP": "192.0.2.7",
        "Forwarded": "for=192.0.2.7;host=evil.example;proto=https", "X-Original-URL": "/metrics",
        "X-HTTP-Method-Override": "PATCH", "X-Rewrite-URL": "/metrics",
    }  # fmt: skip
    with Hub(database, TOKENS).client("all") as client:
        plain = client.get("/api/v1/lots")
        dressed = client.get("/api/v1/lots", headers=headers)
    assert (dressed.status_code, dressed.text) == (plain.status_code, plain.text)
    assert dressed.headers["content-type"] == plain.headers["content-type"]


def test_a_page_of_another_site_changes_nothing(served: Served) -> None:
    client = served.client
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.patch(SHADOW, json={"desired": {}}, headers=headers)
        assert answer.status_code == 403


def test_another_method_is_405_and_says_which(served: Served) -> None:
    client = served.client
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        answer = client.request(method, SHADOW)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, PATCH"


def test_half_sent_requests_hold_nobody_up(running: Served) -> None:
    hold_up(running.client.base_url.port or 0, "/api/v1/lots")
