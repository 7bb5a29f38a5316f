"""Files that installers brought, each with its right answer."""

from __future__ import annotations

from typing import Any

import pytest

from calibration import Code
from calibration.importers import fit_to, import_bays
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind
from tests.calibration.importers.forms import (
    CASES,
    FIRST_PX,
    SECOND_PX,
    WH,
    imported,
    outlines,
)


@pytest.mark.parametrize(
    ("name", "bays"),
    [
        ("bb_utf16.json", {"12": FIRST_PX, "5": SECOND_PX}),
        ("idpoints.json", {"12": FIRST_PX, "5": SECOND_PX}),
        ("coords.yml", {"7": FIRST_PX, "3": SECOND_PX}),
        ("cvat.xml", {"A1": FIRST_PX}),
        ("via.json", {"A1": FIRST_PX}),
        ("labelme.json", {"A1": [[100.5, 300.2], *FIRST_PX[1:]], "A2": SECOND_PX}),
        ("ls.json", {"B001": [[128, 288], [256, 288], [256, 396], [128, 396]]}),
        ("coco_car.json", {"B001": FIRST_PX}),
        ("coco_two.json", {"B001": FIRST_PX,
                           "B002": [[300, 300], [400, 300], [400, 400], [300, 400]]}),
        ("boxes8.json", {"B001": [[50, 192], [157, 192], [157, 240], [50, 240]],
                         "B002": [[51, 250], [158, 250], [158, 290], [51, 290]],
                         "B003": [[51, 300], [158, 300], [158, 340], [51, 340]]}),
    ],
)  # fmt: skip
def test_files_of_the_tools_that_installers_have(name: str, bays: dict[str, Any]) -> None:
    assert outlines(import_bays(CASES / name, image_wh=WH)) == bays


def test_a_car_and_the_road_are_told_and_can_be_asked_for() -> None:
    told = [finding.message for finding in import_bays(CASES / "coco_car.json").left_out]
    assert told == [
        "1 skipped: its label 'car' is not a bay label (--category) (annotations[1])",
        "1 skipped: its label 'road' is not a bay label (--category) (annotations[2])",
    ]
    cars = import_bays(CASES / "coco_car.json", categories=("car", "bay"))
    assert len(cars.bays) == 2
    with pytest.raises(CalibrationError, match=r"'bay' \(1\), 'car' \(1\), .*, but got van"):
        import_bays(CASES / "coco_car.json", categories=("van",))


def test_several_outlines_of_one_annotation_are_told() -> None:
    findings = import_bays(CASES / "coco_two.json").findings
    assert [finding.code for finding in findings] == [Code.SPLIT]
    assert "annotations[0] has 2 outlines" in findings[0].message


def test_bays_drawn_on_another_shape_of_picture_are_refused() -> None:
    found = import_bays(CASES / "coco_1920.json")
    with pytest.raises(
        CalibrationError, match=r"aspect ratio of 1280x720, but got 1920x1440; .*stretch"
    ):
        fit_to(found, WH, "coco_1920.json")
    stretched = fit_to(found, WH, "coco_1920.json", stretch=True)
    assert stretched.image_wh == WH
    assert stretched.findings[0].message == (
        "bays drawn on 1920x1440 were scaled to the image's 1280x720"
    )


@pytest.mark.parametrize("size_wh", [(1920, 1080), (640, 360), (854, 480), (1366, 768)])
def test_bays_drawn_on_another_size_of_the_same_shape_are_scaled(size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    half = [[0, 0], [width / 2, 0], [width / 2, height / 2], [0, height / 2]]
    found = fit_to(imported({"width": width, "height": height, "bays": [half]}), WH, "file")
    assert found.image_wh == WH
    assert outlines(found) == {"B001": [[0, 0], [640, 0], [640, 360], [0, 360]]}
    assert [finding.code for finding in found.findings] == [Code.SCALED]


def coco(labels: list[str], **fields: Any) -> dict[str, Any]:
    names = list(dict.fromkeys(labels))
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 1280, "height": 720}],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
        "annotations": [
            {
                "image_id": 1,
                "category_id": names.index(label),
                "bbox": [20 * n, 9, 10, 10],
                **fields,
            }
            for n, label in enumerate(labels)
        ],
    }


@pytest.mark.parametrize(
    ("labels", "ids"),
    [
        pytest.param(["bay", "car", "bay"], ["B001", "B002"], id="bays and a car"),
        pytest.param(["space-empty", "space-occupied", "space-empty"], ["B001", "B002", "B003"],
                     id="states"),
        pytest.param(["parking_slot"] * 2 + ["parking line"], ["B001", "B002"], id="a line"),
        pytest.param(["Stellplatz", "Auto"], ["B001"], id="German"),
        pytest.param(["ParkingSpace", "person"], ["B001"], id="one word"),
        pytest.param(["object"] * 3, ["B001", "B002", "B003"], id="the only one there is"),
        pytest.param(["A1", "A2", "B 3"], ["A1", "A2", "B_3"], id="names"),
        pytest.param(["A1", "A2", "road"], ["A1", "A2"], id="names and the road"),
        pytest.param(["A1", "A1", "A2", "A3"], ["A1", "A1.2", "A2", "A3"], id="a name twice"),
        pytest.param(["Bay 1", "Bay 2"], ["Bay_1", "Bay_2"], id="names with a word"),
        pytest.param(["truck bay", "truck"], ["B001"], id="a bay for trucks"),
    ],
)  # fmt: skip
def test_labels_that_read_like_bays_or_names_are_taken(labels: list[str], ids: list[str]) -> None:
    found = imported(coco(labels))
    assert [bay.id for bay in found.bays] == ids
    left = sum(int(finding.message.split()[0]) for finding in found.left_out)
    assert left == len(labels) - len(ids)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(["0", "0", "1", "1", "1"], id="numbers of classes"),
        pytest.param(["left", "left", "right", "right"], id="words"),
        pytest.param(["car", "car"], id="cars only"),
    ],
)
def test_labels_that_say_nothing_are_asked_for(labels: list[str]) -> None:
    with pytest.raises(CalibrationError, match=f"--category.* of .*'{labels[0]}' "):
        imported(coco(labels))
    assert len(imported(coco(labels), categories=(labels[0],)).bays) == labels.count(labels[0])


def test_a_kind_in_a_label_is_kept() -> None:
    found = imported(coco(["disabled", "ev space", "bay"]))
    assert [bay.kind for bay in found.bays] == [BayKind.DISABLED, BayKind.EV, BayKind.STANDARD]


def test_of_several_pictures_the_one_with_drawings_is_taken_else_asked_for() -> None:
    data = coco(["bay"])
    data["images"].append({"id": 2, "file_name": "b.jpg", "width": 1280, "height": 720})
    assert len(imported(data).bays) == 1
    data["annotations"].append({"image_id": "2", "category_id": 0, "bbox": [1, 1, 5, 5]})
    with pytest.raises(CalibrationError, match=r"choice of one \(--item\) of 2: a.jpg, b.jpg"):
        imported(data)
    data["images"][1]["file_name"] = "sub/b.jpg"
    assert outlines(imported(data, item="b.jpg")) == {"B001": [[1, 1], [6, 1], [6, 6], [1, 6]]}
