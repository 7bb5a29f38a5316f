"""Payloads with their right answers: of makers' codecs and sheets, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Vector:
    profile: str
    f_port: int | None
    payload_hex: str
    fields: dict[str, Any] = field(default_factory=dict)
    occupied: bool | str | None = "nothing said"

    def __str__(self) -> str:
        return f"{self.profile}-{self.f_port}-{self.payload_hex[:16]}"


NOTHING_SAID = "nothing said"
VECTORS = (
    Vector("bosch-tps110", 1, "01", {}, True),
    Vector("bosch-tps110", 1, "00", {}, False),
    Vector("bosch-tps110", 2, "01FF", {"temperature_c": -1}, True),
    Vector("bosch-tps110", 2, "00", {}, False),
    Vector(
        "bosch-tps110", 3, "240300007503000000000000001D020301",
        {"firmware": "0.29.2", "reset_code": 3, "reset": "system_request"}, True,
    ),
    Vector(
        "bosch-tps110", 3, "0000000099020206006F00000017030200",
        {"firmware": "0.23.3", "reset_code": 2, "reset": "system_request"}, False,
    ),
    Vector(
        "bosch-tps110", 3, "000000000000000000000000001D020001", {"reset": "code 0"}, True
    ),
    Vector("bosch-tps110", 5, "0102", {"information": "0102"}),
    Vector(
        "nwave-nps405", 1, "95", {"previous_state_min": 74, "previous_state_tolerance_min": 0},
        True,
    ),
    Vector("nwave-nps405", 1, "00", {"previous_state_min": 0}, False),
    Vector(
        "nwave-nps405", 1, "FE", {"previous_state_min": 660}, False
    ),
    Vector("nwave-nps405", 1, "F1", {"previous_state_min": 240}, True),
    Vector(
        "nwave-nps405", 2, "00D3D800590B",
        {"battery_v": 3.344, "temperature_c": -10, "battery_low": False}, False,
    ),
    Vector(
        "nwave-nps405", 2, "006300", {"battery_v": 2.896, "temperature_c": 10,
                                      "battery_low": True}, False,
    ),
    Vector("nwave-nps405", 3, "0204090200", {"firmware": "2.4.9", "reset": "power_on"}, False),
    Vector(
        "nwave-nps405", 10, "D11F345678",
        {"previous_state_min": 160, "previous_state_tolerance_min": 4, "tag": "1f345678"}, True,
    ),
    Vector("nwave-nps405", 10, "D1201F345678", {"tag": "1f345678"}, True),
    Vector("nwave-nps405", 10, "D01F345678", {"tag": "1f345678"}),
    Vector("nwave-nps405-bit7", 1, "95", {"previous_state_min": 21}, True),
    Vector("nwave-nps405-bit7", 1, "15", {"previous_state_min": 21}, False),
    Vector("nwave-nps310", 1, "01", {}, True),
    Vector("nwave-nps310", 2, "00", {}, False),
    Vector("nwave-nps310", 3, "010D000200", {"firmware": "1.13.0", "reset": "power_on"}, False),
    Vector("nwave-ncc405", 1, "06AA", {"running_total": 1706, "modulus": 65_536}),
    Vector(
        "nwave-ncc405", 2, "A86661",
        {"health_code": 40, "battery_v": 2.908, "battery_mean_24h_v": 2.888},
    ),
    Vector("nwave-ncc405", 3, "010D0002", {"firmware": "1.13.0", "reset": "power_on"}),
    Vector(
        "dingtek-do201", 3, "800031021706B4000001610010FFF6FFF08B2D00010081",
        {"level_mm": 1716, "battery_v": 3.53, "humidity_pct": 45, "magnet_x": 16,
         "magnet_y": -10, "magnet_z": -16, "counter": 1, "battery_low": False}, False,
    ),
    Vector(
        "dingtek-do201", 3, "800031021706B4100101610010FFF6FFF0142D00010081",
        {"temperature_c": 20, "battery_low": True}, True,
    ),
    Vector(
        "dingtek-do202", 3, "800032021706B4000001610010FFF6FFF08B2D00010081",
        {"battery_v": 3.53}, False,
    ),
    Vector("dingtek-do202", 3, "80003203100101181E3C003C14000081", {"firmware": "1.1"}),
    Vector(
        "dingtek-do200", 3, "8000020115000000 00016F0079FFB0FFF500000081".replace(" ", ""),
        {"level_mm": 0, "battery_v": 3.67, "magnet_x": 121, "magnet_y": -80, "magnet_z": -11,
         "counter": 0}, False,
    ),
    Vector("dingtek-do200", 3, "8000020311000B18020A05A0003C000081", {"firmware": "0.11"}),
    Vector(
        "libelium-smart-parking-v3", None, "006E000900390000000000",
        {"counter": 110, "temperature_c": 9, "frame": "info", "battery_low": False}, False,
    ),
    Vector(
        "libelium-smart-parking-v3", 1, "805B0009001400DE0A0801", {"counter": 91}, True
    ),
    Vector(
        "libelium-smart-parking-v3", 1, "81C60014053300D90C80C8",
        {"frame": "keep_alive", "counter": 198, "temperature_c": 20}, True,
    ),
    Vector("libelium-smart-parking-v3", 1, "829F665700000D9F00FF00", {"frame": "daily"}, True),
    Vector(
        "libelium-smart-parking-v3", 1, "C06E070900390000000000",
        {"battery_low": True, "fault": "sensor error 7"}, None,
    ),
    Vector(
        "libelium-smart-parking-v3", 1, "04001E0E7CF2D9F91E0DDF",
        {"frame": "start_1", "firmware_code": 30},
    ),
    Vector("libelium-smart-parking-v3", 1, "080A00001F00C60561ED91", {"frame": "rssi"}),
    Vector("libelium-smart-parking-v2", 1, "C105000C00000000000000", {"frame": "keep_alive"},
           True),
    Vector("libelium-smart-parking-v2", 1, "829F665700000D9F00FF00", {"frame": "config_up"}),
    Vector(
        "milesight-em310-udl", 85, "01755C03824408040001",
        {"battery_pct": 92, "distance_mm": 2116, "tilted": True}, None,
    ),
    Vector("milesight-em310-udl", 85, "01755C03824408040000", {"tilted": False}, False),
    Vector("milesight-em310-udl", 85, "0382B004", {"distance_mm": 1200}, True),
    Vector("milesight-em310-udl", 85, "0382FFFF", {"distance_mm": None}, None),
    Vector("milesight-em310-udl", 85, "017564", {"battery_pct": 100}),
    Vector(
        "milesight-em310-udl", 85, "ff0bffff0101ff166713b46943150002ff090310ff0a0101ff0f00",
        {"firmware": "1.1", "hardware": "3.1", "serial": "6713b46943150002"},
    ),
    Vector("milesight-em310-udl", 85, "0382B004AABB01", {"unread": "aabb01"}, True),
    Vector(
        "milesight-em400", 85, "01755C0367010104824408050000",
        {"battery_pct": 92, "temperature_c": 25.7, "distance_mm": 2116, "tilted": False}, False,
    ),
    Vector("milesight-em400", 85, "8367E8000184823A0101", {"distance_mm": 314}, True),
    Vector(
        "parametric-tcr", 15, "BE0202646412C218B800000000010600000000020B00000000011E"
        "000000000000", {"left": 0, "right": 4, "battery_v": 25.7, "class_1_right_km_h": 11},
    ),
    Vector(
        "parametric-tcr", 15, "BE02016412C218B800000000010600000000020B00000000011E000000000000",
        {"left": 0, "right": 4, "battery_pct": 100, "solar_mw": 4802},
    ),
    Vector(
        "parametric-tcr", 15, "BE02021CC0000000A0000108000000000000000000000000000000000000000000",
        {"left": 1, "right": 0, "battery_v": 7.36, "temperature_c": 16.0},
    ),
    Vector(
        "parametric-tcr", 190, "BE020200010000000000000305A00000640000010708191A313278",
        {"firmware": "1.0.0", "interval_min": 3, "sensitivity_pct": 100},
    ),
)  # fmt: skip
THRESHOLD_MM = 1500
