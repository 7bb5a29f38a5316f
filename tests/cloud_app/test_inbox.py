"""No edge holds up the others: a line for each, and a budget."""

from __future__ import annotations

import queue
import threading

import pytest

from cloud_app.config import IngestConfig
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.inbox import FairInbox
from cloud_app.ingest.worker import IngestWorker
from cloud_app.storage.database import Database
from cloud_app.storage.placing import faults_since
from cloud_app.stream import FaultKind
from telemetry import ManualClock, SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_worker import Recorder, running


def message(edge: str, number: int = 0, size: int = 1, prefix: str = "pk") -> Inbound:
    payload = f"{number}".encode().ljust(size)
    return Inbound(f"{prefix}/v1/north/{edge}/event", payload, False, 0)


def drained(inbox: FairInbox) -> list[Inbound]:
    found = []
    while inbox.qsize():
        found.append(inbox.get(0))
    return found


def test_edges_take_turns_and_each_keeps_its_order() -> None:
    inbox = FairInbox(ManualClock(), budget_hz=1000)
    for number in range(50):
        assert inbox.put(message("loud", number))
    for number in range(3):
        assert inbox.put(message("quiet", number))
    found = drained(inbox)
    assert [each.topic.split("/")[3] for each in found[:6]] == ["loud", "quiet"] * 3
    for edge in ("loud", "quiet"):
        mine = [int(each.payload) for each in found if f"/{edge}/" in each.topic]
        assert mine == sorted(mine)
    assert len(found) == 53


def test_an_edge_over_its_budget_is_cut_off_and_the_others_are_not() -> None:
    clock = ManualClock()
    inbox = FairInbox(clock, budget_hz=10)
    assert sum(inbox.put(message("loud")) for _ in range(1000)) == 200
    assert inbox.put(message("quiet"))
    assert inbox.take_shed() == {"pk/v1/north/loud": 800}
    assert inbox.take_shed() == {}
    clock.advance(2)
    assert sum(inbox.put(message("loud")) for _ in range(1000)) == 20


def test_a_long_message_costs_what_it_weighs() -> None:
    inbox = FairInbox(ManualClock(), budget_hz=100)
    assert sum(inbox.put(message("loud", size=500 * 1024)) for _ in range(10)) == 4


def test_a_message_beyond_the_whole_budget_passes_once() -> None:
    """A budget that an operator set too low must not silence a box for ever."""
    clock = ManualClock()
    inbox = FairInbox(clock, budget_hz=1)
    assert inbox.put(message("box", size=100 * 1024))
    assert not inbox.put(message("box"))
    clock.advance(101)
    assert inbox.put(message("box"))


def test_a_prefix_of_several_levels_and_topics_that_are_none() -> None:
    inbox = FairInbox(ManualClock(), budget_hz=1, prefix="city/parking")
    for edge in ("a", "b"):
        for _ in range(30):
            inbox.put(message(edge, prefix="city/parking"))
    shed = inbox.take_shed()
    assert shed == {"city/parking/v1/north/a": 10, "city/parking/v1/north/b": 10}
    for topic in ("", "x", "/" * 100):
        assert inbox.put(Inbound(topic, b"", False, 0))


def test_buckets_of_silent_edges_are_forgotten() -> None:
    clock = ManualClock()
    inbox = FairInbox(clock, budget_hz=10)
    for number in range(25_000):
        inbox.put(message(f"box-{number}"))
        clock.advance(0.001)
    assert len(inbox._buckets) <= 10_001


def test_waiting_for_a_message_ends_with_it_or_in_time() -> None:
    inbox = FairInbox(SystemClock(), budget_hz=10)
    with pytest.raises(queue.Empty):
        inbox.get(0.01)
    timer = threading.Timer(0.05, lambda: inbox.put(message("box")))
    timer.start()
    assert inbox.get(20).topic.endswith("/box/event")
    timer.join()


def test_a_quiet_edge_comes_through_a_flood(database: Database) -> None:
    loud, quiet = ScriptedEdge(edge="loud"), ScriptedEdge(edge="quiet")
    recorder = Recorder()
    config = IngestConfig(batch_wait_s=0.0, batch_rows=20, edge_budget_hz=100)
    worker = IngestWorker(database, (), recorder, config, "pk", SystemClock(), lambda _: None)
    flood = [loud.change("a1", bool(n % 2)) for n in range(4000)]
    taken = sum(worker.inbox.put(each) for each in flood)
    assert taken < 2500
    worker.inbox.put(quiet.change("a1", True))
    with running(worker):
        wait_until(
            lambda: any(mark.edge == "quiet" for mark in recorder.marks), 20, "the quiet one"
        )
        # It went with the first batches, whatever waits of the loud one.
        assert worker.counts.messages < 500
        wait_until(lambda: worker.inbox.qsize() == 0, 60, "an empty inbox")
    with database.read() as session:
        [fault] = faults_since(session, 0)
    assert (fault.edge, fault.kind, fault.site) == ("loud", FaultKind.FLOODING, "north")
    assert fault.times == 4000 - taken == worker.counts.shed
