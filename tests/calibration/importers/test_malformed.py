"""Malformed files of every form are refused with their place."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import pytest

from calibration.exporters import EXPORTERS, ExportFormat
from calibration.importers import (
    EXPECTED,
    IMPORTERS,
    Document,
    ImportFormat,
    detect_format,
    import_document,
)
from telemetry.errors import CalibrationError

WH = (1280, 720)
PKLOT = """<?xml version="1.0"?><parking id="ufpr05"><space id="1" occupied="0">
<contour><point x="128" y="144"/>
<Point x="256" y="144"/><point x="256" y="360"/><point x="128" y="360"/></contour></space></parking>
"""
CVAT = '<annotations><image name="a.jpg" width="9" height="9">{}</image></annotations>'


def document(text: str | bytes, name: str = "file.json", **about: object) -> Document:
    content = text.encode() if isinstance(text, str) else text
    return Document(Path(name), content, **about)  # type: ignore[arg-type]


MALFORMED = [
    ("ultralytics", '[{"points": PIX', WH, "line 1, column 13: expected JSON"),
    ("ultralytics", "{}", WH, "expected a list of regions, or NAME"),
    ("ultralytics", "[{}]", WH, r"\[0\]: expected an object with"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4]]}]', WH, "3 or more points"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4], [5]]}]', WH, r"points\[2\]: expected a point"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4], [5, "x"]]}]', WH, r"but got \[5, 'x'\]"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4], [5, true]]}]', WH, "expected a point"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4], [5, 1e999]]}]', WH, "expected a point"),
    ("roboflow", "0 0.1 0.2 0.3 0.4 0.5 inf", None, "expected a number, but got inf"),
    ("roboflow", "0 nan 0.2 0.3 0.4", None, "finite number, but got nan"),
    ("bays-json", f'{{"bays": [], "width": {10**400}, "height": 2}}', None, "width: expected"),
    ("ultralytics", '[{"points": [[1, 2], [3, 4], [5, 6]]}]', None, "image size: expected"),
    ("bays-json", "[]", None, 'an object with a list "bays"'),
    ("bays-json", '{"bays": [], "width": 0, "height": 2}', None, "width: expected a whole number"),
    ("bays-json", '{"bays": [], "width": 5}', None, "height: expected a whole number"),
    ("bays-json", '{"bays": [7], "width": 5, "height": 5}', None, r"bays\[0\]: expected a list"),
    ("acpds", "[]", None, "an object of splits"),
    ("acpds", '{"valid": {"file_names": ["a"], "rois_list": []}}', None, "of one length"),
    ("acpds", '{"valid": {"file_names": ["a"], "rois_list": [3]}}', None, "a list of outlines"),
    ("acpds", '{"v": {"file_names": ["a", "b"], "rois_list": [[], []]}}', None, "of 2: a, b"),
    ("coco", "[]", None, "an object"),
    ("coco", '{"images": 3}', None, "images: expected a list of objects"),
    ("coco", '{"images": [], "annotations": []}', None, "picture: expected a choice of one"),
    ("coco", '{"images": [{"file_name": "a"}], "annotations": []}', None, "image a: width"),
    (
        "coco",
        '{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": '
        '[{"image_id": 1, "segmentation": [[1, 2, 3]]}]}',
        None,
        r"annotations\[0\].segmentation\[0\]: expected an even count of 6 or more",
    ),
    (
        "coco",
        '{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": '
        '[{"image_id": 1, "segmentation": [[1, 2, 3, 4, 5, null]]}]}',
        None,
        r"segmentation\[0\]\[5\]: expected a number, but got None",
    ),
    (
        "coco",
        '{"images": [{"id": 1, "file_name": "a", "width": 9, "height": 9}], "annotations": '
        '[{"image_id": 1}]}',
        None,
        r"annotations\[0\].bbox: expected a polygon, or a box",
    ),
    ("roboflow", "", None, "expected outlines, but got an empty file"),
    ("roboflow", "0 0.1 0.2 x", None, "line 1: expected numbers"),
    ("roboflow", "0 0.1 0.2 0.3 0.4 0.5 0.6\n0 0.1 0.2", None, "line 2: expected an even count"),
    ("roboflow", "[np.array([[1, 2], [3, 4])]", WH, "expected JSON"),
    ("roboflow", "[]", WH, "a list of polygons"),
    ("pklot", "<parking><space>", WH, "line 1, column 17: expected well-formed XML"),
    ("pklot", "<parking/>", WH, "expected <space> elements"),
    ("pklot", PKLOT.replace('x="256"', 'x="left"'), WH, "space 1: expected a point with numbers"),
    ("pklot", PKLOT.replace('x="256"', ""), WH, "space 1: expected a point with numbers"),
    ("pklot", PKLOT, None, "image size: expected"),
    ("pklot", '<!DOCTYPE x [<!ENTITY a "b">]><parking/>', WH, "without a document type"),
    ("frigate", "cameras: [", None, "line 1, column 11: expected YAML"),
    ("frigate", "cameras: {n: {zones: {a: {coordinates: 0.1}}}}", None, "even count of 6"),
    ("frigate", "cameras: {n: {zones: {a: {coordinates: 'x,y'}}}}", None, "numbers such as"),
    ("frigate", "cameras: {n: {zones: {a: {}}}}", None, "zones.a.coordinates: expected text"),
    ("frigate", "cameras: {n: {zones: {}}}", None, "zones with coordinates"),
    ("frigate", "cameras: {n: 3}", None, "cameras.n: expected a mapping"),
    ("frigate", "cameras: {n: {}, m: {}}", None, r"expected a choice of one \(--item\) of 2: m, n"),
    ("frigate", "zones: {a: '1,2,3,4,5,6'}", None, "image size: expected"),
    ("frigate", "\t- x", None, "expected YAML"),
    (
        "frigate",
        "cameras: {n: {detect: {width: x, height: 3}, zones: {a: '1,2,3,4,5,6'}}}",
        None,
        "cameras.n.detect: expected width and height",
    ),
    ("geojson", "{}", WH, "a FeatureCollection"),
    ("geojson", '{"features": []}', WH, "control points: expected 4 or more"),
    ("cvat", "<parking/>", None, "expected <annotations>, but got <parking>"),
    ("cvat", "<annotations/>", None, "<image> or <track>"),
    ("cvat", CVAT.replace("9", "0").format(""), None, "width and height in pixels"),
    ("cvat", CVAT.format('<polygon label="bay" points="1,1;2,2"/>'), None, "three points"),
    ("cvat", CVAT.format('<polygon label="bay" points="1,1;2,x;3,3"/>'), None, "a number"),
    ("cvat", CVAT.format('<box label="bay" xtl="1" ytl="1" xbr="2"/>'), None, "ybr: expected"),
    ("labelme", "[]", None, "the file: expected an object"),
    ("labelme", '{"shapes": 3}', None, "shapes: expected a list"),
    ("labelme", '{"shapes": [{"label": "a", "points": [[1, 2]]}]}', WH, r"shapes\[0\].points"),
    ("labelme", '{"shapes": []}', None, "image size"),
    ("via", '{"a": {"regions": [3]}}', WH, r"a: regions\[0\]: expected an object"),
    ("via", '{"a": {"regions": [{"shape_attributes": {"name": "rect"}}]}}', WH, "x: expected a"),
    ("via", "filename,region_attributes\na,{}", WH, "columns region_shape_attributes"),
    ("via", "filename,region_shape_attributes,region_attributes\na,{,{}", WH, "row 1: line 1"),
    ("label-studio", "[]", None, "a list of tasks"),
    ("label-studio", '[{"annotations": 3}]', None, "original_width"),
    ("label-studio", '[{"annotations": [{"result": [4]}]}]', None, r"result\[0\]: expected an ob"),
    ("supervisely", '{"size": {"width": 3}}', None, "size.height: expected"),
    ("supervisely", '{"size": {"width": 3, "height": 3}, "objects": [1]}', None, r"objects\[0\]"),
    (
        "coordinates",
        "- {id: 1, coordinates: [[1, 2], [3, x], [4, 5]]}",
        WH,
        r"\[1\]: expected a poi",
    ),
    ("coordinates", "- {id: 1, id: 2}", WH, "'id' 2 times in a mapping"),
    ("rows", "[[1, 2, 3, 4, 5]]", WH, r"\[0\]: expected an even count"),
    ("rows", "a,1,2,3,4,5,6\nb,1,2,3,4,5,y", WH, "line 2: expected a name"),
    ("rows", "id,x1,y1,x2,y2,x3,y3", WH, "rows of numbers"),
    ("corners", pickle.dumps([(1, 2)])[:-3], WH, "damaged"),
    ("corners", pickle.dumps([(1, "x")]), WH, r"\[0\]: expected a corner"),
    ("corners", pickle.dumps([]), WH, "a list of corners"),
    ("corners", pickle.dumps(OrderedDict(a=1)), WH, "but got .*OrderedDict"),
    (
        "corners",
        pickle.dumps({"a": 1}),
        WH,
        "lists, tuples, numbers and text only, but got EMPTY_D",
    ),
    ("corners", b"cos\nsystem\n(S'true'\ntR.", WH, "but got GLOBAL os system"),
    ("voc", "<annotations/>", None, "expected <annotation>, but got <annotations>"),
    ("voc", "<annotation/>", None, "size, width: expected a number, but got nothing"),
    (
        "voc",
        "<annotation><size><width>9</width><height>9</height></size><object/></annotation>",
        None,
        "object 1: expected a <bndbox> or <polygon>, but got neither",
    ),
    ("rows", "name,x,y\na,1,2\na,3,4\na,5", WH, "line 4: expected a name and a corner"),
    ("rows", "a,1,2\na,3,4", WH, "bay a: expected an even count of 6"),
    ("mask", b"\x89PNG\r\n\x1a\nxx", None, "10 bytes that cannot be decoded"),
]


@pytest.mark.parametrize(
    ("name", "text", "image_wh", "said"),
    [pytest.param(*row, id=f"{row[0]}-{index}") for index, row in enumerate(MALFORMED)],
)
def test_malformed_files_are_refused_with_their_place(
    name: str, text: str | bytes, image_wh: tuple[int, int] | None, said: str
) -> None:
    with pytest.raises(CalibrationError, match=said) as caught:
        import_document(document(text, "in/put.x", image_wh=image_wh), ImportFormat(name))
    assert str(caught.value).startswith("in/put.x: ")


def test_a_document_type_in_utf_16_is_refused_too() -> None:
    xml = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><parking/>'
    hidden = Document(Path("in.xml"), xml.encode("utf-16"), image_wh=WH)
    with pytest.raises(CalibrationError, match="without a document type"):
        import_document(hidden, ImportFormat.PKLOT)


def test_every_format_has_malformed_input_tested() -> None:
    assert {row[0] for row in MALFORMED} == set(ImportFormat)
    assert set(IMPORTERS) == set(ImportFormat)
    assert set(EXPORTERS) == set(ExportFormat)


@pytest.mark.parametrize("text", ["", "hello", "{}", "[1, 2]", '{"type": "Topology"}'])
def test_a_file_of_no_known_format_is_refused(text: str) -> None:
    with pytest.raises(CalibrationError, match=r"file\.json: expected one of these forms"):
        detect_format(document(text))


def test_the_message_says_what_each_form_looks_like() -> None:
    with pytest.raises(CalibrationError) as caught:
        detect_format(document("hello"))
    lines = str(caught.value).splitlines()[1:]
    assert set(EXPECTED) == set(ImportFormat)
    assert [line.split(":")[0].strip() for line in lines] == list(ImportFormat)
    assert max(map(len, lines)) < 100
