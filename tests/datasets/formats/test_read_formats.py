"""Every format: a small set as its tool writes it comes in whole, and damage is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.formats import Meaning, SetFormat, detect_set, read_set
from datasets.frames import LotFrame

Put = Callable[..., Path]
# A bay of 60 x 40 pixels at (20, 10) in a picture of 200 x 100.
BAY_NORM = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.5], [0.1, 0.5]]
BAY_PX = [20, 10, 80, 10, 80, 50, 20, 50]

COCO: dict[str, Any] = {
    "info": {"description": "yard"},
    "licenses": [{"id": 1, "name": "CC BY 4.0"}],
    "images": [
        {"id": 7, "file_name": "2024-05-01_08-30_a.jpg", "width": 200, "height": 100, "license": 1},
        {"id": 8, "file_name": "b.jpg", "width": 200, "height": 100, "license": 1},
    ],
    "categories": [
        {"id": 1, "name": "space-empty"},
        {"id": 2, "name": "space-occupied"},
        {"id": 3, "name": "car"},
        {"id": 4, "name": "person"},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 2, "segmentation": [BAY_PX],
         "bbox": [20, 10, 60, 40], "attributes": {"bay_id": "A1"}},
        {"id": 2, "image_id": 7, "category_id": 1, "segmentation": [], "bbox": [100, 10, 60, 40]},
        {"id": 3, "image_id": 7, "category_id": 3, "bbox": [20, 10, 20, 20]},
        {"id": 4, "image_id": 8, "category_id": 4, "bbox": [20, 10, 20, 20]},
    ],
}  # fmt: skip
DATA_YAML = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['free', 'occupied']\n"
VOC = """<annotation><filename>a.jpg</filename><size><width>200</width><height>100</height></size>
<object><name>occupied</name><bndbox><xmin>20</xmin><ymin>10</ymin><xmax>80</xmax><ymax>50</ymax>
</bndbox></object><object><name>free</name><polygon><x1>100</x1><y1>10</y1><x2>160</x2><y2>10</y2>
<x3>160</x3><y3>50</y3></polygon></object></annotation>"""
CVAT = """<annotations><version>1.1</version><image id="0" name="a.jpg" width="200" height="100"
subset="train"><polygon label="bay" points="20,10;80,10;80,50;20,50"><attribute name="id">A1
</attribute><attribute name="occupied">true</attribute></polygon>
<box label="free" xtl="100" ytl="10" xbr="160" ybr="50"/>
<box label="bay" xtl="100" ytl="10" xbr="160" ybr="50" rotation="90"/></image></annotations>"""
PKLOT = """<parking id="ufpr05"><space id="1" occupied="1"><rotatedRect><center x="50" y="30"/>
<size w="60" h="40"/><angle d="0"/></rotatedRect><contour><point x="20" y="10"/>
<point x="80" y="10"/><point x="80" y="50"/><point x="20" y="50"/></contour></space>
<space id="2" occupied="0"><rotatedRect><center x="50" y="30"/>
<size w="60" h="40"/><angle d="0"/></rotatedRect></space><space id="3"><contour><Point x="1" y="1"/>
<Point x="9" y="1"/><Point x="9" y="9"/></contour></space></parking>"""
CNR_TABLE = (
    "camera,datetime,day,hour,image_url,minute,month,occupancy,slot_id,weather,year\n"
    "01,20151112_0709,12,7,x.jpg,9,11,1,184,S,2015\n"
    "01,20151112_0709,12,7,x.jpg,9,11,0,185,S,2015\n"
)


def read(folder: Path, **options: Any) -> tuple[LotFrame, ...]:
    return read_set(folder, **options).frames


def norm(frame: LotFrame, bay: int) -> Any:
    return pytest.approx(np.asarray(BAY_NORM), abs=1e-6) == frame.polygons_norm[bay]


@pytest.mark.parametrize(
    ("annotations", "pictures"),
    [
        pytest.param("train/_annotations.coco.json", "train", id="roboflow"),
        pytest.param("annotations/instances_train2017.json", "train2017", id="coco"),
        pytest.param("annotations/instances_train.json", "images", id="cvat"),
    ],
)
def test_coco(put: Put, folder: Path, annotations: str, pictures: str) -> None:
    put(annotations, COCO)
    for image in COCO["images"]:
        put(f"{pictures}/{image['file_name']}")
    reading = read_set(folder)
    first, second = reading.frames
    assert detect_set(folder) is SetFormat.COCO
    assert (first.split, first.image_wh, first.states) == ("train", (200, 100), (True, False))
    assert (first.bay_ids, second.bay_ids) == (("A1", "1"), ())
    assert norm(first, 0)
    assert first.polygons_norm[1].tolist()[2] == pytest.approx([0.8, 0.5])
    assert first.vehicles[0].xyxy_norm == pytest.approx((0.1, 0.1, 0.2, 0.3))
    assert (first.origin.source, first.origin.licence) == ("yard", "CC BY 4.0")
    assert first.time_local == datetime(2024, 5, 1, 8, 30)  # noqa: DTZ001 - no zone in the name
    assert first.read().shape == (100, 200, 3)
    assert reading.ignored == {"person": 1}


def test_roboflow_yolo(put: Put, folder: Path) -> None:
    put("data.yaml", DATA_YAML)
    put("train/images/a.jpg")
    put("train/labels/a.txt", "1 0.25 0.3 0.3 0.4\n\n0 0.1 0.1 0.4 0.1 0.4 0.5 0.1 0.5\n")
    put("valid/images/b.jpg")
    first, second = read(folder)
    assert detect_set(folder) is SetFormat.YOLO
    assert (first.split, first.states) == ("train", (True, False))
    assert norm(first, 0)
    assert norm(first, 1)
    assert (second.split, second.states) == ("val", ())


def test_yolo_lists_of_pictures_and_classes_beside(put: Put, folder: Path) -> None:
    put("images/a.jpg")
    put("labels/a.txt", "0 0.25 0.3 0.3 0.4\n")
    put("train.txt", "./images/a.jpg\n")
    put("data.yaml", "path: .\ntrain: train.txt\nnames:\n  0: busy\n")
    [frame] = read(folder)
    assert (frame.split, frame.states, frame.path) == ("train", (True,), folder / "images/a.jpg")
    (folder / "data.yaml").unlink()
    put("classes.txt", "empty\n")
    assert read(folder)[0].states == (False,)


@pytest.mark.parametrize("name", ["train/a.xml", "Annotations/a.xml"])
def test_voc(put: Put, folder: Path, name: str) -> None:
    put(name, VOC)
    put("ImageSets/Main/train.txt", "a\n")
    put("train/a.jpg")
    [frame] = read(folder)
    assert detect_set(folder) is SetFormat.VOC
    assert (frame.split, frame.states, frame.image_wh) == ("train", (True, False), (200, 100))
    assert norm(frame, 0)
    assert frame.polygons_norm[1].shape == (3, 2)
    assert frame.path.is_file()


def test_cvat(put: Put, folder: Path) -> None:
    put("annotations.xml", CVAT)
    put("images/a.jpg")
    [frame] = read(folder)
    assert detect_set(folder) is SetFormat.CVAT
    assert (frame.split, frame.states) == ("train", (True, False, None))
    assert frame.bay_ids == ("A1", "1", "2")
    assert norm(frame, 0)
    # Turned by a quarter about (130, 30): 40 wide, 60 high.
    turned = frame.polygons_norm[2] * (200, 100)
    assert turned.min(0).tolist() == pytest.approx([110, 0])
    assert turned.max(0).tolist() == pytest.approx([150, 60])


def test_pklot(put: Put, folder: Path) -> None:
    put("PKLot/UFPR05/Rainy/2013-02-24/2013-02-24_10_05_04.xml", PKLOT)
    put("PKLot/UFPR05/Rainy/2013-02-24/2013-02-24_10_05_04.jpg")
    [frame] = read(folder)
    assert detect_set(folder) is SetFormat.PKLOT
    assert (frame.lot, frame.camera, frame.weather) == ("UFPR", "ufpr05", "rainy")
    assert frame.time_local == datetime(2013, 2, 24, 10, 5, 4)  # noqa: DTZ001 - no zone given
    assert (frame.states, frame.bay_ids) == ((True, False, None), ("1", "2", "3"))
    assert norm(frame, 0)
    rotated = frame.polygons_norm[1]
    assert rotated.min(0).tolist() == pytest.approx([0.1, 0.1], abs=0.01)
    assert rotated.max(0).tolist() == pytest.approx([0.4, 0.5], abs=0.01)
    assert frame.origin.licence == "CC-BY-4.0"


def test_cnrpark_full_frames(put: Put, folder: Path) -> None:
    put("CNRPark+EXT.csv", CNR_TABLE)
    put("full/camera1.csv", "SlotId,X,Y,W,H\n184,259.2,194.4,259.2,194.4\n185,0,0,9,9\n7,0,0,9,9\n")
    put("full/FULL_IMAGE_1000x750/SUNNY/2015-11-12/camera1/2015-11-12_0709.jpg")
    [frame] = read(folder)
    assert detect_set(folder) is SetFormat.CNRPARK
    assert (frame.camera, frame.weather, frame.lot) == ("01", "sunny", "CNR Pisa")
    assert (frame.states, frame.bay_ids) == ((True, False, None), ("184", "185", "7"))
    assert frame.polygons_norm[0].ravel().tolist() == pytest.approx(
        [0.1, 0.1, 0.2, 0.1, 0.2, 0.2, 0.1, 0.2]
    )
    assert frame.time_local == datetime(2015, 11, 12, 7, 9)  # noqa: DTZ001 - no zone given


def test_cnrpark_patches(put: Put, folder: Path) -> None:
    ext = "SUNNY/2015-11-12/camera1/S_2015-11-12_07.09_C01_184.jpg"
    put("LABELS/all.txt", f"{ext} 1\nA/busy/20150703_1425_32.jpg 0\n")
    put(f"PATCHES/{ext}")
    put("A/busy/20150703_1425_32.jpg")
    first, second = read(folder)
    assert (first.camera, first.states, first.bay_ids) == ("A", (False,), ("32",))
    assert (second.camera, second.states, second.weather) == ("01", (True,), "sunny")
    assert second.polygons_norm[0].tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]


BROKEN = [
    pytest.param("a.json", '{"images": [', r"a\.json: line 1, column 13: expected JSON", id="json"),
    pytest.param("a.json", COCO | {"images": [{"id": 1, "file_name": "x"}]},
                 r"images\[0\]\.width: expected a whole number of pixels above 0", id="size"),
    pytest.param("a.json", COCO | {"images": [COCO["images"][0]] * 2},
                 r"images\[1\]\.id: expected a unique id, but got 7", id="image twice"),
    pytest.param("a.json", COCO | {"images": COCO["images"][1:]},
                 r"annotations\[0\]\.image_id: expected the id of an image, but got 7", id="image"),
    pytest.param("a.json", COCO | {"categories": COCO["categories"][2:]},
                 r"annotations\[0\]\.category_id: expected one of 3, 4, but got 2", id="category"),
    pytest.param("a.json", COCO | {"annotations": [COCO["annotations"][0] | {
                     "segmentation": [[1, 2, 3]]}]},
                 r"annotations\[0\]\.segmentation\[0\]: expected an even count", id="odd"),
    pytest.param("a.json", COCO | {"annotations": [COCO["annotations"][0] | {
                     "segmentation": {"counts": "x", "size": [1, 1]}}]},
                 r"annotations\[0\]\.segmentation: expected a polygon, but got a run", id="mask"),
    pytest.param("a.xml", "<annotation><size>", "line 1, column 19: .*well-formed", id="xml"),
    pytest.param("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]>' + VOC,
                 "without a document type", id="dtd"),
    pytest.param("a.xml", VOC.replace("<width>200</width>", ""),
                 "size, width: expected a number, but got nothing", id="voc size"),
    pytest.param("a.xml", VOC.replace("<xmin>20</xmin>", "<xmin>left</xmin>"),
                 "object 1, xmin: expected a number, but got left", id="voc box"),
    pytest.param("a.xml", VOC.replace("<x3>160</x3><y3>50</y3>", ""),
                 "object 2, polygon: expected three points or more, but got 2", id="voc polygon"),
    pytest.param("a.xml", CVAT.replace("20,10;80,10", "20;80,10"),
                 r"image 0 \(a\.jpg\), polygon 1: expected a number", id="cvat point"),
    pytest.param("a.xml", "<annotations><track/></annotations>", "got <track>", id="track"),
    pytest.param("a.xml", CVAT.replace('<box label="free"', '<polyline label="free"'),
                 "polyline 2: expected a polygon or a box", id="cvat line"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_damage_is_named(put: Put, folder: Path, name: str, content: object, message: str) -> None:
    put(name, content)
    put("a.jpg")
    with pytest.raises(DatasetError, match=message) as caught:
        read_set(folder, is_strict=True)
    assert str(folder / name) in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param("1 0.1 0.2", "line 1: expected an even count", id="short"),
        pytest.param("0 0.2 0.2 0.1 0.1\nx 1 2 3 4", "line 2: expected numbers", id="word"),
        pytest.param("5 0.2 0.2 0.1 0.1", r"line 1: expected a class among \[0, 1\]", id="class"),
        pytest.param("1 40 30 60 40", "line 1: expected fractions of the image", id="pixels"),
    ],
)
def test_damaged_yolo_lines_are_named(put: Put, folder: Path, labels: str, message: str) -> None:
    put("data.yaml", DATA_YAML)
    put("train/images/a.jpg")
    path = put("train/labels/a.txt", labels)
    with pytest.raises(DatasetError, match=message) as caught:
        read_set(folder, is_strict=True)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("train: x\nnames: [a\n", "line 3, column 1: expected YAML", id="yaml"),
        pytest.param("train: x\nnames: 3\n", "names: expected a list of names", id="names"),
        pytest.param("train: x\nnames: [a]\n", "folders of images, but got none", id="no"),
    ],
)
def test_damaged_data_yaml_is_named(put: Put, folder: Path, text: str, message: str) -> None:
    put("data.yaml", text)
    with pytest.raises(DatasetError, match=message):
        read_set(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param('x="20"', 'x="left"', "space 1: expected a point with numbers", id="point"),
        pytest.param(
            'occupied="1"', 'occupied="yes"', "space 1, occupied: expected 0 or 1", id="occ"
        ),
        pytest.param(
            '\n<size w="60" h="40"/>', "", "space 2, rotatedRect: expected <size>", id="r"
        ),
    ],
)
def test_damaged_pklot_files_name_the_space(
    put: Put, folder: Path, old: str, new: str, message: str
) -> None:
    put("a.jpg")
    put("a.xml", PKLOT.replace(old, new))
    with pytest.raises(DatasetError, match=message):
        read_set(folder, is_strict=True)


def test_pklot_without_its_picture(put: Put, folder: Path) -> None:
    put("a.xml", PKLOT)
    with pytest.raises(DatasetError, match=r"a\.xml: expected its image a\.jpg beside it"):
        read_set(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("0709,12,7,x.jpg,9,11,1", "0709,12,7,x.jpg,9,11,2",
                     "line 2, occupancy: expected 0 or 1, but got 2", id="occupancy"),
        pytest.param("01,20151112_0709", "01,noon", "line 2, datetime: expected YYYYMMDD_HHMM",
                     id="time"),
        pytest.param(",occupancy", "", "line 1: expected columns camera, datetime", id="columns"),
        pytest.param("0,185,S,2015", "0", r"line 3: expected 11 fields, but got 8", id="short"),
    ],
)  # fmt: skip
def test_damaged_cnrpark_tables_name_the_line(
    put: Put, folder: Path, old: str, new: str, message: str
) -> None:
    put("CNRPark+EXT.csv", CNR_TABLE.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        read_set(folder)


def test_what_is_none_of_the_formats(put: Put, folder: Path, tmp_path: Path) -> None:
    put("a.jpg")
    put("readme.txt", "hello")
    assert detect_set(folder) is None
    with pytest.raises(DatasetError, match=r"lotsight: .* coco: .* voc: .* found none"):
        read_set(folder)
    with pytest.raises(DatasetError, match=r"\(cvat: .*<annotations>\), but found none"):
        read_set(folder, SetFormat.CVAT)
    with pytest.raises(DatasetError, match=r"expected annotations\.json with rois_list"):
        read_set(folder, SetFormat.LOTSIGHT)
    with pytest.raises(DatasetError, match="does not exist"):
        read_set(tmp_path / "nowhere")


def test_classes_that_say_nothing_are_listed_and_can_be_told(put: Put, folder: Path) -> None:
    named = [{"id": n, "name": f"class-{n}"} for n in range(1, 5)]
    put("a.json", COCO | {"categories": named})
    with pytest.raises(DatasetError, match=r"but got 'class-1', 'class-2'.*--class NAME=occupied"):
        read_set(folder)
    first, _ = read(folder, classes={"class-2": Meaning.OCCUPIED, "class-1": Meaning.FREE})
    assert first.states == (True, False)


@pytest.mark.data
def test_real_yolo(shared_data: Path) -> None:
    reading = read_set(shared_data / "vehicles")
    assert detect_set(shared_data / "vehicles") is SetFormat.YOLO
    splits = [frame.split for frame in reading.frames]
    assert (splits.count("train"), splits.count("val")) == (69, 21)
    # 2,330 boxes in the set's own figures; cyclists would be left out, but there is none.
    assert sum(len(frame.vehicles) for frame in reading.frames) == 2330
    assert {v.kind for f in reading.frames for v in f.vehicles} <= {
        "car",
        "truck",
        "bus",
        "minibus",
    }
