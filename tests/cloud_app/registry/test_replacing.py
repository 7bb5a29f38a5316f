"""A replaced device keeps the bay, and both histories tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloud_app.config import HttpConfig
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.hub import Hub

ROOT = "/api/v1/registry"
OLD = {
    "site": "north", "lot": "p1", "bay": "a1", "kind": "sensor", "serial": "70b3d5e75e003b1a",
    "profile": "nwave-nps405", "period_s": 3600, "firmware": "1.0",
}  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    with Hub(database, HttpConfig()).client() as client:
        for path in ("sites/north", "lots/north/p1", "bays/north/p1/a1"):
            assert client.put(f"{ROOT}/{path}", json={}).status_code == 201
        assert client.put(f"{ROOT}/devices/s1", json=OLD).status_code == 201
        yield client
    database.close()


def replaced(client: httpx.Client, body: dict[str, str], version: int = 1) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'}
    return client.post(f"{ROOT}/devices/s1/replacement", json=body, headers=headers)


def facts(client: httpx.Client, device: str) -> dict[str, object]:
    found: dict[str, object] = client.get(f"{ROOT}/devices/{device}").json()["facts"]
    return found


def test_the_new_one_has_the_bay(client: httpx.Client) -> None:
    answer = replaced(client, {"device": "s2", "serial": "70b3d5e75e00ffff"})
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"old": "s1", "new": "s2", "site": "north", "lot": "p1", "bay": "a1"}
    old, new = facts(client, "s1"), facts(client, "s2")
    assert (old["lot"], old["bay"], old["serial"]) == (None, None, OLD["serial"])
    assert {name: new[name] for name in ("bay", "profile", "period_s")} == {
        "bay": "a1", "profile": "nwave-nps405", "period_s": 3600,
    }  # fmt: skip
    assert (new["serial"], new["firmware"]) == ("70b3d5e75e00ffff", None)
    for device, changes in (("s1", 2), ("s2", 1)):
        assert len(client.get(f"{ROOT}/devices/{device}/history").json()) == changes


def test_what_cannot_be_replaced(client: httpx.Client) -> None:
    assert replaced(client, {"device": "s2"}, version=7).status_code == 412
    assert "the same" in replaced(client, {"device": "s1"}).text
    client.put(f"{ROOT}/devices/s3", json=OLD | {"serial": "x"})
    assert "s3 has its own place" in replaced(client, {"device": "s3"}).text
    assert facts(client, "s1")["bay"] == "a1", "nothing was changed"
    client.put(f"{ROOT}/devices/s4", json={"site": "north"})
    headers = {"If-Match": '"1"'}
    gone = client.post(f"{ROOT}/devices/s4/replacement", json={"device": "s5"}, headers=headers)
    assert (gone.status_code, "none to hand on" in gone.text) == (422, True)
    missing = client.post(f"{ROOT}/devices/s9/replacement", json={"device": "s5"}, headers=headers)
    assert missing.status_code == 404
