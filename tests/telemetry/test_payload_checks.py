"""Whatever comes in is a message or a TelemetryError: bounds on both sides of them, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from telemetry import (
    Ack,
    Health,
    Layout,
    LayoutBay,
    LotInfo,
    NextJob,
    ShadowRejection,
    ShadowUpdate,
    Snapshot,
    Status,
    TelemetryError,
    apply_update,
    decode,
    decode_event,
    layout_hash,
    parse_delta,
    parse_update,
    schemas,
)
from telemetry.bounds import EARLIEST, LATEST, MAX_MESSAGE_BYTES, MAX_NUMBER, in_range
from telemetry.clock import plausible
from telemetry.cloudevents import EVENT_ADAPTER
from telemetry.layout import check_fits
from telemetry.messages import Occupancy, SnapshotBay
from telemetry.payload_checks import check_json
from telemetry.vocabulary import UnknownReason
from tests.telemetry.test_messages import EVENT

STATUS: dict[str, Any] = {"online": True, "epoch": 1, "conn": 1}
NOT_MESSAGES = [
    pytest.param(b'{"a": NaN}', "NaN", id="NaN"),
    pytest.param(b'{"a": -Infinity}', "NaN or Infinity", id="infinity"),
    pytest.param(b'{"a": 1e400}', "finite", id="a number that no float holds"),
    pytest.param(b'{"a": ' + b"9" * 400 + b".0}", "finite", id="the same without an exponent"),
    pytest.param(b'{"a": 9007199254740993}', "2\\^53", id="a whole number over 2^53"),
    pytest.param(b'{"a": ' + b"1" * 5000 + b"}", "2\\^53", id="5,000 digits"),
    pytest.param(b'{"a": "\\ud800"}', "expected JSON", id="half a surrogate pair"),
    pytest.param(b'{"\\udc00": 1}', "expected JSON", id="half a surrogate pair in a key"),
    pytest.param(b'{"a": "\\u0000"}', "NUL", id="NUL"),
    pytest.param(b'{"\\\\\\u0000": 1}', "NUL", id="NUL in a key, behind a backslash"),
    pytest.param(b'{"a": "\x00"}', "NUL", id="a NUL as it is"),
    pytest.param(b'{"a": "\xff"}', "UTF-8", id="no UTF-8"),
    pytest.param(b"[" * 9 + b"]" * 9, "8 levels", id="nine levels"),
    pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "8 levels", id="10,000 levels"),
    pytest.param(b'["' + b"x" * MAX_MESSAGE_BYTES + b'"]', "at most 1048576 bytes", id="too long"),
]
MESSAGES = [
    pytest.param(b'{"a": 9007199254740992, "b": -9007199254740992}', id="2^53"),
    pytest.param(b'{"a": 1e308, "b": 0.97000002861022951234, "c": 1e-400}', id="floats"),
    pytest.param(b'{"a": "NaN [[[[[[[[[[ Infinity 1e400 \\" {{{{{{{{{"}', id="in a text"),
    pytest.param(b'{"a": "\\\\u0000"}', id="a backslash and u0000"),
    pytest.param(b'{"a": "\\ud83d\\ude00"}', id="a whole surrogate pair"),
    pytest.param(b"[" * 8 + b"]" * 8, id="eight levels"),
    pytest.param(b"[" + b"[]," * 1000 + b"[]]", id="many on one level"),
]


@pytest.mark.parametrize(("payload", "why"), NOT_MESSAGES)
def test_what_no_message_may_hold_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(TelemetryError, match=f"there: .*{why}"):
        check_json(payload, "there")


@pytest.mark.parametrize("payload", MESSAGES)
def test_what_a_message_may_hold_comes_through(payload: bytes) -> None:
    check_json(payload, "there")
    json.loads(payload)


@pytest.mark.parametrize(("payload", "why"), NOT_MESSAGES)
def test_every_reader_is_behind_the_door(payload: bytes, why: str) -> None:
    # In a field that nobody reads: it would be kept and handed on.
    hidden = json.dumps({**STATUS, "later": 0}).encode().replace(b": 0", b": " + payload)
    readers: list[Callable[[bytes], object]] = [
        lambda p: decode(Status, p, "there"),
        lambda p: decode(NextJob, p, "there"),
        lambda p: decode_event(p, "there"),
        parse_update,
        parse_delta,
    ]
    for read in readers:
        with pytest.raises(TelemetryError):
            read(hidden)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_door_raises_nothing_else(payload: bytes) -> None:
    for read in (*(lambda p, k=k: decode(k, p, "x") for k in schemas.message_types()), parse_delta):
        with suppress(TelemetryError):
            read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b'"' + b'\\"' * 400_000, id="a text that never ends"),
        pytest.param(b"\\" * 900_000, id="backslashes"),
        pytest.param(b'"' * 900_001, id="quotes"),
        pytest.param(b"9" * 900_000, id="digits"),
        pytest.param(b"1e" * 450_000, id="exponents"),
        pytest.param(b'"' + b"\\u000" * 150_000, id="almost a NUL"),
        pytest.param(b"[" + b"[]," * 300_000 + b"[]]", id="empty lists"),
    ],
)
def test_work_grows_with_the_bytes_alone(payload: bytes) -> None:
    """A square of a megabyte would not end within a day."""
    with suppress(TelemetryError):
        check_json(payload, "there")


# Times


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "1999-12-31T23:59:59.999999Z",
        "2000-01-01T00:00:00+00:01", "2100-01-01T00:00:00Z", "2099-12-31T23:59:59-00:01",
        "1969-12-31T23:59:59Z", "2026-05-04T03:02:01",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("kind", "field", "body"),
    [
        (Status, "at", STATUS),
        (Health, "at", {"uptime_s": 1, "outbox": {"rows": 0, "bytes": 0}}),
        (Snapshot, "at", {"epoch": 1, "seq": 1, "layout": "0" * 16, "bays": []}),
    ],
)
def test_a_time_outside_of_its_range_is_refused(
    kind: type[BaseModel], field: str, body: dict[str, Any], text: str
) -> None:
    with pytest.raises(TelemetryError, match=field):
        decode(kind, json.dumps({**body, field: text}).encode(), "there")


def test_times_at_the_ends_of_the_range_are_taken() -> None:
    east = timezone(timedelta(hours=14))
    assert in_range(EARLIEST.astimezone(east)) == EARLIEST
    assert in_range(LATEST) == LATEST


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), datetime(2000, 1, 1, 0, 1, tzinfo=UTC)),
        (datetime(1980, 1, 1, tzinfo=UTC), datetime(2009, 12, 31, tzinfo=UTC)),
        (datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC)),
        (datetime(2150, 1, 1, tzinfo=UTC), LATEST),
        (datetime(1900, 1, 1, tzinfo=UTC), EARLIEST),
    ],
)
def test_a_box_without_a_battery_still_has_a_time_that_it_may_tell(
    clock: datetime, told: datetime
) -> None:
    assert plausible(clock) == told


# Numbers


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 2**63, 10**30, -1, 0])
def test_a_number_outside_of_its_range_is_refused(number: int) -> None:
    for kind, body in (
        (Status, {**STATUS, "conn": number}),
        (Status, {**STATUS, "epoch": number}),
        (Ack, {"epoch": number, "upto": 0}),
    ):
        with pytest.raises(TelemetryError):
            decode(kind, json.dumps(body).encode(), "there")
    with pytest.raises(TelemetryError):
        decode_event(json.dumps({**EVENT, "id": f"1-{number}"}).encode(), "there")


def test_the_largest_numbers_are_taken() -> None:
    status = decode(Status, json.dumps({**STATUS, "conn": MAX_NUMBER}).encode(), "there")
    assert status.conn == MAX_NUMBER
    event = decode_event(json.dumps({**EVENT, "id": f"{MAX_NUMBER}-{MAX_NUMBER}"}).encode(), "x")
    assert (event.epoch, event.seq) == (MAX_NUMBER, MAX_NUMBER)
    assert EVENT_ADAPTER.validate_json(event.encode()) == event


# Sizes: what a box can make is what a cloud takes


def a_layout(bays: int, cameras: int = 40, zones: int = 20) -> Layout:
    return Layout.of(
        [
            LayoutBay(
                bay=f"level-{n % 9}.row-{n // 50:03d}.bay-{n:05d}", camera=f"camera-{n % cameras}",
                lot="multi-storey-north", zone=f"zone-{n % zones}", level=f"{n % 9}",
            )
            for n in range(bays)
        ],
        [LotInfo(lot="multi-storey-north", name="Multi-storey north", levels=("0", "1"))],
    )  # fmt: skip


def a_snapshot(layout: Layout) -> Snapshot:
    return Snapshot(
        epoch=MAX_NUMBER, seq=MAX_NUMBER, layout=layout.hash, at=LATEST, degraded=True,
        bays=tuple(
            SnapshotBay(
                bay=bay, occ=None, closed=False, state=Occupancy.UNKNOWN, since=LATEST,
                reason=UnknownReason.CAMERA_LOST, conf=0.12345678901234567,
            )
            for bay in layout.bay_ids
        ),
        incidents=tuple(f"i-{n:016x}" for n in range(2000)),
    )  # fmt: skip


def test_thousands_of_bays_are_taken() -> None:
    layout = a_layout(4500)
    check_fits(layout)
    assert decode(Layout, layout.encode(), "there") == layout
    snapshot = a_snapshot(layout)
    assert decode(Snapshot, snapshot.encode(), "there") == snapshot


@pytest.mark.parametrize(
    ("layout", "what"),
    [
        pytest.param(lambda: a_layout(9000), "bytes of layout", id="bays"),
        pytest.param(lambda: a_layout(1001, cameras=1001), "cameras", id="cameras"),
        pytest.param(lambda: a_layout(1001, zones=1001), "zones", id="zones"),
    ],
)
def test_a_box_with_more_than_a_message_holds_is_told_so(
    layout: Callable[[], Layout], what: str
) -> None:
    with pytest.raises(TelemetryError, match=f"at most [0-9]+ {what}.*another box"):
        check_fits(layout())


def test_whatever_fits_can_be_decoded() -> None:
    """The largest layout that `check_fits` lets pass: its message and its worst snapshot."""
    low, high = 1000, 10_000
    while high - low > 1:
        middle = (low + high) // 2
        try:
            check_fits(a_layout(middle))
            low = middle
        except TelemetryError:
            high = middle
    layout = a_layout(low)
    decode(Layout, layout.encode(), "there")
    decode(Snapshot, a_snapshot(layout).encode(), "there")


def test_bays_that_stand_twice_are_refused_in_a_few_words() -> None:
    bays = [{"bay": f"b{n % 3000}", "camera": "c"} for n in range(9000)]
    body = {"hash": layout_hash(each["bay"] for each in bays), "bays": bays}
    with pytest.raises(TelemetryError, match=r"got twice: b0, b1, .* and 2995 more") as caught:
        decode(Layout, json.dumps(body).encode(), "there")
    assert len(str(caught.value)) < 400


# Shadows that do not come from a broker


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53 + 1, "\ud800", "\0", {"\ud800": 1}, {"\0": 1}],
    ids=repr,
)
def test_a_shadow_takes_nothing_that_no_reader_can_be_given(value: Any) -> None:
    update = ShadowUpdate(desired={"a": value}, sections=frozenset({"desired"}))
    with pytest.raises(ShadowRejection) as caught:
        apply_update(None, update, 1)
    assert caught.value.code == 400


def test_a_shadow_is_at_most_eight_levels_deep_whoever_writes() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels):
            value = {"a": value}
        return dict(value)

    apply_update(None, ShadowUpdate(nested(8), None, frozenset({"desired"})), 1)
    for levels in (9, 200, 100_000):
        with pytest.raises(ShadowRejection) as caught:
            apply_update(None, ShadowUpdate(nested(levels), None, frozenset({"desired"})), 1)
        assert caught.value.code == 400
