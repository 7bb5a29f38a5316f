"""Payloads of simulated devices are byte for byte those that real ones are documented with."""

from __future__ import annotations

import pytest

from simulator.uplinks import FAMILIES, Frame, Reading, Reset
from simulator.uplinks import payloads as p
from simulator.uplinks.payloads import SpeedClass

_DO201 = Reading(
    occupied=False,
    battery_v=3.53,
    temperature_c=-117,
    counter=1,
    distance_mm=1716,
    magnet=(16, -10, -16),
)
_TCR = [SpeedClass(0, 1, 0, 6), SpeedClass(0, 2, 0, 11), SpeedClass(0, 1, 0, 30)]


@pytest.mark.parametrize(
    ("frame", "port", "expected"),
    [
        pytest.param(p.bosch_status(Reading(True)), 1, "01", id="bosch status"),
        pytest.param(
            p.bosch_heartbeat(Reading(True, temperature_c=-1)), 2, "01FF", id="bosch heartbeat"
        ),
        pytest.param(
            p.bosch_start(
                Reading(True), (0, 29, 2), Reset.USER, bytes.fromhex("240300007503000000000000")
            ),
            3,
            "240300007503000000000000001D020301",
            id="bosch start, reasons from 1",
        ),
        pytest.param(
            p.bosch_start(
                Reading(False), (0, 23, 3), Reset.USER, bytes.fromhex("0000000099020206006F0000")
            ),
            3,
            "0000000099020206006F00000017030200",
            id="bosch start, reasons from 0",
        ),
        pytest.param(
            p.nps405_status(Reading(True, previous_min=74.9)), 1, "95", id="nps405 status"
        ),
        pytest.param(
            p.nps405_old_status(Reading(True, previous_min=74)), 1, "CA", id="nps405 old status"
        ),
        pytest.param(
            p.nps405_heartbeat(
                Reading(False, battery_v=3.344, temperature_c=-10), bytes.fromhex("00590B")
            ),
            2,
            "00D3D800590B",
            id="nps405 heartbeat",
        ),
        pytest.param(
            p.nps405_tag(Reading(True, previous_min=163), bytes.fromhex("1f345678")),
            10,
            "D11F345678",
            id="nps405 tag",
        ),
        pytest.param(
            p.nwave_start(Reading(False), (2, 4, 9), Reset.POWER_ON), 3, "0204090200", id="nps405"
        ),
        pytest.param(p.nps310_status(Reading(True)), 1, "01", id="nps310 status"),
        pytest.param(
            p.nwave_start(Reading(False), (1, 13, 0), Reset.POWER_ON), 3, "010D000200", id="nps310"
        ),
        pytest.param(p.ncc405_count(65_536 + 1706), 1, "06AA", id="ncc405 total, wrapped"),
        pytest.param(p.ncc405_heartbeat(2.908, 2.888, 0xA8), 2, "A86661", id="ncc405 heartbeat"),
        pytest.param(
            p.do201_report(_DO201, humidity_pct=45),
            3,
            "800031021706B4000001610010FFF6FFF08B2D00010081",
            id="do201",
        ),
        pytest.param(
            p.libelium_info(Reading(False, counter=110, temperature_c=9, magnet=(57, 0, 0))),
            3,
            "006E000900390000000000",
            id="libelium free",
        ),
        pytest.param(
            p.libelium_info(
                Reading(True, counter=91, temperature_c=9, magnet=(20, 222, 2568)), last=1
            ),
            3,
            "805B0009001400DE0A0801",
            id="libelium occupied",
        ),
        pytest.param(
            p.libelium_keep_alive(
                Reading(True, counter=198, temperature_c=20, magnet=(1331, 217, 3200))
            ),
            3,
            "81C60014053300D90C80C8",
            id="libelium keep-alive",
        ),
        pytest.param(
            p.em310_report(Reading(True, battery_pct=92, distance_mm=2116, tilted=True)),
            85,
            "01755C03824408040001",
            id="em310",
        ),
        pytest.param(
            p.tcr_counts(_TCR, battery_mv=25_700, panel_mv=4802, temperature_c=632.8),
            15,
            "BE0202646412C218B800000000010600000000020B00000000011E000000000000",
            id="tcr",
        ),
    ],
)
def test_bytes_as_documented(frame: Frame, port: int, expected: str) -> None:
    assert (frame.f_port, frame.payload.hex().upper()) == (port, expected)


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(0, 0), (89.9, 89), (90, 90), (94, 90), (239, 119), (240, 120), (659, 126), (660, 127)],
)
def test_minutes_are_compressed_as_nwave_does(minutes: float, code: int) -> None:
    assert p.compressed_min(minutes) == code


def test_a_low_battery_sets_libeliums_bit() -> None:
    assert p.libelium_info(Reading(False, battery_v=3.0)).payload[0] == 0x40


def test_more_classes_of_speed_than_there_are_are_refused() -> None:
    with pytest.raises(ValueError, match="up to 4 classes of speed, but got 5"):
        p.tcr_counts([SpeedClass()] * 5)


def test_every_family_says_free_and_occupied_apart() -> None:
    for family in FAMILIES.values():
        taken, free = (
            family.changed(Reading(occupied, distance_mm=family.taken_mm if occupied else 2_000))
            for occupied in (True, False)
        )
        assert taken != free, family.id
