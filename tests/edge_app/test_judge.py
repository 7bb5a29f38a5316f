"""`lotsight judge` on pictures and clips, with the real network and real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import Bay, Calibration, Line, save_calibration
from calibration.clips import ClipReader
from edge_app.cli.judge import app
from edge_app.judging import ClipJudge, ClipOptions, ClipWriter, PictureJudge
from edge_app.judging.calibrations import read_bays
from models import default_model, find_model, open_detector
from simulator.entrance import EntranceScene, SimulatedEntrance
from telemetry import CalibrationError, CameraError, LotsightError
from vision import ImageBgr, OnnxDetector

WH = (320, 240)
BAYS = {
    "width": WH[0],
    "height": WH[1],
    "bays": [[[20 + 90 * n, 60], [100 + 90 * n, 60], [100 + 90 * n, 200], [20 + 90 * n, 200]]
             for n in range(3)],
}  # fmt: skip
MODEL = "yolo11n-vehicles"


def free_lot(shade: int = 110, size_wh: tuple[int, int] = WH) -> ImageBgr:
    """Painted lines on asphalt: something to see, but no car."""
    image = np.full((size_wh[1], size_wh[0], 3), shade, np.uint8)
    for x in range(10, size_wh[0], 45):
        cv2.line(image, (x, 10), (x, size_wh[1] - 10), (215, 215, 215), 3)
    return image


FREE_PICTURE = free_lot()


@pytest.fixture(scope="module")
def detector() -> OnnxDetector:
    return open_detector(find_model(MODEL), threads=2)


@pytest.fixture
def bays_file(tmp_path: Path) -> Path:
    path = tmp_path / "lot.bays.json"
    path.write_text(json.dumps(BAYS))
    return path


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    path = tmp_path / "lot.png"
    cv2.imwrite(str(path), FREE_PICTURE)
    return path


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    def make(seconds: float = 2, rate: int = 10, size_wh: tuple[int, int] = WH) -> Path:
        path = tmp_path / "lot.mp4"
        with ClipWriter(path, size_wh, Fraction(rate)) as writer:
            for step in range(int(seconds * rate)):
                shade = 100 + step % 20
                writer.write(step / rate, free_lot(shade, size_wh))
        return path

    return make


def invoke(*arguments: object) -> Result:
    # Boxes only: the pictures made here look like no lot that a bay head was trained on.
    arguments = (*arguments, "--model", MODEL)
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_picture_becomes_a_drawn_picture_and_json(
    tmp_path: Path, picture_file: Path, bays_file: Path
) -> None:
    result = invoke(picture_file, "-c", bays_file, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    drawn = cv2.imread(str(tmp_path / "out" / "lot.judged.png"))
    assert drawn is not None
    assert drawn.shape[1] == WH[0]
    assert drawn.shape[0] > WH[1], "the summary strip"
    found = read_json(tmp_path / "out" / "lot.judged.json")
    assert found["image_wh"] == list(WH)
    assert found["model"]["sha256"] == find_model(MODEL).manifest.sha256
    assert len(found["bays"]) == 3
    assert [bay["occ"] for bay in found["bays"]] == [False] * 3
    assert all(bay["prob"] < 0.5 < bay["conf"] for bay in found["bays"])
    assert found["counts"] == {"occupied": 0, "free": 3, "unknown": 0}
    assert "3 bays" in result.output


def test_a_clip_becomes_a_drawn_clip_and_its_changes(
    tmp_path: Path, make_clip: Callable[..., Path], bays_file: Path
) -> None:
    result = invoke(make_clip(), "-c", bays_file, "-o", tmp_path / "out", "--rate-hz", 5)
    assert result.exit_code == 0, result.output
    with av.open(str(tmp_path / "out" / "lot.judged.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 10
        assert sum(1 for _ in container.decode(stream)) == 20
    found = read_json(tmp_path / "out" / "lot.judged.json")
    assert (found["frames"], found["judged"]) == (20, 10)
    assert [change["occ"] for change in found["changes"]] == [False] * 3
    assert {change["since_s"] for change in found["changes"]} == {0}
    assert [state["occ"] for state in found["states"]] == [False] * 3


def test_a_clip_of_which_one_frame_is_judged_says_why_nothing_is_known(
    tmp_path: Path, make_clip: Callable[..., Path], bays_file: Path
) -> None:
    result = invoke(make_clip(), "-c", bays_file, "-o", tmp_path / "out", "--rate-hz", 0.1)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "(starting)" in said
    assert "expected 2 or more, but got 1 in" in said
    assert "--rate-hz 0.1" in said


def test_a_time_lapse_counts_time_of_the_scene(
    make_clip: Callable[..., Path], bays_file: Path, detector: OnnxDetector
) -> None:
    def decided_at_s(speed: float) -> float:
        work = PictureJudge(detector, read_bays(bays_file, WH))
        clip = ClipJudge(work, ClipOptions(rate_hz=10, speed=speed))
        with ClipReader(make_clip()) as reader:
            list(clip.run(reader.frames()))
        return clip.report().changes[0].at_s

    assert decided_at_s(1) == pytest.approx(0.5, abs=0.11)
    assert decided_at_s(100) == pytest.approx(0.1, abs=0.01)


def test_a_calibration_file_of_ours_is_taken(tmp_path: Path, picture_file: Path) -> None:
    outline = ((0.1, 0.2), (0.4, 0.2), (0.4, 0.8), (0.1, 0.8))
    path = tmp_path / "north.json"
    bays = Calibration(camera="north", image_wh=WH, bays=(Bay(id="P1", polygon=outline),))
    save_calibration(path, bays, author="test")
    result = invoke(picture_file, "-c", path, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = read_json(tmp_path / "out" / "lot.judged.json")
    assert (found["camera"], found["calibration_revision"]) == ("north", 1)
    assert found["bays"][0]["bay"] == "P1"


def refused(*arguments: object) -> LotsightError:
    error = invoke(*arguments).exception
    assert isinstance(error, LotsightError), error
    return error


def test_wrong_sources_are_named(tmp_path: Path, bays_file: Path) -> None:
    out = tmp_path / "out"
    assert "no such file" in str(refused(tmp_path / "none.png", "-c", bays_file, "-o", out))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert "expected a whole image, but got something else" in str(
        refused(broken, "-c", bays_file, "-o", out)
    )
    text = tmp_path / "text.mp4"
    text.write_text("no clip")
    error = refused(text, "-c", bays_file, "-o", out)
    assert isinstance(error, CameraError)
    assert "text.mp4: cannot open this clip" in str(error)


def test_a_clip_that_breaks_off_is_judged_as_far_as_it_goes(
    tmp_path: Path, make_clip: Callable[..., Path], bays_file: Path
) -> None:
    whole = make_clip(seconds=6).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(len(whole) * 0.7)])
    result = invoke(cut, "-c", bays_file, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert 5 < read_json(tmp_path / "out" / "cut.judged.json")["frames"] < 60


def test_a_picture_of_another_shape_is_refused(tmp_path: Path, bays_file: Path) -> None:
    wide = tmp_path / "wide.png"
    cv2.imwrite(str(wide), free_lot(size_wh=(400, 100)))
    error = refused(wide, "-c", bays_file, "-o", tmp_path / "out")
    assert isinstance(error, CalibrationError)
    assert "320x240, on which the bays were drawn, but got 400x100" in str(error)


def test_odd_sides_are_cut_to_even_ones(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with ClipWriter(path, (33, 21), Fraction(5)) as writer:
        writer.write(0, np.zeros((21, 33, 3), np.uint8))
    with ClipReader(path) as reader:
        [(time_s, image)] = list(reader.frames())
    assert (time_s, image.shape) == (0, (20, 32, 3))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(CameraError, match=r"a\.mp4: cannot write this clip"),
        ClipWriter(tmp_path / "none" / "a.mp4", WH, Fraction(5)) as writer,
    ):
        writer.write(0, FREE_PICTURE)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["carpark_topview", "lot_timelapse_day"])
def test_shared_clips(shared_data: Path, detector: OnnxDetector, name: str) -> None:
    """Bays of the shared clips are judged at 1 frame/s; every bay becomes known."""
    folder = shared_data / "video"
    with ClipReader(folder / f"{name}.mp4") as reader:
        work = PictureJudge(detector, read_bays(folder / f"{name}.bays.json", reader.image_wh))
        clip = ClipJudge(work, ClipOptions(rate_hz=1, speed=10 if "lapse" in name else 1))
        list(clip.run(reader.frames()))
    report = clip.report()
    assert report.judged >= 6
    known = sum(state.occ is not None for state in report.states)
    assert known >= 0.9 * len(report.states)


# Free bays of carpark_topview at two moments, checked by eye; all others are occupied, but for one
# whose car is half out of it at the first moment.
FREE_FROM_ABOVE = {
    1.0: {7, 14, 27, 34, 36, 39, 42, 53, 55, 57, 59, 66, 67},
    12.0: {7, 14, 17, 27, 34, 36, 39, 42, 52, 53, 55, 57, 59, 66, 67},
}
LEAVING: dict[float, set[int]] = {1.0: {52}, 12.0: set()}


@pytest.mark.data
def test_every_bay_seen_from_straight_above(shared_data: Path) -> None:
    """The shipped model was not trained on this clip, and stock models see no cars in it."""
    folder = shared_data / "video"
    with ClipReader(folder / "carpark_topview.mp4") as reader:
        bays = read_bays(folder / "carpark_topview.bays.json", reader.image_wh)
        work = PictureJudge(open_detector(default_model()), bays)
        judged = {
            moment_s: work.judge(image).states
            for time_s, image in reader.frames()
            for moment_s in FREE_FROM_ABOVE
            if abs(time_s - moment_s) < 0.02
        }
    assert set(judged) == set(FREE_FROM_ABOVE)
    for moment_s, states in judged.items():
        occ = {n: state.occ for n, state in enumerate(states, start=1)}
        unsure = {n for n, value in occ.items() if value is None}
        free = {n for n, value in occ.items() if value is False}
        assert len(unsure - LEAVING[moment_s]) <= 5
        assert free - LEAVING[moment_s] == FREE_FROM_ABOVE[moment_s] - unsure


@pytest.mark.data
def test_an_acpds_frame_with_the_box_rule(shared_data: Path) -> None:
    """Most bays of an unseen lot, with stock weights and boxes alone."""
    table = read_json(shared_data / "acpds" / "annotations.json")["valid"]
    at = table["file_names"].index("GOPR6594.jpg")
    image: ImageBgr = cv2.imread(str(shared_data / "acpds" / "images" / "GOPR6594.jpg"))  # type: ignore[assignment]
    image_wh = (image.shape[1], image.shape[0])
    bays = tuple(
        Bay(id=f"b{n}", polygon=tuple((float(x), float(y)) for x, y in roi))
        for n, roi in enumerate(table["rois_list"][at])
    )
    work = PictureJudge(
        open_detector(find_model("yolo11n-vehicles")),
        Calibration(camera="c", image_wh=image_wh, bays=bays),
    )
    said = [state.occ for state in work.judge(image).states]
    right = np.mean([a == b for a, b in zip(said, table["occupancy_list"][at], strict=True)])
    assert right >= 0.85


def test_a_clip_is_counted_over_its_lines_and_they_are_drawn(tmp_path: Path) -> None:
    entrance = SimulatedEntrance(EntranceScene(passing=1, image_wh=WH, people=False), seed=2)
    (crossing,) = entrance.crossings()
    source, file = tmp_path / "gate.mp4", tmp_path / "gate.json"
    start_s = crossing.time_s - 2.5
    with ClipWriter(source, WH, Fraction(8)) as writer:
        for number in range(36):
            writer.write(number / 8, entrance.frame(start_s + number / 8))
    points = tuple((float(x), float(y)) for x, y in entrance.line_norm)
    line = Line(id="main", points=points)
    save_calibration(file, Calibration(camera="gate", image_wh=WH, lines=(line,)), author="ina")
    arguments = [source, "-c", file, "-o", tmp_path / "out", "--any-view"]
    result = CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    found = read_json(tmp_path / "out" / "gate.judged.json")
    counts = {"in": 0, "out": 0} | {crossing.direction.value: 1}
    assert found["lines"] == {"main": counts}
    (passage,) = found["passages"]
    assert passage["vehicle"] in {"car", "truck"}
    assert passage["at_s"] == pytest.approx(2.5, abs=1.5)
    assert f"line main: {counts['in']} in, {counts['out']} out" in result.output
