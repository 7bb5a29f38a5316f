"""Files that answer commands: part by part, over broken lines, and never after their time."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge_app.delivery import Store
from edge_app.delivery.agents import Answer, AnswerFile, CommandAgent, CommandHandlers
from edge_app.delivery.connection import Outgoing
from telemetry import EdgeTopics, ManualClock, TelemetryError
from telemetry.commands import MAX_FILE_BYTES, PART_BYTES, Command, CommandName, CommandResult
from tests.edge_app.delivery.kit import Wire, open_store
from tests.kit.waiting import eventually

TOPICS = EdgeTopics("north", "edge-7")
DATA = os.urandom(PART_BYTES + 10)
LOGS = CommandName.RECENT_LOGS


class Bench:
    """An agent whose link a test holds in its hands."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.clock, self.wire, self.runs = clock, Wire(), 0
        handlers = CommandHandlers()

        def logs(lines: int) -> Answer:
            self.runs += 1
            return Answer({"lines": lines}, AnswerFile("log.txt", "text/plain", DATA))

        handlers.on_recent_logs(logs)
        self.agent = CommandAgent(TOPICS, store.documents, clock, handlers)
        self.agent.connected(self.wire.publish)
        self.seen: list[CommandResult] = []
        self.open: list[Outgoing] = []

    def order(self, name: str, life_s: float = 60) -> None:
        now = self.clock.utc()
        expires = now + timedelta(seconds=life_s)
        body = Command(id=name, name=LOGS.value, args={"lines": 3}, issued=now, expires=expires)
        self.agent.message(str(TOPICS.command(name)), body.encode())

    def collect(self) -> list[CommandResult]:
        """What went out since the last call."""
        self.agent.tick(0.0)
        sent = self.wire.take()
        self.open += sent
        new = [CommandResult.model_validate_json(each.payload) for each in sent]
        self.seen += new
        return new

    def confirm(self, code: int = 0) -> None:
        waiting, self.open = self.open, []
        for each in waiting:
            assert each.on_done is not None
            each.on_done(code)

    def until_a_part(self) -> None:
        eventually(lambda: any(each.part for each in self.collect()), "a part")


@pytest.fixture
def bench(quick_path: Path, clock: ManualClock) -> Iterator[Bench]:
    store = open_store(quick_path / "s.db", clock)
    yield Bench(store, clock)
    store.close()


def test_parts_go_one_after_the_other_then_the_answer(bench: Bench) -> None:
    bench.order("c1")
    bench.until_a_part()
    assert [each.status for each in bench.seen] == ["received", "running", "running"]
    bench.order("c1")  # sent again meanwhile
    assert bench.collect() == []
    bench.agent.disconnected()
    bench.agent.connected(bench.wire.publish)
    [again] = bench.collect()
    assert again.part == bench.seen[2].part, "the broker never confirmed it"
    bench.open = bench.open[-1:]
    bench.confirm()
    [second] = bench.collect()
    bench.confirm()
    [final] = bench.collect()
    parts = [again.part, second.part]
    data = b"".join(base64.b64decode(each.data) for each in parts if each)
    assert data == DATA
    assert {each.sha256 for each in parts if each} == {hashlib.sha256(DATA).hexdigest()}
    assert (final.status, final.result, final.part) == ("done", {"lines": 3}, None)
    bench.order("c1")
    assert bench.collect() == [final], "the same answer, and no file: none is kept"
    assert bench.runs == 1


def test_a_file_that_cannot_be_delivered_in_time_is_dropped(bench: Bench) -> None:
    bench.order("c1", life_s=30)
    bench.until_a_part()
    bench.clock.advance(31)
    [final] = bench.collect()
    assert (final.status, final.detail) == (
        "expired", "expired with 0 of 2 parts of its file delivered",
    )  # fmt: skip
    bench.confirm()
    assert bench.collect() == []


def test_a_broker_that_refuses_a_part_fails_the_command(bench: Bench) -> None:
    bench.order("c1")
    bench.until_a_part()
    bench.confirm(0x97)
    [final] = bench.collect()
    assert final.status == "failed"
    assert "the broker refused its file" in final.detail


@pytest.mark.parametrize("size", [0, MAX_FILE_BYTES + 1])
def test_a_file_has_a_size(size: int) -> None:
    with pytest.raises(TelemetryError, match=f"but got {size}"):
        AnswerFile("a", "text/plain", b"x" * size)
