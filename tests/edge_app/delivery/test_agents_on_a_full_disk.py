"""What rides on the link when the disk is full: nothing is done twice, nothing is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge_app.delivery import Store, StoreError
from edge_app.delivery.agents import AggregateAgent, CommandAgent, CommandHandlers
from telemetry import Aggregate, Command, CommandResult, EdgeTopics, ManualClock, decode
from tests.edge_app.delivery.kit import Wire, change, layout_of, open_store

TOPICS = EdgeTopics("north", "edge-7")
COMMAND = "c" * 64  # longer than any gap that the ballast leaves


def fill_up(store: Store, clock: ManualClock) -> None:
    """Take every page that is left, and all room in the pages."""
    now = clock.utc()
    for number in range(10_000):
        try:
            store.documents.put(f"ballast-{number}", "x" * 900)
        except StoreError:
            break
    for number in range(10_000):
        store.documents.begin_command(f"b{number}", now + timedelta(days=9), now)


@pytest.fixture
def full(quick_path: Path, clock: ManualClock) -> Iterator[Store]:
    store = open_store(quick_path / "s.db", clock, max_pages=60)
    store.set_layout(layout_of(40))
    turn = 0
    while not store.degraded:
        store.record([change(turn % 40, bool(turn // 40 % 2))])
        turn += 1
    with pytest.raises(StoreError):
        fill_up(store, clock)
    yield store
    store.close()


def make_room(store: Store, clock: ManualClock) -> None:
    store.acknowledge(store.last_seq)
    clock.advance(2)
    store.tick()
    assert not store.degraded


def test_a_command_that_cannot_be_remembered_is_not_done(full: Store, clock: ManualClock) -> None:
    done: list[str] = []
    handlers = CommandHandlers()

    def restart(camera: str) -> dict[str, bool]:
        done.append(camera)
        return {}

    handlers.on_restart_camera(restart)
    agent, wire = CommandAgent(TOPICS, full.documents, clock, handlers), Wire()
    agent.connected(wire.publish)
    now = clock.utc()
    order = Command(
        id=COMMAND,
        name="restart_camera",
        args={"camera": "gate"},
        issued=now,
        expires=now + timedelta(hours=1),
    )
    agent.message(str(TOPICS.command(COMMAND)), order.encode())
    (message,) = wire.take()
    answer = decode(CommandResult, message.payload, "answer")
    assert (answer.status.value, done) == ("failed", [])
    assert "cannot write" in answer.detail


def test_aggregates_wait_in_memory_for_the_disk(full: Store, clock: ManualClock) -> None:
    agent, wire = AggregateAgent(TOPICS, full, clock), Wire()
    failures = 0
    for _ in range(1300):
        clock.advance(1.0)
        try:
            agent.tick(clock.mono_s())
        except StoreError:
            failures += 1
    assert failures
    make_room(full, clock)
    agent.connected(wire.publish)
    for _ in range(3):
        clock.advance(1.0)
        agent.tick(clock.mono_s())
    found = [decode(Aggregate, message.payload, "aggregate") for message in wire.take()]
    assert [each.period_s for each in found][:2] == [600, 600]
