"""Sensors by the box-load: a table with their DevEUIs, and without their keys."""

from __future__ import annotations

import pytest

from cloud_app.registry.columns import is_key
from cloud_app.registry.files import read_csv


def test_a_dev_eui_is_read_as_a_label_has_it() -> None:
    text = (
        "device,dev_eui,site,lot,bay,profile\n"
        "s1,70-B3-D5-E7-5E-00-3B-1A,north,p1,a1,nwave-nps405\n"
        "s2,70b3d5e75e003b1b,north,p1,a2,nwave-nps405\n"
        "s3,,north,p1,a3,nwave-nps405\n"
    )
    reading = read_csv(text, "sensors.csv")
    assert reading.faults == []
    serials = [row.given.get("serial") for row in reading.rows]
    assert serials == ["70b3d5e75e003b1a", "70b3d5e75e003b1b", None]


def test_what_is_no_dev_eui_is_told_with_its_line() -> None:
    reading = read_csv("device,DevEUI\ns1,70b3\ns2,70b3d5e75e003b1b\n", "sensors.csv")
    assert [(fault.place, "16 hexadecimal digits" in fault.told) for fault in reading.faults] == [
        ("line 2", True)
    ]
    assert len(reading.rows) == 1


def test_keys_stay_at_the_network_server() -> None:
    secret = "2B7E151628AED2A6ABF7158809CF4F3C"
    reading = read_csv(f"device,dev_eui,app_key\ns1,70b3d5e75e003b1a,{secret}\n", "sensors.csv")
    assert ["keys stay at the network server" in fault.told for fault in reading.faults] == [True]
    assert secret not in repr(reading)
    both = read_csv("device,dev_eui,serial\ns1,70b3d5e75e003b1a,x\n", "sensors.csv")
    assert "expected each column once" in both.faults[0].told


@pytest.mark.parametrize("name", ["app_key", "AppKey", "nwk_key", "NwkSKey", "gen_app_key"])
def test_columns_of_keys(name: str) -> None:
    assert is_key(name)


@pytest.mark.parametrize("name", ["key", "device", "monkey", "keyboard"])
def test_columns_of_none(name: str) -> None:
    assert not is_key(name)
