"""One message, whatever it holds, harms neither the service nor another edge."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from cloud_app.accounts.registry_tenants import RegistryTenants
from cloud_app.config import IngestConfig, RetentionConfig, RulesConfig
from cloud_app.housekeeping import Housekeeper
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.holes import HoleWatch
from cloud_app.ingest.link import LinkState
from cloud_app.ingest.worker import IngestWorker
from cloud_app.shadow_service import ShadowService, ShadowWorker
from cloud_app.storage.database import Database, Session
from cloud_app.storage.edge_queries import edges_now
from cloud_app.storage.intake import prune_quarantine
from cloud_app.storage.migrations.heal import heal
from cloud_app.storage.queries import Now
from cloud_app.storage.streams import gaps
from cloud_app.storage.tables import edge, gap, quarantine, shadow, stream
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent, Watermark
from telemetry import ManualClock, SystemClock
from telemetry.bounds import MAX_MESSAGE_BYTES, MAX_NUMBER
from telemetry.topics import Topic, TopicKind
from tests.cloud_app.fuzz import Fuzz
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.test_worker import Recorder, ShakyDatabase, worker_on

NOW = Now(to_ms(START), 180_000)


def lost(session: Session, *rows: tuple[str, int, int, int]) -> None:
    names = ("edge", "epoch", "first_seq", "last_seq")
    each = [{**dict(zip(names, row, strict=True)), "reason": "rows"} for row in rows]
    session.run_many(insert(gap), each)


EXTREMES = [
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z",
]  # fmt: skip


def changed(message: Inbound, **fields: Any) -> Inbound:
    """The message with other values at the top, or below `data`."""
    body = json.loads(message.payload)
    data = fields.pop("data", {})
    body |= fields
    if data:
        body["data"] |= data
    return Inbound(message.topic, json.dumps(body).encode(), False, message.received_ms)


def quarantined(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        return [
            (topic.rsplit("/", 1)[-1], reason)
            for topic, reason in session.rows(text("SELECT topic, reason FROM quarantine"))
        ]


def housekeeper(database: Database) -> Housekeeper:
    @dataclass
    class Link(Recorder):
        state: LinkState = field(default_factory=lambda: LinkState(True, 0, None))

        def listen_to(self, site: str, edge: str) -> None:
            """Nothing is heard here."""

        def stop_listening_to(self, site: str, edge: str) -> None:
            """Nothing is heard here."""

        def reread(self, site: str, edge: str) -> None:
            """Nothing is kept here."""

    clock = ManualClock(epoch_utc=START)
    return Housekeeper(
        database, Link(), RegistryTenants(), RulesConfig(), RetentionConfig(), 180.0,
        HoleWatch(clock, 5.0), clock,
    )  # fmt: skip


@pytest.mark.parametrize("time", EXTREMES)
def test_a_time_that_no_calendar_holds_harms_its_own_message_alone(
    database: Database, time: str
) -> None:
    bad, good, recorder = ScriptedEdge(edge="bad"), ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    messages = [
        good.change("a1", True),
        changed(bad.change("a1", True), time=time),
        changed(bad.change("a1", False), data={"since": time}),
        changed(bad.birth(), at=time),
        changed(bad.health(), at=time),
        changed(bad.snapshot(), at=time),
        good.change("a1", False),
    ]
    worker.take(messages)

    assert [kind for kind, _ in quarantined(database)].count("event") == 2
    assert len(quarantined(database)) == 5
    assert len(recorder.confirmed) == len(messages)
    # Its numbers are known, so the bad box need not send them again for ever.
    assert {(mark.edge, mark.upto) for mark in recorder.marks} == {("bad", 2), ("box-1", 2)}


def test_gaps_to_the_end_of_all_numbers_neither_overflow_nor_count_twice(
    database: Database,
) -> None:
    edge, recorder = ScriptedEdge(epoch=7), Recorder()
    worker = worker_on(database, recorder)
    worker.take(edge.hello())
    beyond = {"ranges": [{"first": 1, "last": 2**63 - 1}], "lost": 2**63 - 1}
    worker.take([changed(edge.gap((1, 1)), data=beyond), changed(edge.gap((1, 1)), data=beyond)])
    assert len(quarantined(database)) == 2

    # The largest that may be told, told so often that 64 bits could not hold their sum.
    with database.write() as session:
        lost(session, *(("box-1", 7, first, MAX_NUMBER) for first in range(1, 2001)))
        session.run(update(stream).values(top=MAX_NUMBER))
    with database.read() as session:
        [now] = edges_now(session, NOW)
    assert now.stream is not None
    assert now.stream.lost == MAX_NUMBER
    housekeeper(database).tick()


def test_30_000_doubled_bays_are_refused(database: Database) -> None:
    edge = ScriptedEdge()
    worker = worker_on(database, Recorder())
    for count in (9_000, 30_000):
        bays = b",".join([b'{"bay":"a","camera":"c"}'] * count)
        body = b'{"hash":"0123456789abcdef","bays":[' + bays + b"]}"
        worker.take([Inbound(str(edge.topics.of(TopicKind.LAYOUT)), body, False, 0)])
    reasons = [reason for _, reason in quarantined(database)]
    assert len(reasons) == 2
    assert all(len(reason) <= 1000 for reason in reasons)


def test_of_a_message_too_long_the_head_is_kept(database: Database) -> None:
    edge = ScriptedEdge()
    payload = b'{"id":"1-1","x":"' + b"y" * 10_000_000
    recorder = Recorder()
    worker_on(database, recorder).take(
        [Inbound(str(edge.topics.of(TopicKind.EVENT)), payload, False, 0)]
    )
    with database.read() as session:
        [(kept, reason)] = session.rows(text("SELECT payload, reason FROM quarantine"))
    assert payload.startswith(base64.b64decode(kept))
    assert f"at most {MAX_MESSAGE_BYTES} bytes, but got 10000017" in reason
    assert [mark.upto for mark in recorder.marks] == [1]


@pytest.mark.parametrize(
    "topic",
    ["pk/v1/north/\0/event", "pk/v1/\ud800/box-1/event", "", "pk/v1/+/box-1/event", "x" * 70_000],
    ids=["NUL", "surrogate", "empty", "wildcard", "long"],
)  # fmt: skip
def test_a_topic_that_is_none_goes_to_the_quarantine(database: Database, topic: str) -> None:
    recorder = Recorder()
    worker_on(database, recorder).take([Inbound(topic, b"{}", False, 0)])
    assert len(quarantined(database)) == 1
    assert len(recorder.confirmed) == 1


def test_texts_with_nul_reach_no_table(database: Database) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(database, recorder)
    worker.take(
        [
            changed(edge.birth(), software="a\0b"),
            changed(edge.birth(), **{"\0": 1}),
            changed(edge.layout_message(), lots=[{"lot": "p1", "name": "a\0b"}]),
            edge.change("a1", True),
        ]
    )
    assert len(quarantined(database)) == 3
    assert [mark.upto for mark in recorder.marks] == [1]


class _Tripping(ShakyDatabase):
    """Raises whatever it is told when a certain event is written."""

    error: Exception = KeyError("a mistake of ours")

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self.inner.write() as session:
            yield session
            if session.rows(text("SELECT 1 FROM event WHERE seq = 37")):
                raise self.error


@pytest.mark.parametrize(
    "error", [KeyError("x"), OverflowError("x"), RecursionError("x"), MemoryError()]
)
def test_of_a_batch_the_one_message_is_found_that_cannot_be_taken(
    database: Database, error: Exception
) -> None:
    edge, recorder = ScriptedEdge(), Recorder()
    tripping = _Tripping(database, failures=0)
    tripping.error = error
    worker = worker_on(tripping, recorder)
    messages = [edge.change("a1", bool(n % 2)) for n in range(60)]
    worker.take(messages)
    assert len(quarantined(database)) == 1
    assert sorted(m.payload for m in recorder.confirmed) == sorted(m.payload for m in messages)
    with database.read() as session:
        assert [(gap.first, gap.last) for gap in gaps(session, "box-1")] == [(37, 37)]
        assert session.rows(text("SELECT upto FROM stream")) == [(60,)]


def test_what_not_even_the_quarantine_takes_is_confirmed_and_the_stream_goes_on(
    database: Database,
) -> None:
    class Refusing(ShakyDatabase):
        @contextmanager
        def write(self) -> Iterator[Session]:
            with self.inner.write() as session:
                yield session
                if session.rows(text("SELECT 1 FROM quarantine")):
                    msg = "no"
                    raise ValueError(msg)

    edge, recorder = ScriptedEdge(), Recorder()
    worker = worker_on(Refusing(database, failures=0), recorder)
    bad = Inbound(str(edge.topics.of(TopicKind.STATUS)), b"no JSON", False, 0)
    worker.take([edge.change("a1", True), bad, edge.change("a1", False)])
    assert len(recorder.confirmed) == 3
    assert recorder.marks[-1].upto == 2


def test_a_sink_that_trips_over_an_event_does_not_hold_up_the_others(database: Database) -> None:
    @dataclass
    class Tripping:
        taken: list[str] = field(default_factory=list)

        def put(self, events: Sequence[TakenEvent]) -> None:
            if any(each.seq == 2 for each in events):
                msg = "no folder for this day"
                raise ValueError(msg)
            self.taken += [f"{each.epoch}-{each.seq}" for each in events]

        def close(self) -> None:
            """Nothing is open."""

    edge, recorder, sink = ScriptedEdge(), Recorder(), Tripping()
    worker = worker_on(database, recorder, (sink,))
    worker.take([edge.change("a1", bool(n % 2)) for n in range(4)])
    assert {"1-1", "1-3", "1-4"} <= set(sink.taken)
    assert recorder.marks[-1].upto == 4
    assert len(quarantined(database)) == 1


def test_an_outlet_that_fails_ends_nothing(database: Database) -> None:
    class Broken(Recorder):
        def acknowledge(self, watermarks: object, *, replay: bool = False) -> None:
            msg = "not even an acknowledgement"
            raise ValueError(msg)

    worker = worker_on(database, Broken())
    worker.take([ScriptedEdge().change("a1", True)])
    assert worker.counts.events == 1


@pytest.mark.parametrize(
    "payload",
    [b'{"clientToken":"\\ud800"}', b"[" * 100_000, b'{"a":1e400}', b"\xff", b"NaN", b'"' * 50_000],
    ids=["surrogate", "deep", "large", "no UTF-8", "NaN", "long"],
)
@pytest.mark.parametrize("action", ["get", "delete", "update"])
def test_a_shadow_request_whatever_it_holds_is_answered_or_refused(
    database: Database, payload: bytes, action: str
) -> None:
    published: list[tuple[Topic, bytes]] = []
    service = ShadowService(database, SystemClock(), "$aws")
    worker = ShadowWorker(
        service, lambda topic, body: published.append((topic, body)), lambda: True
    )
    worker._serve(f"$aws/things/box-1/shadow/{action}", payload)
    [(topic, body)] = published
    assert str(topic).endswith("/rejected")
    assert json.loads(body)["code"] in {400, 404, 413}


# What was stored before there were bounds


def test_rows_from_before_the_bounds_are_put_right(database: Database) -> None:
    good, bad, recorder = ScriptedEdge(edge="good"), ScriptedEdge(edge="bad", epoch=3), Recorder()
    worker = worker_on(database, recorder)
    worker.take([*good.hello(), good.change("a1", True), *bad.hello()])
    worker.take([bad.change("a1", bool(n % 2)) for n in range(5)])
    huge = 2**63 - 1
    body = bad.change("a2", True).payload.decode()
    event = text(
        "INSERT INTO event (edge, epoch, seq, site, kind, time_ms, body)"
        " VALUES ('bad', :epoch, :seq, 'north', 'other', :ms, :body)"
    )
    with database.write() as session:
        lost(session, ("bad", 3, 1, huge), ("bad", 3, 2, huge), ("bad", 3, 6, 6))
        session.run(update(stream).where(stream.c.edge == "bad").values(upto=huge, top=huge))
        session.run(insert(stream), {"edge": "bad", "epoch": huge, "upto": 0, "top": 9})
        session.run(event, {"epoch": 10**16 - 1, "seq": 4, "ms": to_ms(START), "body": body})
        far_ms, far_body = 253402300799000, body.replace("a2", "a3")
        session.run(event, {"epoch": 3, "seq": 7, "ms": far_ms, "body": far_body})
        session.run(update(edge).where(edge.c.edge == "bad").values(epoch=huge, conn=huge))
        row = {"thing": "bad", "name": "", "version": 4, "changed_ms": 0}
        session.run(insert(shadow), {**row, "body": '{"desired":{"a":NaN},"reported":{}}'})
    with database.read() as session:
        edges_now(session, NOW)  # answers even before it is healed
    with database.write() as session:
        heal(session.connection)
    with database.read() as session:
        [now, other] = edges_now(session, NOW)
        assert now.stream is not None
        assert (now.stream.epoch, now.stream.upto, now.stream.top, now.stream.lost) == (3, 7, 7, 2)
        assert other.stream is not None
        assert (other.stream.upto, other.stream.lost) == (1, 0)
        assert session.rows(text("SELECT COUNT(*) FROM event WHERE edge = 'bad'")) == [(5,)]
        assert session.rows(text("SELECT version, body FROM shadow")) == [(4, None)]
    assert [kind for kind, _ in quarantined(database)] == ["event", "event"]
    housekeeper(database).tick()

    # And the box goes on where it was.
    bad.seq = 7
    worker.take([bad.birth(conn=2), bad.change("a1", True)])
    assert recorder.marks[-1] == Watermark("north", "bad", 3, 8)


def test_the_quarantine_is_bounded(database: Database) -> None:
    with database.write() as session:
        kept = {"topic": "t", "payload": "", "reason": "", "times": 1}
        session.run_many(
            insert(quarantine), [{**kept, "digest": f"{n}", "first_ms": n} for n in range(20_005)]
        )
        assert prune_quarantine(session, 2) == 5
        assert session.rows(text("SELECT MIN(first_ms), COUNT(*) FROM quarantine")) == [(5, 20_000)]
        assert prune_quarantine(session, 19_999) == 19_994


# Everything at once


def test_wild_messages_end_as_taken_or_quarantined(database: Database) -> None:
    """A few of those that `scripts/fuzz_ingest` sends by the hundred thousand."""
    tally = Fuzz(database, lambda _: None).run(1500, seed_number=7)
    assert tally.other == []
    assert tally.messages >= 1500
    assert tally.taken > 300
    assert tally.quarantined > 100


def test_a_slow_database_is_no_fault_of_a_message(database: Database) -> None:
    shaky = ShakyDatabase(database, failures=1)
    worker = IngestWorker(
        shaky, (), Recorder(), IngestConfig(), "pk", SystemClock(), lambda _: None
    )
    worker._persist(worker._decode([ScriptedEdge().change("a1", True)]))
    assert (worker.counts.retries, worker.counts.unreadable, worker.counts.events) == (1, 0, 1)
