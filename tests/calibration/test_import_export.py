from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from calibration import Bay, Calibration, Code, ControlPoint, Location, check_calibration
from calibration.exporters import WITHOUT_IDS, ExportFormat, export_bays
from calibration.geometry import Doubles
from calibration.ground import EARTH_RADIUS_M, ground_map
from calibration.homography import apply_homography
from calibration.importers import (
    Document,
    ImportFormat,
    detect_format,
    import_bays,
    import_document,
)
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind

Make = Callable[..., Calibration]
WH = (1280, 720)


def document(text: str, name: str = "file.json", **about: object) -> Document:
    return Document(Path(name), text.encode(), **about)  # type: ignore[arg-type]


FIRST = [[0.1, 0.2], [0.2, 0.2], [0.2, 0.5], [0.1, 0.5]]
PIXELS = [[128, 144], [256, 144], [256, 360], [128, 360]]
COCO = {
    "images": [{"id": 7, "file_name": "a.jpg", "width": 1280, "height": 720}],
    "categories": [{"id": 1, "name": "disabled"}, {"id": 2, "name": "space-empty"}],
    "annotations": [
        {
            "image_id": 7,
            "category_id": 1,
            "segmentation": [[128, 144, 256, 144, 256, 360, 128, 360]],
        }
    ],
}
PKLOT = """<?xml version="1.0"?><parking id="ufpr05"><space id="1" occupied="0">
<rotatedRect><center x="1" y="2"/></rotatedRect><contour><point x="128" y="144"/>
<Point x="256" y="144"/><point x="256" y="360"/><point x="128" y="360"/></contour></space></parking>
"""
FRIGATE = """
mqtt: {host: "{FRIGATE_MQTT_HOST}"}
cameras:
  north:
    detect: {width: 1280, height: 720}
    zones:
      A01: {coordinates: "0.1,0.2,0.2,0.2,0.2,0.5,0.1,0.5", objects: [car]}
      off: {coordinates: "0.6,0.2,0.7,0.2,0.7,0.5", enabled: false}
"""
FRIGATE_PIXELS = FRIGATE.replace(
    '"0.1,0.2,0.2,0.2,0.2,0.5,0.1,0.5"', '["128,144", "256,144", "256,360", "128,360"]'
)


@pytest.mark.parametrize(
    ("found", "bay_id"),
    [
        pytest.param(
            document(json.dumps([{"points": PIXELS}]), image_wh=WH), "B001", id="ultralytics"
        ),
        pytest.param(
            document(json.dumps({"width": 1280, "height": 720, "bays": [PIXELS]})),
            "B001",
            id="bays-json",
        ),
        pytest.param(
            document(json.dumps({"valid": {"file_names": ["a.jpg"], "rois_list": [[FIRST]]}})),
            "B001",
            id="acpds",
        ),
        pytest.param(
            document(
                json.dumps(
                    {
                        "train": {
                            "file_names": ["a.jpg", "b.jpg"],
                            "rois_list": [[], [FIRST]],
                            "bay_ids": [[], ["P7"]],
                        }
                    }
                ),
                item="b.jpg",
            ),
            "P7",
            id="acpds with ids",
        ),
        pytest.param(document(json.dumps(COCO)), "B001", id="coco"),
        pytest.param(
            document("0 0.1 0.2 0.2 0.2 0.2 0.5 0.1 0.5\n", "a.txt"), "B001", id="yolo polygon"
        ),
        pytest.param(document("3 0.15 0.35 0.1 0.3\n\n", "a.txt"), "B001", id="yolo box"),
        pytest.param(
            document(f"[np.array({PIXELS}),\n]", "a.txt", image_wh=WH), "B001", id="polygon zone"
        ),
        pytest.param(document(json.dumps(PIXELS), image_wh=WH), "B001", id="one polygon"),
        pytest.param(document(PKLOT, "a.xml", image_wh=WH), "1", id="pklot"),
        pytest.param(document(FRIGATE, "c.yml"), "A01", id="frigate"),
        pytest.param(document(FRIGATE_PIXELS, "c.yml"), "A01", id="frigate pixels"),
        pytest.param(document('["0.1,0.2,0.2,0.2,0.2,0.5,0.1,0.5"]'), "B001", id="frigate strings"),
        pytest.param(
            document(
                '{"zones": {"A01": {"coordinates": "128,144,256,144,256,360,128,360"}}}',
                image_wh=WH,
            ),
            "A01",
            id="frigate zones in pixels",
        ),
    ],
)
def test_each_format_gives_the_same_bay(found: Document, bay_id: str) -> None:
    imported = import_document(found)
    assert imported.bays[0].id == bay_id
    assert len(imported.bays) == 1
    np.testing.assert_allclose(imported.bays[0].polygon, FIRST, atol=1e-6)


def test_coco_category_sets_the_kind_and_attributes_the_id() -> None:
    data = json.loads(json.dumps(COCO))
    data["annotations"][0]["attributes"] = {"occluded": False, "name": "E 12"}
    data["annotations"] += [
        {"image_id": 7, "category_id": 2, "segmentation": [], "bbox": [640, 360, 128, 72]},
        {"image_id": 7, "category_id": 2, "segmentation": {"counts": [1], "size": [1, 1]}},
        {"image_id": 8, "category_id": 2, "bbox": [0, 0, 1, 1]},
    ]
    imported = import_document(document(json.dumps(data)))
    assert [bay.id for bay in imported.bays] == ["E_12", "B001"]
    assert [bay.kind for bay in imported.bays] == [BayKind.DISABLED, BayKind.STANDARD]
    assert imported.bays[1].polygon == ((0.5, 0.5), (0.6, 0.5), (0.6, 0.6), (0.5, 0.6))
    assert [finding.code for finding in imported.findings] == [Code.SKIPPED, Code.RENAMED]


def test_names_become_distinct_ids_and_it_is_said() -> None:
    zones = dict.fromkeys(("Bay 1", "Bay_1", "!", "B001"), "0.1,0.2,0.2,0.2,0.2,0.5")
    imported = import_document(document(json.dumps({"zones": zones})))
    assert [bay.id for bay in imported.bays] == ["Bay_1.2", "Bay_1", "bay", "B001"]
    assert [finding.bay for finding in imported.findings] == ["Bay_1.2", "bay"]


def test_numbers_pass_over_names_that_are_taken() -> None:
    data = json.loads(json.dumps(COCO))
    first = data["annotations"][0]
    data["annotations"] = [{**first, "bay_id": "P02"}, first, first]
    imported = import_document(document(json.dumps(data), start="P01"))
    assert [bay.id for bay in imported.bays] == ["P02", "P01", "P03"]


def test_counter_clockwise_outlines_are_turned_and_it_is_said() -> None:
    imported = import_document(document(json.dumps([{"points": PIXELS[::-1]}]), image_wh=WH))
    assert [finding.code for finding in imported.findings] == [Code.COUNTER_CLOCKWISE]
    calibration = Calibration(camera="n", image_wh=WH, bays=imported.bays)
    assert check_calibration(calibration) == ()


def _control_points(matrix: Doubles) -> tuple[ControlPoint, ...]:
    """Control points of a camera over a lot at 48 N, 11 E; `matrix`: fractions to metres."""
    images = [(0.1, 0.2), (0.9, 0.25), (0.85, 0.9), (0.1, 0.8), (0.5, 0.5)]
    points = []
    for image, (east, north) in zip(
        images, apply_homography(matrix, np.array(images)), strict=True
    ):
        lat = 48 + np.degrees(north / EARTH_RADIUS_M)
        lon = 11 + np.degrees(east / EARTH_RADIUS_M / np.cos(np.radians(48)))
        points.append(ControlPoint(image=image, place=Location(lat_deg=lat, lon_deg=lon)))
    return tuple(points)


# x grows east; y grows south in the picture, and the far side is compressed.
TO_METRES = np.array([[30.0, 0, 0], [0, -40.0, 40.0], [0, -0.3, 1.0]])
CONTROL = _control_points(TO_METRES)


@pytest.mark.parametrize(
    ("file_format", "tolerance_px"),
    [
        pytest.param(ExportFormat.ULTRALYTICS, 0.51, id="ultralytics"),
        pytest.param(ExportFormat.BAYS_JSON, 0.01, id="bays-json"),
        pytest.param(ExportFormat.COCO, 0.01, id="coco"),
        pytest.param(ExportFormat.ROBOFLOW, 0.01, id="roboflow"),
        pytest.param(ExportFormat.PKLOT, 0.51, id="pklot"),
        pytest.param(ExportFormat.FRIGATE, 0.01, id="frigate"),
        pytest.param(ExportFormat.GEOJSON, 0.6, id="geojson"),
    ],
)
def test_what_is_exported_can_be_imported(
    make_calibration: Make, file_format: ExportFormat, tolerance_px: float
) -> None:
    base = make_calibration(9, control_points=CONTROL)
    last = Bay(id="E-1", kind=BayKind.EV, polygon=((0.84, 0.3), (1.0, 0.3), (1.0, 0.55)))
    calibration = base.model_copy(update={"bays": (*base.bays, last)})
    suffix = {"pklot": "xml", "frigate": "yml", "roboflow": "txt"}.get(file_format, "json")
    text = export_bays(calibration, file_format)
    about = document(text, f"out.{suffix}", image_wh=WH, control_points=CONTROL)
    assert detect_format(about) is ImportFormat(file_format)
    imported = import_document(about)
    assert len(imported.bays) == len(calibration.bays)
    for bay, wanted in zip(imported.bays, calibration.bays, strict=True):
        if file_format is ExportFormat.GEOJSON:  # its rings run the other way round
            assert {bay.id, len(bay.polygon)} == {wanted.id, len(wanted.polygon)}
            first = np.abs(np.asarray(bay.polygon) - wanted.polygon[0]).sum(1).argmin()
            got = np.roll(np.asarray(bay.polygon), -int(first), axis=0)
        else:
            got = np.asarray(bay.polygon)
        np.testing.assert_allclose(got * WH, np.asarray(wanted.polygon) * WH, atol=tolerance_px)
    if file_format not in WITHOUT_IDS:
        assert [bay.id for bay in imported.bays] == list(calibration.bay_ids)
    if file_format is ExportFormat.COCO:
        assert imported.bays[-1].kind is BayKind.EV


def test_frigate_reads_our_zones_as_fractions(make_calibration: Make) -> None:
    """Frigate compares coordinates as text; none of ours may look larger than "1.0" to it."""
    rim = Bay(id="rim", polygon=((0, 0), (1, 0), (1, 1), (0.00001, 1)))
    calibration = make_calibration(2).model_copy(update={"bays": (rim,)})
    zones = yaml.safe_load(export_bays(calibration, ExportFormat.FRIGATE))
    fields = zones["cameras"]["north"]["zones"]["rim"]["coordinates"].split(",")
    assert not [field for field in fields if field > "1.0"]
    assert [float(field) for field in fields] == [0, 0, 1, 0, 1, 1, 0.00001, 1]


def test_geojson_needs_control_points_and_is_in_metres(make_calibration: Make) -> None:
    with pytest.raises(CalibrationError, match="control_points: expected 4 or more"):
        export_bays(make_calibration(), ExportFormat.GEOJSON)
    plane = ground_map(CONTROL, WH)
    assert plane.error_m < 0.01
    width_m = float(np.linalg.norm(np.subtract(*plane.metres([(0.1, 0.5), (0.2, 0.5)]))))
    expected = apply_homography(TO_METRES, np.array([(0.1, 0.5), (0.2, 0.5)]))
    assert width_m == pytest.approx(float(np.linalg.norm(expected[0] - expected[1])), rel=1e-3)
    collection = json.loads(
        export_bays(make_calibration(control_points=CONTROL), ExportFormat.GEOJSON)
    )
    ring = np.array(collection["features"][0]["geometry"]["coordinates"][0])
    assert (ring[0] == ring[-1]).all()
    x, y = (ring - ring[0]).T
    assert np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:]) > 0, "counter-clockwise on the map"
    np.testing.assert_allclose(ring.mean(0), (11, 48), atol=0.001)


@pytest.mark.data
def test_the_bays_of_the_clips_and_of_acpds_are_imported(shared_data: Path) -> None:
    topview = import_bays(shared_data / "video" / "carpark_topview.bays.json")
    assert (len(topview.bays), topview.image_wh) == (69, (1100, 720))
    assert len(import_bays(shared_data / "video" / "lot_timelapse_day.bays.json").bays) == 12
    valid = json.loads((shared_data / "acpds" / "annotations.json").read_text())["valid"]
    name = valid["file_names"][3]
    imported = import_bays(shared_data / "acpds" / "annotations.json", item=name)
    assert len(imported.bays) == len(valid["rois_list"][3])
    pklot = json.loads((shared_data / "pklot_ufpr05" / "annotations.json").read_text())["train"]
    imported = import_bays(
        shared_data / "pklot_ufpr05" / "annotations.json", item=pklot["file_names"][0]
    )
    assert [bay.id for bay in imported.bays] == [str(i) for i in pklot["bay_ids"][0]]
