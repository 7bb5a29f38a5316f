"""The table of device profiles: which decoder reads the payloads of which device.

Layouts changed between versions of the same device. Where the payload tells which it is (Bosch),
the decoder looks; where it does not, each layout is a profile of its own. The firmware that the
registry knows chooses between Libelium's; nobody published with which firmware Nwave's changed, so
there the installer chooses the profile.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sensors.decoders import bosch, dingtek, libelium, milesight, nwave, parametric
from sensors.decoders.objects import from_object
from sensors.errors import SensorError
from sensors.readings import Decoded

Decoder = Callable[[int | None, bytes], Decoded]
_DAY_S: Final = 86_400.0
MOST_PAYLOAD_BYTES: Final = 242
"""Of a LoRaWAN payload at the fastest data rate."""


class Measures(StrEnum):
    """What a device tells of."""

    BAY = "bay"
    DISTANCE = "distance"
    """A bay, through the threshold that is set for it."""
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of device.

    Attributes:
        id: as the registry's devices name it.
        device: maker and model.
        measures: what it tells of.
        decoder: reads its payloads; None where the fields come decoded.
        period_s: it is heard of at least so often, as the maker sets it up.
        note: what an installer should know.
    """

    id: str
    device: str
    measures: Measures
    decoder: Decoder | None
    period_s: float = _DAY_S
    note: str = ""


DECODED_OBJECT: Final = "decoded-object"
PLAIN: Final = "plain"

_ALL: Final = (
    Profile(
        "bosch-tps110", "Bosch parking lot sensor TPS110", Measures.BAY, bosch.tps110,
        note="reset codes count from 1 since firmware 0.29, from 0 before; the payload tells",
    ),
    Profile(
        "nwave-nps405", "Nwave NPS405SM, NPS405FM", Measures.BAY, nwave.nps405,
        note="occupied is the lowest bit",
    ),
    Profile(
        "nwave-nps405-bit7", "Nwave NPS405, early firmware", Measures.BAY, nwave.nps405_bit7,
        note="occupied is the highest bit",
    ),
    Profile("nwave-nps310", "Nwave NPS310SM", Measures.BAY, nwave.nps310),
    Profile("nwave-ncc405", "Nwave NCC405 vehicle counter", Measures.COUNTER, nwave.ncc405,
            note="running total, starts again at 65,536 and after a reset"),
    Profile("dingtek-do200", "Dingtek DO200", Measures.BAY, dingtek.do20x),
    Profile("dingtek-do201", "Dingtek DO201", Measures.BAY, dingtek.do20x),
    Profile("dingtek-do202", "Dingtek DO202", Measures.BAY, dingtek.do20x),
    Profile(
        "libelium-smart-parking-v3", "Libelium Smart Parking, payload v3", Measures.BAY,
        libelium.smart_parking_v3,
    ),
    Profile(
        "libelium-smart-parking-v2", "Libelium Smart Parking, payload v2", Measures.BAY,
        libelium.smart_parking_v2, note="three bits of frame type, other words",
    ),
    Profile(
        "milesight-em310-udl", "Milesight EM310-UDL", Measures.DISTANCE, milesight.em310_udl,
        note="needs threshold_mm",
    ),
    Profile(
        "milesight-em400", "Milesight EM400-UDL, EM400-MUD, EM400-TLD", Measures.DISTANCE,
        milesight.em400, note="needs threshold_mm",
    ),
    Profile(
        "parametric-tcr", "Parametric TCR-LS, TCR-HS", Measures.COUNTER, parametric.tcr,
        note="counts of an interval, to the left and to the right",
    ),
    Profile(
        DECODED_OBJECT, "any device whose network server decodes it", Measures.BAY, None,
        note="takes the server's object, not the bytes",
    ),
    Profile(PLAIN, "anything that sends the plain JSON", Measures.BAY, None),
)  # fmt: skip

PROFILES: Final[Mapping[str, Profile]] = {profile.id: profile for profile in _ALL}


def profile_of(profile_id: str) -> Profile:
    """The profile of that id.

    Raises:
        SensorError: there is none.
    """
    profile = PROFILES.get(profile_id)
    if profile is None:
        msg = f"profile: expected one of {', '.join(PROFILES)}, but got {profile_id!r}"
        raise SensorError(msg)
    return profile


def decode(
    profile_id: str,
    f_port: int | None,
    payload: bytes | None,
    decoded_object: Mapping[str, Any] | None = None,
    *,
    firmware: str | None = None,
) -> Decoded:
    """What an uplink of a device says.

    Args:
        profile_id: of the device.
        f_port: LoRaWAN port of the uplink; None where there is none.
        payload: its bytes; None or empty where it carried none (a MAC frame): nothing is said.
        decoded_object: the fields that the network server made of them.
        firmware: of the device, where it is known; chooses between layouts.

    Raises:
        SensorError: the profile is not known, or cannot read this; never anything else.
    """
    profile = for_firmware(profile_of(profile_id), firmware)
    if profile.decoder is None:
        if decoded_object is None:
            if not payload:
                return Decoded()
            msg = f"{profile.id}: expected decoded fields, but got bytes: {payload.hex()[:80]}"
            raise SensorError(msg)
        return from_object(decoded_object)
    if not payload:
        return Decoded()
    if len(payload) > MOST_PAYLOAD_BYTES:
        msg = f"expected at most {MOST_PAYLOAD_BYTES} bytes, but got {len(payload)}"
        raise SensorError(msg)
    return profile.decoder(f_port, payload)


def for_firmware(profile: Profile, firmware: str | None) -> Profile:
    """The profile whose layout a device of this firmware has."""
    other = _BY_FIRMWARE.get(profile.id)
    if other is None or firmware is None:
        return profile
    return PROFILES[other[1]] if _major(firmware) < other[0] else profile


_BY_FIRMWARE: Final[Mapping[str, tuple[int, str]]] = {
    "libelium-smart-parking-v3": (3, "libelium-smart-parking-v2"),
}
"""Profile -> the first major version that has its layout, and the profile of those before."""


def _major(firmware: str) -> float:
    match = re.match(r"\s*[vV]?([0-9]{1,9})(?![0-9])", firmware)
    return math.inf if match is None else int(match[1])
