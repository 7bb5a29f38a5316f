"""Fields that a network server or a plain sender has decoded."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.decoders import ObjectMapping, decode, from_object
from sensors.errors import SensorError


@pytest.mark.parametrize(
    ("fields", "occupied"),
    [
        ({"occupied": True}, True),
        ({"occupied": 0}, False),
        ({"occupied": 1.0}, True),
        ({"occupied": "Vacant"}, False),
        ({"occupied": "unknown"}, None),
        ({"occupied": None}, None),
        ({"parking_status": "OCCUPIED", "status": "ok"}, True),
        ({"status": "free"}, False),
    ],
)
def test_occupancy_as_codecs_say_it(fields: dict[str, Any], occupied: bool | None) -> None:
    word = from_object(fields).word()
    assert word is not None
    assert word.occupied is occupied


def test_all_that_may_be_said() -> None:
    decoded = decode(
        "decoded-object",
        1,
        None,
        {
            "distance": 1800, "battery": 88, "battery_voltage": 3.5, "temperature": 21.5,
            "humidity": 40, "firmware_version": "1.2", "tilted": 0, "status": "ok", "left": 2,
            "nested": {"ignored": 1},
        },
    )  # fmt: skip
    assert decoded.fields() == {
        "distance_mm": 1800, "left": 2, "right": 0, "battery_v": 3.5, "battery_pct": 88.0,
        "temperature_c": 21.5, "humidity_pct": 40.0, "firmware": "1.2", "tilted": False,
        "status": "ok",
    }  # fmt: skip


def test_a_mapping_of_ones_own() -> None:
    mapping = ObjectMapping(occupied=("parking.state",))
    word = from_object({"parking": {"state": "busy"}, "linkquality": 60}, mapping).word()
    assert word is not None
    assert word.occupied is True


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({}, "such as occupied, distance_mm, running_total, but got none"),
        ({"status": "ok"}, "but got status"),
        ({"occupied": "perhaps"}, "occupied: expected true, false"),
        ({"occupied": [1]}, "occupied: expected"),
        ({"distance": "far"}, "distance: expected a number"),
        ({"distance": -1}, "distance_mm: expected 0 to"),
        ({"running_total": 1.5}, "running_total: expected a whole number"),
        ({"occupied": True, "battery_pct": 101}, "battery_pct: expected 0 to 100"),
        ({"occupied": True, "battery_low": "x"}, "battery_low: expected true or false"),
        ({"distance": 10**400}, "expected a number that a float holds"),
    ],
)
def test_fields_that_cannot_be_read(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(SensorError, match=match):
        from_object(fields)


_NAMES = st.sampled_from(
    ["occupied", "status", "distance", "battery", "left", "total", "temperature", "firmware", "x"]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "free", "0", "é", "far"]),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(_NAMES, values, max_size=2),
    max_leaves=4,
)


@given(fields=st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_any_object_ends_in_a_reading_or_an_error(fields: dict[str, Any]) -> None:
    with suppress(SensorError):
        from_object(fields).word(1500)
