"""Frames of sensors into the tables: any order, unknown devices, errors, silence, batteries."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from cloud_app.config import RulesConfig, SensorsConfig
from cloud_app.ingest.sensors.arrivals import Arrival, Bringer, Outcome, OutcomeKind
from cloud_app.ingest.sensors.intake import Counted, SensorIntake
from cloud_app.rules.builtin import conditions
from cloud_app.sensor_views import SensorCondition, SensorDetail
from cloud_app.storage.bay_events import Window
from cloud_app.storage.database import Database, Session
from cloud_app.storage.queries import Now
from cloud_app.storage.sensor_queries import (
    SensorFilter,
    SensorOrder,
    find_sensor,
    frames,
    lost_between,
    sensors,
)
from cloud_app.storage.sensors import UNKNOWN_FRAMES_MAX, prune_sensors
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from sensors.envelopes import Uplink, plain
from sensors.envelopes import chirpstack as of_chirpstack
from telemetry import ManualClock
from tests.cloud_app.sensors.town import NOW, body, chirpstack, contents, eui, register

ALL = Bringer("town", None)
TABLES = ("sensor", "sensor_frame", "source_state")
EVER = Window(0, 2**53)


class Sea:
    """An intake over a database, with a clock that the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(epoch_utc=NOW)
        self.counted: list[Counted] = []
        self.intake = SensorIntake(SensorsConfig(), self.clock, self._count)

    def _count(self, _session: Session, counted: Any) -> None:
        self.counted += counted

    def take(self, *uplinks: Uplink, bringer: Bringer = ALL, after_s: float = 0) -> list[Outcome]:
        at = NOW + timedelta(seconds=after_s)
        with self.database.write() as session:
            return self.intake.take(session, [Arrival(each, bringer, at) for each in uplinks])

    def up(self, device: str, payload_hex: str, after_s: float = 0, **more: Any) -> Outcome:
        message = chirpstack(device, payload_hex, after_s=after_s, **more)
        [outcome] = self.take(of_chirpstack(body(message), "up"), after_s=after_s)
        return outcome

    def one(self, device: str, after_s: float = 0) -> SensorDetail:
        with self.database.read() as session:
            found = find_sensor(session, device, None, to_ms(NOW) + int(after_s * 1000))
        assert found is not None
        return found

    def words(self) -> list[tuple[Any, ...]]:
        """(bay, occ, reason, since_s, heard_s, until_s) of what sources say."""
        rows = contents(self.database, ["source_state"])["source_state"]
        start = to_ms(NOW)
        return [
            (row[2], row[5], row[6], *((ms - start) / 1000 for ms in row[7:10])) for row in rows
        ]


@pytest.fixture
def sea(database: Database) -> Sea:
    register(database)
    return Sea(database)


def test_a_frame_becomes_the_word_of_a_source_on_its_bay(sea: Sea) -> None:
    assert sea.up(eui(1), "01").kind is OutcomeKind.TAKEN
    assert sea.up(eui(1), "01", 600, f_cnt=1).kind is OutcomeKind.TAKEN
    found = sea.one(eui(1), 600)
    assert (found.site, found.lot, found.bay, found.condition) == ("north", "p1", "b1", "ok")
    assert (found.state, found.since, found.rssi_dbm) == ("occupied", NOW, -80)
    # Since the first of the two, heard of at the second, held for 2.5 of its periods.
    assert sea.words() == [("b1", 1, None, 0, 600, 600 + 2.5 * 3600)]


def test_ten_thousand_frames_shuffled_doubled_and_delayed(sea: Sea, tmp_path: Any) -> None:
    # PostgreSQL sees a part of them, for the time that it takes.
    devices = 100 if isinstance(sea.database, SqliteDatabase) else 10
    other_database = SqliteDatabase(tmp_path / "other.db")
    for each in (sea.database, other_database):
        register(each, devices)
    other = Sea(other_database)
    chance = random.Random(16)
    uplinks = [of_chirpstack(body(each), "up") for each in _busy_days(chance, devices)]
    assert len(uplinks) == devices * 100
    shuffled = uplinks + chance.sample(uplinks, len(uplinks) // 3)
    chance.shuffle(shuffled)
    late_s = 40 * 86_400
    for start in range(0, len(uplinks), 500):
        sea.take(*uplinks[start : start + 500], after_s=late_s)
    for start in range(0, len(shuffled), 700):
        other.take(*shuffled[start : start + 700], after_s=late_s)
    for name in TABLES:
        found, ordered = (contents(each.database, [name])[name] for each in (other, sea))
        assert set(found) ^ set(ordered) == set(), name
    assert len(contents(sea.database, ["sensor_frame"])["sensor_frame"]) == len(uplinks)
    other_database.close()


def _busy_days(chance: random.Random, devices: int) -> list[dict[str, Any]]:
    found = []
    for number in range(1, devices + 1):
        f_cnt, at_s, payload = chance.randrange(1000), 0.0, "00"
        for step in range(100):
            at_s += chance.uniform(1, 3600)
            if step == 60:
                f_cnt = 0  # a join: the counter starts again
            payload = chance.choice(["00", "01", payload])
            port = 1
            if chance.random() < 0.1:
                payload, port = chance.choice(["0114", "00F6"]), 2
            elif chance.random() < 0.05:
                port = 99
            text = payload if port != 1 else payload[:2]
            found.append(
                chirpstack(
                    eui(number), text, after_s=round(at_s, 3), f_cnt=f_cnt, f_port=port,
                    rssi=-chance.randrange(40, 120),
                )
            )  # fmt: skip
            f_cnt += 1
    return sorted(found, key=lambda each: each["time"])


def test_repeats_are_kept_once_and_a_counter_may_start_again(sea: Sea) -> None:
    assert sea.up(eui(1), "01", 0, f_cnt=7).kind is OutcomeKind.TAKEN
    assert sea.up(eui(1), "01", 0, f_cnt=7).kind is OutcomeKind.DUPLICATE
    assert sea.up(eui(1), "00", 900, f_cnt=0).kind is OutcomeKind.TAKEN
    assert sea.up(eui(1), "01", 60, f_cnt=8).kind is OutcomeKind.TAKEN, "late, out of order"
    found = sea.one(eui(1), 900)
    assert (found.state, found.since) == ("free", NOW + timedelta(seconds=900))
    assert (found.frames_24h, found.lost_24h) == (3, 0)


def test_since_reaches_over_frames_that_retention_took(sea: Sea) -> None:
    sea.up(eui(1), "01", 0)
    sea.up(eui(1), "01", 3600, f_cnt=1)
    with sea.database.write() as session:
        prune_sensors(session, to_ms(NOW) + 1_800_000)
    sea.up(eui(1), "01", 7200, f_cnt=2)
    assert sea.one(eui(1), 7200).since == NOW
    sea.up(eui(1), "00", 9000, f_cnt=3)
    assert sea.one(eui(1), 9000).since == NOW + timedelta(seconds=9000)


def test_a_device_is_found_by_its_serial_number_too(sea: Sea) -> None:
    from cloud_app.registry.edits import Edit, state
    from cloud_app.registry.kinds import Ref

    with sea.database.write() as session:
        facts = {
            "site": "north", "lot": "p1", "bay": "b2", "kind": "sensor",
            "profile": "nwave-nps310", "serial": "70B3D50000000001",
        }  # fmt: skip
        state(session, Edit(Ref("device", "north-17"), "ann", 0), facts)
    outcome = sea.up("70b3d50000000001", "01")
    assert (outcome.kind, outcome.device) == (OutcomeKind.TAKEN, "north-17")


def test_what_cannot_be_read_is_kept_with_the_reason_and_makes_no_bay(sea: Sea) -> None:
    sea.up(eui(1), "01", 0)
    outcome = sea.up(eui(1), "0102030405", 60, f_cnt=1)
    assert outcome.kind is OutcomeKind.UNREADABLE
    found = sea.one(eui(1), 60)
    assert found.condition is SensorCondition.UNREADABLE
    assert found.error is not None
    assert "expected 1 bytes" in found.error
    with sea.database.read() as session:
        newest, _ = frames(session, "north", eui(1), EVER, 10)
    assert (newest.payload, newest.state, newest.error) == ("0102030405", None, found.error)
    assert '"data"' in newest.raw
    # The word is as old as what could be read.
    assert sea.words() == [("b1", 1, None, 0, 0, 2.5 * 3600)]


def test_unknown_devices_are_kept_bounded_and_make_no_bay(sea: Sea) -> None:
    outcome = sea.up("ffffffffffffffff", "01")
    assert outcome.kind is OutcomeKind.UNKNOWN_DEVICE
    for number in range(UNKNOWN_FRAMES_MAX + 5):
        sea.up("ffffffffffffffff", "01", number, f_cnt=number + 1)
    with sea.database.write() as session:
        prune_sensors(session, 0)
    with sea.database.read() as session:
        kept = frames(session, "", "ffffffffffffffff", EVER, 100)
    assert len(kept) == UNKNOWN_FRAMES_MAX
    assert kept[0].f_cnt == UNKNOWN_FRAMES_MAX + 5
    assert sea.one("ffffffffffffffff").condition is SensorCondition.UNREGISTERED
    assert sea.words() == []


def test_so_many_unknown_devices_and_no_more(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud_app.storage.sensors.UNKNOWN_DEVICES_MAX", 2)
    kinds = [sea.up(f"ffffffffffffff0{n}", "01").kind for n in range(3)]
    assert kinds == [*[OutcomeKind.UNKNOWN_DEVICE] * 2, OutcomeKind.REFUSED]
    assert sea.up("ffffffffffffff00", "01", 9, f_cnt=1).kind is OutcomeKind.UNKNOWN_DEVICE


def test_who_may_not_speak_for_a_site_brings_an_unknown_device(sea: Sea) -> None:
    message = of_chirpstack(body(chirpstack(eui(1), "01")), "up")
    south = Bringer("key south", frozenset({"south"}))
    [outcome] = sea.take(message, bringer=south)
    assert outcome.kind is OutcomeKind.UNKNOWN_DEVICE
    assert sea.words() == []
    with sea.database.read() as session:
        assert find_sensor(session, eui(1), {"north"}, 0) is None
        seen = find_sensor(session, eui(1), {"south"}, 0)
    assert seen is not None
    assert seen.bay is None


def test_join_battery_and_link(sea: Sea) -> None:
    about = chirpstack(eui(1), "", after_s=5)
    join = {key: about[key] for key in ("deduplicationId", "time", "deviceInfo")}
    assert sea.take(of_chirpstack(body(join), "join"))[0].kind is OutcomeKind.TAKEN
    status = join | {"batteryLevel": 12.0, "time": (NOW + timedelta(seconds=9)).isoformat()}
    sea.take(of_chirpstack(body(status), "status"))
    log = of_chirpstack(body(join), "log")
    assert sea.take(log)[0] == Outcome(OutcomeKind.PASSED_OVER, None, "log")
    sea.up(eui(1), "00F6", 20, f_port=2)
    found = sea.one(eui(1), 20)
    assert (found.joined, found.battery_pct, found.temperature_c) == (
        NOW + timedelta(seconds=5), 12.0, -10.0,
    )  # fmt: skip
    assert found.condition is SensorCondition.LOW_BATTERY


def test_a_threshold_for_each_bay(database: Database) -> None:
    register(database, 2, profile="milesight-em310-udl", threshold_mm=1500)
    sea = Sea(database)
    sea.up(eui(1), "0382B004", f_port=85)
    sea.up(eui(2), "03824408", f_port=85)
    assert [word[:2] for word in sea.words()] == [("b1", 1), ("b2", 0)]
    assert sea.one(eui(2)).condition is SensorCondition.OK
    sea.up(eui(2), "03824408040001", 60, f_cnt=1, f_port=85)
    assert sea.words()[1][:3] == ("b2", None, "sensor_fault")
    assert sea.one(eui(2), 60).condition is SensorCondition.FAULTY


def test_counters_are_handed_on_once(database: Database) -> None:
    register(database, 1, profile="nwave-ncc405", kind="gate_counter")
    sea = Sea(database)
    sea.up(eui(1), "06AA")
    sea.up(eui(1), "06AA")
    [counted] = sea.counted
    assert (counted.device, counted.decoded.fields()["running_total"]) == (eui(1), 1706)


def test_plain_readings_and_a_clock_that_is_ahead(sea: Sea) -> None:
    given = [
        {"device": eui(1), "time": NOW.isoformat(), "occupied": True, "battery_pct": 9},
        {"device": eui(2), "time": (NOW + timedelta(hours=1)).isoformat(), "occupied": True},
    ]
    uplinks = [each for each in plain(body(given)) if isinstance(each, Uplink)]
    kinds = [each.kind for each in sea.take(*uplinks)]
    assert kinds == [OutcomeKind.TAKEN, OutcomeKind.UNREADABLE]
    assert sea.one(eui(1)).condition is SensorCondition.LOW_BATTERY
    assert [word[0] for word in sea.words()] == ["b1"]


def test_silence_and_low_batteries_are_alerts(sea: Sea) -> None:
    for number in (1, 2):
        sea.up(eui(number), "01", 0)
    sea.up(eui(2), "00", 8000, f_cnt=1)
    sea.take(*_low(eui(3)), after_s=8000)
    found = _true(sea, 9100)
    assert {(each.rule, each.subject) for each in found} == {
        ("sensor_silent", eui(1)), ("sensor_battery", eui(3)),
    }  # fmt: skip
    text = next(text for each, text in found.items() if each.rule == "sensor_silent")
    assert "of bay b1 of north was last heard of at 2026-07-18 12:00 UTC" in text
    assert _true(sea, 9100, listening_since_s=5000).keys() - found.keys() == set()
    assert not [e for e in _true(sea, 9100, listening_since_s=5000) if e.rule == "sensor_silent"]
    assert sea.one(eui(1), 9100).condition is SensorCondition.SILENT


def test_many_silent_sensors_of_a_lot_are_one_alert(database: Database) -> None:
    register(database, 12)
    sea = Sea(database)
    for number in range(1, 13):
        sea.up(eui(number), "01", number)
    assert [(e.rule, e.subject) for e in _true(sea, 20_000)] == [("sensor_silent", "p1/*")]


def _low(device: str) -> list[Uplink]:
    at = (NOW + timedelta(seconds=8000)).isoformat()
    given = {"device": device, "time": at, "occupied": False, "battery_low": True}
    return [each for each in plain(body(given)) if isinstance(each, Uplink)]


def _true(sea: Sea, after_s: float, listening_since_s: float | None = None) -> dict[Any, str]:
    now = Now(to_ms(NOW) + int(after_s * 1000), 180_000)
    since_ms = 0 if listening_since_s is None else to_ms(NOW) + int(listening_since_s * 1000)
    with sea.database.read() as session:
        return conditions(session, now, RulesConfig(), {}, since_ms)


@pytest.mark.parametrize("order", SensorOrder)
def test_pages_of_the_list_hold_each_sensor_once(sea: Sea, order: SensorOrder) -> None:
    for number in range(1, 5):
        sea.up(eui(number), "01", number, rssi=-50 - number)
    sea.up("ffffffffffffffff", "01")
    now_ms = to_ms(NOW) + 5000
    for is_down in (False, True):
        found: list[str] = []
        after = None
        while True:
            wanted = SensorFilter(order=order, is_down=is_down, after=after)
            with sea.database.read() as session:
                page = sensors(session, wanted, now_ms, 2)
            if not page:
                break
            found += [each.device for each in page]
            after = (page[-1].site or "", page[-1].device)
        assert sorted(found) == [*(eui(n) for n in range(1, 5)), "ffffffffffffffff"]
        if order is SensorOrder.DEVICE:
            assert found == sorted(found, reverse=is_down)


@pytest.mark.parametrize(
    ("counters", "lost"), [([], 0), ([1, 2, 3], 0), ([1, 4], 2), ([9, 0, 2], 1), ([5, 5], 0)]
)
def test_frames_that_did_not_come(counters: list[int], lost: int) -> None:
    assert lost_between(counters) == lost
