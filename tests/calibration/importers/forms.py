"""A small file of every form: two bays side by side, A1 and A2 where the form has names."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.importers import Document, Imported, ImportFormat, import_document

WH = (1280, 720)
CASES = Path(__file__).parent / "cases"
FIRST_PX = [[100, 300], [200, 300], [200, 400], [100, 400]]
SECOND_PX = [[210, 300], [310, 300], [310, 400], [210, 400]]
LINE_PX = [[0, 450], [1280, 450]]


@dataclass(frozen=True)
class Form:
    """A file of a form.

    Attributes:
        content: what it holds: both bays, and something that is none where the form allows it.
        left_out: words of what is told to be left out; None where the form holds outlines only.
        ids: of the bays.
    """

    content: bytes
    left_out: str | None = None
    ids: tuple[str, str] = ("A1", "A2")

    def document(self, name: str = "file", **about: Any) -> Document:
        return Document(Path(name), self.content, WH, **about)


def flat(points: list[list[int]]) -> list[int]:
    return [value for point in points for value in point]


def _json(data: object) -> bytes:
    return json.dumps(data).encode()


def _attribute(name: str) -> str:
    return f'<attribute name="id">{name}</attribute>'


def _points(points: list[list[int]]) -> str:
    return ";".join(f"{x},{y}" for x, y in points)


def _percent(points: list[list[int]]) -> list[list[float]]:
    return [[100 * x / WH[0], 100 * y / WH[1]] for x, y in points]


def _result(name: str, points: list[list[int]]) -> dict[str, Any]:
    value = {"points": _percent(points), "polygonlabels": [name]}
    return {"id": name, "original_width": 1280, "original_height": 720, "type": "polygonlabels",
            "value": value}  # fmt: skip


def _contour(points: list[list[int]]) -> str:
    return "".join(f'<point x="{x}" y="{y}"/>' for x, y in points)


def _numbered(points: list[list[int]]) -> str:
    pairs = enumerate(points, start=1)
    return "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in pairs)


def _mask() -> bytes:
    plane = np.zeros((WH[1], WH[0]), np.uint8)
    for value, points in ((7, FIRST_PX), (9, SECOND_PX), (11, [[5, 5], [6, 5], [6, 6]])):
        cv2.fillPoly(plane, [np.array(points, np.int32)], (value,))
    return cv2.imencode(".png", plane)[1].tobytes()


def _via_region(name: str, points: list[list[int]]) -> dict[str, Any]:
    xs, ys = zip(*points, strict=True)
    shape = {"name": "polygon", "all_points_x": list(xs), "all_points_y": list(ys)}
    return {"shape_attributes": shape, "region_attributes": {"slot": name}}


VIA_LINE = {
    "shape_attributes": {"name": "polyline", "all_points_x": [0, 9], "all_points_y": [1, 9]},
    "region_attributes": {},
}
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 1280, "height": 720}],
    "categories": [{"id": 1, "name": "bay"}, {"id": 2, "name": "car"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [flat(FIRST_PX)],
         "bay_id": "A1"},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [flat(SECOND_PX)],
         "bay_id": "A2"},
        {"id": 3, "image_id": 1, "category_id": 2, "bbox": [1, 2, 30, 40]},
        {"id": 4, "image_id": 1, "category_id": 1, "segmentation": {"counts": [1], "size": [1, 1]}},
    ],
}  # fmt: skip
CVAT = f"""<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>
<image id="0" name="a.jpg" width="1280" height="720">
<polygon label="bay" points="{_points(FIRST_PX)}">{_attribute("A1")}</polygon>
<box label="bay" xtl="210" ytl="300" xbr="310" ybr="400">{_attribute("A2")}</box>
<polyline label="bay" points="0,450;1280,450"/></image></annotations>"""
PKLOT = f"""<parking><space id="A1"><contour>{_contour(FIRST_PX)}</contour></space>
<space id="A2"><contour>{_contour(SECOND_PX)}</contour></space>
<space id="A3"><contour>{_contour(LINE_PX)}</contour></space></parking>"""
FRIGATE = """cameras:
  north:
    detect: {width: 1280, height: 720}
    zones:
      A1: {coordinates: "100,300,200,300,200,400,100,400"}
      A2: {coordinates: "210,300,310,300,310,400,210,400"}
      off: {coordinates: "0,0,9,0,9,9", enabled: false}
"""
VOC = f"""<annotation><filename>a.jpg</filename>
<size><width>1280</width><height>720</height></size>
<object><name>A1</name><polygon>{_numbered(FIRST_PX)}</polygon></object>
<object><name>A2</name><bndbox><xmin>210</xmin><ymin>300</ymin><xmax>310</xmax><ymax>400</ymax>
</bndbox></object><object><name>car</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>
<ymax>9</ymax></bndbox></object></annotation>"""
NUMBERED = ("B001", "B002")

FORMS: dict[ImportFormat, Form] = {
    ImportFormat.ULTRALYTICS: Form(
        _json([{"points": FIRST_PX, "id": "A1"}, {"points": SECOND_PX, "id": "A2"},
               {"points": [], "id": "A3"}]), "it has no points"),
    ImportFormat.BAYS_JSON: Form(
        _json({"width": 1280, "height": 720, "bays": [FIRST_PX, SECOND_PX, [[1, 1]] * 3],
               "ids": ["A1", "A2", "A3"]}), "no area"),
    ImportFormat.ACPDS: Form(
        _json({"valid": {"file_names": ["a.jpg"], "bay_ids": [["A1", "A2"]],
               "rois_list": [[[[x / 1280, y / 720] for x, y in points]
                              for points in (FIRST_PX, SECOND_PX)]]}})),
    ImportFormat.COCO: Form(_json(COCO), "'car' is not a bay"),
    ImportFormat.ROBOFLOW: Form(
        b"".join(("0 " + " ".join(f"{x / 1280:.7f} {y / 720:.7f}" for x, y in p) + "\n").encode()
                 for p in (FIRST_PX, SECOND_PX, [FIRST_PX[0]] * 3)), "no area", NUMBERED),
    ImportFormat.PKLOT: Form(PKLOT.encode(), "its contour has 2 points"),
    ImportFormat.FRIGATE: Form(FRIGATE.encode(), "disabled"),
    ImportFormat.GEOJSON: Form(
        _json({"type": "FeatureCollection", "features": [
            {"id": name, "properties": {}, "geometry": {"type": "Polygon", "coordinates": [points]}}
            for name, points in (("A1", FIRST_PX), ("A2", SECOND_PX))]
            + [{"id": "L", "geometry": {"type": "LineString", "coordinates": LINE_PX}}]}),
        "not a polygon"),
    ImportFormat.CVAT: Form(CVAT.encode(), "<polyline> has no outline"),
    ImportFormat.LABELME: Form(
        _json({"version": "5.4.1", "imageWidth": 1280, "imageHeight": 720, "imageData": "AAAA",
               "shapes": [{"label": "A1", "points": FIRST_PX, "shape_type": "polygon"},
                          {"label": "A2", "points": [[310, 400], [210, 300]],
                           "shape_type": "rectangle"},
                          {"label": "x", "points": LINE_PX, "shape_type": "linestrip"}]}),
        "a linestrip has no outline"),
    ImportFormat.VIA: Form(
        _json({"a.jpg12345": {"filename": "a.jpg", "size": 12345, "file_attributes": {}, "regions":
               [_via_region("A1", FIRST_PX), _via_region("A2", SECOND_PX), VIA_LINE]}}),
        "a polyline has no outline"),
    ImportFormat.LABEL_STUDIO: Form(
        _json([{"id": 1, "data": {"image": "/data/upload/1/12345678-a.jpg"}, "annotations": [
            {"result": [_result("A1", FIRST_PX), _result("A2", SECOND_PX),
                        {"id": "b", "type": "brushlabels", "original_width": 1280,
                         "original_height": 720, "value": {"rle": [1, 2]}}]}]}]),
        "a brush has no outline"),
    ImportFormat.SUPERVISELY: Form(
        _json({"size": {"width": 1280, "height": 720}, "objects": [
            {"classTitle": "bay", "geometryType": "polygon", "points": {"exterior": points},
             "tags": [{"name": "id", "value": name}]}
            for name, points in (("A1", FIRST_PX), ("A2", SECOND_PX))]
            + [{"classTitle": "bay", "geometryType": "line", "points": {"exterior": LINE_PX}}]}),
        "a line has no outline"),
    ImportFormat.COORDINATES: Form(
        b"- {id: A1, coordinates: [[100,300],[200,300],[200,400],[100,400]]}\n"
        b"- {id: A2, coordinates: [[210,300],[310,300],[310,400],[210,400]]}\n"
        b"- {id: A3, coordinates: []}\n", "it has no points"),
    ImportFormat.ROWS: Form(
        b"id,x1,y1,x2,y2,x3,y3,x4,y4\nA1,100,300,200,300,200,400,100,400\n"
        b"A2,210,300,310,300,310,400,210,400\n", "header"),
    ImportFormat.CORNERS: Form(
        pickle.dumps([(100, 300), (210, 300)]), None, NUMBERED),
    ImportFormat.MASK: Form(_mask(), "a speck", ("7", "9")),
    ImportFormat.VOC: Form(VOC.encode(), "'car' is not a bay"),
}  # fmt: skip

PIECES = [b"null", b"1e999", b"-5", b'"x"', b"[]", b"{}", b"NaN", b"true", b"9" * 25, b"<a/>",
          b"&lt;", b"", b"\xff", b"\0", b'"\\ud800"', b"*a", b"&a", b"[" * 40, b"\n", b",",
          b": "]  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file with one to four pieces lost, doubled or strange."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.randrange(13))
        content = content[:at] + rng.choice([*PIECES, content[at:end] * 2]) + content[end:]
    return content


def outlines(imported: Imported) -> dict[str, list[list[float]]]:
    """Corners in pixels by id."""
    return {
        bay.id: [[round(x * WH[0], 1), round(y * WH[1], 1)] for x, y in bay.polygon]
        for bay in imported.bays
    }


def imported(data: object, **about: Any) -> Imported:
    content = data if isinstance(data, str) else json.dumps(data)
    return import_document(Document(Path("file"), content.encode(), WH, **about))
