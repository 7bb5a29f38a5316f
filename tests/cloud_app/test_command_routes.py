"""Commands over HTTP: who may send which, and who gets the files that answer them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cloud_app.accounts.roles import Role
from cloud_app.api.access import digest_of
from cloud_app.cli import app
from cloud_app.config import FleetConfig, HttpConfig, Scope, TokenConfig
from cloud_app.fleet.progress import take_due
from cloud_app.fleet.worker import FleetRounds, FleetWorker
from cloud_app.ingest.link import LinkState
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import EdgeTopics
from telemetry.commands import Command, CommandPart, CommandResult, CommandStatus
from telemetry.errors import TelemetryError
from telemetry.topics import Topic
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, add, signed_in
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge

HTTP = HttpConfig(
    tokens=(TokenConfig(name="ops", sha256=digest_of("ops"), scopes=frozenset(Scope)),)
)
PICTURE = b"\xff\xd8 the lot \xff\xd9" * 20_000
STILL = {"name": "camera_still", "args": {"camera": "cam-1"}}


class Wire:
    """A broker's link that keeps what is published."""

    def __init__(self) -> None:
        self.state = LinkState(True, 0, None)
        self.sent: list[tuple[Topic, bytes, int | None]] = []

    def publish(
        self, topic: Topic, payload: bytes, qos: int = 1, *, expiry_s: int | None = None
    ) -> None:
        assert qos == 1
        self.sent.append((topic, payload, expiry_s))


@dataclass
class Cloud:
    hub: Hub
    wire: Wire
    worker: FleetWorker
    rounds: FleetRounds

    def answer(self, name: str, status: CommandStatus, part: CommandPart | None = None) -> None:
        body = CommandResult(id=name, status=status, at=self.hub.clock.utc(), part=part)
        self.worker.take(str(EdgeTopics("north", "box-1").command_result(name)), body.encode())

    def send_file(self, name: str, data: bytes = PICTURE, media_type: str = "image/jpeg") -> None:
        pieces = [data[at : at + 98_304] for at in range(0, len(data), 98_304)]
        for number, piece in enumerate(pieces, 1):
            part = CommandPart(
                name='a"\r\nb.jpg', media_type=media_type, number=number, parts=len(pieces),
                sha256=hashlib.sha256(data).hexdigest(), data=base64.b64encode(piece).decode(),
            )  # fmt: skip
            self.answer(name, CommandStatus.RUNNING, part)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, HTTP, people=PEOPLE)
    fill(hub, ScriptedEdge())
    wire, config = Wire(), FleetConfig()
    yield Cloud(
        hub,
        wire,
        FleetWorker(database, wire, config, "pk", "$aws", hub.clock, lambda: True),
        FleetRounds(database, wire, config, "pk", "$aws", hub.clock),
    )
    database.close()


def ask(client: httpx.Client, body: object, edge: str = "box-1") -> httpx.Response:
    return client.post(f"/api/v1/edges/{edge}/commands", json=body)


def test_a_still_is_asked_for_and_looked_at_for_minutes(cloud: Cloud) -> None:
    add(cloud.hub, "tess@example.org", (NORTH, Role.TECHNICIAN))
    with signed_in(cloud.hub, "tess@example.org") as tess, cloud.hub.client("ops") as ops:
        made = ask(tess, STILL).json()
        path = f"/api/v1/edges/box-1/commands/{made['id']}"
        assert made["state"] == "waiting"
        assert ask(ops, STILL).status_code == 403, "pictures are for people"
        assert tess.get(f"{path}/file").status_code == 404
        cloud.rounds.tick()
        [(topic, payload, expiry_s)] = cloud.wire.sent
        assert str(topic) == f"pk/v1/north/box-1/cmd/{made['id']}"
        assert Command.model_validate_json(payload).args == {"camera": "cam-1"}
        assert expiry_s == 300
        cloud.send_file(made["id"])
        cloud.send_file(made["id"])  # the broker may bring it twice
        cloud.answer(made["id"], CommandStatus.DONE)
        assert tess.get(path).json()["state"] == "done"
        file = tess.get(f"{path}/file")
        assert file.content == PICTURE
        assert file.headers["content-type"] == "image/jpeg"
        assert file.headers["cache-control"] == "no-store"
        assert file.headers["content-disposition"] == 'inline; filename="a___b.jpg"'
        assert ops.get(f"{path}/file").status_code == 403
        cloud.hub.clock.now_s += 601
        cloud.rounds.tick()
        assert tess.get(f"{path}/file").status_code == 404
        lines = tess.get("/api/v1/edges/box-1/commands").json()
        assert [each["id"] for each in lines] == [made["id"]]


def test_who_may_not(cloud: Cloud) -> None:
    add(cloud.hub, "vic@example.org", (NORTH, Role.VIEWER))
    with signed_in(cloud.hub, "vic@example.org") as vic, cloud.hub.client("ops") as ops:
        assert ask(vic, {"name": "restart_service"}).status_code == 403
        assert ask(ops, {"name": "self_destruct"}).status_code == 422
        assert ask(ops, {"name": "recent_logs", "args": {"lines": 0}}).status_code == 422
        assert ask(ops, {"name": "restart_service"}, "box-9").status_code == 404
        assert ask(ops, {"name": "restart_service", "life_s": 1e9}).status_code == 422
        first = ask(ops, {"name": "restart_service", "id": "c7"})
        assert ask(ops, {"name": "restart_service", "id": "c7"}).json() == first.json()
        clash = ask(ops, {"name": "diagnostics", "id": "c7"})
        assert (clash.status_code, "c7 was used" in clash.text) == (422, True)
        one = "/api/v1/edges/box-1/commands/c7"
        assert vic.get(one).json()["actor"] == "ops"
        assert vic.get(f"{one}/file").status_code == 403
        cloud.rounds.tick()
        gone = ops.delete(one)
        assert (gone.status_code, "this one is sent" in gone.text) == (409, True)


def test_a_file_that_is_not_whole_is_not_given_out(cloud: Cloud) -> None:
    with cloud.hub.client("ops") as ops:
        name = ask(ops, {"name": "recent_logs"}).json()["id"]
        cloud.rounds.tick()
        part = CommandPart(
            name="log.txt", media_type="text/html", sha256="ab" * 32, number=1, parts=2,
            data=base64.b64encode(b"<script>").decode(),
        )  # fmt: skip
        cloud.answer(name, CommandStatus.RUNNING, part)
        path = f"/api/v1/edges/box-1/commands/{name}/file"
        assert ops.get(path).status_code == 409
        cloud.answer(name, CommandStatus.RUNNING, part.model_copy(update={"number": 2}))
        answer = ops.get(path)
        assert (answer.status_code, "announced" in answer.text) == (409, True)
        other = ask(ops, {"name": "diagnostics_bundle"}).json()["id"]
        cloud.send_file(other, b"<script>", "text/html")
        file = ops.get(f"/api/v1/edges/box-1/commands/{other}/file")
        assert file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"].startswith("attachment")


def test_a_box_answers_for_itself_alone(cloud: Cloud) -> None:
    with cloud.hub.client("ops") as ops:
        name = ask(ops, {"name": "restart_service"}).json()["id"]
    with cloud.hub.database.write() as session:
        take_due(session, cloud.hub.context.now().now_ms)
    body = CommandResult(id=name, status=CommandStatus.DONE, at=cloud.hub.clock.utc()).encode()
    for topics, words in (
        (EdgeTopics("north", "box-2"), "edge box-2 does not belong to site north"),
        (EdgeTopics("south", "box-1"), "edge box-1 does not belong to site south"),
    ):
        with pytest.raises(TelemetryError, match=words):
            cloud.worker.take(str(topics.command_result(name)), body)
    with pytest.raises(TelemetryError, match="expected an answer with id other"):
        cloud.worker.take(str(EdgeTopics("north", "box-1").command_result("other")), body)


def test_the_command_line(cloud: Cloud, tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text(f"[database]\nurl = 'sqlite:{tmp_path / 'cloud.db'}'\n")

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            app, ["edge", "command", *words, "-c", str(config), "--wait-s", "0"]
        )
        return result.exit_code, result.output + str(result.exception or "")

    code, output = run("recent_logs", "--site", "north", "--arg", "lines=7")
    assert (code, "box-1" in output, "waiting" in output) == (1, True, True)
    assert "expected --edge, or --site" in run("restart_service")[1]
    assert "expected a site with boxes" in run("restart_service", "--site", "moon")[1]
    assert "expected an argument as name=value" in run("snapshot_now", "-e", "box-1", "-a", "x")[1]
    with cloud.hub.client("ops") as ops:
        [made] = ops.get("/api/v1/edges/box-1/commands").json()
        assert (made["name"], made["args"]) == ("recent_logs", {"lines": 7})
    assert json.dumps(made)
