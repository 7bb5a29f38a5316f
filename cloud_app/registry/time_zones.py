"""IANA time zones: which there are, and about where each is."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import TZPATH, available_timezones

from cloud_app.registry.geometry import Position

_LINE = re.compile(r"^\S+\t(?P<lat>[+-]\d+)(?P<lon>[+-]\d+)\t(?P<zone>\S+)", re.MULTILINE)
# Degrees have two digits in a latitude and three in a longitude; minutes and seconds follow.
_LAT_DIGITS, _LON_DIGITS = 2, 3


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def check_time_zone(name: str) -> str:
    """`name`, if the IANA database has it.

    Raises:
        ValueError: it does not; with the names that come near.
    """
    if name in _names():
        return name
    by_lower = {each.lower(): each for each in _names()}
    near = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.7)
    hint = f"; did you mean {' or '.join(by_lower[each] for each in near)}?" if near else ""
    msg = f"expected an IANA time zone such as Europe/Berlin, but got {name!r}{hint}"
    raise ValueError(msg)


def about_where(name: str) -> Position | None:
    """The main city of a time zone as the IANA database has it; None for an old or abstract one."""
    return _places().get(name)


@cache
def _places() -> dict[str, Position]:
    return {
        found["zone"]: (
            _degrees(found["lon"], _LON_DIGITS),
            _degrees(found["lat"], _LAT_DIGITS),
        )
        for found in _LINE.finditer(_table())
    }


def _table() -> str:
    for folder in TZPATH:
        path = Path(folder) / "zone.tab"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    # A container without the system's copy has the package tzdata.
    return resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")


def _degrees(text: str, digits: int) -> float:
    """ISO 6709: a sign, degrees, minutes and perhaps seconds, without anything between them."""
    sign, rest = -1 if text[0] == "-" else 1, text[1:]
    parts = [rest[:digits], rest[digits : digits + 2], rest[digits + 2 :]]
    degrees, minutes, seconds = (float(part or 0) for part in parts)
    return sign * (degrees + minutes / 60 + seconds / 3600)
