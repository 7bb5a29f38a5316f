from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import Bay, Calibration, Code, load_calibration, save_calibration
from calibration.cli import app
from calibration.visibility import bay_visibility, check_visibility
from telemetry.errors import CalibrationError
from tests.networks import scripted_spec
from vision.input_size import InputPlan
from vision.judge import Detector
from vision.types import (
    Detections,
    Floats,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
)

Make = Callable[..., Calibration]
SPEC = scripted_spec(input_wh=(960, 544), has_bay_head=False)


class ScriptedDetector:
    """A detector that sees what it is told."""

    def __init__(self, boxes: Sequence[tuple[float, float, float, float]]) -> None:
        count = len(boxes)
        self._found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.full(count, 0.9, np.float32),
            np.zeros(count, np.int64),
        )

    @property
    def spec(self) -> NetworkSpec:
        return SPEC

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        return NetworkOutput(self._found, None)


class ScriptedModels:
    """The models of a machine that has one, which sees a row of cars from above."""

    def spec(self, name: str | None) -> NetworkSpec:
        return SPEC

    def detector(self, name: str | None) -> Detector:
        # Seen from straight above: cars of 4.4 x 1.8 m, 2.5 m apart, 22.7 px a metre.
        boxes = [(300.0, 100.0 + 57 * i, 400.0, 141.0 + 57 * i) for i in range(8) if i != 4]
        return ScriptedDetector(boxes)


def run(*arguments: object, with_models: bool = True) -> Result:
    obj = ScriptedModels() if with_models else None
    return CliRunner().invoke(app, [str(a) for a in arguments], obj=obj)


@pytest.fixture
def north(tmp_path: Path, make_calibration: Make) -> Path:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(4), author="ina")
    return path


def test_check_says_good_with_input_and_cost(north: Path) -> None:
    result = run("check", north)
    assert result.exit_code == 0
    assert "good" in result.output
    assert "network input 960x544 px" in result.output
    assert "network input" not in run("check", north, with_models=False).output


def test_check_of_faulty_files_fails_and_names_the_bay(north: Path, tmp_path: Path) -> None:
    data = json.loads(north.read_text())
    data["bays"][1]["id"] = "A01"
    data["checksum"] = None
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(data))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    result = run("check", north, bad, broken, "--json")
    assert result.exit_code == 1
    good, wrong, unreadable = json.loads(result.output)
    assert [each["code"] for each in good["findings"]] == ["reference"]
    assert good["input"]["tiles"] == 1
    assert [(f["code"], f["bay"]) for f in wrong["findings"]] == [
        ("duplicate_id", "A01"),
        ("reference", None),
    ]
    assert "line 1, column 2" in unreadable["error"]
    assert run("check", bad).exit_code == 1
    assert "1 errors" in run("check", bad).output


def test_check_misses_a_changed_reference_picture(tmp_path: Path) -> None:
    picture = tmp_path / "north.png"
    cv2.imwrite(str(picture), np.full((480, 640, 3), 90, np.uint8))
    path = tmp_path / "north.json"
    assert run("new", path, "--camera", "north", "--image", picture).exit_code == 0
    assert load_calibration(path).image_wh == (640, 480)
    assert "reference" not in run("check", path, "--json").output
    cv2.imwrite(str(picture), np.full((480, 640, 3), 91, np.uint8))
    assert "not the image on which the bays were drawn" in run("check", path, "--json").output
    picture.unlink()
    assert "No such file" in run("check", path, "--json").output


def test_propose_adds_the_bays_under_vehicles_and_between_them(tmp_path: Path) -> None:
    picture = tmp_path / "top.png"
    cv2.imwrite(str(picture), np.full((720, 1100, 3), 90, np.uint8))
    path = tmp_path / "top.json"
    run("new", path, "--camera", "top", "--image", picture)
    out = tmp_path / "look.png"
    result = run("propose", path, picture, "--dry-run", "--out", out)
    assert result.exit_code == 0, result.output
    assert load_calibration(path).bays == ()
    assert cv2.imread(str(out)) is not None
    assert run("propose", path, picture, "--start", "T1").exit_code == 0
    bays = load_calibration(path).bays
    assert [bay.id for bay in bays] == [f"T{i}" for i in range(1, 9)]
    middles = sorted(np.asarray(bay.polygon).mean(0)[1] * 720 for bay in bays)
    np.testing.assert_allclose(np.diff(middles), 57, atol=6)
    again = run("propose", path, picture)
    assert "0 bays proposed" in again.output
    assert load_calibration(path).revision == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["set", "{}", "A01"], "expected one of --kind", id="nothing to set"),
        pytest.param(["set", "{}", "Z9", "--zone", "Z"], "expected bays of this layout", id="bay"),
        pytest.param(["set", "{}", "A01", "--id", "A02"], "was never used", id="taken id"),
        pytest.param(
            ["set", "{}", "A01", "A02", "--id", "X"],
            "one bay to rename, but got 2",
            id="rename two",
        ),
        pytest.param(["set", "{}", "A01", "--polygon", "0,0 1"], "expected x,y", id="points"),
        pytest.param(
            ["set", "{}", "A01", "--polygon", "0,0 1,1"], "3 or more, but got 2", id="two"
        ),
        pytest.param(["set", "{}", "A01", "--zone", "a/b"], "bay A01: zone", id="zone"),
        pytest.param(["lot", "{}", "--location", "north"], "expected two numbers", id="location"),
        pytest.param(
            ["lot", "{}", "--location", "95,0"], "less than or equal to 90", id="latitude"
        ),
        pytest.param(["lot", "{}", "--control", "0,0=1,1"], "none or at least 4", id="control"),
        pytest.param(["rows", "{}", "--quad", "0,0 1,0 1,1", "--count", "3"], "got 3", id="quad"),
        pytest.param(
            ["rows", "{}", "--quad", "0,0 1,0 1,1 0,1", "--count", "3", "--dividers", "a"],
            "fractions such as",
            id="dividers",
        ),
        pytest.param(
            ["rows", "{}", "--quad", "0,0 1,0 1,1 0,1", "--count", "300"], "count", id="count"
        ),
        pytest.param(["mask", "{}", "none"], "expected one of that name", id="mask"),
        pytest.param(["rollback", "{}", "9"], r"saved revision \(1\)", id="rollback"),
        pytest.param(["diff", "{}"], r"saved revision \(1\), but got 0", id="diff"),
        pytest.param(["export", "{}", "-f", "geojson"], "control_points", id="geojson"),
        pytest.param(["draw", "{}", "--out", "x.png"], "an image to draw on", id="draw"),
        pytest.param(["revisions", "/nowhere/x.json"], "with revisions", id="revisions"),
        pytest.param(["import", "/nowhere/x.json", "--into", "{}"], "No such file", id="import"),
        pytest.param(["new", "{}.new", "--camera", "c"], "image size", id="new"),
        pytest.param(["new", "{}.new", "--camera", "c", "--size", "9"], "1280x720", id="size"),
        pytest.param(["propose", "{}", "/nowhere/clip.mp4"], "does not exist", id="clip"),
    ],
)
def test_wrong_use_is_one_clear_error_and_changes_nothing(
    north: Path, arguments: list[str], said: str
) -> None:
    before = north.read_bytes()
    result = run(*(argument.replace("{}", str(north)) for argument in arguments))
    assert isinstance(result.exception, CalibrationError)
    with pytest.raises(CalibrationError, match=said):
        raise result.exception
    assert north.read_bytes() == before


def test_propose_without_models_says_so(north: Path) -> None:
    result = run("propose", north, north, with_models=False)
    assert isinstance(result.exception, CalibrationError)


def test_a_file_changed_by_hand_is_sealed_as_a_revision(north: Path) -> None:
    north.write_text(north.read_text().replace('"A04"', '"B04"'))
    with pytest.raises(CalibrationError, match="edited outside"):
        load_calibration(north)
    assert run("seal", north, "--author", "bo").exit_code == 0
    sealed = load_calibration(north)
    assert (sealed.revision, sealed.bay_ids[3], sealed.retired_ids) == (2, "B04", ("A04",))
    assert run("rollback", north, "1").exit_code == 0
    assert load_calibration(north).bay_ids[3] == "A04"


def test_bays_behind_others_in_a_flat_view_are_hidden() -> None:
    """Two rows seen from 3 m: cars in the front row stand before the back row."""
    from calibration.geometry import as_points
    from calibration.pose import GroundCamera, ground_points

    def bays(height_m: float, tilt_deg: float) -> Calibration:
        view = GroundCamera((1280, 720), 1000, float(np.radians(tilt_deg)), 0.0, height_m)
        found = []
        for row, near in enumerate((14.0, 19.0)):
            for index in range(4):
                left = -5 + 2.5 * index
                ground = np.array(
                    [
                        [left, near + 5],
                        [left + 2.5, near + 5],
                        [left + 2.5, near],
                        [left, near],
                    ]
                )
                quad = view.project(ground_points(ground)) / (1280, 720)
                found.append(Bay(id=f"R{row}-{index}", polygon=as_points(quad)))
        return Calibration(camera="c", image_wh=(1280, 720), bays=tuple(found))

    low = check_visibility(bays(3.0, 12))
    assert {finding.bay for finding in low} >= {"R1-1", "R1-2"}
    assert not {finding.bay for finding in low} & {"R0-0", "R0-1", "R0-2", "R0-3"}
    assert {finding.code for finding in low} == {Code.HIDDEN}
    high = bay_visibility(bays(25.0, 50))
    assert high.shares is not None
    assert min(high.shares) > 0.7
    assert bay_visibility(Calibration(camera="c", image_wh=(640, 480))).shares is None
