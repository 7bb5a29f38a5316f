"""Bays that boxes ask about: listed for a lot, answered by command, asked again if it is lost."""

from __future__ import annotations

import httpx

from cloud_app.accounts.roles import Role
from cloud_app.config import FleetConfig
from cloud_app.fleet.worker import FleetRounds
from cloud_app.storage.database import Database
from telemetry import BlockKind, TopicKind
from telemetry.health import CameraHealth, Health, OutboxHealth
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, add, signed_in
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_command_routes import Wire, ask
from tests.cloud_app.test_intake import take

ANSWER = {"name": "confirm_bay", "args": {"bay": "a2", "occ": True}, "life_s": 60, "id": "eye-1"}
ASKED = [{"edge": "box-1", "bay": "a2", "camera": "cam-1"}]


def health(hub: Hub, edge: ScriptedEdge, *by_eye: str) -> None:
    """The box asks about these bays now; the other camera asks about none."""
    edge.now = hub.clock.utc()
    cameras = (
        CameraHealth(camera="cam-1", up=True, by_eye=by_eye),
        CameraHealth(camera="cam-2", up=True),
    )
    outbox = OutboxHealth(rows=0, bytes=0)
    message = Health(at=edge.now, uptime_s=60.0, outbox=outbox, cameras=cameras)
    take(hub.database, [edge.inbound(TopicKind.HEALTH, message)])


def by_eye(client: httpx.Client, lot: str = "p1") -> object:
    return client.get(f"/api/v1/lots/north/{lot}/by-eye").json()


def test_a_bay_is_asked_about_until_somebody_answers(database: Database) -> None:
    hub, edge = Hub(database, people=PEOPLE), ScriptedEdge()
    fill(hub, edge)
    rounds = FleetRounds(database, Wire(), FleetConfig(), "pk", "$aws", hub.clock)
    add(hub, "tess@example.org", (NORTH, Role.TECHNICIAN))
    add(hub, "vic@example.org", (NORTH, Role.VIEWER))
    with signed_in(hub, "tess@example.org") as tess, signed_in(hub, "vic@example.org") as vic:
        assert by_eye(tess) == []
        health(hub, edge, "a2", "gone")  # of a layout before
        assert by_eye(tess) == ASKED
        assert by_eye(vic) == ASKED
        assert tess.get("/api/v1/lots/south/p1/by-eye").status_code == 404
        assert ask(vic, ANSWER).status_code == 403, "who may only look does not answer"
        assert by_eye(vic) == ASKED

        made = ask(tess, ANSWER)
        assert made.status_code == 202, made.text
        assert ask(tess, ANSWER).json() == made.json(), "the same answer once"
        assert by_eye(tess) == []
        hub.clock.now_s += 61
        rounds.tick()
        assert tess.get("/api/v1/edges/box-1/commands/eye-1").json()["state"] == "expired"
        health(hub, edge, "a2")
        assert by_eye(tess) == ASKED, "the box never heard the answer"

        ask(tess, {**ANSWER, "id": "eye-2"})
        assert by_eye(tess) == []
        hub.clock.now_s += 50
        health(hub, edge, "a2")
        assert by_eye(tess) == [], "told before the answer was used"
        hub.clock.now_s += 80
        assert by_eye(tess) == ASKED, "the box goes on asking"
        health(hub, edge)
        assert by_eye(tess) == []
        health(hub, edge, "a2")
        hub.clock.now_s += 600
        assert by_eye(tess) == [], "a silent box hears no answer"


def test_why_a_bay_is_blocked_comes_with_the_evidence(database: Database) -> None:
    hub, edge = Hub(database, people=PEOPLE), ScriptedEdge()
    fill(hub, edge)
    add(hub, "vic@example.org", (NORTH, Role.VIEWER))
    path = "/api/v1/lots/north/p1/bays/a2/sources"
    with signed_in(hub, "vic@example.org") as vic:
        assert vic.get(path).json()["blocked"] is None
        for _ in range(9):  # `since` stays: more such events than are looked through
            take(hub.database, [edge.block_bay("a2", BlockKind.SNOW), edge.block_bay("a2", None)])
        take(hub.database, [edge.block_bay("a2", BlockKind.NEIGHBOUR)])
        evidence = {"kind": "neighbour", "conf": 0.9, "by": "camera", "share": 0.25}
        assert vic.get(path).json()["blocked"] == evidence
        take(hub.database, [edge.block_bay("a2", None)])
        assert vic.get(path).json()["blocked"] is None
