"""Files damaged at random: whatever comes, only our errors get out."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.formats import read_set
from telemetry.errors import LotsightError

Put = Callable[..., Path]
OURS = {
    "train": {
        "file_names": ["a.jpg"],
        "rois_list": [[[[0, 0], [1, 0], [1, 1]]]],
        "occupancy_list": [[True]],
        "time": ["2020-01-01"],
        "size_wh": [[200, 100]],
        "vehicles": [[[0, 0, 1, 1, "car"]]],
    }
}
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}],
    "categories": [{"id": 1, "name": "free"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}],
}
VOC = (
    "<annotation><filename>a.jpg</filename><size><width>200</width><height>100</height></size>"
    "<object><name>car</name><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>8</xmax><ymax>5</ymax>"
    "</bndbox></object></annotation>"
)
CVAT = (
    '<annotations><image name="a.jpg" width="200" height="100"><polygon label="bay" '
    'points="2,1;8,1;8,5"/><box label="free" xtl="1" ytl="1" xbr="6" ybr="5" rotation="9"/>'
    "</image></annotations>"
)
PKLOT = (
    '<parking id="x"><space id="1" occupied="1"><rotatedRect><center x="5" y="3"/>'
    '<size w="6" h="4"/><angle d="0"/></rotatedRect></space></parking>'
)
CNRPARK = "camera,datetime,day,slot_id,occupancy\nA,20150703_1425,3,32,1\n"
YAML = "train: images\nnames: [free]\n"
PIECES = ["null", "1e999", "-5", '"x"', "[]", "{}", "NaN", "true", "9" * 25, "<a/>", "&lt;", ""]


def damaged(text: str, rng: random.Random) -> str:
    """Text with one to four pieces lost, doubled or strange."""
    for _ in range(rng.randint(1, 4)):
        at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        end = min(end, at + 12)
        text = text[:at] + rng.choice([*PIECES, text[at:end] * 2]) + text[end:]
    return text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("annotations.json", json.dumps(OURS), id="lotsight"),
        pytest.param("a.json", json.dumps(COCO), id="coco"),
        pytest.param("a.xml", VOC, id="voc"),
        pytest.param("a.xml", CVAT, id="cvat"),
        pytest.param("a.xml", PKLOT, id="pklot"),
        pytest.param("CNRPark+EXT.csv", CNRPARK, id="cnrpark"),
        pytest.param("data.yaml", YAML, id="yolo"),
        pytest.param("labels/a.txt", "0 .5 .5 .1 .1\n0 0 0 1 0 1 1\n", id="yolo labels"),
    ],
)
def test_only_our_errors_get_out(put: Put, folder: Path, name: str, text: str) -> None:
    put("images/a.jpg")
    put("A/busy/20150703_1425_32.jpg")
    put("a.jpg")
    if name.startswith("labels"):
        put("data.yaml", YAML)
    put(name, text)
    assert read_set(folder).frames
    rng = random.Random(name)
    refused: list[str] = []
    for _ in range(100):
        put(name, damaged(text, rng))
        try:
            read_set(folder)
        except LotsightError as exc:
            refused.append(str(exc))
    assert len(refused) > 20
    assert all(str(folder) in said for said in refused)
