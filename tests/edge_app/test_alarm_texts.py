"""What the alarms of the service's parts say, and where they send a technician."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration import Calibration
from edge_app.alarm_texts import calibration_alarm, camera_alarm, link_alarm, model_alarm
from edge_app.config import CameraConfig
from edge_app.live_state import CameraCondition, CameraStatus, LiveView
from telemetry import CalibrationError, ModelError


@pytest.mark.parametrize(
    ("revision", "exists", "says"),
    [
        pytest.param(None, False, "no bays: it has no calibration", id="missing"),
        pytest.param(None, True, "no bays: its calibration is invalid", id="broken"),
        pytest.param(
            4, False, "its calibration file is missing: still using revision 4", id="deleted"
        ),
        pytest.param(
            4, True, "the new calibration is invalid: still using revision 4", id="new-broken"
        ),
    ],
)
def test_a_calibration_fault_says_what_is_used_and_where_to_mend_it(
    tmp_path: Path, revision: int | None, exists: bool, says: str
) -> None:
    file = tmp_path / "north.json"
    if exists:
        file.write_text("[]")
    camera = CameraConfig(id="north", source="a.png", calibration_file=file)
    used = None
    if revision is not None:
        used = Calibration(camera="north", image_wh=(640, 360), bays=(), revision=revision)
    alarm = calibration_alarm(camera, used, CalibrationError(f"{file}: why"))
    assert alarm.name == "calibration-north"
    assert alarm.text == f"camera north: {says}"
    assert alarm.detail == f"{file}: why"
    assert alarm.in_editor is not exists, "the editor cannot open a file that is wrong"
    assert ("editor" in alarm.remedy) is not exists


def test_a_model_fault_says_whether_bays_are_judged() -> None:
    error = ModelError("net.json: missing")
    assert model_alarm(error, has_model=False).line == (
        "no model can be loaded: bays are not judged: net.json: missing"
    )
    assert "still using the previous one" in model_alarm(error, has_model=True).text


def test_what_the_link_tells_stands_as_it_is() -> None:
    alarm = link_alarm("no consumer acknowledges events")
    assert alarm.line == "no consumer acknowledges events"
    assert "cloud" in alarm.remedy


@pytest.mark.parametrize("condition", list(CameraCondition))
def test_a_camera_that_does_not_do_its_work_is_one_alarm(condition: CameraCondition) -> None:
    view = LiveView("north", None, None, (), CameraStatus(condition, "seen for 3 s"))
    alarm = camera_alarm(view, has_model=True)
    if condition in {CameraCondition.STARTING, CameraCondition.LIVE}:
        assert alarm is None
        return
    assert alarm is not None
    assert alarm.name == "camera-north"
    assert alarm.text == f"camera north: {condition.value.replace('_', ' ')}"
    assert alarm.detail.endswith(": seen for 3 s")
    assert alarm.remedy
    without_model = camera_alarm(view, has_model=False)
    expected = None if condition is CameraCondition.MODEL_ERROR else alarm
    assert without_model == expected, "that there is no model is told once, for the box"
