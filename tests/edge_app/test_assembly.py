"""A box is put together whole or not at all, and its parts take up what is replaced."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration import Bay, Calibration, load_calibration, save_calibration
from edge_app.alarms import AlarmKind
from edge_app.assembly import assemble
from edge_app.box import EdgeBox
from edge_app.config import LotsightConfig, parse_config
from edge_app.service import EdgeService
from telemetry import ConfigError, LotsightError

CAMERA = """
[[camera]]
id = "{0}"
source = "picture.png"
calibration_file = "{0}.json"
"""
BOX = """
[edge]
site = "s"
edge = "e"
state_dir = "state"
[http]
enabled = false
[model]
manifest_file = "none.json"
"""


def draw(folder: Path, camera: str, *bays: str) -> None:
    drawn = tuple(
        Bay(id=bay, polygon=((x, 0.3), (x + 0.2, 0.3), (x + 0.2, 0.7), (x, 0.7)))
        for bay, x in zip(bays, (0.1, 0.4, 0.7), strict=False)
    )
    file = folder / f"{camera}.json"
    revision = load_calibration(file).revision if file.exists() else 0
    calibration = Calibration(camera=camera, image_wh=(320, 240), bays=drawn, revision=revision)
    save_calibration(file, calibration, author="ina")


@pytest.fixture
def config(tmp_path: Path) -> LotsightConfig:
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((240, 320, 3), 120, np.uint8))
    draw(tmp_path, "north", "A01")
    draw(tmp_path, "south", "B01")
    text = BOX + CAMERA.format("north") + CAMERA.format("south")
    return parse_config(text, tmp_path / "box.toml")


def bays_of(box: EdgeBox) -> list[str]:
    return [] if box.store.layout is None else [bay.bay for bay in box.store.layout.bays]


def test_a_box_that_cannot_be_put_together_lets_go_of_its_store(
    config: LotsightConfig, tmp_path: Path
) -> None:
    draw(tmp_path, "south", "B01", "A01")
    with pytest.raises(ConfigError, match="'A01' is in the calibrations"):
        assemble(config)
    draw(tmp_path, "south", "B01")
    box = assemble(config)
    assert bays_of(box) == ["A01", "B01"]
    assert [each.kind for each in box.alarms.standing()] == [AlarmKind.MODEL]
    EdgeService(box.parts).stop()  # without a start


def test_cameras_take_up_replaced_calibrations_and_refuse_wrong_ones(
    config: LotsightConfig, tmp_path: Path
) -> None:
    box = assemble(config)
    draw(tmp_path, "south", "B01", "B02")
    box.cameras.reload_changed()
    assert bays_of(box) == ["A01", "B01"], "the thread that judges goes over to it"
    box.scheduler.step()
    assert bays_of(box) == ["A01", "B01", "B02"]
    draw(tmp_path, "south", "A01")
    box.cameras.reload_changed()
    (tmp_path / "north.json").write_text("{}")
    with pytest.raises(LotsightError):
        box.cameras.reload_calibration("north")
    box.scheduler.step()
    assert bays_of(box) == ["A01", "B01", "B02"]
    wrong = {each.camera for each in box.alarms.standing() if each.kind is AlarmKind.CALIBRATION}
    assert wrong == {"north", "south"}
    with pytest.raises(ConfigError, match="north, south, but got 'west'"):
        box.cameras.restart("west")
    EdgeService(box.parts).stop()


def test_a_calibration_that_was_damaged_is_replaced_by_the_last_good_one(
    config: LotsightConfig, tmp_path: Path
) -> None:
    EdgeService(assemble(config).parts).stop()
    (tmp_path / "north.json").write_text("{}")
    box = assemble(config)
    assert bays_of(box) == ["A01", "B01"]
    alarm = next(each for each in box.alarms.standing() if each.kind is AlarmKind.CALIBRATION)
    assert alarm.camera == "north"
    assert "revision 1" in alarm.text
    EdgeService(box.parts).stop()


def test_an_answer_by_eye_is_refused_while_no_image_is_judged(config: LotsightConfig) -> None:
    """A command that was dropped must not be reported as done."""
    box = assemble(config)
    with pytest.raises(ConfigError, match="A01: no image of it is judged yet"):
        box.cameras.confirm("A01", occ=True)
    with pytest.raises(ConfigError, match="expected a bay that a camera sees, but got 'Z99'"):
        box.cameras.confirm("Z99", occ=True)
    EdgeService(box.parts).stop()
