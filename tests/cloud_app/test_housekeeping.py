"""The leader's work: replays, missed messages, losses, pruning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from cloud_app.accounts.registry_tenants import RegistryTenants
from cloud_app.config import RetentionConfig, RulesConfig
from cloud_app.housekeeping import Housekeeper
from cloud_app.ingest.batch import Batch
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.holes import HoleWatch
from cloud_app.ingest.link import LinkState
from cloud_app.storage.database import Database
from cloud_app.storage.streams import gaps
from cloud_app.stream import Watermark
from telemetry import ManualClock
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_intake import take


@dataclass
class RecordingLink:
    """Remembers what it was told to do."""

    state: LinkState = field(default_factory=lambda: LinkState(True, 0, None))
    asked: list[Watermark] = field(default_factory=list)
    told: list[Watermark] = field(default_factory=list)
    listening: set[str] = field(default_factory=set)
    reread_edges: list[str] = field(default_factory=list)

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        (self.asked if replay else self.told).extend(watermarks)

    def listen_to(self, site: str, edge: str) -> None:
        self.listening.add(f"{site}/{edge}")

    def stop_listening_to(self, site: str, edge: str) -> None:
        self.listening.discard(f"{site}/{edge}")

    def reread(self, site: str, edge: str) -> None:
        self.reread_edges.append(edge)


@dataclass
class House:
    """A housekeeper with its clock and link, one second per step."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    link: RecordingLink = field(default_factory=RecordingLink)

    def __post_init__(self) -> None:
        self.keeper = Housekeeper(
            self.database, self.link, RegistryTenants(), RulesConfig(),
            RetentionConfig(events_days=1),
            180.0, HoleWatch(self.clock, 5.0), self.clock,
        )  # fmt: skip

    def take(self, messages: list[Inbound]) -> None:
        take(self.database, messages)
        self.keeper.saw(Batch.of(messages, "pk"))

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.keeper.tick()


def test_a_hole_is_asked_for_over_our_own_subscription(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(4)]
    house.take([*edge.hello(), events[0], events[3]])

    house.run(7)
    assert house.link.asked == [Watermark("north", "box-1", 1, 1)]
    assert house.link.listening == {"north/box-1"}

    house.take(events[1:])
    house.run(1)
    assert house.link.listening == set()


def test_what_the_edge_no_longer_holds_becomes_a_gap(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(6)]
    house.take([*edge.hello(), *events[4:]])

    for _ in range(200):
        house.run(1)
        house.take([events[4]])

    with database.read() as session:
        [gap] = gaps(session, "box-1")
    assert (gap.first, gap.last, gap.reason) == (1, 4, "not_held")
    assert house.link.told[-1] == Watermark("north", "box-1", 1, 6)


def test_an_edge_of_which_the_layout_was_missed_is_read_again(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    house.take([edge.birth(), edge.change("a1", True)])
    house.run(25)
    assert house.link.reread_edges == ["box-1"] * 3

    house.take([edge.layout_message()])
    house.run(25)
    assert len(house.link.reread_edges) == 3

    # The next layout is missed, and its events tell.
    edge.bay_ids = ("a1", "a2")
    house.take([edge.change("a1", False)])
    house.run(1)
    assert len(house.link.reread_edges) == 4


def test_a_dead_edge_that_speaks_is_read_again(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    house.take([*edge.hello(), edge.will()])
    house.run(120)
    house.link.reread_edges.clear()
    edge.now = house.clock.utc()

    house.take([edge.change("a1", True)])
    house.run(5)

    assert house.link.reread_edges == ["box-1"]


def test_old_events_go_and_what_is_not_acknowledged_stays(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    events = [edge.change("a1", bool(n % 2)) for n in range(4)]
    house.take([*edge.hello(), events[0], events[1], events[3]])
    house.clock.advance(timedelta(days=2).total_seconds())

    house.run(1)

    with database.read() as session:
        assert session.rows(text("SELECT seq FROM event")) == [(4,)]


def test_without_a_broker_alerts_stay_as_they_are(database: Database) -> None:
    house, edge = House(database), ScriptedEdge()
    house.take([*edge.hello(), edge.health()])
    house.link.state = LinkState(False, 0, "away")
    house.clock.advance(10_000)
    house.run(20)
    with database.read() as session:
        assert session.rows(text("SELECT rule FROM alert")) == []


def test_the_leader_keeps_quarters_and_health(database: Database) -> None:
    house = House(database)
    edge = ScriptedEdge()
    take(database, [*edge.hello(), edge.change("a1", True), edge.health()])
    take(database, [edge.change("a1", False, 4 * 3600), edge.health()])
    house.clock.now_s = 4 * 3600 + 60
    house.keeper.tick()
    with database.read() as session:
        [(quarters,)] = session.rows(text("SELECT COUNT(*) FROM quarter WHERE occupied_ms > 0"))
        assert quarters in {15, 16}
        assert session.rows(text("SELECT edge, alarms FROM edge_health")) == [("box-1", 0)]
    # As long as they are to be kept.
    house.clock.now_s += 3 * 86_400 * 1100
    house.keeper.tick()
    with database.read() as session:
        assert session.rows(text("SELECT 1 FROM quarter")) == []
        assert session.rows(text("SELECT 1 FROM edge_health")) == []
