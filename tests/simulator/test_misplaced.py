"""Cars that stand badly in the simulator: where they are, and what they do to the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator import Activity, SimulatedLot, demo_layout, demo_scene
from simulator.cars import SHAPES, Car
from simulator.misplaced import Misplaced, before, in_lane, straddling
from telemetry.vocabulary import IncidentKind
from vision.incidents import FindingSettings, Lot, LotGround, sightings
from vision.types import Detections

WH = (640, 360)
CAR = Car(SHAPES[0], (0.1, 0.1, 0.5))
LAYOUT = demo_layout()
CARS = (
    straddling(LAYOUT, "B09", "B10", CAR, (10.0, 100.0)),
    before(LAYOUT, "B05", CAR, (10.0, 100.0)),
    in_lane(LAYOUT.lanes[0], 14.5, CAR, (10.0, 100.0)),
)


@pytest.fixture(scope="module")
def lot() -> SimulatedLot:
    calm = Activity(initial_share=0.5, interval_s=1e9)
    return SimulatedLot(
        replace(demo_scene(image_wh=WH), activity=calm, misplaced=CARS), 3, detail=1
    )


def test_who_straddles_takes_both_bays_while_it_stands(lot: SimulatedLot) -> None:
    for time_s, taken in ((5.0, False), (50.0, True), (150.0, False)):
        truth = lot.truth(time_s)
        assert (truth["B09"], truth["B10"]) == (taken, taken)
    assert [(c.bay, c.occupied, c.time_s) for c in lot.changes(5, 200)] == [
        ("B09", True, 10.0), ("B10", True, 10.0), ("B09", False, 100.0), ("B10", False, 100.0),
    ]  # fmt: skip
    assert [each.kind for each in lot.traffic.misplaced(50.0)] == [each.kind for each in CARS]
    assert lot.traffic.misplaced(5.0) == []


def test_they_are_in_the_picture_while_they_stand(lot: SimulatedLot) -> None:
    then, after = (len(lot.traffic.parked(t)) for t in (50.0, 150.0))
    assert then == after + len(CARS)
    assert len(lot.boxes_px(50.0)) >= len(lot.boxes_px(150.0)) + 2
    assert not np.array_equal(lot.frame(50.0), lot.frame(150.0))


def test_a_scene_without_such_cars_is_what_it_always_was() -> None:
    one = SimulatedLot(demo_scene(image_wh=(320, 180)), 5, detail=1)
    two = SimulatedLot(replace(demo_scene(image_wh=(320, 180)), misplaced=()), 5, detail=1)
    assert np.array_equal(one.frame(8.0), two.frame(8.0))
    assert one.truth(8.0) == two.truth(8.0)


def test_exact_boxes_give_exact_findings(lot: SimulatedLot) -> None:
    """Boxes of the rendered pixels and the truth as evidence: none missed, none invented."""
    polygons = [np.asarray(quad * np.array(WH), np.float32) for quad in lot.quads_norm()]
    ground = LotGround.of(polygons, [bay.angle for bay in lot.bays])
    about = Lot(
        lot.bay_ids, tuple(bay.kind for bay in lot.bays), ground, (("", ground.hull()),), WH
    )
    truth = lot.truth(50.0)
    prob = np.array([0.98 if truth[bay] else 0.02 for bay in lot.bay_ids], np.float32)
    boxes = lot.boxes_px(50.0)
    found = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64))
    settings = FindingSettings(least_bay_px=20.0)
    seen = sightings(found, ["car"] * len(boxes), prob, about, settings)
    told = {each.finding.kind: each.finding.bays for each in seen if each.finding is not None}
    assert set(told[IncidentKind.STRADDLING]) == {"B09", "B10"}
    assert told[IncidentKind.DOUBLE_PARKING][0] == "B05"
    assert sum(each.finding is not None for each in seen) <= len(CARS)


def test_bays_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a bay of the lot, but got 'Z99'"):
        before(LAYOUT, "Z99", CAR, (0.0, 1.0))
    assert isinstance(CARS[0], Misplaced)
