"""The lake in an object store: a real S3 API on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from cloud_app.config import CloudConfig, LakeConfig, S3Config
from cloud_app.errors import LakeError
from cloud_app.rules.outlets import Outlets, no_broker
from cloud_app.storage.lake_queries import pending
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.accounts.kit import PEOPLE
from tests.cloud_app.hub import Hub
from tests.cloud_app.lake.kit import Lake
from tests.cloud_app.rules.kit import RuleDesk, spec
from tests.cloud_app.scripted_edge import ScriptedEdge


@pytest.fixture
def server() -> Iterator[ThreadedMotoServer]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    httpx.put(f"http://{host}:{port}/city-lake").raise_for_status()
    yield running
    running.stop()


@pytest.fixture
def lake(server: ThreadedMotoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    host, port = server.get_host_and_port()
    s3 = S3Config(
        bucket="city-lake",
        prefix="parking/raw",
        endpoint=f"http://{host}:{port}",
        access_key_id="key",
        secret_access_key=SecretStr("secret"),
        timeout_s=2,
    )
    database = SqliteDatabase(tmp_path_factory.mktemp("s3") / "cloud.db")
    yield Lake(database, LakeConfig(s3=s3, roll_rows=1))
    database.close()


def test_events_go_to_a_bucket_and_are_asked_for_there(lake: Lake) -> None:
    edge = ScriptedEdge()
    for n in range(2):
        lake.take(edge.change("a1", bool(n)))
        lake.worker.seal()
    assert len(lake.files()) == 2
    assert lake.event_keys() == [("box-1", 1), ("box-1", 2)]

    with pytest.raises(LakeError, match=r"city-lake/parking/raw/events/.*there is one"):
        lake.store.create(lake.files()[0], b"another")

    lake.clock.advance(86_400)
    lake.worker.tick()
    lake.clock.advance(3_601)
    lake.worker.tick()
    assert len(lake.files()) == 1
    assert lake.event_keys() == [("box-1", 1), ("box-1", 2)]
    assert lake.ask("SELECT count(*) FROM events WHERE date = '2026-03-01'") == [(2,)]


def test_records_of_rules_go_to_the_bucket_too(lake: Lake) -> None:
    desk = RuleDesk(Hub(lake.database, people=PEOPLE))
    Outlets.of(CloudConfig(lake=lake.config), no_broker).check(spec("true", {"kind": "lake"}))
    made = desk.make("event.state == 'occupied'", {"kind": "lake"})
    desk.happen(desk.edge.change("a1", True), desk.edge.change("a1", False))
    lake.worker.seal()
    assert lake.ask("SELECT stream, site, body->>'$.key' FROM records") == [
        (made.id, "north", "p1/a1")
    ]


def test_a_store_that_is_away_holds_nothing_up_and_is_told(
    lake: Lake, server: ThreadedMotoServer
) -> None:
    edge = ScriptedEdge()
    lake.take(edge.change("a1", True))
    lake.worker.tick()
    host, port = server.get_host_and_port()
    server.stop()

    lake.take(edge.change("a1", False), edge.change("a1", True))
    with pytest.raises(LakeError, match="s3://city-lake/parking/raw"):
        lake.worker.tick()

    health = lake.worker.health
    assert health.problem is not None
    assert "secret" not in health.problem
    assert health.pending == 2
    with lake.database.read() as session:
        assert pending(session) == 2
    with socket.socket() as free:
        # Nobody else took the port meanwhile.
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind((host, port))
    back = ThreadedMotoServer(ip_address=host, port=port)
    back.start()
    try:
        # moto keeps its buckets in this process, so this is the same store again.
        lake.worker.tick()
        assert lake.worker.health.problem is None
        assert lake.worker.health.pending == 0
        assert lake.event_keys() == [("box-1", 1), ("box-1", 2), ("box-1", 3)]
    finally:
        back.stop()
