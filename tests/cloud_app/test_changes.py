"""The short way of reading a bay's change accepts nothing that the long way does not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from cloud_app.ingest.changes import read_change
from cloud_app.ingest.decode import Inbound, read_event
from cloud_app.stream import TakenEvent
from telemetry.bounds import MAX_MESSAGE_BYTES
from telemetry.topics import EdgeTopic, EdgeTopics, TopicKind
from telemetry.vocabulary import BlockKind
from tests.cloud_app.scripted_edge import ScriptedEdge

PLACE = EdgeTopic(EdgeTopics("north", "box-1"), TopicKind.EVENT)
TOPIC = f"{PLACE.topics.base}/event"


def payload() -> bytes:
    return ScriptedEdge().change("a1", True).payload


def both(raw: bytes) -> tuple[TakenEvent | None, TakenEvent | None]:
    """What the short and the long way make of a payload."""
    taken = read_event(Inbound(TOPIC, raw, False, 0), PLACE)
    return read_change(raw, PLACE), taken if isinstance(taken, TakenEvent) else None


@pytest.mark.parametrize("occ", [True, False, None])
def test_what_our_edges_write_is_read_the_short_way(occ: bool | None) -> None:
    box = ScriptedEdge()
    for message in (
        box.change("a1", occ, 0.25),
        box.close_bay("a1", True),
        box.block_bay("a1", BlockKind.NEIGHBOUR),
        box.block_bay("a1", BlockKind.SNOW),
        box.change("a2", occ),
    ):
        short, long = both(message.payload)
        assert short is not None
        assert short == long


def changed(**values: Any) -> bytes:
    """The event with other values; `data_x` is `x` within `data`, `...` leaves it out."""
    event = json.loads(payload())
    for name, value in values.items():
        where = event["data"] if name.startswith("data_") else event
        key = name.removeprefix("data_")
        where.pop(key, None)
        if value is not ...:
            where[key] = value
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def swapped(old: str, new: str | bytes) -> bytes:
    raw = payload()
    assert old.encode() in raw
    return raw.replace(old.encode(), new if isinstance(new, bytes) else new.encode(), 1)


LONG_ONLY: dict[str, Callable[[], bytes]] = {
    "a field that nobody knows": lambda: changed(later=1),
    "one within the data": lambda: changed(data_later={"deep": [1]}),
    "a comma in a text": lambda: changed(data_method="bay,head"),
    "an escape": lambda: swapped('"bay_head"', '"bay\\u005fhead"'),
    "another time zone": lambda: changed(time="2026-03-01T09:00:01+01:00"),
    "a lower-case time": lambda: changed(time="2026-03-01t08:00:01z"),
    "a time in seconds": lambda: changed(time=1772352001),
    "a whole number as text": lambda: changed(data_calibration="3"),
    "a boolean as text": lambda: changed(data_occ="true"),
    "an epoch of 16 digits": lambda: changed(id="9007199254740992-1"),
    "a year at the end of the range": lambda: changed(time="2099-12-31T23:59:59Z"),
}
REFUSED: dict[str, Callable[[], bytes]] = {
    "a field twice, once infinite": lambda: swapped('"conf":0.97', '"conf":1e999,"conf":0.97'),
    "no JSON": lambda: payload()[:-1],
    "more behind it": lambda: payload() + b"{}",
    "no UTF-8": lambda: swapped("bay_head", b"bay\xffhead"),
    "NUL": lambda: swapped("bay_head", b"bay\0head"),
    "an escaped NUL": lambda: swapped("bay_head", "bay\\u0000head"),
    "half a surrogate pair": lambda: swapped("bay_head", "bay\\ud800head"),
    "a field twice, once too large": lambda: swapped(
        '"calibration":3', '"calibration":90071992547409930,"calibration":3'
    ),
    "a field twice, once too deep": lambda: swapped(
        '"calibration":3', f'"calibration":{"[" * 20}{"]" * 20},"calibration":3'
    ),
    "NaN": lambda: swapped('"conf":0.97', '"conf":NaN'),
    "more than sure": lambda: changed(data_conf=1.5),
    "no number": lambda: changed(id="1-0"),
    "too high a number": lambda: changed(id="1-9007199254740993"),
    "a day that is none": lambda: changed(time="2026-02-30T08:00:01Z"),
    "a time long ago": lambda: changed(time="1999-12-31T23:59:59Z"),
    "another state in words": lambda: changed(data_state="free"),
    "a reason for what is known": lambda: changed(data_reason="dark"),
    "no reason for what is not": lambda: changed(data_occ=None, data_state="unknown"),
    "another edge's source": lambda: changed(source="pk/v1/north/box-2"),
    "no subject": lambda: changed(subject=...),
    "a bay with a blank": lambda: changed(subject="a 1"),
    "a block of an unknown kind": lambda: changed(
        data_blocked={"kind": "tree", "conf": 1.0, "by": "person"}
    ),
    "too long": lambda: payload() + b" " * MAX_MESSAGE_BYTES,
}
SHORT: dict[str, Callable[[], bytes]] = {
    "no model": lambda: changed(data_model=...),
    "null for a model": lambda: changed(data_model=None),
    "blanks": lambda: json.dumps(json.loads(payload()), indent=2).encode(),
    "another order": lambda: json.dumps(json.loads(payload()), sort_keys=True).encode(),
    "other scripts": lambda: changed(data_method="Stellplätze 車"),
    "an earlier since": lambda: changed(data_since="2026-03-01T07:59:59.123456Z"),
    "without what has a default": lambda: changed(
        specversion=..., data_closed=..., data_reason=...
    ),
}


@pytest.mark.parametrize("make", LONG_ONLY.values(), ids=LONG_ONLY)
def test_unusual_changes_are_read_the_long_way(make: Callable[[], bytes]) -> None:
    short, long = both(make())
    assert short is None
    assert long is not None


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_refused_by_both(make: Callable[[], bytes]) -> None:
    assert both(make()) == (None, None)


@pytest.mark.parametrize("make", SHORT.values(), ids=SHORT)
def test_plain_changes_read_the_same(make: Callable[[], bytes]) -> None:
    short, long = both(make())
    assert short is not None
    assert short == long


def test_damaged_changes_never_read_otherwise() -> None:
    """Bytes changed, doubled, left out and swapped at random."""
    dice = random.Random(13)
    whole = payload()
    pieces = [b'"', b",", b":", b"{", b"}", b"[", b"null", b"1e400", b"9" * 17, b"\\u0000", b"\xff"]
    taken = 0
    for _ in range(3000):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            start, length = dice.randrange(len(raw)), dice.choice([0, 0, 1, 1, 5, 30])
            other = dice.randrange(len(raw))
            new = dice.choice(
                [*pieces, bytes(raw[other : other + length]), bytes([dice.randrange(256)])]
            )
            raw[start : start + length] = new
        short, long = both(bytes(raw))
        assert short is None or short == long, bytes(raw)
        taken += short is not None
    assert taken > 20
