"""Simulated gates: what they notice of true passages, and what plate readers say of them."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from simulator.gates import (
    IN,
    OUT,
    Counts,
    GateFaults,
    Passage,
    Pulse,
    Read,
    SimulatedGate,
    axis,
    hikvision,
    invented_plate,
    plate_recognizer,
)

BEGIN_S = 1_700_000_000.0


def passages(count: int, every_s: float = 60.0) -> list[Passage]:
    return [Passage(BEGIN_S + every_s * n, IN if n % 2 else OUT) for n in range(count)]


def test_a_sound_gate_tells_every_passage_and_its_total() -> None:
    gate = SimulatedGate("north")
    found = gate.pass_through(passages(4))
    assert found[0] == Pulse(1, BEGIN_S, OUT, 1)
    assert [(pulse.number, pulse.direction, pulse.total) for pulse in found] == [
        (1, OUT, 1), (2, IN, 1), (3, OUT, 2), (4, IN, 2),
    ]  # fmt: skip
    assert gate.totals(BEGIN_S + 999) == Counts(2, 2)


def test_it_misses_in_both_directions_by_its_shares() -> None:
    gate = SimulatedGate("north", GateFaults(misses_in=0.01, misses_out=0.03), seed=5)
    found = gate.pass_through(passages(40_000))
    into = sum(pulse.direction is IN for pulse in found)
    assert into == pytest.approx(20_000 * 0.99, rel=0.003)
    assert len(found) - into == pytest.approx(20_000 * 0.97, rel=0.003)


def test_registers_wrap_and_reset() -> None:
    gate = SimulatedGate("north", GateFaults(wraps_at=8, resets_s=(BEGIN_S + 1800,)))
    gate.pass_through(passages(20))
    assert gate.totals(BEGIN_S + 1700) == Counts(2, 2)
    assert gate.totals(BEGIN_S + 1800) == Counts(0, 0)


def test_a_silent_gate_goes_on_counting_and_the_totals_tell_later() -> None:
    faults = GateFaults(silent_s=((BEGIN_S + 100, BEGIN_S + 1000),))
    gate = SimulatedGate("north", faults)
    found = gate.pass_through(passages(30))
    assert all(not BEGIN_S + 100 <= pulse.at_s < BEGIN_S + 1000 for pulse in found)
    assert gate.totals(BEGIN_S + 500) is None
    assert gate.totals(BEGIN_S + 2000) == Counts(15, 15)
    # The numbers show that something is missing.
    assert any(after.number - pulse.number > 1 for pulse, after in pairwise(found))


def test_an_interval_is_told_once() -> None:
    gate = SimulatedGate("north", GateFaults(wraps_at=4, silent_s=((BEGIN_S, BEGIN_S + 5000),)))
    gate.pass_through(passages(20))
    assert gate.interval(BEGIN_S + 1200) is None
    gate.pass_through(passages(10))
    assert gate.interval(BEGIN_S + 9000) == Counts(5, 5)
    assert gate.interval(BEGIN_S + 9000) == Counts(0, 0)


def test_what_is_counted_twice_has_two_numbers() -> None:
    gate = SimulatedGate("north", GateFaults(doubles=1.0))
    assert [pulse.number for pulse in gate.pass_through(passages(2))] == [1, 2, 3, 4]


@pytest.mark.parametrize("shares", [{"misses_in": 1.5}, {"doubles": -0.1}, {"wraps_at": 0}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected shares"):
        GateFaults(**shares)  # type: ignore[arg-type]


# -- plate readers --------------------------------------------------------------------------------

READ = Read(Passage(BEGIN_S, IN), "QQ07ABC", "1", 17)


def test_plates_are_those_of_no_country() -> None:
    rng = random.Random(3)
    assert all(invented_plate(rng).startswith("QQ") for _ in range(50))


def test_plate_recognizer_tells_plate_and_face() -> None:
    told = json.loads(plate_recognizer(READ))
    assert told["hook"]["event"] == "recognition"
    [result] = told["data"]["results"]
    assert (result["plate"], result["orientation"][0]["orientation"]) == ("qq07abc", "Front")
    assert told["data"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_hikvision_tells_it_in_xml() -> None:
    root = ET.fromstring(hikvision(READ, forward=True))
    space = {"h": "http://www.hikvision.com/ver20/XMLSchema"}
    assert root.findtext("h:eventType", None, space) == "ANPR"
    assert root.findtext("h:ANPR/h:licensePlate", None, space) == "QQ07ABC"
    assert root.findtext("h:ANPR/h:direction", None, space) == "forward"
    assert root.findtext("h:dateTime", None, space) == "2023-11-14T22:13:20.000+00:00"


def test_axis_knows_the_direction_when_the_car_is_gone() -> None:
    assert json.loads(axis(READ, "new"))["carMoveDirection"] == "unknown"
    told = json.loads(axis(READ))
    assert (told["carState"], told["carMoveDirection"]) == ("lost", "in")
