"""Where vehicles stand: cuboids of known places, seen by a known camera, judged by their boxes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from simulator import Camera, look_at
from telemetry.vocabulary import BayAngle, BayKind, IncidentKind
from vision.incidents import FindingSettings, Lot, LotGround, Sighting, sightings
from vision.types import Detections, Floats

WH = (1280, 720)
WIDE, DEEP = 2.5, 5.0
CAMERAS = {
    "across": look_at((0.0, -16.0, 8.0), (0.0, 4.0), WH, 70.0),
    "aslant": look_at((-14.0, -13.0, 9.0), (1.0, 4.0), WH, 70.0),
    "steep": look_at((0.0, -4.0, 17.0), (0.0, 3.0), WH, 75.0),
}
Place = tuple[float, float, float]
"""x and y of a car's middle in metres, and its heading in degrees."""


def pixels(camera: Camera, points_m: npt.ArrayLike) -> Floats:
    found, visible = camera.project(np.asarray(points_m, np.float64))
    assert visible.all()
    return np.asarray(found, np.float32)


def box_of(camera: Camera, place: Place, size_m: tuple[float, float, float]) -> Floats:
    x, y, heading = place
    sin, cos = math.sin(math.radians(heading)), math.cos(math.radians(heading))
    length, width, height = size_m
    corners = [
        (x + a * cos - b * sin, y + a * sin + b * cos, c)
        for a, b, c in itertools.product(
            (-length / 2, length / 2), (-width / 2, width / 2), (0.0, height)
        )
    ]
    seen = pixels(camera, corners)
    return np.concatenate([seen.min(0), seen.max(0)])


def row(camera: Camera, count: int = 7) -> list[Floats]:
    """Perpendicular bays side by side, y from 0 to 5 m; the lane lies at y below 0."""
    found = []
    for index in range(count):
        x = (index - count / 2) * WIDE
        outline = [(x, 0, 0), (x + WIDE, 0, 0), (x + WIDE, DEEP, 0), (x, DEEP, 0)]
        found.append(pixels(camera, outline))
    return found


def in_bay(index: int, count: int = 7) -> Place:
    return ((index - count / 2 + 0.5) * WIDE, DEEP / 2, 90.0)


def look(
    camera: Camera,
    places: list[Place],
    prob: dict[int, float],
    *,
    vehicles: list[str] | None = None,
    kinds: dict[int, BayKind] | None = None,
    settings: FindingSettings | None = None,
    size_m: tuple[float, float, float] = (4.4, 1.8, 1.5),
) -> list[Sighting]:
    polygons = row(camera)
    ground = LotGround.of(polygons, [BayAngle.PERPENDICULAR] * len(polygons))
    lane = pixels(camera, [(-12, -9, 0), (12, -9, 0), (12, 0, 0), (-12, 0, 0)])

    lot = Lot(
        bay_ids=tuple(f"b{i}" for i in range(len(polygons))),
        kinds=tuple((kinds or {}).get(i, BayKind.STANDARD) for i in range(len(polygons))),
        ground=ground,
        areas=(("lane", shapely.Polygon(lane)),),
        image_wh=WH,
    )
    boxes = np.stack([box_of(camera, place, size_m) for place in places])
    found = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64))
    chance = np.array([prob.get(i, 0.02) for i in range(len(polygons))], np.float32)
    names = vehicles or ["car"] * len(places)
    return sightings(found, names, chance, lot, settings or FindingSettings())


@pytest.mark.parametrize("view", CAMERAS)
@pytest.mark.parametrize(
    "taken", [pytest.param((3,), id="alone"), pytest.param(tuple(range(7)), id="full")]
)
def test_cars_in_their_bays_are_fine_however_their_boxes_lean(
    view: str, taken: tuple[int, ...]
) -> None:
    found = look(CAMERAS[view], [in_bay(i) for i in taken], dict.fromkeys(taken, 0.98))
    assert [each.finding for each in found] == [None] * len(taken)
    assert [each.bay for each in found] == [f"b{i}" for i in taken]


@pytest.mark.parametrize("view", CAMERAS)
def test_a_car_on_the_line_straddles_both_bays(view: str) -> None:
    x, y, heading = in_bay(3)
    places = [in_bay(1), (x + WIDE / 2, y, heading), in_bay(6)]
    found = look(CAMERAS[view], places, {1: 0.98, 3: 0.9, 4: 0.6, 6: 0.98})
    assert [each.finding is None for each in found] == [True, False, True]
    finding = found[1].finding
    assert finding is not None
    assert finding.kind is IncidentKind.STRADDLING
    assert set(finding.bays) == {"b3", "b4"}


def test_a_bay_that_is_free_or_has_its_own_car_is_not_straddled() -> None:
    x, y, heading = in_bay(3)
    on_line = (x + WIDE / 2, y, heading)
    free = look(CAMERAS["across"], [on_line], {3: 0.98, 4: 0.05})
    assert free[0].finding is None
    both_free = look(CAMERAS["across"], [on_line], {3: 0.11, 4: 0.19})
    assert both_free[0].finding is not None
    own = look(CAMERAS["across"], [on_line, in_bay(4)], {3: 0.98, 4: 0.98})
    assert [each.finding for each in own] == [None, None]


BEFORE_THE_ROW, FAR_IN_THE_LANE = (0.0, -1.3, 0.0), (0.0, -6.5, 0.0)


@pytest.mark.parametrize(
    ("view", "place", "kind", "bays"),
    [
        *[(view, BEFORE_THE_ROW, IncidentKind.DOUBLE_PARKING, {"b3"}) for view in CAMERAS],
        # Right under the steep camera the lane is out of the picture.
        ("across", FAR_IN_THE_LANE, IncidentKind.OUTSIDE_BAY, set()),
        ("aslant", FAR_IN_THE_LANE, IncidentKind.OUTSIDE_BAY, set()),
    ],
)
def test_a_car_in_the_lane(view: str, place: Place, kind: IncidentKind, bays: set[str]) -> None:
    behind = [in_bay(2), in_bay(4)]
    (found, *others) = look(CAMERAS[view], [place, *behind], {2: 0.98, 4: 0.98})
    assert found.finding is not None
    assert (found.finding.kind, found.finding.area) == (kind, "lane")
    assert bays <= set(found.finding.bays)
    assert all(each.finding is None for each in others)


def test_outside_the_watched_area_nobody_is_told() -> None:
    (found,) = look(CAMERAS["across"], [(2.0, 9.0, 0.0)], {})
    assert found.finding is None


def test_a_vehicle_that_the_picture_cuts_says_nothing() -> None:
    camera = CAMERAS["across"]
    x = next(
        x
        for x in np.arange(4.0, 30.0, 0.5)
        if box_of(camera, (x, -3.0, 0.0), (4.4, 1.8, 1.5))[2] > 1279
    )
    (found,) = look(camera, [(float(x), -3.0, 0.0)], {})
    assert found.finding is None


def test_only_the_classes_that_a_bay_allows_may_use_it() -> None:
    settings = FindingSettings(allowed={BayKind.STANDARD: frozenset({"car"})})
    places = [in_bay(1), in_bay(3), in_bay(5)]
    found = look(
        CAMERAS["across"],
        places,
        dict.fromkeys((1, 3, 5), 0.98),
        vehicles=["car", "truck", "truck"],
        kinds={5: BayKind.LOADING},
        settings=settings,
    )
    assert [each.finding and each.finding.kind for each in found] == [
        None, IncidentKind.WRONG_USE, None,
    ]  # fmt: skip


def test_kinds_that_are_switched_off_are_not_found() -> None:
    settings = FindingSettings(kinds=frozenset({IncidentKind.STRADDLING}))
    (found,) = look(CAMERAS["across"], [(0.0, -1.3, 0.0)], {}, settings=settings)
    assert found.finding is None


def test_faint_boxes_and_no_bays_give_nothing() -> None:
    assert (
        look(CAMERAS["across"], [in_bay(1)], {}, settings=FindingSettings(min_confidence=0.95))
        == []
    )
    lot = Lot((), (), LotGround.of([], []), (), WH)
    box = np.array([[1, 2, 30, 40]], np.float32)
    one = Detections(box, np.ones(1, np.float32), np.zeros(1, np.int64))
    assert sightings(one, ["car"], np.zeros(0, np.float32), lot, FindingSettings()) == []


def test_parallel_bays_measure_a_car_along_the_kerb() -> None:
    camera = CAMERAS["across"]
    outlines = [
        pixels(camera, [(x, 0, 0), (x + 5.5, 0, 0), (x + 5.5, 2.2, 0), (x, 2.2, 0)])
        for x in (-8.25, -2.75, 2.75)
    ]
    ground = LotGround.of(outlines, [BayAngle.PARALLEL] * 3)
    box = box_of(camera, (0.0, 1.1, 0.0), (4.4, 1.8, 1.5))
    feet = ground.footprints(box[None])
    assert feet.misfit[0] < 0.25
    middle = feet.corners_px[0].mean(0)
    assert np.linalg.norm(middle - pixels(camera, [(0.0, 1.1, 0.0)])[0]) < 25
