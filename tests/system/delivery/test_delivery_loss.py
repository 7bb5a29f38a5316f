"""Nothing is lost: killed boxes, killed brokers, outages, overflow, clocks, stores, full disks."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from edge_app.delivery import OutboxConfig, Store
from telemetry import BayChangedEvent, StreamGapEvent, SystemClock
from tests.kit.forks import Fork
from tests.kit.mosquitto import Mosquitto
from tests.kit.waiting import eventually
from tests.system.delivery.conftest import MakeBox, MakeConsumer, MakeDisk
from tests.system.delivery.consumer import verify
from tests.system.delivery.edge import Box, ScaledClock, layout_of

pytestmark = pytest.mark.mosquitto
RecordProperty = Callable[[str, object], None]


def _numbers(log: Path) -> list[int]:
    """Of the whole lines that are numbers; the box's own log is among them."""
    return [int(line) for line in log.read_text().split("\n")[:-1] if line.isdigit()]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.conformance("seq gapless over 50 random kill -9 of the edge")
def test_kills_of_the_box_leave_no_gap(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    tmp_path: Path,
    record_property: RecordProperty,
) -> None:
    # `scripts/conformance` has all fifty; twenty find a gap as well, and the suite is long.
    kills, rng = int(os.environ.get("LOTSIGHT_TEST_KILLS", "20")), random.Random(11)
    consumer = make_consumer(broker.port)
    folder = tmp_path / "box"
    for kill in range(kills):
        told = tmp_path / f"told-{kill}"
        process = Fork(
            "tests.system.delivery.edge", [str(folder), str(broker.port), str(kill)], told
        )
        eventually(lambda: bool(_numbers(told)), "the box to run")  # noqa: B023 - called at once
        time.sleep(rng.uniform(0.0, 0.4))
        process.kill()
        process.wait()
        durable = _numbers(told)[-1]
        store = Store.open(folder / "store.db", SystemClock())
        assert store.last_seq >= durable, "a number that was told to be on the disk is gone"
        store.close()
    box: Box = make_box(broker.port, folder=folder)
    eventually(lambda: box.store.acked == box.store.last_seq, "everything to be acknowledged", 60)
    counts = verify(consumer, box.store)
    assert len(consumer.books) == 1, "the epoch must not change"
    assert not any(isinstance(e, StreamGapEvent) for e in consumer.events(box.store.epoch).values())
    record_property("counts", {**counts, "kills": kills, "repeats": consumer.duplicates})


@pytest.mark.conformance("broker kill -9 after PUBACK recovered")
def test_a_broker_killed_after_its_pubacks_loses_nothing(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port)
    eventually(lambda: bool(consumer.snapshots), "the snapshot")
    consumer.crash()  # its session stays at the broker, which goes on to acknowledge events
    kills = 4
    for _ in range(kills):
        box.change(60)
        eventually(partial(_has_sent, box, box.store.last_seq), "the events to be sent")
        time.sleep(0.3)
        broker.kill()
        broker.start()
        eventually(lambda: box.link.info.connected, "the link")
    fresh = make_consumer(broker.port, client_id="consumer")
    eventually(lambda: box.store.acked == box.store.last_seq, "everything to be acknowledged", 60)
    record_property("counts", {**verify(fresh, box.store), "kills": kills})


def _has_sent(box: Box, count: int) -> bool:
    return box.link.info.sent >= count


@pytest.mark.conformance("broker down for an hour (clock scaled) and projection = truth")
def test_an_hour_without_a_broker(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:
    clock = ScaledClock()
    box: Box = make_box(broker.port, clock=clock)
    consumer = make_consumer(broker.port)
    box.change(10)
    eventually(lambda: box.store.acked == 10, "the first events")
    broker.kill()
    eventually(lambda: not box.link.info.connected, "the link to notice")
    started_s = clock.mono_s()
    clock.run_at(600.0)
    while clock.mono_s() - started_s < 3600:
        box.change(20)
        time.sleep(0.05)
    clock.run_at(1.0)
    broker.start()
    eventually(lambda: box.store.acked == box.store.last_seq, "the backlog", 90)
    counts = verify(consumer, box.store)
    assert consumer.projection() == {
        s.bay: (s.occ, False) for s in box.store.states() if s.bay in consumer.projection()
    }
    assert [seq for _, seq in consumer.arrivals] == sorted(seq for _, seq in consumer.arrivals)
    record_property("counts", {**counts, "outage_s": 3600})


@pytest.mark.conformance("consumer queue overflow recovered")
def test_a_queue_that_overflows_at_the_broker_is_made_good(
    mosquitto: Path, tmp_path: Path, make_box: MakeBox, make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:  # fmt: skip
    broker = Mosquitto(mosquitto, tmp_path, "allow_anonymous true\nmax_queued_messages 15")
    broker.start()
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port)
    eventually(lambda: bool(consumer.snapshots), "the snapshot")
    consumer.crash()
    box.change(200)
    eventually(lambda: box.link.info.sent >= 200, "the events to be sent")
    fresh = make_consumer(broker.port, client_id="consumer")
    eventually(lambda: box.store.acked == 200, "everything to be acknowledged", 60)
    record_property("counts", {**verify(fresh, box.store), "replays": fresh.replays})
    box.close()
    broker.stop()


@pytest.mark.conformance("outbox full: gap covers exactly the range")
def test_an_outbox_that_overflows_tells_exactly_what_is_gone(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:
    box: Box = make_box(broker.port, start=False, outbox=OutboxConfig(max_rows=150))
    box.change(600)
    kept = {row.seq for row in box.store.pending(0, 10_000)}
    gone = set(range(1, box.store.last_seq + 1)) - kept
    consumer = make_consumer(broker.port)
    box.start()
    eventually(lambda: box.store.acked == box.store.last_seq, "everything to be acknowledged", 60)
    books = consumer.books[box.store.epoch]
    assert books.given_up == gone
    assert books.events.keys() == kept
    counts = verify(consumer, box.store)
    bays = {s.bay for s in box.store.states()}
    assert {e.subject for e in books.events.values() if isinstance(e, BayChangedEvent)} == bays
    record_property("counts", {**counts, "given_up": len(gone)})


@pytest.mark.conformance("disk full")
def test_a_full_disk_stops_neither_states_nor_link(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    make_disk: MakeDisk,
    record_property: RecordProperty,
) -> None:
    consumer = make_consumer(broker.port)
    small_disk = make_disk(8)
    box: Box = make_box(broker.port, folder=small_disk)
    box.change(20)
    eventually(lambda: box.store.acked == 20, "the first events")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    while not box.store.degraded:
        box.change(20)
    box.change(50)
    eventually(lambda: consumer.snapshots[-1].degraded, "a snapshot that says so", 30)
    truth = {state.bay: state.occ for state in box.store.states()}
    box.link.request_snapshot()
    eventually(
        lambda: {bay.bay: bay.occ for bay in consumer.snapshots[-1].bays} == truth,
        "a snapshot with what is in memory alone",
    )
    ballast.unlink()
    eventually(lambda: not box.store.degraded, "the store to be written again")
    eventually(lambda: box.store.acked == box.store.last_seq, "everything to be acknowledged", 60)
    record_property("counts", verify(consumer, box.store))
    box.close()


@pytest.mark.conformance("clock +-1 day")
@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_by_a_day(
    broker: Mosquitto,
    make_box: MakeBox,
    make_consumer: MakeConsumer,
    record_property: RecordProperty,
    days: int,
) -> None:
    clock = ScaledClock()
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port, clock=clock)
    box.change(20)
    clock.shift = timedelta(days=days)
    box.change(20)
    clock.shift = timedelta(0)
    box.change(20)
    eventually(lambda: box.store.acked == 60, "everything to be acknowledged")
    record_property("counts", verify(consumer, box.store))


@pytest.mark.conformance("store deleted: epoch rises")
def test_a_deleted_store_begins_a_new_epoch(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer, tmp_path: Path,
    record_property: RecordProperty,
) -> None:  # fmt: skip
    clock = ScaledClock()
    consumer = make_consumer(broker.port)
    folder = tmp_path / "box"
    first: Box = make_box(broker.port, folder=folder, clock=clock)
    first.change(30)
    eventually(lambda: first.store.acked == 30, "the first events")
    old = first.store.epoch
    first.close()
    for path in folder.iterdir():  # the mark beside it as well, and the clock is a day behind
        path.unlink()
    clock.shift = timedelta(days=-1)
    second: Box = make_box(broker.port, folder=folder, clock=clock)
    assert second.store.epoch < old
    # A consumer tells of the epoch that it knows, as soon as it hears a birth below it.
    eventually(lambda: consumer.statuses[-1].epoch < old, "the birth")
    consumer.acknowledge(old, 30)
    eventually(lambda: second.store.epoch > old, "a higher epoch")
    second.change(25)
    eventually(lambda: second.store.acked == 25, "everything to be acknowledged")
    record_property("counts", verify(consumer, second.store))


@pytest.mark.conformance("layout change misattributes nothing")
def test_a_layout_that_changes_while_the_broker_is_away(
    broker: Mosquitto, make_box: MakeBox, make_consumer: MakeConsumer,
    record_property: RecordProperty,
) -> None:  # fmt: skip
    consumer = make_consumer(broker.port)
    box: Box = make_box(broker.port, start=False)
    box.change(40)
    old, new = box.store.layout, layout_of(25, name="c")
    assert old is not None
    box.store.set_layout(new)
    box.change(40)
    box.start()
    eventually(lambda: box.store.acked == 80, "everything to be acknowledged")
    assert consumer.layouts[-1] == new
    assert consumer.snapshots[-1].layout == new.hash
    events = consumer.events(box.store.epoch)
    misattributed = consumer.misattributed({old.hash: old, new.hash: new})
    named = {
        seq: event.data.layout
        for seq, event in events.items()
        if isinstance(event, BayChangedEvent)
    }
    assert misattributed == 0
    assert named == {seq: (old if seq <= 40 else new).hash for seq in range(1, 81)}
    record_property("counts", {"events": len(events), "misattributed": misattributed})
