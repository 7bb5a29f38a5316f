"""What classes are: by their names in many languages, or as told; never by a guess."""

from __future__ import annotations

import pytest

from models.classes import ClassRole, describe_roles, resolve_roles

VEHICLE, OCCUPIED, FREE, IGNORED = (
    ClassRole.VEHICLE,
    ClassRole.OCCUPIED_BAY,
    ClassRole.FREE_BAY,
    ClassRole.IGNORED,
)


@pytest.mark.parametrize(
    "name",
    ["car", "Cars", "VEHICLE", "vehicles", "small-vehicle", "large_vehicle", "parked car", "Auto",
     "voiture", "Véhicule", "coche", "carro", "camión", "Fahrzeug", "PKW", "veículo", "araç",
     "samochód", "машина", "汽车", "車", "자동차", "kjøretøy", "trucks", "Buses"],
)  # fmt: skip
def test_vehicles_by_name(name: str) -> None:
    assert resolve_roles({0: name, 1: "person"}, {}) == {0: VEHICLE, 1: IGNORED}


@pytest.mark.parametrize(
    ("free", "occupied"),
    [
        ("space-empty", "space-occupied"),
        ("empty", "occupied"),
        ("Free", "Busy"),
        ("vacant", "taken"),
        ("unoccupied", "occupied"),
        ("not_occupied", "occupied"),
        ("free_parking_space", "not_free_parking_space"),
        ("EmptySpot", "FullSpot"),
        ("available parking slot", "unavailable parking slot"),
        ("libre", "ocupado"),
        ("libre", "occupé"),
        ("frei", "belegt"),
        ("Stellplatz frei", "Stellplatz nicht frei"),
        ("libero", "occupato"),
        ("vazio", "ocupado"),
        ("boş", "dolu"),
        ("wolne", "zajęte"),
        ("свободно", "занято"),
        ("空", "占用"),
        ("空車", "満車"),
    ],
)
def test_bays_by_name(free: str, occupied: str) -> None:
    assert resolve_roles({0: free, 1: occupied}, {}) == {0: FREE, 1: OCCUPIED}


def test_a_class_of_neither_kind_is_ignored_beside_bays() -> None:
    classes = {0: "free_parking_space", 1: "not_free_parking_space", 2: "partially_free_parking"}
    roles = resolve_roles(classes, {})
    assert roles == {0: FREE, 1: OCCUPIED, 2: IGNORED}
    assert describe_roles(classes, roles).endswith("; ignored: partially_free_parking")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        pytest.param(["car", "empty"], "may be bays or vehicles", id="car or bay"),
        pytest.param(["free"], "may be bays or vehicles", id="free alone"),
        pytest.param(["occupied", "blue"], "for occupied and for free bays", id="occupied alone"),
        pytest.param(["0", "1"], "expected a class that is a vehicle or a bay", id="numbers"),
        pytest.param(["no car", "person"], "expected a class that is a vehicle", id="no car"),
        pytest.param(["parking meter", "space"], "expected a class that is a vehicle", id="place"),
    ],
)
def test_names_that_say_too_little(classes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=rf"{message}.*--class NAME=vehicle"):
        resolve_roles(dict(enumerate(classes)), {})


def test_what_is_told_goes_before_names_and_the_rest_is_ignored() -> None:
    classes = {0: "car", 1: "empty", 2: "truck"}
    assert resolve_roles(classes, {"car": VEHICLE}) == {0: VEHICLE, 1: IGNORED, 2: IGNORED}
    hints = {"CAR": OCCUPIED, "1": FREE}
    assert resolve_roles(classes, hints) == {0: OCCUPIED, 1: FREE, 2: IGNORED}


def test_a_name_goes_before_an_index() -> None:
    assert resolve_roles({0: "1", 1: "0"}, {"1": VEHICLE}) == {0: VEHICLE, 1: IGNORED}


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        ({"bike": VEHICLE}, "one of 0 'car', 1 'empty', but got 'bike'"),
        ({"7": VEHICLE}, "but got '7'"),
        ({"car": OCCUPIED}, "needs classes for occupied_bay and for free_bay, but got only occ"),
        ({"car": VEHICLE, "empty": FREE}, "but got only free_bay"),
        ({"car": IGNORED}, "expected a class that is a vehicle or a bay"),
    ],
)
def test_roles_that_cannot_judge(hints: dict[str, ClassRole], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_roles({0: "car", 1: "empty"}, hints)


def test_roles_are_told_in_one_line() -> None:
    classes = dict(enumerate(["car", "bus", "a", "b", "c", "d", "e"]))
    assert describe_roles(classes, resolve_roles(classes, {})) == "car, bus = vehicle; 5 ignored"
