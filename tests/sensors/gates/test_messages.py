"""What the messages of gates come down to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sensors.errors import SensorError
from sensors.gates import (
    GateReport,
    GateWiring,
    PlateHash,
    read_axis,
    read_hikvision,
    read_plate_recognizer,
    read_pulses,
    vehicle_class,
)
from telemetry import PassageDirection, PassageMethod
from tests.sensors.gates.messages import (
    AXIS,
    HIKVISION,
    PLATE,
    PLATE_RECOGNIZER,
    PULSE,
    encoded,
    multipart,
)

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
KEY = PlateHash(b"k" * 32)
IN, OUT = PassageDirection.IN, PassageDirection.OUT


def _one(reports: list[GateReport]) -> GateReport:
    (report,) = reports
    return report


# -- Our own JSON -------------------------------------------------------------------------------


def test_a_pulse() -> None:
    report = _one(
        read_pulses(b'{"gate":"g1","time":"2026-06-01T07:00:00+02:00","direction":"in"}', NOW)
    )
    (passage,) = report.passages
    assert (report.gate, report.at) == ("g1", datetime(2026, 6, 1, 5, tzinfo=UTC))
    assert (passage.direction, passage.count, passage.method) == (IN, 1, PassageMethod.PULSE)


def test_totals_and_interval_counts() -> None:
    report = _one(
        read_pulses(
            b'{"gate":"g1","totals":{"in":1706,"out":12},"restarted":true,"interval":{"in":3,"out":0}}',
            NOW,
        )
    )
    assert [(t.direction, t.total, t.restarted) for t in report.totals] == [
        (IN, 1706, True),
        (OUT, 12, True),
    ]
    assert [(p.direction, p.count, p.method) for p in report.passages] == [
        (IN, 3, PassageMethod.COUNTER),
        (OUT, 0, PassageMethod.COUNTER),
    ]
    assert {each.at for each in report.totals} == {NOW}


def test_a_list_and_a_sign_of_life() -> None:
    reports = read_pulses(b'[{"gate":"g1"},{"gate":"g2","direction":"out","count":2}]', NOW)
    assert [(r.gate, len(r.passages), len(r.totals)) for r in reports] == [
        ("g1", 0, 0),
        ("g2", 1, 0),
    ]


def test_an_id_names_the_passage_and_so_does_the_time() -> None:
    def key(**fields: Any) -> str:
        return (
            _one(read_pulses(encoded({"gate": "g", "direction": "in", **fields}), NOW))
            .passages[0]
            .key
        )

    assert key(id="a") == key(id="a", time="2026-06-01T07:00:00Z")
    assert key(id="a") != key(id="b")
    assert key(time="2026-06-01T07:00:00Z") == key(time="2026-06-01T09:00:00+02:00")
    assert key(direction="in") != key(direction="out")


# -- Plate readers ------------------------------------------------------------------------------


def test_plate_recognizer() -> None:
    report = _one(read_plate_recognizer(encoded(PLATE_RECOGNIZER), plates=KEY))
    (passage,) = report.passages
    assert (report.gate, passage.direction, passage.vehicle) == ("camera-1", IN, "truck")
    assert passage.method is PassageMethod.PLATE_READER
    assert passage.hash == KEY.of("WX 1234-A")
    assert passage.conf == pytest.approx(0.839)


def test_plate_recognizer_as_a_form() -> None:
    body = json.dumps(PLATE_RECOGNIZER)
    form = (
        '--b\r\nContent-Disposition: form-data; name="json"\r\n\r\n'
        f"{body}\r\n"
        '--b\r\nContent-Disposition: form-data; name="upload"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode() + b"\xff\xd8\xff\r\n--b--\r\n"
    plain = read_plate_recognizer(encoded(PLATE_RECOGNIZER))
    assert read_plate_recognizer(form, "multipart/form-data; boundary=b") == plain


def test_plate_recognizer_without_an_orientation_needs_a_wiring() -> None:
    message = json.loads(encoded(PLATE_RECOGNIZER))
    del message["data"]["results"][0]["orientation"]
    report = _one(read_plate_recognizer(encoded(message)))
    assert report.passages[0].direction is None
    assert report.wired(GateWiring.AS_TOLD).passages[0].direction is None
    assert report.wired(GateWiring.OUT).passages[0].direction is OUT


def test_plate_recognizer_tells_of_something_else() -> None:
    heartbeat = {
        "hook": {"event": "image"},
        "data": {"camera_id": "c", "timestamp": "2026-06-01T05:00:00Z"},
    }
    assert _one(read_plate_recognizer(encoded(heartbeat))).passages == ()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param("forward", IN, id="forward"),
        pytest.param("reverse", OUT, id="reverse"),
        pytest.param("unknown", None, id="unknown"),
    ],
)
def test_hikvision(told: str, expected: PassageDirection | None) -> None:
    xml = HIKVISION.replace(b"forward", told.encode())
    report = _one(read_hikvision(xml, "application/xml", KEY))
    (passage,) = report.passages
    assert report.gate == "c42f90a7b5d1"
    assert (passage.direction, passage.vehicle, passage.conf) == (expected, "car", 0.98)
    assert passage.at == datetime(2026, 6, 1, 5, 56, 13, tzinfo=UTC)
    assert passage.hash == KEY.of(PLATE)


@pytest.mark.parametrize("subtype", ["form-data", "mixed"])
def test_hikvision_among_pictures(subtype: str) -> None:
    body, content_type = multipart(HIKVISION, subtype)
    assert read_hikvision(body, content_type) == read_hikvision(HIKVISION)


def test_hikvision_of_an_older_namespace() -> None:
    other = HIKVISION.replace(b"http://www.hikvision.com/ver20/XMLSchema", b"urn:psialliance-org")
    assert read_hikvision(other) == read_hikvision(HIKVISION)


def test_hikvision_tells_of_something_else() -> None:
    motion = HIKVISION.replace(b"<eventType>ANPR", b"<eventType>VMD")
    assert _one(read_hikvision(motion)).passages == ()


def test_hikvision_could_not_read_the_plate() -> None:
    unread = HIKVISION.replace(PLATE.encode(), b"unknown")
    assert _one(read_hikvision(unread, "", KEY)).passages[0].hash is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, [IN], id="update"),
        pytest.param({"carState": "lost", "carMoveDirection": "out"}, [OUT], id="lost"),
        pytest.param({"carState": "new"}, [], id="new has no direction"),
        pytest.param({"carMoveDirection": "unknown"}, [], id="update without a direction"),
        pytest.param(
            {"carState": "lost", "carMoveDirection": "unknown"}, [None], id="lost without"
        ),
    ],
)
def test_axis(changed: dict[str, Any], expected: list[PassageDirection | None]) -> None:
    report = _one(read_axis(encoded(AXIS, **changed), KEY))
    assert report.gate == "B8A44F000001"
    assert [each.direction for each in report.passages] == expected
    assert report.at == datetime(2026, 6, 1, 5, 56, 13, 606_000, tzinfo=UTC)


def test_axis_tells_of_one_vehicle_several_times() -> None:
    update, lost = (
        _one(read_axis(encoded(AXIS, carState=state, capture_timestamp=ms))).passages[0]
        for state, ms in (("update", "1780293373606"), ("lost", "1780293379000"))
    )
    assert update.key == lost.key


def test_axis_with_its_other_time() -> None:
    report = _one(read_axis(encoded(AXIS, capture_timestamp=None)))
    assert report.at == datetime(2026, 6, 1, 5, 56, 13, 606_000, tzinfo=UTC)


# -- Wiring, classes, hashes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wiring", "told", "expected"),
    [
        pytest.param(GateWiring.AS_TOLD, IN, IN, id="as told"),
        pytest.param(GateWiring.AS_TOLD, None, None, id="nothing told"),
        pytest.param(GateWiring.REVERSED, IN, OUT, id="reversed"),
        pytest.param(GateWiring.REVERSED, None, None, id="reversed nothing"),
        pytest.param(GateWiring.IN, OUT, IN, id="one way"),
        pytest.param(GateWiring.OUT, None, OUT, id="one way, nothing told"),
    ],
)
def test_how_a_gate_is_wired(
    wiring: GateWiring, told: PassageDirection | None, expected: PassageDirection | None
) -> None:
    assert wiring.apply(told) is expected


def test_a_class_is_one_of_ours_or_none() -> None:
    assert vehicle_class("Big Truck") == "truck"
    assert vehicle_class("SUVMPV") == "car"
    assert vehicle_class(PLATE) is None
    assert vehicle_class(None) is None


def test_a_hash_depends_on_the_key_and_not_on_how_a_plate_is_written() -> None:
    assert KEY.of("b-ab 123") == KEY.of("BAB123")
    assert KEY.of("BAB123") != PlateHash(b"other" * 8).of("BAB123")
    assert KEY.of(" - ") is None


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(SensorError, match="32 bytes or more, but got 5"):
        PlateHash(b"short")


# -- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        pytest.param(b"", "expected JSON", id="empty"),
        pytest.param(b"\xff\xfe", "expected JSON", id="no UTF-8"),
        pytest.param(b"[" * 5_000, "expected JSON", id="deep"),
        pytest.param(b'{"gate":"g","direction":"in"', "expected JSON", id="cut off"),
        pytest.param(b"7", "expected an object, but got a number", id="number"),
        pytest.param(b'{"direction":"in"}', "gate: expected text, but got nothing", id="no gate"),
        pytest.param(b'{"gate":"a b"}', "gate: expected 1 to 64 of", id="bad name"),
        pytest.param(b'{"gate":"g","direction":"up"}', "expected 'in' or 'out'", id="direction"),
        pytest.param(
            b'{"gate":"g","direction":"in","count":-1}', "count: expected a whole", id="count"
        ),
        pytest.param(b'{"gate":"g","count":true}', "count: expected a whole", id="a flag"),
        pytest.param(
            b'{"gate":"g","time":"2026-06-01T07:00:00"}', "time: expected a time", id="no zone"
        ),
        pytest.param(b'{"gate":"g","time":"1999-06-01T07:00:00Z"}', "2000 to 2099", id="too old"),
        pytest.param(
            b'{"gate":"g","totals":{"in":1.5}}', "totals.in: expected a whole", id="fraction"
        ),
        pytest.param(b'{"gate":"g","totals":[]}', "totals: expected an object", id="totals"),
        pytest.param(b"[" + b'{"gate":"g"},' * 1000 + b'{"gate":"g"}]', "at most 1000", id="many"),
    ],
)
def test_what_is_no_message_of_ours(payload: bytes, told: str) -> None:
    with pytest.raises(SensorError, match=told):
        read_pulses(payload, NOW)


_BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>
<EventNotificationAlert>&lol2;</EventNotificationAlert>"""


@pytest.mark.parametrize(
    ("payload", "content_type", "told"),
    [
        pytest.param(_BOMB, "", "without document type and entities", id="entities"),
        pytest.param(b"<a", "", "expected XML", id="cut off"),
        pytest.param(b"<a/>", "", "an element EventNotificationAlert", id="another document"),
        pytest.param(b"<?xml version='1.0' encoding='x'?><a/>", "", "expected XML", id="encoding"),
        pytest.param(b"x", "multipart/form-data; boundary=b", "expected parts", id="no parts"),
        pytest.param(
            b"--b\r\n\r\nx\r\n--b--", "multipart/mixed; boundary=b", "XML doc", id="no XML"
        ),
        pytest.param(
            HIKVISION.replace(b"dateTime", b"when"), "", "dateTime: expected", id="no time"
        ),
        pytest.param(
            HIKVISION.replace(b"macAddress", b"mac"), "", "macAddress: expected", id="no name"
        ),
    ],
)
def test_what_is_no_event_of_hikvision(payload: bytes, content_type: str, told: str) -> None:
    with pytest.raises(SensorError, match=told):
        read_hikvision(payload, content_type)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"carState": "parked"}, id="state"),
        pytest.param({"capture_timestamp": "x", "datetime": None}, id="time"),
        pytest.param({"camera_info": {}}, id="serial"),
    ],
)
def test_what_is_no_event_of_axis(changed: dict[str, Any]) -> None:
    with pytest.raises(SensorError, match="Axis event"):
        read_axis(encoded(AXIS, **changed))


def test_what_is_no_webhook_of_plate_recognizer() -> None:
    with pytest.raises(SensorError, match="data: expected an object, but got nothing"):
        read_plate_recognizer(b"{}")
    assert PULSE["plate"] == PLATE
