from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry import (
    Ack,
    BayChangedEvent,
    Blocked,
    BlockKind,
    BlockSource,
    CommandName,
    IncidentChangedEvent,
    IncidentKind,
    Layout,
    LayoutBay,
    OtherEvent,
    SeqRange,
    Status,
    StreamGap,
    StreamGapEvent,
    TelemetryError,
    decode,
    decode_event,
    layout_hash,
    pack_bays,
    pack_blocked,
    unpack_bays,
    unpack_blocked,
)
from telemetry.commands import COMMAND_ARGS

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
DATA: dict[str, Any] = {
    "occ": True,
    "closed": False,
    "state": "occupied",
    "reason": None,
    "since": "2026-05-04T03:02:01Z",
    "conf": 0.97,
    "cause": "detection",
    "camera": "cam-1",
    "method": "bay_head",
    "model": {"name": "lots", "version": "1", "sha256": "0" * 64},
    "calibration": 3,
    "layout": "0123456789abcdef",
    "clock": {"synced": True, "mono_ms": 5, "boot_id": "b"},
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1767225600-42",
    "source": "pk/v1/north/edge-7",
    "type": "pk.bay.changed.v1",
    "subject": "A-12",
    "time": "2026-05-04T03:02:01Z",
    "datacontenttype": "application/json",
    "data": DATA,
}
CLOCK = {"synced": None, "mono_ms": 0, "boot_id": ""}


def test_an_event_round_trips() -> None:
    event = decode_event(json.dumps(EVENT).encode(), "event")
    assert isinstance(event, BayChangedEvent)
    assert (event.epoch, event.seq, event.subject, event.data.occ) == (1767225600, 42, "A-12", True)
    assert decode_event(event.encode(), "event") == event


def test_a_gap_round_trips() -> None:
    gap = {
        "ranges": [{"first": 3, "last": 5}, {"first": 9, "last": 9}],
        "lost": 4,
        "reason": "rows",
        "clock": CLOCK,
    }
    raw = {**EVENT, "type": "pk.stream.gap.v1", "data": gap}
    event = decode_event(json.dumps(raw).encode(), "event")
    assert isinstance(event, StreamGapEvent)
    assert [len(each) for each in event.data.ranges] == [3, 1]


def test_a_reader_ignores_what_it_does_not_know() -> None:
    raw = {**EVENT, "extension": 1, "data": {**DATA, "colour": "red"}}
    assert decode_event(json.dumps(raw).encode(), "event").seq == 42


@pytest.mark.parametrize(
    ("change", "names"),
    [
        pytest.param({"id": "7"}, "id", id="id without an epoch"),
        pytest.param({"id": "0-1"}, "id", id="epoch zero"),
        pytest.param({"type": "com.other.v1"}, "com.other.v1", id="type of another maker"),
        pytest.param({"subject": "a/b"}, "subject", id="bay that is no identifier"),
        pytest.param({"time": "2026-05-04T03:02:01"}, "time", id="time without a zone"),
        pytest.param({"data": {**DATA, "conf": 1.5}}, "conf", id="confidence above 1"),
        pytest.param({"data": {**DATA, "state": "free"}}, "state", id="occ and state disagree"),
        pytest.param({"data": {**DATA, "reason": "dark"}}, "reason", id="reason for a known state"),
        pytest.param({"data": {**DATA, "layout": "xyz"}}, "layout", id="no hash"),
        pytest.param({"data": {**DATA, "cause": "magic"}}, "cause", id="unknown cause"),
    ],
)
def test_wrong_events_are_refused_by_name(change: dict[str, Any], names: str) -> None:
    with pytest.raises(TelemetryError, match=names) as caught:
        decode_event(json.dumps({**EVENT, **change}).encode(), "pk/v1/s/e/event")
    assert "pk/v1/s/e/event" in str(caught.value)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"NaN", b"[" * 90_000])
def test_bytes_that_are_no_message(payload: bytes) -> None:
    with pytest.raises(TelemetryError, match="somewhere"):
        decode(Ack, payload, "somewhere")
    with pytest.raises(TelemetryError, match="somewhere"):
        decode_event(payload, "somewhere")


def test_a_message_that_is_far_too_long_is_not_read() -> None:
    with pytest.raises(TelemetryError, match="at most"):
        decode(Ack, b" " * (5 * 1024 * 1024), "ack")
    with pytest.raises(TelemetryError, match="at most"):
        decode_event(b" " * (5 * 1024 * 1024), "event")


def test_messages_are_frozen_and_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    status = Status(online=True, epoch=1, conn=1, at=there)
    assert status.at == NOW
    assert json.loads(status.encode())["at"] == "2026-05-04T03:02:01Z"
    with pytest.raises(ValidationError, match="frozen"):
        status.online = False  # type: ignore[misc]


def test_a_reason_belongs_to_a_goodbye() -> None:
    with pytest.raises(ValidationError, match="online=false"):
        Status.model_validate({"online": True, "epoch": 1, "conn": 1, "reason": "shutdown"})


@pytest.mark.parametrize(
    ("ranges", "lost"),
    [
        pytest.param([(1, 3), (3, 4)], 5, id="overlap"),
        pytest.param([(5, 6), (1, 2)], 4, id="falling"),
        pytest.param([(1, 3)], 2, id="wrong count"),
        pytest.param([], 1, id="none"),
    ],
)
def test_a_gap_must_be_exact(ranges: list[tuple[int, int]], lost: int) -> None:
    parts = [{"first": first, "last": last} for first, last in ranges]
    with pytest.raises(ValidationError):
        StreamGap.model_validate({"ranges": parts, "lost": lost, "reason": "rows", "clock": CLOCK})
    with pytest.raises(ValidationError, match="less than first"):
        SeqRange(first=3, last=2)


def test_every_command_has_its_arguments() -> None:
    assert set(COMMAND_ARGS) == set(CommandName)
    with pytest.raises(ValidationError, match="Extra inputs"):
        COMMAND_ARGS[CommandName.RECALIBRATE].model_validate({"camera": "c", "speed": 3})


def test_a_layout_knows_its_hash() -> None:
    bays = [LayoutBay(bay=name, camera="c") for name in ("b", "a")]
    layout = Layout.of(bays)
    assert layout.hash == layout_hash(["b", "a"]) != layout_hash(["a", "b"])
    assert layout.bay_ids == ("b", "a")
    with pytest.raises(ValidationError, match="hash must be"):
        Layout(hash="0" * 16, bays=tuple(bays))
    with pytest.raises(ValidationError, match="twice: a"):
        Layout.of([LayoutBay(bay="a", camera="c")] * 2)


OUTLINE = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.25))


def test_an_outline_in_the_picture_changes_no_hash_and_is_left_out_where_there_is_none() -> None:
    plain, drawn = LayoutBay(bay="a", camera="c"), LayoutBay(bay="a", camera="c", picture=OUTLINE)
    assert Layout.of([plain]).hash == Layout.of([drawn]).hash
    assert b"picture" not in Layout.of([plain]).encode()
    told = Layout.of([drawn]).encode()
    assert decode(Layout, told, "there").bays[0].picture == OUTLINE


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(OUTLINE[:2], id="two-points"),
        pytest.param([(0.5, 0.5)] * 65, id="65-points"),
        pytest.param([*OUTLINE, (1.01, 0.5)], id="beyond-the-picture"),
        pytest.param([*OUTLINE, (-0.01, 0.5)], id="before-the-picture"),
        pytest.param([*OUTLINE, (0.5, float("nan"))], id="nan"),
        pytest.param([*OUTLINE, (0.5,)], id="one-number"),
        pytest.param([*OUTLINE, (0.5, 0.5, 0.5)], id="three-numbers"),
    ],
)
def test_an_outline_that_is_none_is_refused(picture: object) -> None:
    with pytest.raises(ValidationError, match="picture"):
        LayoutBay.model_validate({"bay": "a", "camera": "c", "picture": picture})


def test_moving_a_boundary_between_ids_changes_the_hash() -> None:
    assert layout_hash(["ab", "c"]) != layout_hash(["a", "bc"])


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.tuples(st.sampled_from([True, False, None]), st.booleans()),
        max_size=60,
    )
)
def test_packed_bays_come_back(facts: dict[str, tuple[bool | None, bool]]) -> None:
    packed = pack_bays(
        list(facts),
        {bay: occ for bay, (occ, _) in facts.items()},
        [bay for bay, (_, closed) in facts.items() if closed],
    )
    assert len(packed) == len(facts)
    assert unpack_bays(list(facts), packed) == facts


def test_packed_bays_that_do_not_fit() -> None:
    with pytest.raises(TelemetryError, match="2 letters"):
        unpack_bays(["a", "b"], "f")
    with pytest.raises(TelemetryError, match="letter 1"):
        unpack_bays(["a", "b"], "fx")
    assert pack_bays(["a"], {}) == "u"


def incident(**change: object) -> dict[str, Any]:
    data = {
        "kind": "straddling", "open": True, "camera": "gate", "bays": ["A-1", "A-2"],
        "vehicle": "car", "conf": 0.8, "box": [0.1, 0.2, 0.3, 0.4],
        "began": "2026-05-04T03:00:00Z", "last_seen": "2026-05-04T03:01:00Z", "stood_s": 60.0,
        "calibration": 3, "layout": "0123456789abcdef", "clock": DATA["clock"], **change,
    }  # fmt: skip
    return {**EVENT, "type": "pk.incident.changed.v1", "subject": "i-1", "data": data}


def test_an_incident_is_told_when_it_begins_and_when_it_is_over() -> None:
    begun = decode_event(json.dumps(incident()).encode(), "event")
    assert isinstance(begun, IncidentChangedEvent)
    assert (begun.subject, begun.data.kind, begun.data.open) == (
        "i-1", IncidentKind.STRADDLING, True,
    )  # fmt: skip
    ended = {"open": False, "end": "left", "ended": "2026-05-04T03:05:00Z"}
    over = decode_event(json.dumps(incident(**ended)).encode(), "event")
    assert decode_event(over.encode(), "event") == over


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"open": False}, id="over without an end"),
        pytest.param({"end": "left"}, id="open with an end"),
        pytest.param({"box": [0.1, 0.2, 0.3, 1.4]}, id="box outside of the picture"),
        pytest.param({"kind": "speeding"}, id="kind that nobody knows"),
        pytest.param({"stood_s": -1}, id="time before it began"),
    ],
)
def test_incidents_that_contradict_themselves_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TelemetryError):
        decode_event(json.dumps(incident(**change)).encode(), "event")


def test_an_event_of_a_later_contract_keeps_its_number_and_nothing_else() -> None:
    later = {**EVENT, "type": "pk.plate.read.v3", "subject": "x/y", "data": {"a": [1]}}
    event = decode_event(json.dumps(later).encode(), "event")
    assert isinstance(event, OtherEvent)
    assert (event.epoch, event.seq, event.type) == (1767225600, 42, "pk.plate.read.v3")


def test_blocked_bays_come_back_from_the_shadow() -> None:
    bays = [f"b{place}" for place in range(120)]
    kinds = {"b3": BlockKind.NEIGHBOUR, "b17": BlockKind.OBSTACLE, "b119": BlockKind.SNOW}
    blocked = {
        bay: Blocked(kind=kind, conf=1.0, by=BlockSource.PERSON) for bay, kind in kinds.items()
    }
    packed = pack_blocked(bays, blocked)
    assert packed == "3n17o119s"
    assert unpack_blocked(bays, packed) == kinds
    assert unpack_blocked(bays, "") == {}


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        pytest.param("3x", "got '3x'", id="another letter"),
        pytest.param("n", "got 'n'", id="no place"),
        pytest.param("2n", "below 2, but got 2", id="no such place"),
        pytest.param("9" * 100 + "n", "places with n, o or s", id="an endless place"),
    ],
)
def test_blocked_bays_that_do_not_fit(packed: str, fault: str) -> None:
    with pytest.raises(TelemetryError, match=fault):
        unpack_blocked(["a", "b"], packed)
