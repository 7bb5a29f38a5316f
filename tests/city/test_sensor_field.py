"""The town's sensors: which there are, what they say of what happens, and that a broker gets it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from city.network_server import NetworkServer
from city.plan import SCRIPTED, generated_lot
from city.sensor_field import (
    BESIDE,
    HEARTBEAT_S,
    NOTICES_S,
    SensorField,
    beside_cameras,
    frames_of,
    sensors_of,
)
from sensors.decoders import decode
from simulator import TruthChange
from simulator.uplinks import Delivery, Habits, UplinkKind, chirpstack
from tests.city.conftest import planned, sensed_lot
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually

BEGIN_S = 1_790_000_000.0
LOT = sensed_lot()


def plain(_bay: str, _at_s: float) -> Habits:
    return Habits(HEARTBEAT_S, NOTICES_S)


def said(arrived: Iterable[Delivery]) -> dict[str, list[bool | None]]:
    """What each device told of its bay, in the order in which it was sent."""
    found: dict[str, list[bool | None]] = {}
    for each in sorted(arrived, key=lambda delivery: delivery.uplink.sent_s):
        frame = each.uplink.frame
        if frame is not None:
            device = each.uplink.device
            word = decode(device.profile, frame.f_port, frame.payload).word(2_000)
            found.setdefault(device.name, []).extend([] if word is None else [word.occupied])
    return found


def test_a_lot_on_sensors_has_one_in_each_bay_and_others_have_few_or_none() -> None:
    every = sensors_of(LOT)
    assert [each.bay for each in every] == list(LOT.bays)
    assert len({each.radio.dev_eui for each in every}) == len({each.id for each in every}) == 28
    assert all(len(each.radio.dev_eui) == 16 for each in every)
    # What measures a distance needs the one below which its bay is taken.
    assert {each.needs_mm for each in every if each.model.startswith("Milesight")} == {2_000}
    beside = {spec.name: len(sensors_of(generated_lot(spec))) for spec in SCRIPTED}
    assert {name: count for name, count in beside.items() if count} == {"Abbey Car Park": 2}


def test_they_tell_who_is_there_and_who_came() -> None:
    arrived: list[Delivery] = []
    taken = {LOT.key: {"A02": BEGIN_S - 60}}
    field = SensorField(sensors_of(LOT), taken, arrived.extend, plain, seed=3)
    field.switch_on(BEGIN_S)
    field.step(BEGIN_S + 10, {})
    news = {LOT.key: [TruthChange("A03", True, 12.0)], "old-town/elsewhere": []}
    field.step(BEGIN_S + 15, news)
    field.step(BEGIN_S + 60, {})
    told = said(arrived)
    assert len(told) == 28
    assert told["mill-lane-a02"][-1] is True
    assert told["mill-lane-a03"][0] is False
    assert told["mill-lane-a03"][-1] is True
    assert told["mill-lane-b05"][-1] is False
    assert min(field.heard_s.values()) > BEGIN_S + 60 - 4 * HEARTBEAT_S
    assert frames_of(field)[LOT.key] == len({each.uplink.id for each in arrived})


def test_one_beside_a_camera_lies_and_the_other_does_not() -> None:
    abbey, arrived = planned("Abbey Car Park"), list[Delivery]()
    field = beside_cameras([abbey], {abbey.key: {}}, arrived.extend, seed=3)
    field.switch_on(BEGIN_S)
    field.step(BEGIN_S + 3600, {})
    liar, honest = (f"abbey-car-park-{bay.lower()}" for bay in BESIDE[abbey.id])
    told = said(arrived)
    assert set(told[honest]) == {False}
    assert set(told[liar]) == {False, True}


def test_a_broker_gets_what_the_network_server_heard(mosquitto: Path, tmp_path: Path) -> None:
    broker = Mosquitto(mosquitto, tmp_path)
    broker.start()
    server = NetworkServer(broker.port)
    heard: list[tuple[str, bytes]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv311)
    client.on_message = lambda _client, _data, message: heard.append(
        (message.topic, bytes(message.payload))
    )
    subscribed: list[int] = []
    client.on_subscribe = lambda _client, _data, number, _codes, _properties: subscribed.append(
        number
    )
    try:
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        client.subscribe("application/+/device/+/event/+", qos=1)
        eventually(lambda: bool(subscribed), "the subscription", 10)
        server.start()
        arrived: list[Delivery] = []
        field = SensorField(sensors_of(LOT), {LOT.key: {}}, arrived.extend, plain, seed=3)
        field.switch_on(BEGIN_S)
        field.step(BEGIN_S + 10, {})
        server.publish(arrived)
        eventually(lambda: len(heard) == len(arrived), "all uplinks", 10)
        eventually(lambda: not server.waits, "the broker's confirmations", 10)
    finally:
        server.stop()
        client.disconnect()
        client.loop_stop()
        broker.stop()
    messages = [chirpstack(each.uplink) for each in arrived]
    assert heard == [(message.topic, message.body) for message in messages]
    assert {each.uplink.kind for each in arrived} >= {UplinkKind.UP, UplinkKind.JOIN}
