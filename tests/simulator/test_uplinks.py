"""Simulated sensors: what they send over time, what arrives of it, and how it is wrapped."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from simulator.gates import IN, OUT, GateFaults, Passage
from simulator.uplinks import (
    CLEAR,
    FAMILIES,
    Air,
    CountingStyle,
    Delivery,
    Device,
    Frame,
    Habits,
    SimulatedCounter,
    SimulatedSensor,
    Uplink,
    UplinkKind,
    chirpstack,
    things_stack,
)

BEGIN_S = 1_700_000_000.0
DAY_S = 86_400.0


def device(profile: str = "nwave-nps310") -> Device:
    return Device("70b3d57ed0060001", "bay-a01", profile)


def sensor(habits: Habits | None = None, air: Air = CLEAR, seed: int = 1) -> SimulatedSensor:
    calm = Habits(heartbeat_s=600.0) if habits is None else habits
    return SimulatedSensor(device(), calm, air, seed, BEGIN_S, occupied=False)


def frames(deliveries: Iterable[Delivery]) -> list[Frame]:
    return [each.uplink.frame for each in deliveries if each.uplink.frame is not None]


def states(deliveries: Iterable[Delivery]) -> list[tuple[float, bool]]:
    """When an NPS310 said what."""
    return [
        (each.uplink.sent_s, bool(each.uplink.frame.payload[-1] & 1))
        for each in deliveries
        if each.uplink.frame is not None
    ]


def test_it_joins_starts_beats_and_tells_a_change() -> None:
    one = sensor()
    one.see(BEGIN_S + 1000, occupied=True)
    found = one.step(BEGIN_S + 3600)
    assert [each.uplink.kind for each in found[:2]] == [UplinkKind.JOIN, UplinkKind.UP]
    ports = Counter(frame.f_port for frame in frames(found))
    assert ports[3] == 1
    assert ports[1] == 1
    assert ports[2] == pytest.approx(6, abs=1)
    [(told_s, occupied)] = [
        (each.uplink.sent_s, bool(each.uplink.frame.payload[0]))
        for each in found
        if each.uplink.frame is not None and each.uplink.frame.f_port == 1
    ]
    assert occupied
    assert 1.0 <= told_s - BEGIN_S - 1000 <= 6.0
    assert [each.uplink.f_cnt for each in found if each.uplink.frame] == [*range(len(found) - 1)]


def test_a_car_that_only_drives_over_it_goes_unnoticed() -> None:
    one = sensor(Habits(heartbeat_s=DAY_S, notices_s=(5.0, 5.0)))
    one.see(BEGIN_S + 100, occupied=True)
    one.see(BEGIN_S + 103, occupied=False)
    assert all(not occupied for _, occupied in states(one.step(BEGIN_S + 1000)))


def test_the_same_seed_gives_the_same_frames_however_it_is_stepped() -> None:
    habits = Habits(heartbeat_s=60.0, lies_share=0.2, lies_for_s=300, resets_every_s=2000)
    air = Air(lost_share=0.1, repeated_share=0.1, late_share=0.1)
    once, often = (sensor(habits, air) for _ in range(2))
    whole = once.step(BEGIN_S + 7200)
    parts = [each for at in range(0, 7201, 7) for each in often.step(BEGIN_S + at)]
    assert parts == [each for each in whole if each.at_s <= BEGIN_S + 7196]
    assert sensor(habits, air, seed=2).step(BEGIN_S + 7200) != whole


def test_frames_are_lost_repeated_late_and_out_of_order() -> None:
    air = Air(lost_share=0.1, repeated_share=0.1, late_share=0.1)
    one = sensor(Habits(heartbeat_s=20.0), air)
    found = [
        each
        for each in one.step(BEGIN_S + DAY_S / 4)
        if each.uplink.kind is UplinkKind.UP
    ]  # fmt: skip
    ids = Counter(each.uplink.id for each in found)
    assert max(ids.values()) == 2
    assert sum(count == 2 for count in ids.values()) == pytest.approx(len(ids) * 0.1, rel=0.4)
    assert one.sent - len(ids) == pytest.approx(one.sent * 0.1, rel=0.4)
    counts = [each.uplink.f_cnt for each in found]
    assert counts != sorted(counts)
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)


def test_a_reset_joins_again_and_counts_frames_from_0() -> None:
    one = sensor(Habits(heartbeat_s=600.0, resets_every_s=5000.0))
    found = one.step(BEGIN_S + DAY_S)
    joins = sum(each.uplink.kind is UplinkKind.JOIN for each in found)
    assert joins > 5
    assert sum(each.uplink.f_cnt == 0 and each.uplink.frame is not None for each in found) == joins


def test_it_lies_for_its_share_of_the_time() -> None:
    one = sensor(Habits(heartbeat_s=600.0, lies_share=0.1, lies_for_s=900.0))
    told = states(one.step(BEGIN_S + 40 * DAY_S))
    lied_s = sum(after_s - at_s for (at_s, occupied), (after_s, _) in pairwise(told) if occupied)
    assert lied_s / (40 * DAY_S) == pytest.approx(0.1, rel=0.2)


def test_a_silent_one_says_nothing_and_then_the_truth() -> None:
    silent = (BEGIN_S + 2000, BEGIN_S + 9000)
    one = sensor(Habits(heartbeat_s=600.0, silent_s=silent))
    one.see(BEGIN_S + 3000, occupied=True)
    told = states(one.step(BEGIN_S + 12_000))
    assert not [at_s for at_s, _ in told if silent[0] <= at_s < silent[1]]
    assert next(occupied for at_s, occupied in told if at_s >= silent[1])


def test_its_battery_sinks_and_its_temperature_follows_the_day() -> None:
    spot = Device("70b3d57ed0060002", "bay-a02", "nwave-nps405")
    habits = Habits(heartbeat_s=3600.0, battery_v=3.4, frame_costs_v=0.001)
    one = SimulatedSensor(spot, habits, CLEAR, 1, BEGIN_S, occupied=False)
    beats = [frame.payload for frame in frames(one.step(BEGIN_S + 5 * DAY_S)) if frame.f_port == 2]
    volts = [2.5 + beat[1] * 0.004 for beat in beats]
    assert volts == sorted(volts, reverse=True)
    assert volts[0] - volts[-1] == pytest.approx(0.12, abs=0.01)
    degrees = [int.from_bytes(beat[2:3], signed=True) / 2 + 10 for beat in beats]
    assert max(degrees) - min(degrees) == pytest.approx(10, abs=2)


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match=r"bosch-tps110.*but got 'toaster'"):
        SimulatedSensor(device("toaster"), Habits(), CLEAR, 1, BEGIN_S, occupied=False)


# -- envelopes ------------------------------------------------------------------------------------


def uplinks(profile: str = "nwave-nps310") -> Sequence[Uplink]:
    one = SimulatedSensor(device(profile), Habits(60.0), CLEAR, 1, BEGIN_S, occupied=True)
    return [each.uplink for each in one.step(BEGIN_S + 1800)]


def keys(value: Any) -> list[Any]:
    """All values of a JSON document that are no container."""
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in keys(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in keys(each)]
    return [value]


def test_chirpstack_says_what_was_sent_and_leaves_out_zeros() -> None:
    join, start, *more = uplinks()
    message = chirpstack(start)
    told = json.loads(message.body)
    assert message.topic.endswith("/device/70b3d57ed0060001/event/up")
    assert "fCnt" not in told
    assert "confirmed" not in told
    assert told["deduplicationId"] == start.id
    assert told["deviceInfo"]["devEui"] == "70b3d57ed0060001"
    assert start.frame is not None
    assert base64.b64decode(told["data"]) == start.frame.payload
    assert told["time"] == "2023-11-14T22:13:20Z"
    assert json.loads(chirpstack(more[0]).body)["fCnt"] == 1
    assert chirpstack(join).topic.endswith("/event/join")
    [status] = [each for each in more if each.kind is UplinkKind.STATUS]
    assert json.loads(chirpstack(status).body)["batteryLevel"] == status.battery_pct
    for each in (join, start, *more):
        assert all(keys(json.loads(chirpstack(each).body)))


def test_the_things_stack_says_the_same_in_its_words() -> None:
    join, start, *more = uplinks()
    message = things_stack(start)
    assert message is not None
    told = json.loads(message.body)
    assert message.topic == "v3/wexmouth-parking@ttn/devices/bay-a01/up"
    up = told["uplink_message"]
    assert told["end_device_ids"]["dev_eui"] == "70B3D57ED0060001"
    assert "f_cnt" not in up
    assert start.frame is not None
    assert base64.b64decode(up["frm_payload"]) == start.frame.payload
    assert up["f_port"] == start.frame.f_port
    joined = things_stack(join)
    assert joined is not None
    assert joined.topic.endswith("/join")
    [status] = [each for each in more if each.kind is UplinkKind.STATUS]
    assert things_stack(status) is None


# -- counters -------------------------------------------------------------------------------------


def passages(count: int) -> list[Passage]:
    return [Passage(BEGIN_S + 10 * n, IN if n % 3 else OUT) for n in range(count)]


def test_a_running_total_survives_a_lost_frame_and_an_interval_does_not() -> None:
    through, air = passages(3000), Air(lost_share=0.2, repeated_share=0, late_share=0)
    end_s = BEGIN_S + 31_000
    total = SimulatedCounter(
        device(CountingStyle.RUNNING_TOTAL), GateFaults(), air, 3, BEGIN_S, 300
    )
    *_, last = frames(total.step(end_s, through))
    assert int.from_bytes(last.payload) == 3000
    interval = SimulatedCounter(device(CountingStyle.INTERVAL), GateFaults(), air, 3, BEGIN_S, 300)
    found = frames(interval.step(end_s, through))
    right = sum(int.from_bytes(frame.payload[12:14]) for frame in found)
    assert right == pytest.approx(2000 * 0.8, rel=0.1)


def test_stepping_a_counter_often_makes_no_difference() -> None:
    through = passages(500)
    once, often = (
        SimulatedCounter(
            device(CountingStyle.INTERVAL), GateFaults(0.1, 0.1), CLEAR, 3, BEGIN_S, 60
        )
        for _ in range(2)
    )
    whole = once.step(BEGIN_S + 6000, through)
    parts = []
    for at in range(0, 6001, 50):
        due = [p for p in through if BEGIN_S + at - 50 < p.at_s <= BEGIN_S + at]
        parts += often.step(BEGIN_S + at, due)
    assert frames(parts) == frames(whole)


def test_all_families_live_a_day() -> None:
    for name in FAMILIES:
        one = SimulatedSensor(device(name), Habits(600.0), CLEAR, 1, BEGIN_S, occupied=False)
        one.see(BEGIN_S + 100, occupied=True)
        assert len(frames(one.step(BEGIN_S + DAY_S))) > 140
