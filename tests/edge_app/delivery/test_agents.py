"""Health, aggregates, Home Assistant and shadows, held in the hand: no broker, a manual clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_app.delivery import Store
from edge_app.delivery.agents import (
    AggregateAgent,
    HealthAgent,
    HomeAssistantAgent,
    ShadowAgent,
    ShadowPart,
    bays_report,
)
from edge_app.delivery.agents.shadow import changes
from telemetry import (
    Aggregate,
    CameraHealth,
    ConfigError,
    EdgeTopics,
    Health,
    JsonObject,
    ManualClock,
    ShadowDocument,
    ShadowName,
    ShadowRejection,
    accepted_message,
    apply_update,
    decode,
    delta_message,
    dump_json,
    merge,
    parse_update,
    rejected_message,
    same_json,
)
from tests.edge_app.delivery.kit import Wire, change, layout_of, open_store

TOPICS = EdgeTopics("north", "edge-7")


# Health


def test_health_goes_out_once_a_minute_and_only_when_heard(
    store: Store, clock: ManualClock
) -> None:
    wire = Wire()
    camera = CameraHealth(camera="gate", up=True, fps=1.0)
    agent = HealthAgent(
        TOPICS, store, clock, 60.0, cameras=lambda: [camera], alarms=lambda: ["dark"]
    )
    agent.tick(0.0)
    agent.connected(wire.publish)
    store.record([change(0, True)])
    clock.advance(5)
    agent.tick(5.0)
    agent.tick(64.0)
    (message,) = wire.take()
    assert (str(message.topic), message.qos) == ("pk/v1/north/edge-7/health", 0)
    health = decode(Health, message.payload, "health")
    assert (health.uptime_s, health.outbox.rows, health.alarms) == (5.0, 1, ("dark",))
    assert health.cameras == (camera,)
    assert (health.disk_free_bytes or 0) > 0
    assert (health.memory_bytes or 0) > 1_000_000
    agent.tick(65.0)
    assert len(wire.take()) == 1


# Aggregates


class Watch:
    """An aggregate agent and its clock, ticking once a second."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.agent = AggregateAgent(TOPICS, store, clock)
        self.wire = Wire()

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.agent.tick(self.clock.mono_s())

    def published(self) -> list[Aggregate]:
        self.agent.connected(self.wire.publish)
        found: list[Aggregate] = []
        while True:
            self.agent.tick(self.clock.mono_s())
            sent = self.wire.take()
            if not sent:
                return found
            for message in sent:
                found.append(decode(Aggregate, message.payload, "aggregate"))
                assert message.on_done is not None
                message.on_done(0)


@pytest.fixture
def watch(quick_path: Path, clock: ManualClock) -> Watch:
    store = open_store(quick_path / "s.db", clock)
    store.set_layout(layout_of(4, zone="z"))
    return Watch(store, clock)


def test_ten_minutes_of_one_zone(watch: Watch) -> None:
    watch.store.record([change(0, True), change(1, False), change(2, False), change(3, False)])
    watch.run(100)
    watch.store.record([change(1, True)])  # arrives
    watch.run(200)
    watch.store.record([change(0, False), change(1, None)])  # one leaves, one is out of sight
    watch.run(50)
    watch.store.record([change(1, True)])  # it was there all the time
    watch.run(150)
    watch.store.record([change(1, False)])  # after 400 s
    watch.run(110)
    (aggregate,) = watch.published()
    (zone,) = aggregate.zones
    assert (aggregate.period_s, aggregate.start) == (600, datetime(2026, 1, 1, tzinfo=UTC))
    assert aggregate.observed_s == pytest.approx(599, abs=1)
    assert (zone.zone, zone.bays, zone.arrivals, zone.departures) == ("z", 4, 1, 2)
    assert zone.dwell_count == 1
    assert zone.dwell_max_s == pytest.approx(400, abs=2)
    assert zone.occupied_s == pytest.approx(300 + 350, abs=4)
    assert zone.unknown_s == pytest.approx(50, abs=2)
    assert zone.occupied_s + zone.free_s + zone.unknown_s == pytest.approx(4 * 599, abs=8)
    assert zone.occupancy == pytest.approx(650 / (4 * 599 - 50), abs=0.01)


def test_aggregates_wait_for_the_broker_and_survive_a_restart(
    watch: Watch, quick_path: Path, clock: ManualClock
) -> None:
    watch.store.record([change(0, True)])
    watch.run(1900)
    watch.agent.save()
    watch.store.close()
    store = open_store(quick_path / "s.db", clock)
    again = Watch(store, clock)
    again.run(1800)
    found = again.published()
    assert [each.period_s for each in found].count(600) == 6
    (hour,) = [each for each in found if each.period_s == 3600]
    assert hour.observed_s == pytest.approx(3600, abs=5)
    assert again.published() == []
    store.close()


def test_a_refused_aggregate_goes_out_again(watch: Watch) -> None:
    watch.store.record([change(0, True)])
    watch.run(601)
    watch.agent.connected(watch.wire.publish)
    watch.agent.tick(watch.clock.mono_s())
    (message,) = watch.wire.take()
    assert message.on_done is not None
    message.on_done(0x97)
    watch.agent.tick(watch.clock.mono_s())
    assert len(watch.wire.take()) == 1
    watch.agent.disconnected()
    assert len(watch.published()) == 1


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_makes_a_short_window_not_a_long_stay(watch: Watch, days: int) -> None:
    watch.store.record([change(0, True)])
    watch.run(100)
    watch.clock.epoch_utc += timedelta(days=days)
    watch.run(700)
    found = [each for each in watch.published() if each.period_s == 600]
    assert found[0].observed_s <= 101 or found[1].observed_s <= 101
    assert sum(each.observed_s for each in found) <= 800


def test_a_pause_was_not_observed(watch: Watch) -> None:
    watch.store.record([change(0, True)])
    watch.run(60)
    watch.clock.advance(300)  # the box was suspended
    watch.run(300)
    (aggregate,) = watch.published()
    assert aggregate.observed_s <= 305


# Home Assistant


def test_home_assistant_finds_every_bay_and_forgets_those_that_went(
    store: Store,
) -> None:
    wire = Wire()
    agent = HomeAssistantAgent(TOPICS, store, "homeassistant")
    agent.connected(wire.publish)
    agent.tick(0.0)
    configs = [m for m in wire.sent if str(m.topic).endswith("/config")]
    states = [m for m in wire.sent if "/bay/" in str(m.topic)]
    assert len({str(m.topic) for m in configs}) == len(states) == 10
    assert all(m.retain for m in wire.take())
    config = json.loads(configs[0].payload)
    assert config["state_topic"] == "pk/v1/north/edge-7/bay/b0"
    assert config["availability_topic"] == "pk/v1/north/edge-7/status"
    store.record([change(3, True)])
    agent.tick(1.0)
    (message,) = wire.take()
    assert json.loads(message.payload)["state"] == "occupied"
    agent.tick(2.0)
    assert wire.take() == []
    store.set_layout(layout_of(9))
    agent.tick(3.0)
    gone = wire.take()
    assert [m.payload for m in gone] == [b"", b""]
    assert {str(m.topic).rsplit("/", 1)[1] for m in gone} == {"config", "b9"}


def test_ids_with_dots_stay_apart_in_home_assistant(store: Store) -> None:
    from edge_app.delivery.agents.home_assistant import _discovery_id

    assert len({_discovery_id(each) for each in ("a.b", "a_b", "a-b", "a__b", "a_-b")}) == 5


# Shadows


class Service:
    """A shadow service in memory, by the contract's own rules."""

    def __init__(self, agent: ShadowAgent) -> None:
        self.agent = agent
        self.wire = Wire()
        self.documents: dict[str, ShadowDocument] = {}
        self.updates: list[tuple[str, JsonObject]] = []

    def connect(self) -> None:
        self.agent.connected(self.wire.publish)
        self.serve()

    def serve(self) -> None:
        for message in self.wire.take():
            base, _, action = str(message.topic).rpartition("/")
            if action == "get":
                if base in self.documents:
                    body = dump_json(self.documents[base].to_json())
                    self.agent.message(f"{base}/get/accepted", body)
                continue
            update = parse_update(message.payload)
            assert update.reported is not None
            self.updates.append((base, update.reported))
            try:
                after = apply_update(self.documents.get(base), update, 1)
            except ShadowRejection as rejection:
                self.agent.message(
                    f"{base}/update/rejected", dump_json(rejected_message(rejection, 1))
                )
            else:
                self.documents[base] = after
                self.agent.message(
                    f"{base}/update/accepted", dump_json(accepted_message(after, update, 1))
                )

    def desire(self, base: str, **fields: Any) -> bytes | None:
        payload = json.dumps({"state": {"desired": fields}}).encode()
        self.documents[base] = apply_update(self.documents.get(base), parse_update(payload), 1)
        delta = delta_message(self.documents[base])
        return None if delta is None else dump_json(delta)

    def run(self, start_s: float, seconds: int) -> None:
        for half in range(2 * seconds):
            self.agent.tick(start_s + half / 2)
            self.serve()


CONFIG = "$aws/things/edge-7/shadow/name/config"
BAYS = "$aws/things/edge-7/shadow/name/bays"


def test_bays_are_reported_at_most_once_a_second(store: Store) -> None:
    service = Service(
        ShadowAgent("edge-7", "$aws", {ShadowName.BAYS: ShadowPart(bays_report(store))})
    )
    service.connect()
    for turn in range(40):
        store.record([change(turn % 10, bool(turn // 10 % 2 == 0))])
        service.agent.tick(10.0 + turn * 0.1)
        service.serve()
    service.run(20.0, 3)
    assert len(service.updates) <= 6
    assert store.layout is not None
    document = service.documents[BAYS].reported
    assert document["layout"] == store.layout.hash
    assert document["bays"] == "f" * 10
    assert document["epoch"] == store.epoch
    assert service.updates[-1][1].keys() == {"bays"}, "only what changed is sent"


@pytest.mark.conformance("shadow null, 409, 413, delta, stale delta, 1,000 bays under 8,192 B")
def test_a_wish_is_followed_once_and_a_stale_one_never() -> None:
    settings: JsonObject = {"heartbeat_s": 30, "extra": 1}
    followed: list[JsonObject] = []

    def follow(delta: JsonObject) -> None:
        followed.append(delta)
        if delta.get("heartbeat_s") == 0:
            msg = "heartbeat_s must be positive"
            raise ConfigError(msg)
        settings.update(delta)

    part = ShadowPart(lambda: dict(settings), follow)
    service = Service(ShadowAgent("edge-7", "$aws", {ShadowName.CONFIG: part}))
    service.connect()
    service.run(10.0, 2)
    stale = service.desire(CONFIG, heartbeat_s=5)
    fresh = service.desire(CONFIG, heartbeat_s=10)
    assert stale is not None
    assert fresh is not None
    service.agent.message(f"{CONFIG}/update/delta", fresh)
    service.agent.message(f"{CONFIG}/update/delta", fresh)
    service.agent.message(f"{CONFIG}/update/delta", stale)
    assert followed == [{"heartbeat_s": 10}]
    del settings["extra"]
    service.run(20.0, 3)
    assert service.documents[CONFIG].reported == {"heartbeat_s": 10}
    assert delta_message(service.documents[CONFIG]) is None
    bad = service.desire(CONFIG, heartbeat_s=0)
    assert bad is not None
    service.agent.message(f"{CONFIG}/update/delta", bad)
    service.run(30.0, 3)
    assert delta_message(service.documents[CONFIG]) is not None, "the difference stays visible"


def test_a_wish_made_while_the_box_was_away_is_found_on_connecting() -> None:
    followed: list[JsonObject] = []
    part = ShadowPart(dict, followed.append)
    service = Service(ShadowAgent("edge-7", "$aws", {ShadowName.CONFIG: part}))
    service.desire(CONFIG, mode="night")
    service.connect()
    assert followed == [{"mode": "night"}]
    # A service that lost its documents counts from 1 again.
    service.agent.disconnected()
    service.documents.clear()
    service.desire(CONFIG, mode="day")
    service.connect()
    assert followed == [{"mode": "night"}, {"mode": "day"}]


def test_a_refused_report_waits_and_starts_over() -> None:
    big: JsonObject = {"text": "x" * 9000}
    service = Service(ShadowAgent("edge-7", "$aws", {ShadowName.CLASSIC: ShadowPart(lambda: big)}))
    service.connect()
    service.run(10.0, 50)
    assert len(service.updates) == 1
    big["text"] = "short"
    service.run(100.0, 3)
    assert len(service.updates) == 2
    assert service.documents["$aws/things/edge-7/shadow"].reported == {"text": "short"}


def test_no_shadow_starves_another(store: Store) -> None:
    turns = iter(range(10_000))
    parts = {
        ShadowName.BAYS: ShadowPart(lambda: {"n": next(turns)}),
        ShadowName.CONFIG: ShadowPart(lambda: {"n": next(turns)}),
    }
    service = Service(ShadowAgent("edge-7", "$aws", parts))
    service.connect()
    service.run(10.0, 20)
    counts = [sum(base == each for base, _ in service.updates) for each in (BAYS, CONFIG)]
    assert min(counts) >= 8
    assert sum(counts) <= 21


REPORTS = st.dictionaries(
    st.sampled_from("abc"),
    st.integers(0, 2) | st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
)


@given(REPORTS, REPORTS)
def test_changes_bring_one_report_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    merged = merge(before, changes(before, after))
    assert same_json(merged, after)
    assert changes(after, after) == {}
