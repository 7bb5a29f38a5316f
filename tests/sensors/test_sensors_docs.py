"""What docs/sensors.md says is so."""

from __future__ import annotations

import re

from sensors.decoders import COMMON, PROFILES
from sensors.envelopes import Uplink, plain
from tests.conftest import REPO

PAGE = (REPO / "docs" / "sensors.md").read_text(encoding="utf-8")


def test_the_table_of_profiles() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \| (bay|distance|counter) \|$", PAGE, re.M)
    assert rows == [(each.id, each.device, each.measures.value) for each in PROFILES.values()]


def test_the_names_of_decoded_fields() -> None:
    table = PAGE.split("| field | names |")[1].split("\n\n")[0]
    told = set(re.findall(r"`([A-Za-z_]+)`", table))
    known = {name for each in COMMON.__slots__ for name in getattr(COMMON, each)}
    assert told == known


def test_the_example_is_read() -> None:
    [example] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
    found = list(plain(example.encode()))
    assert [isinstance(each, Uplink) for each in found] == [True] * 4
