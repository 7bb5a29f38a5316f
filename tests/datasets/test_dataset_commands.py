"""`lotsight dataset` and `lotsight eval --set` on folders in any format, as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from datasets.cli import app
from datasets.convert import Conversion, Target, convert
from datasets.errors import DatasetError
from datasets.eval_cli import app as eval_app
from datasets.formats import read_set
from datasets.frames import LotFrame
from datasets.lots import read_dataset
from datasets.manifest import read_manifest
from datasets.native import write_dataset
from datasets.sets import choose, read_split

MakeFrame = Callable[..., LotFrame]


@pytest.fixture
def frames(make_frame: MakeFrame) -> list[LotFrame]:
    made = [make_frame(f"n{seed}", seed=seed, camera="north") for seed in range(3)]
    return [*made, make_frame("s", split="valid", seed=9, camera="south", states=(None, True))]


@pytest.fixture
def own(frames: list[LotFrame], tmp_path: Path) -> Path:
    write_dataset(frames, tmp_path / "yard")
    return tmp_path / "yard"


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def refused(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, DatasetError)
    return str(result.exception)


def test_info_counts_by_split_and_camera(own: Path) -> None:
    shown = run("info", own)
    assert "yard:train" in shown
    assert "yard:valid" in shown
    assert shown.splitlines()[0].split() == [
        "set", "pictures", "bays", "occupied", "unknown", "cameras"]  # fmt: skip
    assert "all" in shown.splitlines()[-1]
    assert "yard:north" in run("info", own, "--by", "camera")


def test_check_finds_a_planted_copy_and_a_wrong_size(
    frames: list[LotFrame], make_frame: MakeFrame, tmp_path: Path
) -> None:
    write_dataset(frames, tmp_path / "good")
    assert "0 faults" in run("check", tmp_path / "good")
    planted = make_frame("copy", split="valid", image=frames[0].read(), camera="south")
    write_dataset([*frames, planted], tmp_path / "leaky")
    shown = run("check", tmp_path / "leaky", code=1)
    assert "near-identical: leaky:valid copy.jpg and leaky:train n0.jpg" in shown
    assert "1 images have a near-identical one in another" in shown
    assert "near-identical" not in run("check", tmp_path / "leaky", "--no-leaks")
    write_dataset([replace(frames[0], image_wh=(640, 360))], tmp_path / "size")
    assert "expected an image of 640x360, but it has 480x360" in run(
        "check", tmp_path / "size", code=1
    )


def test_check_finds_a_picture_listed_twice(frames: list[LotFrame], tmp_path: Path) -> None:
    write_dataset([frames[0], replace(frames[0], split="valid")], tmp_path / "twice")
    shown = run("check", tmp_path / "twice", code=1)
    assert "n0.jpg: expected the image once, but it is listed 2 times" in shown


def test_convert_there_and_back(own: Path, tmp_path: Path) -> None:
    shown = run("convert", own, "--to", "coco", "--out", tmp_path / "coco", "--licence", "MIT")
    assert "4 images, 8 bays (4 occupied), 0 vehicles; MIT (4)" in shown
    assert "made from" in shown
    run("convert", tmp_path / "coco", "--to", "lotsight", "--out", tmp_path / "back", "--link")
    old, new = read_dataset(own), read_dataset(tmp_path / "back")
    assert [frame.states for frame in new] == [frame.states for frame in old]
    assert [frame.camera for frame in new] == [frame.camera for frame in old]


def test_classes_are_told_and_what_is_left_out_is_said(own: Path, tmp_path: Path) -> None:
    run("convert", own, "--to", "yolo", "--out", tmp_path / "yolo")
    data = tmp_path / "yolo" / "data.yaml"
    data.write_text(data.read_text().replace('"free"', '"p0"'))
    assert "skipped, neither bay nor vehicle: 3 p0 (--class)" in run("info", data.parent)
    shown = run("info", data.parent, "--class", "p0=free", "--format", "yolo")
    assert "skipped" not in shown
    assert "NAME=occupied|free" in refused("info", data.parent, "--class", "p0=empty")


def test_split_by_camera(own: Path, tmp_path: Path) -> None:
    shown = run("split", own, "--by", "camera", "--shares", "train=0.7,test=0.3", "--out",
                tmp_path / "cut")  # fmt: skip
    assert "75.0 % of 70 %" in shown
    sides = {(frame.camera, frame.split) for frame in read_dataset(tmp_path / "cut")}
    assert sides == {("north", "train"), ("south", "test")}
    assert "expected its day" in refused("split", own, "--by", "day", "--out", tmp_path / "x")


def test_versions(own: Path, frames: list[LotFrame], tmp_path: Path) -> None:
    assert "every file matches its manifest" in run("verify", own)
    before = read_manifest(own)
    assert before.version in run("freeze", own, "--note", "nothing new")
    assert (read_manifest(own).note, read_manifest(own).files) == ("nothing new", before.files)
    write_dataset([replace(frames[0], states=(False, False))], tmp_path / "new")
    shown = run("diff", own, tmp_path / "new")
    assert "- images/s.jpg" in shown
    assert "labels: 1 states differ" in shown
    assert "no differences" in run("diff", own, own)
    (own / "images" / "s.jpg").unlink()
    assert "- images/s.jpg" in run("verify", own, code=1)


def test_show_makes_a_sheet_and_a_page(own: Path, tmp_path: Path, browser: Browser) -> None:
    run("show", own, "--out", tmp_path / "shown")
    sheet = cv2.imread(str(tmp_path / "shown" / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] > 800
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "shown" / "index.html").as_uri())
    assert page.locator(".card").count() == 4
    page.get_by_label("Camera").select_option("south")
    assert page.locator(".card b").all_text_contents() == ["s.jpg"]
    assert "1 of 4 images, 1 occupied, 0 free, 1 unknown" in page.locator("#count").inner_text()
    page.get_by_label("Camera").select_option("")
    page.locator(".card").first.click()
    page.keyboard.press("ArrowRight")
    assert page.locator("#name").inner_text() == "n1.jpg"
    page.wait_for_function("document.getElementById('picture').naturalWidth > 0")
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog").is_visible()
    page.close()
    assert faults == []


def test_sets_are_chosen_by_path_in_any_format(
    frames: list[LotFrame], own: Path, tmp_path: Path
) -> None:
    convert(frames, tmp_path / "yolo", Conversion(Target.YOLO))
    yolo = str((tmp_path / "yolo").resolve())
    assert choose([yolo], tmp_path) == [(yolo, "train"), (yolo, "val")]
    assert choose([f"{yolo}:val", "yard:train"], tmp_path) == [(yolo, "val"), ("yard", "train")]
    assert len(read_split(tmp_path, yolo, "val")) == 1
    assert len(read_split(tmp_path, "yard", "train")) == 3
    with pytest.raises(DatasetError, match="split among 'train', 'val', but got 'test'"):
        choose([f"{yolo}:test"], tmp_path)
    with pytest.raises(DatasetError, match="does not exist"):
        choose(["./nowhere"], tmp_path)
    assert read_set(own / "annotations.json").frames[0].set_name == "yard"


def test_eval_judges_a_folder_of_another_format(frames: list[LotFrame], tmp_path: Path) -> None:
    convert(frames, tmp_path / "coco", Conversion(Target.COCO))
    result = CliRunner().invoke(
        eval_app, ["--set", f"{tmp_path / 'coco'}:valid", "--out", str(tmp_path / "report")]
    )
    assert result.exit_code == 0, result.output
    # Of the two bays one is of unknown state, so one is judged.
    assert result.output.split("coco/south")[1].split()[:2] == ["1", "1"]
    assert (tmp_path / "report" / "report.html").is_file()


def test_eval_refuses_a_set_without_known_bays(make_frame: MakeFrame, tmp_path: Path) -> None:
    write_dataset([make_frame("a", states=(None, None))], tmp_path / "blank")
    result = CliRunner().invoke(eval_app, ["--set", str(tmp_path / "blank")])
    assert isinstance(result.exception, DatasetError)
    assert "blank:train: expected bays of known state to judge" in str(result.exception)
