"""`check-config` and `doctor` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from calibration import Bay, Calibration, save_calibration
from edge_app.cli import check_config, doctor
from edge_app.config import render_sample
from models import default_model
from telemetry import ConfigError


@pytest.fixture
def config_file(tmp_path: Path, free_port: Callable[[], int]) -> Path:
    bay = Bay(id="a", polygon=((0.1, 0.1), (0.5, 0.1), (0.5, 0.6), (0.1, 0.6)))
    drawn = Calibration(camera="north", image_wh=(640, 480), bays=(bay,))
    save_calibration(tmp_path / "north.json", drawn, author="test")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((480, 640, 3), np.uint8))
    path = tmp_path / "box.toml"
    path.write_text(
        f'[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nport = {free_port()}\n'
        '[[camera]]\nid = "north"\nsource = "a.png"\ncalibration_file = "north.json"\n'
    )
    return path


def test_the_sample_can_be_printed() -> None:
    result = CliRunner().invoke(check_config.app, ["--print-sample"])
    assert result.exit_code == 0
    assert result.output == render_sample()


def test_a_good_file(config_file: Path) -> None:
    result = CliRunner().invoke(check_config.app, [str(config_file), "--open"])
    assert result.exit_code == 0, result.output
    assert "1 cameras" in result.output
    assert "640x480 px" in result.output
    quick = CliRunner().invoke(check_config.app, [str(config_file), "--quick"])
    assert "model" not in quick.output


def test_a_calibration_that_does_not_load_is_exit_code_1(config_file: Path) -> None:
    config_file.with_name("north.json").write_text("{}")
    result = CliRunner().invoke(check_config.app, [str(config_file)])
    assert result.exit_code == 1
    assert "bad   calibration north" in result.output
    assert CliRunner().invoke(check_config.app, [str(config_file), "--quick"]).exit_code == 0


def test_a_model_whose_usual_input_is_too_small_is_exit_code_1(
    config_file: Path, tmp_path: Path
) -> None:
    entry = default_model()
    facts = json.loads(entry.manifest.model_dump_json())
    facts["input"] |= {"width": 224, "height": 128}
    (tmp_path / "own.json").write_text(json.dumps(facts))
    (tmp_path / entry.path.name).symlink_to(entry.path)
    with config_file.open("a") as file:
        file.write('[model]\nmanifest_file = "own.json"\n')
    result = CliRunner().invoke(check_config.app, [str(config_file)])
    assert result.exit_code == 1
    assert "expected an input of 256x128 px or more, but got 224x128" in result.output


def test_no_file_at_all() -> None:
    with pytest.raises(ConfigError, match="expected a configuration file, or --print-sample"):
        CliRunner().invoke(check_config.app, [], catch_exceptions=False)


def test_the_doctor_looks_at_everything(config_file: Path) -> None:
    result = CliRunner().invoke(doctor.app, ["--config", str(config_file)])
    for what in ("state folder", "clock", "HTTP port", "broker", "model", "camera north"):
        assert what in result.output
    assert result.exit_code == 0, result.output
    config_file.with_name("a.png").unlink()
    result = CliRunner().invoke(doctor.app, ["--config", str(config_file)])
    assert result.exit_code == 1
