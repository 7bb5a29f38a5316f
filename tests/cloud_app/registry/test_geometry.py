"""Outlines are refused with the reason and the place; cells find all that a window shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cloud_app.registry.facts import BayFacts, LotFacts
from cloud_app.registry.geometry import (
    Box,
    Outline,
    cell_of,
    cells_around,
    distance_m,
    looks_swapped,
)
from cloud_app.registry.time_zones import about_where, check_time_zone
from tests.cloud_app.registry.places import MUNICH, polygon, square

OUTLINE: TypeAdapter[Any] = TypeAdapter(Outline)
LON, LAT = MUNICH


@pytest.mark.parametrize(
    ("outline", "told"),
    [
        pytest.param(
            polygon([(11.5, 48.1), (11.501, 48.101), (11.501, 48.1), (11.5, 48.101), (11.5, 48.1)]),
            "does not cross itself, but it does at [11.5005, 48.1005]",
            id="crossing",
        ),
        pytest.param(
            polygon([(48.1, 111.5), (48.1, 111.6), (48.2, 111.6), (48.1, 111.5)]),
            "got [48.1, 111.5]: longitude and latitude look swapped",
            id="swapped beyond 90 degrees",
        ),
        pytest.param(
            polygon([(11.5, 48.1), (11.6, 48.1), (11.6, 48.2)]), "ends where it began", id="open"
        ),
        pytest.param(
            polygon([(11.5, 48.1), (11.6, 48.1), (11.5, 48.1)]), "4 positions or more", id="short"
        ),
        pytest.param(
            polygon([(11.5, 48.1), (511.6, 48.1), (11.6, 48.2), (11.5, 48.1)]),
            "at most 180 and 90 degrees, but got [511.6, 48.1]",
            id="off the earth",
        ),
        pytest.param(
            polygon([(11.5, 48.1), (float("nan"), 48.1), (11.6, 48.2), (11.5, 48.1)]),
            "at most 180 and 90",
            id="no number",
        ),
        pytest.param(
            {
                "type": "Polygon",
                "coordinates": [
                    square(LON, LAT, 50)["coordinates"][0],
                    square(LON + 0.01, LAT, 5)["coordinates"][0],
                ],
            },
            "hole lies outside shell at",
            id="hole outside",
        ),
        pytest.param({"type": "Point", "coordinates": [1, 2]}, "Polygon", id="a point"),
        pytest.param({"type": "Polygon", "coordinates": []}, "at least 1 item", id="nothing"),
    ],
)
def test_a_wrong_outline_is_refused_with_the_reason(outline: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        OUTLINE.validate_python(outline)


def test_area_is_in_square_metres_and_bounded_for_each_kind() -> None:
    assert OUTLINE.validate_python(square(LON, LAT, 100)).area_m2 == pytest.approx(10_000, rel=0.01)
    assert BayFacts.model_validate({"outline": square(LON, LAT, 4)}).outline is not None
    with pytest.raises(ValidationError, match=r"an area of 1 to 500 m², but got 1e\+04 m²"):
        BayFacts.model_validate({"outline": square(LON, LAT, 100)})
    with pytest.raises(ValidationError, match=r"an area of 10 to 2e\+07 m², but got 1"):
        LotFacts.model_validate({"outline": square(LON, LAT, 1)})


def test_both_sides_of_a_street_are_one_outline() -> None:
    sides = [square(LON, LAT, 20)["coordinates"], square(LON + 0.001, LAT, 20)["coordinates"]]
    found = OUTLINE.validate_python({"type": "MultiPolygon", "coordinates": sides})
    assert found.area_m2 == pytest.approx(800, rel=0.01)


def test_swapped_numbers_are_seen_where_both_ways_lie_on_earth() -> None:
    assert looks_swapped((LAT, LON), MUNICH, 1_000)
    assert not looks_swapped(MUNICH, MUNICH, 1_000)
    # Far away both ways: somebody meant another place.
    assert not looks_swapped((-70.0, 20.0), MUNICH, 1_000)


def test_distance() -> None:
    assert distance_m(MUNICH, (13.405, 52.52)) == pytest.approx(504_000, rel=0.01)


def test_time_zones() -> None:
    assert check_time_zone("Europe/Berlin") == "Europe/Berlin"
    for wrong, told in (
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("europe/berlin", "did you mean Europe/Berlin"),
        ("../../etc/passwd", "expected an IANA time zone"),
        ("", "expected an IANA time zone"),
    ):
        with pytest.raises(ValueError, match=re.escape(told)):
            check_time_zone(wrong)
    place = about_where("America/New_York")
    assert place is not None
    assert distance_m(place, (-74.0, 40.7)) < 10_000
    assert about_where("UTC") is None


degrees = st.floats(-1, 1)


@given(
    west=st.floats(-180, 179), south=st.floats(-90, 89), size=st.floats(1e-7, 1),
    dx=st.floats(-1.5, 1.5), dy=st.floats(-1.5, 1.5), thing_size=st.floats(0, 0.5),
)  # fmt: skip
def test_whatever_meets_a_window_has_a_cell_that_is_looked_at(
    west: float, south: float, size: float, dx: float, dy: float, thing_size: float
) -> None:
    window = Box(west, south, min(180, west + size), min(90, south + size))
    x, y = max(-180.0, min(180.0, west + dx)), max(-90.0, min(90.0, south + dy))
    thing = Box(x, y, min(180, x + thing_size), min(90, y + thing_size))
    cell = cell_of(thing)
    squares, around = cells_around(window)
    assert len(squares) <= 4
    found = cell in around or any(square <= cell < square + "4" for square in squares)
    assert found or not thing.meets(window)
