"""Settings from the cloud: tried out, kept or undone, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge_app.config import LotsightConfig, load_config
from edge_app.config.changeable import schema_of, values_of
from edge_app.remote_settings import FILE, MAX_STARTS, RemoteSettings
from telemetry import ConfigError, ManualClock
from telemetry.config_faults import models_in
from telemetry.shadow import JsonObject, delta

TEXT = """
[edge]
site = "s"
edge = "e"
state_dir = "state"
[mqtt]
host = "localhost"
port = 1883
[evidence]
enter_hold_s = 3.0
[[camera]]
id = "north"
source = "sim:day"
calibration_file = "n.json"
"""
GUARDED = '[remote]\nsettings = "guarded"\n'


class Bench:
    """A box that starts, works and dies as a test says."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        self.file, self.clock = folder / "box.toml", ManualClock()
        self.file.write_text(text)
        self.state = folder / "state" / FILE
        self.restarts: list[str] = []
        self.up: Sequence[str] = ("north",)
        self.settings = self.start()

    def start(self) -> RemoteSettings:
        """Also after a power cut: nothing but the files is left."""
        self.settings = RemoteSettings(self.file, self.clock)
        self.settings.run_by(self.restarts.append, lambda: self.up)
        return self.settings

    def wish(self, attempt: str | None = None, **sections: Any) -> None:
        """What the box is told of what is desired, as a shadow tells it."""
        desired: dict[str, Any] = {"settings": sections}
        if attempt is not None:
            desired["attempt"] = attempt
        if difference := delta(desired, self.settings.report()):
            self.settings.follow(difference)

    @property
    def change(self) -> Any:
        return self.settings.report().get("change")

    def hold_s(self) -> float:
        return self.settings.config.evidence.enter_hold_s


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_change_is_tried_with_a_restart_and_kept(bench: Bench) -> None:
    bench.wish("1", evidence={"enter_hold_s": 5})
    assert bench.restarts == ["settings from the cloud are tried out"]
    assert (bench.hold_s(), bench.change["state"]) == (3.0, "trying")
    bench.settings.look()
    assert bench.change["state"] == "trying", "the trial begins with the restart"
    bench.start()
    assert bench.hold_s() == 5.0
    bench.settings.look()
    assert bench.change["state"] == "trying", "the cloud did not answer yet"
    bench.settings.answered()
    bench.settings.look()
    assert (bench.change["state"], bench.settings.report()["attempt"]) == ("applied", "1")
    bench.start()
    assert (bench.hold_s(), bench.change["state"]) == (5.0, "applied")
    bench.wish("1", evidence={"enter_hold_s": 5})
    assert len(bench.restarts) == 1


def test_a_change_that_is_told_again_during_its_trial_is_tried_once(bench: Bench) -> None:
    wish: JsonObject = {"settings": {"evidence": {"enter_hold_s": 5}}, "attempt": "1"}
    bench.settings.follow(wish)
    bench.start()
    bench.settings.follow(wish)  # sent before the cloud heard of the trial
    bench.settings.answered()
    bench.settings.look()
    assert (bench.change["state"], bench.hold_s()) == ("applied", 5.0)
    assert len(bench.restarts) == 1
    bench.settings.follow(wish | {"attempt": "2"})
    assert (bench.change["state"], bench.settings.report()["attempt"]) == ("applied", "2")
    assert len(bench.restarts) == 1, "it is in force, whoever asks for it"


def test_a_change_that_cuts_the_box_off_is_undone_and_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, TEXT + GUARDED)
    bench.wish("1", mqtt={"port": 1})
    bench.start()
    assert bench.settings.config.mqtt is not None
    assert bench.settings.config.mqtt.port == 1
    bench.clock.advance(299)
    bench.settings.look()
    assert len(bench.restarts) == 1
    bench.clock.advance(2)
    bench.settings.look()
    assert bench.restarts[1:] == ["settings from the cloud are undone"]
    bench.start()
    assert bench.settings.config.mqtt is not None
    assert bench.settings.config.mqtt.port == 1883
    assert bench.change["state"] == "rolled_back"
    assert bench.change["reason"] == "within 300 s: no answer from the cloud"
    bench.wish("1", mqtt={"port": 1})
    assert len(bench.restarts) == 2, "the same change is not tried twice"
    bench.wish("2", mqtt={"port": 1})
    assert len(bench.restarts) == 3, "unless somebody asks again"


def test_a_camera_that_no_longer_works_undoes_a_change(bench: Bench) -> None:
    bench.wish(camera={"north": {"rate_hz": 30}})
    bench.start()
    bench.settings.answered()
    bench.up = ()
    bench.settings.look()
    bench.clock.advance(301)
    bench.settings.look()
    bench.start()
    assert bench.settings.config.camera[0].rate_hz == 1.0
    assert "camera north does not work" in bench.change["reason"]


def test_a_service_that_dies_again_and_again_undoes_a_change(bench: Bench) -> None:
    bench.wish(evidence={"enter_hold_s": 5})
    for _ in range(MAX_STARTS):
        bench.start()
        assert bench.hold_s() == 5.0
    bench.start()
    assert bench.hold_s() == 3.0
    assert "never came back healthy" in bench.change["reason"]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        pytest.param({"evidence": {"enter_hold_s": -1}}, "greater than or equal to 0", id="range"),
        pytest.param({"evidence": {"leave_prob": 0.9}}, "leave", id="contradiction"),
        pytest.param({"mqtt": {"host": "x"}}, "mqtt.host: not a setting", id="guarded"),
        pytest.param({"http": {"password": "x"}}, "http.password: not a setting", id="secret"),
        pytest.param({"privacy": {"outside": False}}, "privacy.outside: not", id="privacy"),
        pytest.param(
            {"camera": {"south": {"rate_hz": 1}}}, "camera.south.rate_hz: not", id="camera"
        ),
        pytest.param({"log": {"level": ["a"]}}, "log.level", id="type"),
        pytest.param({"remote": {"settings": "guarded"}}, "remote.settings: not", id="itself"),
    ],
)
def test_what_may_not_be_is_rejected_and_told(
    bench: Bench, sections: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        bench.wish(**sections)
    assert bench.change["state"] == "rejected"
    assert words in bench.change["reason"]
    assert bench.restarts == []
    bench.start()
    assert bench.change["state"] == "rejected"
    bench.wish(**sections)  # told once


def test_the_environment_is_stronger(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTSIGHT_EVIDENCE__ENTER_HOLD_S", "7")
    bench.start()
    with pytest.raises(ConfigError, match="by the box's environment"):
        bench.wish(evidence={"enter_hold_s": 5})


def test_a_second_change_waits_for_the_first(bench: Bench) -> None:
    bench.wish("1", evidence={"enter_hold_s": 5})
    bench.start()
    bench.wish("2", evidence={"enter_hold_s": 5, "leave_hold_s": 9})
    assert len(bench.restarts) == 1
    bench.settings.answered()
    bench.settings.look()
    assert len(bench.restarts) == 2
    bench.start()
    assert (bench.hold_s(), bench.settings.config.evidence.leave_hold_s) == (5.0, 9.0)


@pytest.mark.parametrize("text", ["", "{", '{"active": 3}', '{"active": {"edge": {"edge": "x"}}}'])
def test_a_damaged_state_leaves_the_file_in_force(bench: Bench, text: str) -> None:
    bench.state.parent.mkdir(exist_ok=True)
    bench.state.write_text(text)
    assert bench.start().config == load_config(bench.file)


def test_a_state_that_cannot_be_written_changes_nothing(bench: Bench) -> None:
    bench.state.parent.rmdir() if bench.state.parent.exists() else None
    bench.state.parent.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="nothing could be undone"):
        bench.wish(evidence={"enter_hold_s": 5})
    assert bench.restarts == []


def test_the_schema_says_what_the_box_takes(bench: Bench) -> None:
    config = bench.settings.config
    schema, values = schema_of(config), values_of(config)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert validator.is_valid(values)
    assert len(json.dumps(schema)) + len(json.dumps(values)) < 8_000
    for wrong in (
        {"evidence": {"enter_hold_s": -1}}, {"http": {"port": 1}}, {"mqtt": {"host": "x"}},
        {"camera": {"north": {"source": "x"}}}, {"log": {"level": "loud"}},
    ):  # fmt: skip
        assert not validator.is_valid(wrong), wrong


def test_every_named_setting_is_one_and_none_is_a_secret() -> None:
    found = 0
    for field in LotsightConfig.model_fields.values():
        for model in models_in(field.annotation):
            safe: frozenset[str] = getattr(model, "REMOTE", frozenset())
            guarded: frozenset[str] = getattr(model, "GUARDED", frozenset())
            assert safe | guarded <= model.model_fields.keys()
            assert not safe & guarded
            assert not any("password" in name or "_file" in name for name in safe | guarded)
            found += len(safe)
    assert found > 30
