"""What simulated devices send is what the decoders read: all families, all envelopes, all gates."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from sensors.decoders import PROFILES, Measures, decode
from sensors.envelopes import Uplink as Read
from sensors.envelopes import UplinkKind as Kind
from sensors.envelopes import chirpstack, event_of_topic, plain, things_stack
from sensors.errors import SensorError
from sensors.gates import read_axis, read_hikvision, read_plate_recognizer, read_pulses
from sensors.readings import Decoded, IntervalCounts, RunningTotal
from simulator import gates
from simulator import uplinks as sim
from simulator.gates import IN, OUT, GateFaults, Passage, SimulatedGate
from simulator.uplinks import (
    CLEAR,
    FAMILIES,
    Air,
    CountingStyle,
    Device,
    Habits,
    SimulatedCounter,
    SimulatedSensor,
    Uplink,
    UplinkKind,
)
from telemetry import PassageDirection

BEGIN_S = 1_700_000_000.0
NOW = datetime.fromtimestamp(BEGIN_S, UTC)
THRESHOLD_MM = 2_000


def lived(profile: str, hours: float = 48, air: Air = CLEAR) -> tuple[list[bool], list[Uplink]]:
    """Two days of a sensor whose bay changes every few hours: the truth, and what arrived."""
    rng = random.Random(profile)
    device = Device("70b3d57ed0060001", "bay-a01", profile)
    sensor = SimulatedSensor(device, Habits(1800.0), air, 1, BEGIN_S, occupied=False)
    truth, at_s = [False], BEGIN_S
    while (at_s := at_s + rng.uniform(600, 9000)) < BEGIN_S + hours * 3600 - 60:
        truth.append(not truth[-1])
        sensor.see(at_s, occupied=truth[-1])
    return truth, [each.uplink for each in sensor.step(BEGIN_S + hours * 3600 + 60)]


def read(uplink: Uplink) -> Decoded:
    frame = uplink.frame
    assert frame is not None
    return decode(uplink.device.profile, frame.f_port, frame.payload)


@pytest.mark.parametrize("profile", FAMILIES)
def test_the_decoders_read_every_frame_and_the_truth_out_of_them(profile: str) -> None:
    truth, uplinks = lived(profile)
    words = []
    for uplink in uplinks:
        if uplink.frame is not None:
            word = read(uplink).word(THRESHOLD_MM)
            words += [] if word is None else [word.occupied]
    changes = [words[0], *(b for a, b in pairwise(words) if a is not b)]
    assert changes == truth
    assert profile in PROFILES


def test_batteries_and_temperatures_come_through() -> None:
    _, uplinks = lived("nwave-nps405")
    statuses = [read(each).status for each in uplinks if each.frame is not None]
    volts = [each.battery_v for each in statuses if each.battery_v is not None]
    degrees = [each.temperature_c for each in statuses if each.temperature_c is not None]
    assert 3.4 < volts[-1] <= volts[0]
    assert 2 < min(degrees) < 7
    assert 11 < max(degrees) < 16
    starts = [each for each in statuses if each.reset is not None]
    assert [each.firmware for each in starts] == ["2.4.9"]
    [half] = [each for each in lived("milesight-em310-udl", 0.1)[1] if each.frame is not None][:1]
    assert read(half).status.battery_pct == pytest.approx(94, abs=1)


def test_both_envelopes_and_the_plain_json_say_the_same() -> None:
    _, uplinks = lived("bosch-tps110", 6)
    for uplink in uplinks:
        message = sim.chirpstack(uplink)
        event = event_of_topic(message.topic)
        assert event is not None
        found = [chirpstack(message.body, event)]
        things, bare = sim.things_stack(uplink), sim.plain(uplink)
        found += [] if things is None else [things_stack(things.body)]
        for each in [] if bare is None else plain(bare):
            assert not isinstance(each, SensorError)
            found.append(each)
        for each in found:
            _agrees(each, uplink)


def _agrees(found: Read, uplink: Uplink) -> None:
    assert found.device == uplink.device.dev_eui
    assert found.kind.value == uplink.kind.value
    assert found.time is not None
    assert abs(found.time.timestamp() - uplink.sent_s) < 0.3
    if uplink.kind is UplinkKind.UP:
        assert uplink.frame is not None
        assert found.payload == uplink.frame.payload
        assert found.f_port == uplink.frame.f_port
        assert found.f_cnt == uplink.f_cnt
        assert found.rssi_dbm == max(each.rssi_dbm for each in uplink.heard)
    if uplink.kind is UplinkKind.STATUS:
        assert found.battery_pct == uplink.battery_pct


def test_a_repetition_is_known_as_one_and_nothing_else_is() -> None:
    _, uplinks = lived("bosch-tps110", 24, Air(lost_share=0, repeated_share=0.3, late_share=0.1))
    keys = [chirpstack(sim.chirpstack(each).body, each.kind.value).dedup_id for each in uplinks]
    assert len(set(keys)) == len({each.id for each in uplinks}) < len(keys)
    told = [each for each in uplinks if each.kind is UplinkKind.UP]
    things = [message for each in told if (message := sim.things_stack(each)) is not None]
    others = {things_stack(message.body).dedup_id for message in things}
    assert len(others) == len({each.id for each in told})


# -- counters and gates ---------------------------------------------------------------------------


def passages(count: int) -> list[Passage]:
    return [Passage(BEGIN_S + 10 * n, IN if n % 3 else OUT) for n in range(count)]


def counter(style: CountingStyle) -> list[Decoded]:
    device = Device("70b3d57ed0060009", "north", style.value)
    one = SimulatedCounter(device, GateFaults(), CLEAR, 3, BEGIN_S, 600)
    found = one.step(BEGIN_S + 31_000, passages(3000))
    return [read(each.uplink) for each in found if each.uplink.frame is not None]


def test_counters_are_read_by_their_kind_of_count() -> None:
    totals = [each.count for each in counter(CountingStyle.RUNNING_TOTAL)]
    assert totals[-1] == RunningTotal(3000, 65_536)
    intervals = [each.count for each in counter(CountingStyle.INTERVAL)]
    sums = [(each.left, each.right) for each in intervals if isinstance(each, IntervalCounts)]
    assert [sum(column) for column in zip(*sums, strict=True)] == [1000, 2000]
    assert {PROFILES[style.value].measures for style in CountingStyle} == {Measures.COUNTER}


def test_pulses_totals_and_intervals_are_read() -> None:
    gate = SimulatedGate("north")
    for pulse in gate.pass_through(passages(30)):
        [report] = read_pulses(gates.pulse_message("north", pulse), NOW)
        [passage] = report.passages
        assert (report.gate, passage.direction, passage.count) == ("north", pulse.direction, 1)
        assert passage.at.timestamp() == pulse.at_s
    totals = gate.totals(BEGIN_S + 400)
    assert totals is not None
    [report] = read_pulses(gates.totals_message("north", BEGIN_S + 400, totals), NOW)
    assert {each.direction: each.total for each in report.totals} == {IN: 20, OUT: 10}
    seen = gate.interval(BEGIN_S + 400)
    assert seen is not None
    [report] = read_pulses(gates.interval_message("north", BEGIN_S + 400, seen), NOW)
    assert {each.direction: each.count for each in report.passages} == {IN: 20, OUT: 10}


@pytest.mark.parametrize("way", [IN, OUT])
def test_plate_readers_of_three_makers_are_read_and_no_plate_is_left(
    way: PassageDirection,
) -> None:
    def told(camera: str) -> gates.Read:
        return gates.Read(Passage(BEGIN_S, way), "QQ07ABC", camera, 17)

    found = [
        *read_plate_recognizer(gates.plate_recognizer(told("north"))),
        *read_hikvision(gates.hikvision(told("00:00:5e:00:53:01"), forward=way is IN)),
        *read_axis(gates.axis(told("ACCC8E000001"))),
    ]
    for report in found:
        [passage] = report.passages
        assert passage.direction is way
        assert passage.at == NOW
        assert "QQ07" not in repr(report).upper()
    [new] = read_axis(gates.axis(told("ACCC8E000001"), "new"))
    assert new.passages == ()


def test_the_payload_of_an_envelope_is_base64() -> None:
    _, uplinks = lived("bosch-tps110", 1)
    [start, *_] = [each for each in uplinks if each.frame is not None]
    body = sim.chirpstack(start).body
    assert start.frame is not None
    assert base64.b64encode(start.frame.payload) in body
    assert chirpstack(body, "up").kind is Kind.UP
