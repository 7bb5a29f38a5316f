"""The network in use: missing at first, found, replaced by a damaged one, and who hears of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_app.alarms import Alarms
from edge_app.config import ModelConfig
from edge_app.network import ActiveNetwork, ModelFiles
from models import default_model
from telemetry import ModelError


class Setting:
    """A network whose files lie in a folder, and a subscriber."""

    def __init__(self, folder: Path) -> None:
        self.manifest = folder / default_model().path.with_suffix(".json").name
        self.alarms = Alarms()
        self.tasks: list[Callable[[], None]] = []
        self.used: list[str] = []
        self.faults: list[str] = []
        config = ModelConfig(manifest_file=self.manifest, threads=1)
        self.network = ActiveNetwork(ModelFiles(config), self.alarms, self.tasks.append)
        self.network.subscribe(
            lambda detector: self.used.append(detector.spec.version), self.faults.append
        )

    def bring(self) -> None:
        entry = default_model()
        shutil.copyfile(entry.path.with_suffix(".onnx"), self.manifest.with_suffix(".onnx"))
        shutil.copyfile(entry.path.with_suffix(".json"), self.manifest)

    def work(self) -> None:
        """What the thread that judges does."""
        while self.tasks:
            self.tasks.pop(0)()

    def texts(self) -> list[str]:
        return [each.text for each in self.alarms.standing()]


def test_a_network_that_comes_later_is_taken_up(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    assert setting.network.model_ref() is None
    assert "cannot read this model manifest" in setting.faults[0]
    assert setting.texts() == ["no model can be loaded: bays are not judged"]
    setting.network.reload_if_changed()
    assert not setting.tasks, "nothing has come"
    setting.bring()
    setting.network.reload_if_changed()
    assert setting.texts() == []
    assert not setting.network.has_model, "the thread that judges has not come to it"
    setting.work()
    ref = setting.network.model_ref()
    assert ref is not None
    assert setting.used == [ref.version]
    late: list[str] = []
    setting.network.subscribe(lambda detector: late.append(detector.spec.version))
    assert late == [ref.version], "a later subscriber is told at once"


def test_a_damaged_one_is_an_alarm_and_the_one_before_goes_on(tmp_path: Path) -> None:
    Setting(tmp_path).bring()
    setting = Setting(tmp_path)
    assert len(setting.used) == 1
    setting.manifest.with_suffix(".onnx").write_bytes(b"damaged")
    setting.network.reload_if_changed()
    with pytest.raises(ModelError, match=setting.manifest.stem):
        setting.network.reload()
    setting.work()
    assert len(setting.used) == 1
    assert setting.network.has_model
    assert setting.texts() == ["the new model cannot be loaded: still using the previous one"]
