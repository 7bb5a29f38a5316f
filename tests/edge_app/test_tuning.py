"""Which network suits the processor: measured, kept, used."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_app.cli.doctor import app
from edge_app.config import LotsightConfig, load_config
from edge_app.tuning import (
    TUNING_FILE,
    Measured,
    Tuning,
    choose,
    keep,
    load_tuning,
    tune,
    tuning_of,
    with_tuning,
)
from vision.runtime import ort

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CONFIG = """
[edge]
site = "north"
edge = "box-1"
state_dir = "{folder}/state"
[http]
enabled = false
[[camera]]
id = "cam"
source = "sim:"
calibration_file = "cam.json"
rate_hz = 60
"""


def measured(cpu_ms: float, right: int = 61) -> Measured:
    return Measured(name="n", sha256="0" * 64, threads=1, cpu_ms=cpu_ms, right=right, bays=61)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "box.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    return file


@pytest.fixture
def config(config_file: Path) -> LotsightConfig:
    return load_config(config_file)


@pytest.fixture(scope="module")
def tuning(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    folder = tmp_path_factory.mktemp("box")
    file = folder / "box.toml"
    file.write_text(CONFIG.format(folder=folder))
    return tune(load_config(file), NOW, rounds=1, round_s=0)


@pytest.mark.parametrize(
    ("candidates", "needed_hz", "chosen"),
    [
        ([measured(140), measured(90)], 20.0, 1),
        ([measured(140), measured(90)], 10.0, 0),
        ([measured(140), measured(90, right=60)], 20.0, 0),
        ([measured(140), measured(130)], 20.0, 0),
        ([measured(140), measured(90, right=60), measured(100)], 20.0, 2),
        ([measured(140), measured(150)], 100.0, 0),
    ],
    ids=["too slow", "fast enough", "less right", "hardly faster", "next best", "nothing faster"],
)
def test_the_default_stays_unless_it_is_too_slow_and_another_is_as_right(
    candidates: list[Measured], needed_hz: float, chosen: int
) -> None:
    assert choose(candidates, needed_hz, cores=2) == chosen


def test_the_networks_with_a_bay_head_are_measured(tuning: Tuning) -> None:
    assert {each.name for each in tuning.candidates} == {"lotsight-n", "lotsight-n-int8"}
    assert tuning.needed_hz == 60
    assert all(each.cpu_ms > 1 for each in tuning.candidates)


def test_what_was_measured_here_is_kept_and_used(config: LotsightConfig, tuning: Tuning) -> None:
    keep(tuning, config.edge.state_dir)
    assert tuning_of(config) == tuning
    used = with_tuning(config, tuning)
    assert (used.model.name, used.model.threads) == (tuning.best.name, tuning.best.threads)


def test_what_is_set_by_hand_stays(
    config: LotsightConfig, config_file: Path, tuning: Tuning
) -> None:
    keep(tuning, config.edge.state_dir)
    by_hand = config.model.model_copy(update={"name": "lotsight-n"})
    assert tuning_of(config.model_copy(update={"model": by_hand})) is None
    config_file.write_text(config_file.read_text() + "\n[model]\nthreads = 2\n")
    assert with_tuning(load_config(config_file), tuning).model.threads == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts: facts | {"processor": "another"},
        lambda facts: facts | {"runtime": ort.__version__ + ".1"},
        lambda facts: facts | {"cores": facts["cores"] + 1},
        lambda facts: facts | {"chosen": 99},
        lambda facts: (
            facts | {"candidates": [each | {"sha256": "0" * 64} for each in facts["candidates"]]}
        ),
        lambda _facts: {},
    ],
    ids=["processor", "ONNX Runtime", "cores", "no such candidate", "other network", "empty"],
)
def test_what_was_measured_elsewhere_or_is_damaged_is_not_used(
    config: LotsightConfig,
    tuning: Tuning,
    damage: Callable[[dict[str, object]], dict[str, object]],
) -> None:
    path = keep(tuning, config.edge.state_dir)
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    assert load_tuning(config.edge.state_dir) is None
    assert path.name == TUNING_FILE


def test_the_command_shows_and_keeps_the_result(
    config_file: Path, config: LotsightConfig, tuning: Tuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_app.cli.doctor.tune", lambda _config, _now, _progress: tuning)
    result = CliRunner().invoke(app, ["--config", str(config_file), "--tune"])
    assert f"chosen: {tuning.describe()}" in result.output
    assert load_tuning(config.edge.state_dir) == tuning
