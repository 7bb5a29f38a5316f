"""What goes out next, with a clock that stands still until told."""

from __future__ import annotations

import random

import pytest

from edge_app.delivery import Release, Store
from edge_app.delivery.backoff import Backoff, TokenBucket
from edge_app.delivery.pump import MAX_RESEND_S, EventPump
from telemetry import Ack, ManualClock
from tests.edge_app.delivery.kit import change, config


class Sender:
    """Sends what the pump gives, under rising message ids."""

    def __init__(self, pump: EventPump) -> None:
        self.pump = pump
        self.mids: dict[int, int] = {}

    def turn(self, room: int = 1000) -> list[int]:
        sent: list[int] = []
        for row in self.pump.due(room):
            mid = len(self.mids) + 1
            self.mids[mid] = row.seq
            self.pump.sent(row, mid)
            sent.append(row.seq)
        return sent

    def answer(self, code: int, *seqs: int) -> None:
        for mid, seq in list(self.mids.items()):
            if seq in seqs:
                self.pump.answered(mid, code)
        self.pump.settle()


def pump_of(
    store: Store, clock: ManualClock, changes: int, release: Release = Release.ACK, **more: object
) -> Sender:
    settings = {"release": release, "in_flight_max": 5, "backlog_rate_hz": 50.0, **more}
    for turn in range(changes):
        store.record([change(turn % 10, bool(turn // 10 % 2))])
    pump = EventPump(store, clock, config(**settings))
    pump.connected(window=20)
    return Sender(pump)


def ack(store: Store, upto: int, *, replay: bool = False) -> Ack:
    return Ack(epoch=store.epoch, upto=upto, replay=replay)


def test_it_waits_for_the_watermark_then_goes_in_order(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 12)
    assert sender.turn() == []
    sender.pump.acknowledged(ack(store, 3))
    assert sender.turn() == [4, 5, 6, 7, 8]
    assert sender.turn() == []
    sender.answer(0, 4, 5)
    clock.advance(1.0)
    assert sender.turn() == [9, 10]


def test_without_a_word_it_starts_after_the_grace(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 3)
    clock.advance(1.0)
    assert sender.turn() == [1, 2, 3]


def test_the_pace_holds(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 60, in_flight_max=20, backlog_rate_hz=50.0)
    clock.advance(1.0)
    sent = 0
    for _ in range(10):
        batch = sender.turn()
        sender.answer(0, *batch)
        sent += len(batch)
        clock.advance(0.02)
    assert sent == 20 + 9
    assert 0.0 < sender.pump.wait_s() <= 0.02


def test_room_is_shared_with_other_messages(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 9)
    clock.advance(1.0)
    assert sender.turn(room=2) == [1, 2]
    assert sender.turn(room=2) == []


def test_live_events_keep_their_place(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 7)
    clock.advance(1.0)
    sender.turn()
    store.record([change(0, None)])
    sender.answer(0, 1, 2, 3, 4, 5)
    clock.advance(1.0)
    assert sender.turn() == [6, 7, 8]


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99])
def test_a_refused_event_is_kept_and_lets_others_pass(
    store: Store, clock: ManualClock, code: int
) -> None:
    sender = pump_of(store, clock, 7)
    clock.advance(1.0)
    sender.turn()
    sender.answer(code, 2)
    sender.answer(0, 1, 3, 4, 5)
    assert sender.pump.refusal == code
    clock.advance(1.0)
    assert sender.turn() == [6, 7]
    assert store.health().quarantined == 1
    clock.advance(300.0)
    assert 2 in sender.turn()
    assert sender.pump.refusal is None


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_a_passing_no_pauses_and_starts_again_there(
    store: Store, clock: ManualClock, code: int
) -> None:
    sender = pump_of(store, clock, 7)
    clock.advance(1.0)
    sender.turn()
    sender.answer(0, 1, 2)
    sender.answer(code, 3)
    sender.answer(0, 4, 5)
    clock.advance(1.0)
    assert sender.turn() == []
    clock.advance(5.0)
    assert sender.turn() == [3, 4, 5, 6, 7]


def test_nobody_listens_pauses_until_somebody_does(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 9, resend_after_s=30.0)
    clock.advance(1.0)
    assert sender.turn() == [1, 2, 3, 4, 5]
    sender.answer(0x10, 1, 2, 3, 4, 5)
    clock.advance(29.0)
    assert sender.turn() == []
    clock.advance(1.0)
    assert sender.turn() == [1, 2, 3, 4, 5]
    sender.answer(0x10, 1, 2, 3, 4, 5)
    clock.advance(1.0)
    sender.pump.acknowledged(ack(store, 0))  # a consumer has come
    assert sender.turn() == [1, 2, 3, 4, 5]
    assert store.health().rows == 9


def test_the_brokers_word_alone_releases_nothing(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 3)
    clock.advance(1.0)
    sender.turn()
    sender.answer(0, 1, 2, 3)
    assert store.health().rows == 3
    sender.pump.acknowledged(ack(store, 3))
    assert store.health().rows == 0


def test_the_brokers_word_releases_where_no_consumer_acknowledges(
    store: Store, clock: ManualClock
) -> None:
    sender = pump_of(store, clock, 4, Release.PUBACK)
    assert sender.turn() == [1, 2, 3, 4]
    sender.answer(0, 1, 2)
    sender.answer(0x10, 3, 4)
    assert [row.seq for row in store.pending(0, 10)] == [3, 4]


def test_what_nobody_acknowledged_goes_out_again_ever_less_often(
    store: Store, clock: ManualClock
) -> None:
    sender = pump_of(store, clock, 2, resend_after_s=30.0)
    clock.advance(1.0)
    assert sender.turn() == [1, 2]
    sender.answer(0, 1, 2)
    waits: list[float] = []
    waited_s = 0.0
    while len(waits) < 7:
        clock.advance(1.0)
        waited_s += 1.0
        if batch := sender.turn():
            sender.answer(0, *batch)
            waits.append(waited_s)
            waited_s = 0.0
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, MAX_RESEND_S, MAX_RESEND_S]
    assert sender.pump.counts.resent == 14
    assert sender.pump.silent_s >= 0.0
    sender.pump.acknowledged(ack(store, 2))
    assert sender.pump.silent_s == 0.0


def test_a_replay_starts_at_the_watermark(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 4)
    clock.advance(1.0)
    sender.turn()
    sender.answer(0, 1, 2, 3, 4)
    sender.pump.acknowledged(ack(store, 2, replay=True))
    clock.advance(1.0)
    assert sender.turn() == [3, 4]


def test_acknowledgements_of_other_times(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 4)
    clock.advance(1.0)
    sender.turn()
    epoch = store.epoch
    assert not sender.pump.acknowledged(Ack(epoch=epoch - 1, upto=4))
    assert store.acked == 0
    sender.pump.acknowledged(ack(store, 3))
    sender.pump.acknowledged(ack(store, 1))
    assert store.acked == 3
    # The consumer knows a number that this store never gave: it was set back.
    assert sender.pump.acknowledged(ack(store, 99))
    assert store.epoch > epoch
    assert [row.seq for row in store.pending(0, 10)] == [1]
    epoch = store.epoch
    assert sender.pump.acknowledged(Ack(epoch=epoch + 7, upto=0))
    assert store.epoch == epoch + 8


def test_a_new_connection_sends_all_that_is_not_acknowledged(
    store: Store, clock: ManualClock
) -> None:
    sender = pump_of(store, clock, 4)
    clock.advance(1.0)
    sender.turn()
    sender.answer(0, 1, 2)
    sender.pump.disconnected()
    assert sender.turn() == []
    sender.pump.connected(window=2)
    clock.advance(1.0)
    assert sender.turn() == [1, 2], "the broker's receive maximum is kept"


def test_an_idle_pump_sleeps(store: Store, clock: ManualClock) -> None:
    sender = pump_of(store, clock, 1)
    clock.advance(1.0)
    sender.turn()
    sender.turn()
    assert sender.pump.wait_s() == float("inf")
    store.record([change(0, None)])
    assert sender.pump.wait_s() < 1.0


def test_waits_double_and_are_spread_evenly() -> None:
    bounds = [1.0, 2.0, 4.0, 8.0, 8.0]
    waits: list[list[float]] = [[] for _ in bounds]
    for seed in range(400):
        backoff = Backoff(1.0, 8.0, random.Random(seed))
        for each in waits:
            each.append(backoff.next_s())
        backoff.reset()
        assert backoff.next_s() <= 1.0
    for bound_s, found in zip(bounds, waits, strict=True):
        assert 0.0 <= min(found) < 0.05 * bound_s
        assert 0.95 * bound_s < max(found) <= bound_s
        assert abs(sum(found) / len(found) - bound_s / 2) < 0.05 * bound_s
    for _ in range(2000):
        backoff.next_s()  # no overflow after days of failures


def test_a_bucket_never_gives_more_than_its_rate() -> None:
    bucket = TokenBucket(rate_hz=10.0, burst=3, now_s=0.0)
    given = 0
    for step in range(1000):
        now_s = step * 0.01
        count = bucket.available(now_s)
        bucket.take(count)
        given += count
        assert given <= 3 + 10.0 * now_s + 1e-6
    assert given >= 100
    assert bucket.available(-5.0) == 0, "a clock that goes back gives nothing"
