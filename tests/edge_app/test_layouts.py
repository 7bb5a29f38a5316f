"""From calibrations to the published layout."""

from __future__ import annotations

import pytest

from calibration import Bay, Lot
from edge_app.layouts import build_layout, lot_id
from telemetry import ConfigError
from tests.edge_app.drawn import calibration


def test_the_layout_is_cameras_then_bays() -> None:
    layout = build_layout([calibration("north", "a", "b"), calibration("south", "c")])
    assert [(bay.bay, bay.camera, bay.zone) for bay in layout.bays] == [
        ("a", "north", "z1"), ("b", "north", "z1"), ("c", "south", "z1"),
    ]  # fmt: skip
    assert [(lot.lot, lot.name) for lot in layout.lots] == [("P1-Nord-West", "P1 Nord (West)")]


def test_the_layout_tells_where_each_bay_is_in_the_picture() -> None:
    drawn = calibration("north", "a")
    beyond = Bay(id="b", polygon=((-0.001, 0.123456), (1.2, 0.2), (0.5, 0.9)))
    layout = build_layout([drawn.model_copy(update={"bays": (*drawn.bays, beyond)})])
    assert layout.bays[0].picture == ((0.02, 0.1), (0.22, 0.1), (0.22, 0.4), (0.02, 0.4))
    assert layout.bays[1].picture == ((0.0, 0.1235), (1.0, 0.2), (0.5, 0.9))


def test_a_layout_that_would_not_fit_with_pictures_goes_without() -> None:
    round_bays = tuple(
        Bay(id=f"bay-{n}", polygon=tuple((0.1 + k / 100, 0.1234) for k in range(64)))
        for n in range(1500)
    )
    one = calibration("n", "a").model_copy(update={"bays": round_bays})
    layout = build_layout([one])
    assert len(layout.bays) == 1500
    assert {bay.picture for bay in layout.bays} == {None}


def test_a_bay_of_two_cameras_is_refused() -> None:
    with pytest.raises(ConfigError, match="'b' is in the calibrations of cameras 'n' and 's'"):
        build_layout([calibration("n", "a", "b"), calibration("s", "b")])


def test_more_than_one_box_can_publish_is_refused_by_name() -> None:
    many = [
        calibration(f"camera-{n}", *(f"a-rather-long-name-of-a-bay-{n}-{k}" for k in range(4)))
        for n in range(1100)
    ]
    with pytest.raises(ConfigError, match=r"at most 1000 cameras, .* move some of its cameras"):
        build_layout(many)
    levels = tuple(f"level-{n}" for n in range(201))
    lot = Lot(name="Tower", levels=levels)
    one = calibration("n", "a").model_copy(update={"lot": lot})
    with pytest.raises(ConfigError, match=r"lots|levels"):
        build_layout([one])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("P1 Nord (West)", "P1-Nord-West"), ("Größe", "Gr-e"), ("(?)", "lot"), ("x" * 90, "x" * 64)],
)
def test_lot_ids(name: str, expected: str) -> None:
    assert lot_id(name) == expected
