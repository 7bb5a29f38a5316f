"""Settings of a box over HTTP: checked by the schema that the box published, changed by version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud_app.config import HttpConfig
from cloud_app.fleet.settings import SettingsError, check_settings
from cloud_app.storage.sqlite import SqliteDatabase
from edge_app.remote_settings import RemoteSettings
from telemetry.aws import ShadowName, ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge

PATH = "/api/v1/edges/box-1/settings"
BOX = """
[edge]
site = "north"
edge = "box-1"
state_dir = "state"
[mqtt]
host = "localhost"
port = 1883
[[camera]]
id = "north"
source = "sim:day"
calibration_file = "n.json"
"""


class Box:
    """The box's own settings, and a shadow service in place of the broker."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.file = hub, folder / "box.toml"
        self.file.write_text(BOX)
        self.restarts = 0
        self.start()

    def start(self) -> None:
        self.settings = RemoteSettings(self.file)
        self.settings.run_by(self._restart, lambda: ())
        self._say(ShadowName.CLASSIC, {"settings_schema": self.settings.schema()})
        self.report()
        self.settings.answered()

    def _restart(self, _why: str) -> None:
        self.restarts += 1

    def report(self) -> None:
        self._say(ShadowName.CONFIG, self.settings.report())

    def _say(self, name: ShadowName, reported: Any) -> None:
        update = ShadowUpdate(reported=reported, sections=frozenset({"reported"}))
        self.hub.shadows.update(ShadowTopics("box-1", name), update)

    def hear(self) -> None:
        """The last delta that was published."""
        topic = str(ShadowTopics("box-1", ShadowName.CONFIG).delta)
        found = [payload for where, payload in self.hub.published if where == topic]
        self.settings.follow(json.loads(found[-1])["state"])


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, HttpConfig())
    fill(hub, ScriptedEdge())
    yield Box(hub, tmp_path)
    database.close()


def change(client: httpx.Client, version: int, **settings: Any) -> httpx.Response:
    return client.patch(PATH, json={"settings": settings, "version": version})


def test_a_change_from_the_page_to_the_box_and_back(box: Box) -> None:
    with box.hub.client() as client:
        before = client.get(PATH).json()
        assert before["values"]["evidence"]["enter_hold_s"] == 4.0
        assert (before["state"], before["delta"]) == ("none", {})
        fields = before["settings_schema"]["properties"]["evidence"]["properties"]
        assert fields["enter_hold_s"]["title"] == "Enter hold"

        asked = change(client, before["version"], evidence={"enter_hold_s": 6})
        assert (asked.status_code, asked.json()["state"]) == (200, "pending")
        assert asked.json()["delta"] == {"evidence": {"enter_hold_s": 6}}
        stale = change(client, before["version"], evidence={"enter_hold_s": 7})
        assert stale.status_code == 409
        box.hear()
        box.report()
        assert client.get(PATH).json()["state"] == "trying"
        assert box.restarts == 1
        box.start()
        box.settings.look()
        box.report()
        after = client.get(PATH).json()
        assert (after["state"], after["delta"], after["reason"]) == ("applied", {}, "")
        assert after["values"]["evidence"]["enter_hold_s"] == 6.0


def test_what_the_box_refuses_is_told(box: Box) -> None:
    with box.hub.client() as client:
        # Each number is in its range; only the box knows that the two do not go together.
        version = client.get(PATH).json()["version"]
        assert change(client, version, evidence={"leave_prob": 0.9}).status_code == 200
        with pytest.raises(Exception, match="leave"):
            box.hear()
        box.report()
        after = client.get(PATH).json()
        assert after["state"] == "rejected"
        assert "leave" in after["reason"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"evidence": {"enter_hold_s": -1}}, "evidence.enter_hold_s: -1", id="range"),
        pytest.param({"evidence": {"speed": 1}}, "speed", id="unknown"),
        pytest.param({"mqtt": {"host": "x"}}, "host", id="guarded"),
        pytest.param({"http": {"password": "x"}}, "http", id="secret"),
        pytest.param({"log": {"level": "loud"}}, "loud", id="word"),
        pytest.param({"camera": {"north": {"source": "x"}}}, "source", id="camera"),
    ],
)
def test_what_cannot_be_does_not_reach_the_box(
    box: Box, settings: dict[str, Any], words: str
) -> None:
    with box.hub.client() as client:
        version = client.get(PATH).json()["version"]
        answer = change(client, version, **settings)
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
        raw = f"{PATH.removesuffix('settings')}shadow?name=config"
        assert client.patch(raw, json={"desired": {"settings": settings}}).status_code == 422
    assert box.hub.published == []


def test_a_box_without_a_schema_takes_nothing() -> None:
    with pytest.raises(SettingsError, match="takes no settings"):
        check_settings({}, {"evidence": {}})
    with pytest.raises(SettingsError, match="is none"):
        check_settings({"type": 7}, {"evidence": {}})
