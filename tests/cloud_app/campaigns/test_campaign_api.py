"""Campaigns over HTTP: who may, what is refused, and how one is followed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cloud_app.accounts.roles import Role
from cloud_app.fleet.campaigns.rounds import CampaignRounds
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, add, signed_in
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

ROOT = "/api/v1/campaigns"
DRAFT: dict[str, Any] = {
    "name": "net 2",
    "kind": "model",
    "payload": {"target": "net-2.onnx", "companions": ["net-2.json"], "version": "2.0"},
    "edges": ["box-1"],
}


@pytest.fixture
def hub(tmp_path: Any) -> Any:
    database = SqliteDatabase(tmp_path / "cloud.db")
    take(database, [*ScriptedEdge().hello(), *ScriptedEdge("box-2", "south", "p2").hello()])
    yield Hub(database, TOKENS, people=PEOPLE)
    database.close()


def test_a_campaign_lives(hub: Hub) -> None:
    with hub.client("all") as client:
        made = client.post(ROOT, json=DRAFT)
        assert made.status_code == 201, made.text
        body = made.json()
        assert (body["state"], body["boxes"], body["actor"]) == ("draft", {"pending": 1}, "ops")
        one = f"{ROOT}/{body['id']}"
        started = client.post(f"{one}/start", headers={"If-Match": '"1"'})
        assert started.json()["state"] == "running"
        CampaignRounds(hub.database, 1e9, hub.clock).tick()
        [box] = client.get(f"{one}/boxes").json()
        assert (box["edge"], box["state"], box["batch"]) == ("box-1", "queued", 0)
        stale = client.post(f"{one}/pause", headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert stale.json()["detail"] == "expected version 1 of the campaign, but it has 2"
        no_way = client.post(f"{one}/stop", json={"roll_back": True}, headers={"If-Match": '"2"'})
        assert (no_way.status_code, "without one" in no_way.text) == (409, True)
        stopped = client.post(f"{one}/stop", json={}, headers={"If-Match": '"2"'})
        assert stopped.json()["reason"] == "stopped by ops"
        assert stopped.json()["boxes"] == {"cancelled": 1}
        again = client.post(f"{one}/start", headers={"If-Match": '"3"'})
        assert again.json()["detail"] == "a campaign that is stopped cannot become running"
        assert [each["id"] for each in client.get(ROOT).json()] == [body["id"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"edges": ["box-9"]}, "expected boxes that you may operate, but got box-9"),
        ({"edges": ["box-1", "box-1"]}, "expected each box once"),
        ({"kind": "harvest"}, "uploadUrl is required for a harvest"),
        ({"canaries": 0}, "greater than or equal to 1"),
        ({"more": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(hub: Hub, change: dict[str, Any], told: str) -> None:
    with hub.client("all") as client:
        refused = client.post(ROOT, json=DRAFT | change)
        assert refused.status_code == 422
        assert told in refused.text
        assert client.get(ROOT).json() == []


def _made(client: httpx.Client, *edges: str) -> str:
    answer = client.post(ROOT, json=DRAFT | {"edges": list(edges)})
    answer.raise_for_status()
    return str(answer.json()["id"])


def test_tenants_are_walled(hub: Hub) -> None:
    add(hub, "v@example.org", (NORTH, Role.VIEWER))
    with hub.client("all") as all_of_it, hub.client("north-only") as north:
        own, both = _made(all_of_it, "box-1"), _made(all_of_it, "box-1", "box-2")
        assert [each["id"] for each in north.get(ROOT).json()] == [own]
        assert north.get(f"{ROOT}/{both}").status_code == 404
        assert north.get(f"{ROOT}/{both}/boxes").status_code == 404
        assert north.post(ROOT, json=DRAFT).status_code == 403, "a key that only reads"
    with signed_in(hub, "v@example.org") as viewer:
        assert viewer.get(f"{ROOT}/{own}").status_code == 200
        start = viewer.post(f"{ROOT}/{own}/start", headers={"If-Match": '"1"'})
        assert start.status_code == 403
