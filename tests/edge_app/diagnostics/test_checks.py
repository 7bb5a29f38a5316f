"""The checks of `doctor` and `check-config`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration import save_calibration
from calibration.reference_files import store_reference
from edge_app.config import LotsightConfig, parse_config
from edge_app.diagnostics.checks import Level, check_cameras, check_machine, check_parts, worst
from tests.edge_app.drawn import calibration


@pytest.fixture
def config(tmp_path: Path, free_port: Callable[[], int]) -> LotsightConfig:
    image = np.random.default_rng(1).integers(40, 220, (480, 640, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    path = tmp_path / "north.json"
    drawn = calibration("north", "a").model_copy(update={"reference": store_reference(path, image)})
    save_calibration(path, drawn, author="test")
    text = (
        f'[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nport = {free_port()}\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        '[[camera]]\nid = "north"\nsource = "a.png"\ncalibration_file = "north.json"\n'
    )
    return parse_config(text, tmp_path / "box.toml")


def test_a_good_box_passes(config: LotsightConfig) -> None:
    checks = check_parts(config) + check_cameras(config)
    assert {check.level for check in checks} == {Level.OK}
    assert [check.what for check in checks] == [
        "model", "calibration north", "layout", "camera north",
    ]  # fmt: skip


def test_the_doctor_finds_what_is_wrong_with_the_machine(config: LotsightConfig) -> None:
    found = {check.what: check for check in check_machine(config)}
    assert found["state folder"].level in {Level.OK, Level.WARNING}
    assert found["HTTP port"].level is Level.OK
    assert found["broker"].is_bad
    with socket.create_server(("127.0.0.1", config.http.port)):
        found = {check.what: check for check in check_machine(config)}
    assert found["HTTP port"].level is Level.WARNING
    config.edge.state_dir.rmdir()
    config.edge.state_dir.write_text("a file")
    assert worst(check_machine(config)).what == "state folder"


def test_a_picture_of_another_shape_is_told(config: LotsightConfig, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(40, 220, (480, 480, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), noise)
    (check,) = check_cameras(config)
    assert check.is_bad
    assert "480x480 px" in check.text
    assert "640x480, on which the bays were drawn" in check.text
    (tmp_path / "a.png").unlink()
    (check,) = check_cameras(config)
    assert check.is_bad


def test_a_calibration_without_a_reference_picture_is_told(
    config: LotsightConfig, tmp_path: Path
) -> None:
    (tmp_path / "north.json").unlink()
    save_calibration(tmp_path / "north.json", calibration("north", "a"), author="test")
    [told] = [check for check in check_parts(config) if check.level is Level.WARNING]
    assert "no reference image" in told.text
    assert "`lotsight calibration reference" in told.text


def test_parts_that_do_not_load(config: LotsightConfig, tmp_path: Path) -> None:
    (tmp_path / "north.json").write_text("[]")
    model = config.model.model_copy(update={"manifest_file": tmp_path / "gone.json"})
    bad = config.model_copy(update={"model": model})
    assert [check.what for check in check_parts(bad) if check.is_bad] == [
        "model", "calibration north",
    ]  # fmt: skip
