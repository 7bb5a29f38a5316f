"""What the worker does when the database or a sink is away, or refuses a message."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from cloud_app.config import IngestConfig
from cloud_app.errors import SinkError, StorageDownError, StorageError
from cloud_app.ingest.batch import Batch
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.worker import IngestWorker, Sink
from cloud_app.storage.database import Database, Session
from cloud_app.stream import TakenEvent, Watermark
from telemetry import SystemClock
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.servers import wait_until


@dataclass
class Recorder:
    """Everything that the worker tells the broker, in order."""

    confirmed: list[Inbound] = field(default_factory=list)
    marks: list[Watermark] = field(default_factory=list)

    def confirm(self, messages: Sequence[Inbound]) -> None:
        self.confirmed += messages

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        assert not replay
        self.marks += watermarks


@dataclass
class ShakySink:
    """Fails as often as told, then works."""

    failures: int
    taken: list[str] = field(default_factory=list)

    def put(self, events: Sequence[TakenEvent]) -> None:
        if self.failures:
            self.failures -= 1
            msg = "sink is away"
            raise SinkError(msg)
        self.taken += [f"{taken.epoch}-{taken.seq}" for taken in events]

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class ShakyDatabase:
    """A real database whose writing fails as often as told."""

    inner: Database
    failures: int

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self.failures:
            self.failures -= 1
            msg = "database is away"
            raise StorageDownError(msg)
        with self.inner.write() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.inner.read() as session:
            yield session

    def keep_room(self, now_ms: int, before_ms: int) -> None:
        self.inner.keep_room(now_ms, before_ms)

    def lead(self) -> bool:
        return self.inner.lead()

    def changes(self, timeout_s: float) -> set[str]:
        return self.inner.changes(timeout_s)

    def close(self) -> None:
        self.inner.close()


def worker_on(database: Database, recorder: Recorder, sinks: Sequence[Sink] = ()) -> IngestWorker:
    def nothing(_batch: Batch) -> None:
        pass

    config = IngestConfig(batch_wait_s=0.0)
    return IngestWorker(database, sinks, recorder, config, "pk", SystemClock(), nothing)


@contextmanager
def running(worker: IngestWorker) -> Iterator[None]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_nothing_is_confirmed_before_it_is_committed(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(ShakyDatabase(database, failures=2), recorder)
    event = edge.change("a1", True)

    for _ in range(2):
        with pytest.raises(StorageDownError):
            worker.take([event])
        assert recorder.confirmed == []
        assert recorder.marks == []
    worker.take([event])

    assert recorder.confirmed == [event]
    assert recorder.marks == [Watermark("north", "box-1", 1, 1)]


def test_a_batch_waits_for_database_and_sink(database: Database) -> None:
    edge, recorder, sink = ScriptedEdge(), Recorder(), ShakySink(failures=2)
    worker = worker_on(ShakyDatabase(database, failures=1), recorder, [sink])
    events = [edge.change("a1", bool(n % 2)) for n in range(4)]
    for event in events:
        worker.inbox.put(event)

    with running(worker):
        wait_until(lambda: len(recorder.confirmed) == 4, 20, "four confirmations")

    assert recorder.marks[-1].upto == 4
    assert set(sink.taken) == {"1-1", "1-2", "1-3", "1-4"}
    assert worker.counts.retries == 3


def test_a_message_that_the_database_refuses_does_not_hold_up_the_others(
    database: Database,
) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    # Larger than any database holds, as a box without our bounds might say.
    birth = edge.birth(conn=7)
    monster = replace(birth, payload=birth.payload.replace(b'"conn":7', b'"conn":' + b"9" * 30))
    assert monster != birth
    events = [edge.change("a1", True), edge.change("a1", False)]

    worker.take([events[0], monster, events[1]])

    assert recorder.marks[-1].upto == 2
    assert sorted(m.topic for m in recorder.confirmed) == sorted(
        m.topic for m in [*events, monster]
    )
    with database.read() as session:
        assert len(session.rows(text("SELECT 1 FROM quarantine"))) == 1
    assert worker.counts.unreadable == 1


def test_a_lot_named_twice_is_taken(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    layout = edge.layout_message()
    twice = layout.payload.replace(b'"lots":[{', b'"lots":[{"lot":"p1","name":null},{')
    worker.take([Inbound(layout.topic, twice, False, 0)])
    assert worker.counts.unreadable == 0


def test_a_message_that_trips_us_up_does_not_hold_up_the_others(database: Database) -> None:
    class Tripping(ShakyDatabase):
        @contextmanager
        def write(self) -> Iterator[Session]:
            with self.inner.write() as session:
                yield session
                if session.rows(text("SELECT 1 FROM event WHERE seq = 2")):
                    msg = "a mistake of ours"
                    raise RuntimeError(msg)

    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(Tripping(database, failures=0), recorder)
    worker.take([edge.change("a1", bool(n % 2)) for n in range(3)])
    assert recorder.marks[-1].upto == 3
    assert worker.counts.unreadable == 1


def test_a_refused_event_counts_as_received(database: Database) -> None:
    class Refusing(ShakyDatabase):
        @contextmanager
        def write(self) -> Iterator[Session]:
            with self.inner.write() as session:
                yield session
                if self.failures and session.rows(text("SELECT 1 FROM event")):
                    self.failures -= 1
                    msg = "refused"
                    raise StorageError(msg)

    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(Refusing(database, failures=1), recorder)

    worker.take([edge.change("a1", True)])

    assert recorder.marks == [Watermark("north", "box-1", 1, 1)]


def test_a_birth_is_answered_with_what_is_known(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    worker.take([edge.change("a1", True), edge.change("a1", False)])
    recorder.marks.clear()

    worker.take([edge.birth(conn=2)])
    assert recorder.marks == [Watermark("north", "box-1", 1, 2)]

    # A store restored from an old copy: it must learn that its numbers are taken.
    edge.epoch, edge.seq = 1, 0
    recorder.marks.clear()
    worker.take([edge.birth(conn=3)])
    assert recorder.marks == [Watermark("north", "box-1", 1, 2)]

    edge.epoch = 7
    recorder.marks.clear()
    worker.take([edge.birth(conn=1)])
    assert recorder.marks == [Watermark("north", "box-1", 7, 0)]
