"""Bay sensors at the box: one state per bay, once, over restarts, with camera and without."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta

import pytest

from edge_app.alarms import AlarmKind
from sensors.errors import SensorError
from sensors.reconcile import Role, Why
from telemetry import BayChangedEvent, SensorHealthEvent
from telemetry.bay_sensors import SENSORS_CAMERA
from tests.edge_app.sensing.conftest import NETWORKS, NODE, NWAVE, PLAIN, Box, MakeBox

OCCUPIED, FREE = "95", "94"


def health(box: Box) -> list[tuple[str, str]]:
    return [(e.subject, e.data.state) for e in box.events() if isinstance(e, SensorHealthEvent)]


def test_a_bay_that_only_a_sensor_sees_is_a_bay_like_any_other(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    assert box.store.layout is not None
    (bay,) = box.store.layout.bays
    assert (bay.bay, bay.camera, bay.lot) == ("B-07", SENSORS_CAMERA, "north")
    assert box.states() == {"B-07": None}
    box.chirpstack(OCCUPIED, 1)
    event = box.events()[0]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.occ, event.data.method, event.data.sensor) == (True, "sensor", NODE)
    assert (event.data.camera, event.data.model) == (SENSORS_CAMERA, None)
    assert 0.9 < event.data.conf < 1
    box.clock.advance(60)
    box.chirpstack(FREE, 2)
    assert box.changes() == [("B-07", True, None, NODE), ("B-07", False, None, NODE)]
    assert box.shown["B-07"].occ is False
    snapshot = box.store.snapshot()
    assert snapshot is not None
    assert snapshot.bays[0].occ is False
    assert health(box) == [(NODE, "ok")]


def test_copies_and_late_frames_change_nothing_before_and_after_a_restart(
    make_box: MakeBox,
) -> None:
    box = make_box(NWAVE)
    began = box.clock.utc()
    for number, hex_ in enumerate((OCCUPIED, FREE, OCCUPIED), start=1):
        box.clock.advance(30)
        box.chirpstack(hex_, number)
    told = box.changes()
    assert [occ for _, occ, _, _ in told] == [True, False, True]
    for _ in range(2):
        box.chirpstack(FREE, 2, began + timedelta(seconds=60))  # a copy, again
        box.chirpstack(FREE, 99, began + timedelta(seconds=45))  # late, and never seen
        box.chirpstack(OCCUPIED, 3, began + timedelta(seconds=90))
        assert box.changes() == told
        box = make_box(NWAVE)
        assert box.states() == {"B-07": True}
    assert box.changes() == told


def test_shuffled_and_doubled_frames_end_as_the_ordered_ones(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    began = box.clock.utc()
    rng = random.Random(3)
    frames = [(rng.choice((OCCUPIED, FREE)), n, began + timedelta(seconds=n)) for n in range(1, 60)]
    box.clock.advance(60)
    mixed = frames * 2
    rng.shuffle(mixed)
    for hex_, number, at in mixed:
        box.chirpstack(hex_, number, at)
    assert box.states() == {"B-07": frames[-1][0] == OCCUPIED}


def test_a_counter_that_starts_again_is_no_old_frame(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    box.chirpstack(OCCUPIED, 4_000)
    box.clock.advance(60)
    join = {"deduplicationId": "j", "time": box.clock.utc().isoformat(),
            "deviceInfo": {"devEui": NODE}}  # fmt: skip
    box.sensing.intake("chirpstack", "join", json.dumps(join).encode())
    box.clock.advance(60)
    box.chirpstack(FREE, 0)
    assert box.states() == {"B-07": False}


def test_silence_makes_a_bay_unknown_and_is_told_once(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    box.sensing.look()
    assert health(box) == [], "it may still be on its way"
    box.chirpstack(OCCUPIED, 1)
    box.clock.advance(3_599)
    box.sensing.look()
    assert box.states() == {"B-07": True}
    box.clock.advance(2)
    for _ in range(3):
        box.sensing.look()
        box.clock.advance(10)
    assert box.changes()[-1] == ("B-07", None, "sensor_silent", NODE)
    assert len(box.changes()) == 2
    assert health(box) == [(NODE, "ok"), (NODE, "silent")]
    (alarm,) = box.alarms.standing()
    assert (alarm.kind, alarm.text) == (AlarmKind.SENSOR, "1 of 1 bay sensors silent or faulty")
    box = make_box(NWAVE)
    box.sensing.look()
    assert len(box.changes()) == 2, "a restart tells nothing again"
    assert len(health(box)) == 2
    box.chirpstack(OCCUPIED, 2)
    box.sensing.look()
    assert box.changes()[-1] == ("B-07", True, None, NODE)
    assert health(box)[-1] == (NODE, "ok")
    assert box.alarms.standing() == ()


def test_a_sensor_that_was_never_heard_of_is_silent_in_the_end(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    box.clock.advance(3_601)
    box.sensing.look()
    assert box.changes() == [("B-07", None, "sensor_silent", NODE)]
    assert health(box) == [(NODE, "silent")]


def test_what_cannot_be_read_is_a_fault_of_its_sensor(make_box: MakeBox) -> None:
    box = make_box(NWAVE)
    box.chirpstack(OCCUPIED, 1)
    box.clock.advance(5)
    box.chirpstack("0102030405060708", 2)
    assert box.changes()[-1] == ("B-07", None, "sensor_fault", NODE)
    assert health(box)[-1] == (NODE, "faulty")
    report = box.sensing.report()
    assert (report.taken, report.refused) == (1, 1)
    assert report.last_fault is not None
    assert NODE in report.last_fault
    box.clock.advance(5)
    box.chirpstack(FREE, 3)
    assert box.states() == {"B-07": False}


def test_devices_that_stand_nowhere_are_listed_and_make_no_bay(make_box: MakeBox) -> None:
    box = make_box(PLAIN)
    assert box.sensing.intake("plain", "", b'{"device": "x9", "id": "1", "occupied": true}') == 1
    assert box.sensing.report().unknown == ("x9",)
    assert box.changes() == []
    with pytest.raises(SensorError, match="expected one of chirpstack"):
        box.sensing.intake("sigfox", "", b"{}")
    with pytest.raises(SensorError):
        box.sensing.intake("chirpstack", "up", b"\xff")


@pytest.mark.parametrize(
    ("kind", "place", "body"),
    [
        pytest.param("plain", "", {"device": "s8", "id": "1", "occupied": True}, id="plain"),
        pytest.param(
            "zigbee2mqtt", "zigbee2mqtt/s8", {"occupancy": True, "battery": 12}, id="zigbee2mqtt"
        ),
        pytest.param(
            "things-stack", "v3/app/devices/s8/up",
            {"end_device_ids": {"device_id": "s8", "application_ids": {"application_id": "a"}},
             "received_at": "2026-01-01T00:00:00Z",
             "uplink_message": {"f_port": 1, "f_cnt": 4,
                                "frm_payload": base64.b64encode(b"\x01").decode(),
                                "decoded_payload": {"occupied": True}}},
            id="things-stack",
        ),
    ],
)  # fmt: skip
def test_each_network_is_read(
    make_box: MakeBox, kind: str, place: str, body: dict[str, object]
) -> None:
    profile = "decoded-object" if kind == "things-stack" else "plain"
    box = make_box(PLAIN.replace('"plain"', f'"{profile}"') + NETWORKS)
    box.sensing.intake(kind, place, json.dumps(body).encode())
    assert box.states() == {"B-08": True}
    if kind == "zigbee2mqtt":
        assert health(box) == [("s8", "low_battery")]
        assert box.sensing.report().sensors[0].battery_pct == 12


def test_camera_and_sensor_of_one_bay_keep_their_words(make_box: MakeBox) -> None:
    box = make_box(NWAVE, ["B-07", "B-01"])
    box.camera("B-01", False)
    box.camera("B-07", False)
    assert box.changes() == [("B-01", False, None, None), ("B-07", False, None, None)]
    box.clock.advance(10)
    box.chirpstack(OCCUPIED, 1)
    (bay,) = box.sensing.report().bays
    roles = {word.source: word.role for word in bay.words}
    assert bay.differs
    assert bay.why is Why.OUTWEIGHS
    assert roles == {"north": Role.BELIEVED, NODE: Role.OVERRULED}
    assert box.states()["B-07"] is False, "the camera is surer"
    box.clock.advance(1_000)
    box.sensing.look()
    assert [each.kind for each in box.alarms.standing()] == [AlarmKind.SOURCES]
    box.camera("B-07", None)
    assert box.changes()[-1] == ("B-07", True, None, NODE), "the sensor alone knows"
    event = box.events()[-1]
    assert isinstance(event, BayChangedEvent)
    assert (event.data.camera, event.data.method) == ("north", "sensor")
    box.camera("B-07", True)
    assert box.states()["B-07"] is True
    box.sensing.look()
    assert box.alarms.standing() == ()


def test_a_silent_sensor_leaves_its_bay_to_the_camera(make_box: MakeBox) -> None:
    box = make_box(NWAVE, ["B-07"])
    box.camera("B-07", False, conf=0.6)
    box.chirpstack(OCCUPIED, 1)
    assert box.states()["B-07"] is True
    box.clock.advance(3_601)
    box.sensing.look()
    assert box.states()["B-07"] is False
    assert box.changes()[-1] == ("B-07", False, None, None)


def test_after_a_restart_a_camera_goes_on_from_its_own_word(make_box: MakeBox) -> None:
    box = make_box(NWAVE, ["B-07", "B-01"])
    box.camera("B-01", True)
    box.camera("B-07", False, conf=0.6)
    box.chirpstack(OCCUPIED, 1)
    told = box.changes()
    box = make_box(NWAVE, ["B-07", "B-01"])
    restored = {each.bay: each.occ for each in box.sensing.bays.camera_states(box.store.states())}
    assert restored == {"B-07": False, "B-01": True}
    assert box.states() == {"B-07": True, "B-01": True}
    box.sensing.look()
    assert box.changes() == told
    (bay,) = box.sensing.report().bays
    assert {word.source for word in bay.words} == {"north", NODE}


def test_two_sensors_of_one_bay(make_box: MakeBox) -> None:
    second = PLAIN.replace('"B-08"', '"B-07"')
    box = make_box(NWAVE + second)
    box.chirpstack(OCCUPIED, 1)
    box.plain(id="1", occupied=True)
    (bay,) = box.sensing.report().bays
    assert (bay.occupied, bay.why) == (True, Why.AGREED)
    box.clock.advance(700)
    box.sensing.look()
    assert box.states() == {"B-07": True}, "one of them is enough"
