"""One annotation that is no outline does not refuse a set: it is left out, and its place told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from datasets.cli import app
from datasets.errors import DatasetError
from datasets.formats import SetFormat, read_set
from datasets.lots import read_dataset

Put = Callable[..., Path]
BAY_PX = [20, 10, 80, 10, 80, 50, 20, 50]
BAY_NORM = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.5], [0.1, 0.5]]
COCO: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}],
    "categories": [{"id": 1, "name": "free"}, {"id": 2, "name": "car"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [BAY_PX]},
        {"id": 2, "image_id": 1, "category_id": 2, "bbox": [20, 10, 60, 40]},
    ],
}
CVAT = """<annotations><image id="0" name="a.jpg" width="200" height="100">
<polygon label="free" points="20,10;80,10;80,50;20,50"/>
<box label="car" xtl="20" ytl="10" xbr="80" ybr="50"/>{}</image></annotations>"""
VOC = """<annotation><filename>a.jpg</filename><size><width>200</width><height>100</height></size>
<object><name>free</name><bndbox><xmin>20</xmin><ymin>10</ymin><xmax>80</xmax><ymax>50</ymax>
</bndbox></object><object><name>car</name><bndbox><xmin>20</xmin><ymin>10</ymin><xmax>80</xmax>
<ymax>50</ymax></bndbox></object>{}</annotation>"""
PKLOT = """<parking><space id="1" occupied="0"><contour><point x="20" y="10"/>
<point x="80" y="10"/><point x="80" y="50"/><point x="20" y="50"/></contour></space>{}</parking>"""
OBJECT = ("<object><name>car</name><bndbox><xmin>{}</xmin><ymin>10</ymin><xmax>80</xmax>"
          "<ymax>50</ymax></bndbox></object>")  # fmt: skip
LINE = "<contour><point x='1' y='1'/><point x='9' y='1'/></contour>"
OURS: dict[str, Any] = {
    "file_names": ["a.jpg"],
    "rois_list": [[BAY_NORM]],
    "occupancy_list": [[False]],
    "vehicles": [[[0.1, 0.1, 0.4, 0.5, "car"]]],
}


@dataclass(frozen=True)
class Foreign:
    """A set with a bay, mostly a car as well, and something that is neither."""

    name: str
    text: str
    said: str


def coco(annotation: dict[str, Any], said: str) -> Foreign:
    row = {"id": 3, "image_id": 1, "category_id": 1, **annotation}
    data = COCO | {"annotations": [*COCO["annotations"], row]}
    return Foreign("a.json", json.dumps(data), f"annotations[2]{said}")


def ours(rois: list[Any], vehicles: list[Any], said: str) -> Foreign:
    table = OURS | {
        "rois_list": [[BAY_NORM, *rois]],
        "occupancy_list": [[False] * (1 + len(rois))],
        "vehicles": [[*OURS["vehicles"][0], *vehicles]],
    }
    return Foreign("annotations.json", json.dumps({"train": table}), said)


FOREIGN = [
    pytest.param(coco({"segmentation": {"counts": "x", "size": [1, 1]}}, ".segmentation: expected "
                      "a polygon, but got a run-length mask"), id="coco mask"),
    pytest.param(coco({"bbox": [20, 10, 0, 40]}, ": expected an outline with an area"),
                 id="coco width 0"),
    pytest.param(coco({"bbox": [20, 10, 0, 40], "category_id": 2}, ": expected an outline with"),
                 id="coco car of width 0"),
    pytest.param(coco({"segmentation": [[1, 2, 3, 4]]}, ".segmentation[0]: expected an even count"),
                 id="coco line"),
    pytest.param(coco({}, ".bbox: expected a polygon, or a box"), id="coco point"),
    pytest.param(coco({"image_id": 9}, ".image_id: expected the id of an image"), id="coco image"),
    pytest.param(coco({"category_id": 9}, ".category_id: expected one of"), id="coco category"),
    pytest.param(Foreign("a.xml", CVAT.format('<polyline label="free" points="1,1;5,5;9,1"/>'),
                         "image 0 (a.jpg), polyline 3: expected a polygon or a box"), id="cvat"),
    pytest.param(Foreign("a.xml", CVAT.format('<mask label="free" rle="1"/>'), "mask 3: expected"),
                 id="cvat mask"),
    pytest.param(Foreign("a.xml", CVAT.format(
                         '<box label="free" xtl="5" ytl="1" xbr="5" ybr="9"/>'),
                         "box 3: expected an outline with an area"), id="cvat width 0"),
    pytest.param(Foreign("a.xml", VOC.format(OBJECT.format(80)), "object 3: expected an outline"),
                 id="voc width 0"),
    pytest.param(Foreign("a.xml", VOC.format(OBJECT.format("left")), "object 3, xmin: expected"),
                 id="voc word"),
    pytest.param(Foreign("a.xml", PKLOT.format(f'<space id="2">{LINE}</space>'),
                         "space 2: expected a <contour> or <rotatedRect>"), id="pklot line"),
    pytest.param(Foreign("labels/a.txt", "0 .25 .3 .3 .4\n1 .25 .3 .3 .4\n0 .25 .3 0 .4\n",
                         "line 3: expected an outline with an area"), id="yolo width 0"),
    pytest.param(Foreign("labels/a.txt", "0 .25 .3 .3 .4\n1 .25 .3 .3 .4\n0 .25 .3 .1\n",
                         "line 3: expected an even count"), id="yolo short"),
    pytest.param(ours([[[0, 0], [1, 1]]], [], "bay 1: expected corners of shape"), id="ours line"),
    pytest.param(ours([], [[0.1, 0.1, 0.1, 0.5, "car"]], "vehicle: expected x_min < x_max"),
                 id="ours width 0"),
]  # fmt: skip


@pytest.fixture
def put_set(put: Put) -> Callable[[Foreign], Path]:
    def write(foreign: Foreign) -> Path:
        put("a.jpg")
        put("images/a.jpg")
        if foreign.name.startswith("labels"):
            put("data.yaml", "train: images\nnames: [free, car]\n")
        return put(foreign.name, foreign.text)

    return write


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_rest_is_read_and_the_item_is_told(
    foreign: Foreign, put_set: Callable[[Foreign], Path], folder: Path
) -> None:
    path = put_set(foreign)
    reading = read_set(folder)
    [frame] = reading.frames
    assert frame.states == (False,)
    assert len(frame.vehicles) == (0 if "parking" in foreign.text else 1)
    [told] = reading.left_out
    assert told.startswith(str(path))
    assert foreign.said in told
    with pytest.raises(DatasetError) as caught:
        read_set(folder, is_strict=True)
    assert foreign.said in str(caught.value)


def test_commands_tell_it_and_can_be_strict(
    put: Put, put_set: Callable[[Foreign], Path], folder: Path, tmp_path: Path
) -> None:
    put_set(coco({"segmentation": {"counts": "x", "size": [1, 1]}}, ""))
    run = CliRunner()
    for command in (["info"], ["convert", "--to", "yolo", "--out", str(tmp_path / "out")]):
        shown = run.invoke(app, [*command, str(folder)])
        assert shown.exit_code == 0, shown.output
        assert "skipped: " in shown.output
        assert "annotations[2].segmentation: expected a polygon" in shown.output
        strict = run.invoke(app, [*command, str(folder), "--strict"])
        assert isinstance(strict.exception, DatasetError)
    shown = run.invoke(app, ["check", str(folder)])
    assert shown.exit_code == 1
    assert "1 faults, 1 of them skipped annotations" in shown.output


def test_a_set_of_which_nothing_can_be_read_is_refused(put: Put, folder: Path) -> None:
    mask = {"image_id": 1, "category_id": 1, "segmentation": {"counts": "x"}}
    put("a.json", COCO | {"annotations": [mask, mask]})
    put("a.jpg")
    with pytest.raises(DatasetError, match=r"annotations\[0\]\.segmentation.* \(and 1 more\)"):
        read_set(folder)


def test_a_thing_seen_in_parts_is_one(put: Put, folder: Path) -> None:
    parts = [[20, 10, 40, 10, 40, 50, 20, 50], [60, 10, 80, 10, 80, 50, 60, 50]]
    rows = [{"image_id": 1, "category_id": n, "segmentation": parts} for n in (1, 2)]
    put("a.json", COCO | {"annotations": rows})
    put("a.jpg")
    [frame] = read_set(folder).frames
    assert frame.polygons_norm[0].min(0).tolist() == pytest.approx([0.1, 0.1])
    assert frame.polygons_norm[0].max(0).tolist() == pytest.approx([0.4, 0.5])
    assert frame.vehicles[0].xyxy_norm == pytest.approx((0.1, 0.1, 0.4, 0.5))


@pytest.mark.parametrize("notes", [
    {"categories": [{"id": 0, "name": "free"}], "info": {"year": 2026, "version": "1.0"}},
    {"annotations": {"images": 3}},
    [{"annotations": [], "images": []}],
])  # fmt: skip
def test_notes_beside_a_yolo_set_do_not_make_it_coco(put: Put, folder: Path, notes: object) -> None:
    """Label Studio's YOLO export: classes.txt, images, labels, notes.json."""
    put("notes.json", notes)
    put("classes.txt", "free\n")
    put("images/8f3a1b2c-a.jpg")
    put("labels/8f3a1b2c-a.txt", "0 0.25 0.3 0.3 0.4\n")
    [frame] = read_set(folder).frames
    assert read_set(folder, SetFormat.YOLO).frames[0].states == frame.states == (False,)
    with pytest.raises(DatasetError, match="found none"):
        read_set(folder, SetFormat.COCO)


def test_coco_is_known_though_its_images_come_behind_many_annotations(
    put: Put, folder: Path
) -> None:
    rows = [COCO["annotations"][0]] * 1000
    put("a.json", {"annotations": rows, "categories": COCO["categories"], "images": COCO["images"]})
    put("a.jpg")
    assert len(read_set(folder).frames[0].states) == 1000


def test_numbers_of_nameless_bays_are_no_names_of_others(put: Put, folder: Path) -> None:
    rows = [{"image_id": 1, "category_id": 1, "segmentation": [BAY_PX], **name}
            for name in ({"bay_id": "1"}, {}, {"bay_id": "2"}, {})]  # fmt: skip
    put("a.json", COCO | {"annotations": rows})
    put("a.jpg")
    assert read_set(folder).frames[0].bay_ids == ("1", "3", "2", "4")


def test_our_own_sets_stay_strict_where_models_are_trained(put: Put, folder: Path) -> None:
    put("annotations.json", {"train": OURS | {"vehicles": [[[0, 0, 0, 1, "car"]]]}})
    with pytest.raises(DatasetError, match=r"frame 0 .a.jpg.: vehicle: expected"):
        read_dataset(folder)
