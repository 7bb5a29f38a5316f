"""Bytes that ask devices for something, as their makers give them."""

from __future__ import annotations

import pytest

from sensors.decoders import PROFILES
from sensors.downlinks import ENCODERS, Downlink, DownlinkAction, encode
from sensors.errors import SensorError


@pytest.mark.parametrize(
    ("profile", "action", "interval_s", "f_port", "payload"),
    [
        # Milesight's page "Downlink Command" of the EM400-UDL over LoRaWAN: 20 minutes.
        pytest.param("milesight-em400", "interval", 1200, 85, "ff03b004", id="em400"),
        # Milesight's encoder of the EM310-UDL, with the value of its example.
        pytest.param("milesight-em310-udl", "interval", 600, 85, "ff035802", id="em310"),
        pytest.param("milesight-em400", "restart", None, 85, "ff10ff", id="em400-restart"),
        pytest.param("milesight-em310-udl", "restart", None, 85, "ff10ff", id="em310-restart"),
        # Nwave's wiki: "messages will be sent every 100 seconds".
        pytest.param("nwave-ncc405", "interval", 100, 53, "0064", id="ncc405"),
    ],
)
def test_bytes_of_makers(
    profile: str, action: str, interval_s: int | None, f_port: int, payload: str
) -> None:
    made = encode(profile, DownlinkAction(action), interval_s)
    assert (made.f_port, made.payload.hex()) == (f_port, payload)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "action", [DownlinkAction.INTERVAL, DownlinkAction.RECALIBRATE, DownlinkAction.RESTART]
)
def test_what_no_maker_published_is_refused_by_name(profile: str, action: DownlinkAction) -> None:
    if action in ENCODERS.get(profile, {}):
        return
    with pytest.raises(SensorError) as caught:
        encode(profile, action, 600)
    assert str(caught.value).startswith(
        f"{PROFILES[profile].device} cannot be asked for {action}: "
    )


@pytest.mark.parametrize(
    ("profile", "interval_s"),
    [
        ("milesight-em400", 59), ("milesight-em400", 64_801), ("milesight-em400", None),
        ("nwave-ncc405", 4_096),
    ],
)  # fmt: skip
def test_an_interval_that_a_device_does_not_take(profile: str, interval_s: int | None) -> None:
    with pytest.raises(SensorError, match=f"expected [0-9]+ to [0-9]+ s, but got {interval_s}"):
        encode(profile, DownlinkAction.INTERVAL, interval_s)


def test_an_interval_with_something_else() -> None:
    with pytest.raises(SensorError, match="expected none with restart"):
        encode("milesight-em400", DownlinkAction.RESTART, 600)


@pytest.mark.parametrize(("f_port", "size"), [(0, 1), (224, 1), (1, 0), (1, 243)])
def test_bounds_of_lorawan(f_port: int, size: int) -> None:
    with pytest.raises(SensorError, match="expected 1 to"):
        Downlink(f_port, bytes(size))
