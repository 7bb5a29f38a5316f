"""A picture that was cut off is a fault, whatever form the set is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from datasets.checks import check_frame
from datasets.cli import app
from datasets.convert import Conversion, Target, convert
from datasets.formats import SetFormat, read_set
from datasets.frames import LotFrame

MakeFrame = Callable[..., LotFrame]
POLYGON = "<point x='48' y='36'/><point x='144' y='36'/><point x='144' y='144'/>"
VOC = (
    "<annotation><filename>a.jpg</filename><size><width>480</width><height>360</height></size>"
    "<object><name>free</name><bndbox><xmin>48</xmin><ymin>36</ymin><xmax>144</xmax><ymax>144</ymax>"
    "</bndbox></object></annotation>"
)
CVAT = (
    '<annotations><image name="a.jpg" width="480" height="360"><polygon label="free" '
    'points="48,36;144,36;144,144"/></image></annotations>'
)


def write(form: SetFormat, frame: LotFrame, folder: Path) -> None:
    """A set of one picture in a form."""
    if form.value in set(Target):
        convert([frame], folder, Conversion(Target(form.value)))
        return
    name = "A/free/20150703_1425_32.jpg" if form is SetFormat.CNRPARK else "a.jpg"
    texts = {
        SetFormat.CNRPARK: ("LABELS/all.txt", f"{name} 0\n"),
        SetFormat.PKLOT: ("a.xml", f"<parking><space id='1' occupied='0'><contour>{POLYGON}"
                                   "</contour></space></parking>"),
        SetFormat.VOC: ("a.xml", VOC),
        SetFormat.CVAT: ("a.xml", CVAT),
    }  # fmt: skip
    place, text = texts[form]
    for path, content in ((place, text.encode()), (name, frame.path.read_bytes())):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.mark.parametrize("form", list(SetFormat))
def test_check_names_it_in_every_form(
    form: SetFormat, make_frame: MakeFrame, tmp_path: Path
) -> None:
    write(form, make_frame("a"), tmp_path / "set")
    run = CliRunner()
    sound = run.invoke(app, ["check", str(tmp_path / "set"), "--format", form])
    assert sound.exit_code == 0, sound.output
    [frame] = read_set(tmp_path / "set").frames
    content = frame.path.read_bytes()
    frame.path.write_bytes(content[: len(content) * 35 // 100])
    failed = run.invoke(app, ["check", str(tmp_path / "set")])
    assert failed.exit_code == 1
    assert f"{frame.path.name}: expected a whole image" in failed.output.replace("\n", "")
    assert "1 images checked, 1 faults" in failed.output


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
def test_every_kind_of_picture_cut_anywhere(
    suffix: str, share: float, make_frame: MakeFrame, tmp_path: Path
) -> None:
    frame = make_frame("a")
    image = frame.read()
    path = tmp_path / f"cut{suffix}"
    content = cv2.imencode(suffix, image)[1].tobytes()
    found = replace(frame, path=path)
    path.write_bytes(content)
    assert check_frame(found) == []
    path.write_bytes(content[: int(len(content) * share)])
    [fault] = check_frame(found)
    assert f"cut{suffix}: expected a whole image" in fault
