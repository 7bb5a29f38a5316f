"""The forms of each tool, in all its versions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from calibration import Code
from calibration.importers import Document, import_document
from telemetry.errors import CalibrationError
from tests.calibration.importers.forms import (
    CASES,
    FIRST_PX,
    SECOND_PX,
    VIA_LINE,
    WH,
    damaged,
    imported,
    outlines,
)

CVAT_VIDEO = """<annotations><version>1.1</version><meta><task><original_size>
<width>1280</width><height>720</height></original_size></task></meta>
<track id="0" label="bay"><polygon frame="0" outside="1" points="0,0;9,0;9,9"/>
<polygon frame="1" outside="0" points="100,300;200,300;200,400;100,400">
<attribute name="number">A1</attribute></polygon><polygon frame="2" outside="0"
points="101,300;201,300;201,400;101,400"/></track>
<track id="1" label="bay"><box frame="0" outside="0" xtl="210" ytl="300" xbr="310" ybr="400"/>
<box frame="1" outside="0" xtl="310" ytl="300" xbr="410" ybr="400"/></track>
<track id="2" label="bay"><points frame="0" outside="0" points="1,1"/></track></annotations>"""


def test_cvat_tracks_of_a_video() -> None:
    found = imported(CVAT_VIDEO)
    assert outlines(found) == {"A1": FIRST_PX, "B001": SECOND_PX}
    assert [finding.code for finding in found.findings] == [Code.MOVING, Code.SKIPPED]
    assert found.findings[0].message.startswith("track 1 moves")


def test_cvat_boxes_turn_about_their_middle() -> None:
    xml = (CASES / "cvat.xml").read_text()
    box = '<box label="bay" xtl="100" ytl="10" xbr="160" ybr="50" rotation="90"/></image>'
    turned = outlines(imported(xml.replace("</image>", box)))["B001"]
    assert sorted(turned) == [[110, 0], [110, 60], [150, 0], [150, 60]]


def test_label_studio_boxes_turn_about_their_corner_and_texts_name_them() -> None:
    value = {"x": 50, "y": 50, "width": 10, "height": 20, "rotation": 90}
    size = {"original_width": 1280, "original_height": 720}
    results = [
        {"id": "r", "type": "rectangle", "value": value, **size},
        {"id": "r", "type": "labels", "value": {**value, "labels": ["bay"]}, **size},
        {"id": "r", "type": "textarea", "value": {**value, "text": ["A 7"]}, **size},
        {"id": "k", "type": "keypointlabels", "value": {"x": 1, "y": 1, "width": 1}, **size},
    ]
    cancelled = {"was_cancelled": True, "result": results}
    annotations = [cancelled, {"result": results}, {"result": results[:1]}]
    task = {"data": {"img": "s3://b/a.jpg"}, "annotations": annotations}
    results[3]["value"] = {"x": 1, "y": 1, "keypointlabels": ["bay"]}
    found = imported([task])
    corners = [[640, 360], [640, 488], [496, 488], [496, 360]]
    assert outlines(found) == {"A_7": corners}
    assert [finding.message for finding in found.left_out] == [
        "1 skipped: a key point has no outline ([0].result[3])",
        "1 skipped: superseded by another annotation ([0].annotations[2])",
    ]


def test_label_studio_json_min() -> None:
    row = {"points": [[10, 40], [20, 40], [20, 55]], "polygonlabels": ["bay"],
           "original_width": 1280, "original_height": 720}  # fmt: skip
    found = imported([{"image": "/data/upload/1/x-a.jpg", "id": 1, "label": [row, row]}])
    assert outlines(found)["B001"] == [[128, 288], [256, 288], [256, 396]]
    assert len(found.bays) == 2


@pytest.mark.parametrize("text", [CVAT_VIDEO, "VIA 3", "VIA CSV"])
def test_damage_of_other_versions_gives_only_our_errors(text: str) -> None:
    texts = {"VIA 3": json.dumps(via_3()), "VIA CSV": via_csv()}
    rng = random.Random(text)
    refused: list[str] = []
    for _ in range(300):
        document = Document(Path("file"), damaged(texts.get(text, text).encode(), rng), WH)
        try:
            import_document(document)
        except CalibrationError as exc:
            refused.append(str(exc))
    assert len(refused) > 20
    assert all(said.startswith("file: ") for said in refused)


def via_3() -> dict[str, Any]:
    def row(xy: list[float], name: str) -> dict[str, Any]:
        return {"vid": "1", "flg": 0, "z": [], "xy": xy, "av": {"1": name}}

    flat = [value for point in FIRST_PX for value in point]
    return {
        "project": {"pid": "x"}, "config": {}, "view": {"1": {"fid_list": ["1"]}},
        "attribute": {"1": {"aname": "bay", "options": {"o": "A2"}}},
        "file": {"1": {"fid": "1", "fname": "a.jpg"}},
        "metadata": {"1_a": row([7, *flat], "A1"), "1_b": row([2, 210, 300, 100, 100], "o"),
                     "1_c": row([6, 1, 1, 9, 9], "A3"), "1_d": row([], "cloudy")},
    }  # fmt: skip


def test_via_of_every_version() -> None:
    two = json.loads((CASES / "via.json").read_text())
    [row] = two.values()
    one = {"a.jpg": {**row, "regions": dict(enumerate(row["regions"]))}}
    for data in (two, one, {"_via_settings": {}, "_via_img_metadata": two}):
        assert outlines(imported(data)) == {"A1": FIRST_PX}
    found = imported(via_3())
    assert outlines(found) == {"A1": FIRST_PX, "A2": SECOND_PX}
    assert [finding.message.split(" (")[0] for finding in found.left_out] == [
        "1 skipped: a polyline has no outline", "1 skipped: a note has no outline",
    ]  # fmt: skip


def quoted(*fields: object) -> str:
    texts = [field if isinstance(field, str) else json.dumps(field) for field in fields]
    return ",".join('"' + text.replace('"', '""') + '"' for text in texts) + "\n"


def test_via_csv_of_versions_2_and_3() -> None:
    [row] = json.loads((CASES / "via.json").read_text()).values()
    header = ("filename,file_size,file_attributes,region_count,region_id,"
              "region_shape_attributes,region_attributes\n")  # fmt: skip
    rows = "".join(
        quoted("a.jpg", "1", {}, "2", str(n), region["shape_attributes"],
               region["region_attributes"])
        for n, region in enumerate([*row["regions"], VIA_LINE])
    )  # fmt: skip
    found = imported(header + rows + quoted("b.jpg", "1", {}, "0", "0", {}, {}))
    assert outlines(found) == {"A1": FIRST_PX}
    assert len(found.left_out) == 1
    assert outlines(imported(via_csv())) == {"A1": FIRST_PX, "A2": SECOND_PX}


def via_csv() -> str:
    """An export of version 3."""
    three = via_3()
    lines = "".join(
        quoted(key, ["a.jpg"], "0", item["z"], item["xy"], item["av"])
        for key, item in three["metadata"].items()
    )
    return (
        "# Exported using VGG Image Annotator\n# ATTRIBUTE = "
        f"{json.dumps(three['attribute'])}\n# CSV_HEADER = metadata_id,file_list,flags,"
        f"temporal_coordinates,spatial_coordinates,metadata\n{lines}"
    )


@pytest.mark.parametrize("version", ["2", "3.16.7", "4.5.6", "5.4.1"], ids=["2", "3", "4", "5"])
def test_labelme_of_every_version(version: str) -> None:
    data = json.loads((CASES / "labelme.json").read_text()) | {"version": version}
    if version < "4":
        del data["imageWidth"], data["imageHeight"]
    if version < "3":
        del data["shapes"][1], data["shapes"][0]["shape_type"], data["version"]
        data["lineColor"] = [0, 255, 0, 128]
    assert list(outlines(imported(data))) == ["A1", "A2"][: len(data["shapes"])]


def test_labelme_boxes_that_are_turned_or_have_four_corners() -> None:
    data = json.loads((CASES / "labelme.json").read_text())
    data["shapes"] = [
        {"label": "bay", "shape_type": kind, "points": FIRST_PX, "description": f"P{number}"}
        for number, kind in enumerate(("rotation", "rectangle"))
    ]
    assert outlines(imported(data)) == {"P0": FIRST_PX, "P1": FIRST_PX}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("A1,100,300,200,300,200,400,100,400", ["A1"], id="name"),
        pytest.param("7;100;300;200;300;200;400;100;400", ["7"], id="number before it"),
        pytest.param("100, 300, 200, 300, 200, 400, 100, 400", ["B001"], id="no name"),
        pytest.param("100\t300\t200\t300\t200\t400\t100\t400\n", ["B001"], id="tabs"),
        pytest.param('[["A1", 100, 300, 200, 300, 200, 400, 100, 400]]', ["A1"], id="json"),
        pytest.param('[np.array([[100,300],[200,300],[200,400],[100,400]], dtype=np.int32),]',
                     ["B001"], id="python"),
        pytest.param("bay,x,y\nA1,100,300\nA1,200,300\nA1,200,400\nA1,100,400\n", ["A1"],
                     id="a corner a line"),
    ],
)  # fmt: skip
def test_rows_of_numbers(text: str, ids: list[str]) -> None:
    assert outlines(imported(text)) == {ids[0]: FIRST_PX}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("- id: 007\n  coordinates: [[100,300],[200,300],[200,400],[100,400]]", "007"),
        ("zones: {off: {coordinates: '100,300,200,300,200,400,100,400'}}", "off"),
        ("zones: {1_5: '100,300,200,300,200,400,100,400'}", "1_5"),
        ("zones: {1e3: '100,300,200,300,200,400,100,400'}", "1e3"),
    ],
)
def test_names_in_yaml_stay_as_they_are_written(text: str, name: str) -> None:
    assert outlines(imported(text)) == {name: FIRST_PX}


def test_geojson_in_pixels_with_parts_and_holes() -> None:
    hole = [[120, 320], [150, 320], [150, 350]]
    parts = {"type": "MultiPolygon", "coordinates": [[FIRST_PX, hole], [SECOND_PX]]}
    found = imported([{"type": "Feature", "properties": {"name": "A1"}, "geometry": parts}])
    assert outlines(found) == {"A1": FIRST_PX, "A1.2": SECOND_PX}
    assert "it is a hole" in found.left_out[0].message


def test_an_answer_of_a_roboflow_model() -> None:
    data = {
        "image": {"width": 1280, "height": 720},
        "predictions": [
            {"class": "bay", "x": 150, "y": 350, "width": 100, "height": 100, "confidence": 0.9},
            {"class": "bay", "x": 1, "y": 1, "width": 1, "height": 1,
             "points": [{"x": x, "y": y} for x, y in SECOND_PX]},
            {"class": "car", "x": 150, "y": 350, "width": 100, "height": 100},
        ],
    }  # fmt: skip
    found = imported(data)
    assert outlines(found) == {"B001": FIRST_PX, "B002": SECOND_PX}
    assert "'car' is not a bay" in found.left_out[0].message


def test_classes_of_yolo_lines_are_told_and_can_be_chosen() -> None:
    lines = "0 .5 .5 .1 .1\n0 .7 .5 .1 .1\n2 .2 .2 .1 .1\n"
    found = imported(lines)
    assert len(found.bays) == 3
    assert [finding.code for finding in found.findings] == [Code.CLASSES]
    assert "all classes were imported as bays: 0 (2), 2 (1)" in found.findings[0].message
    chosen = imported(lines, categories=("0",))
    assert len(chosen.bays) == 2
    assert "'2' is not a bay label" in chosen.left_out[0].message


def test_voc_boxes_that_are_turned() -> None:
    text = (
        "<annotation><size><width>1280</width><height>720</height></size><object><name>bay</name>"
        "<robndbox><cx>130</cx><cy>30</cy><w>60</w><h>40</h><angle>1.5707963</angle></robndbox>"
        "</object></annotation>"
    )
    [corners] = outlines(imported(text)).values()
    assert sorted(corners) == [[110, 0], [110, 60], [150, 0], [150, 60]]


def lines(*bays: list[list[int]], between: str = " ") -> str:
    return "\n".join(between.join(str(v) for point in bay for v in point) for bay in bays)


@pytest.mark.parametrize(
    ("data", "bays"),
    [
        pytest.param(lines(FIRST_PX, SECOND_PX), {"B001": FIRST_PX, "B002": SECOND_PX},
                     id="eight numbers with blanks"),
        pytest.param(f"A1 {lines(FIRST_PX)}\nA2 {lines(SECOND_PX)}",
                     {"A1": FIRST_PX, "A2": SECOND_PX}, id="a name before them"),
        pytest.param("3 0.25 0.25 0.5 0.25 0.5 0.5",
                     {"B001": [[320, 180], [640, 180], [640, 360]]}, id="YOLO"),
        pytest.param({"A1": FIRST_PX, "A2": SECOND_PX}, {"A1": FIRST_PX, "A2": SECOND_PX},
                     id="names as keys"),
        pytest.param({"spots": {"A1": FIRST_PX}}, {"A1": FIRST_PX}, id="names under a heading"),
        pytest.param({"bays": [{"id": 7, "polygon": FIRST_PX}]}, {"7": FIRST_PX},
                     id="regions under a heading"),
        pytest.param(f"spots:\n  A1: {FIRST_PX}\n  007: {SECOND_PX}\n",
                     {"A1": FIRST_PX, "007": SECOND_PX}, id="YAML with names as keys"),
        pytest.param({"A1": FIRST_PX[:2]}, None, id="two points are no outline"),
        pytest.param({"A1": FIRST_PX, "note": "north"}, None, id="a text is no outline"),
    ],
)  # fmt: skip
def test_outlines_by_name_and_rows_of_numbers(data: object, bays: dict[str, Any] | None) -> None:
    if bays is None:
        with pytest.raises(CalibrationError, match=r"file: .*expected"):
            imported(data)
    else:
        assert outlines(imported(data)) == bays


def test_key_points_and_ellipses_do_not_refuse_a_task() -> None:
    size = {"original_width": WH[0], "original_height": WH[1]}
    values = [
        {"x": 10, "y": 40, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["bay"]},
        {"x": 1, "y": 1, "width": 0.5, "keypointlabels": ["bay"]},
        {"x": 1, "y": 1, "radiusX": 2, "radiusY": 2, "rotation": 0, "ellipselabels": ["bay"]},
    ]
    results = [{**size, "value": value} for value in values]
    found = imported([{"data": {"image": "a.jpg"}, "annotations": [{"result": results}]}])
    assert len(found.bays) == 1
    said = " ".join(finding.message for finding in found.left_out)
    assert "a key point has no outline" in said
    assert "an ellipse has no outline" in said


def test_a_number_of_thousands_of_digits_is_told_in_our_words() -> None:
    data = f'[{{"id": 1, "points": [[1{"0" * 5000}, 1], [2, 1], [2, 2]]}}]'
    with pytest.raises(CalibrationError, match="at most 4000 digits, but got 5001"):
        imported(data)
