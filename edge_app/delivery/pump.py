"""Which event goes out next: order, window, pace, resending, quarantine. No network in here."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from edge_app.delivery.backoff import TokenBucket
from edge_app.delivery.config import MqttConfig, Release
from edge_app.delivery.errors import reason_text
from edge_app.delivery.outbox import OutboxRow
from edge_app.delivery.store import Store
from telemetry.bounds import MAX_NUMBER
from telemetry.clock import Clock
from telemetry.errors import TelemetryError
from telemetry.messages import Ack

_log = logging.getLogger(__name__)

SENT = 0x00
NOBODY_LISTENS = 0x10
QUARANTINE_CODES = frozenset({0x87, 0x90, 0x99})
"""Not authorised, topic name invalid, payload format invalid: the same again would fail again."""
MAX_RESEND_S = 600.0
REFUSAL_PAUSE_S = 5.0
"""How long to pause after a transient rejection by the broker (quota, internal error)."""


@dataclass(slots=True)
class PumpCounts:
    """What became of events since the start."""

    sent: int = 0
    resent: int = 0
    refused: int = 0
    nobody_listens: int = 0


class EventPump:
    """Gives the events to send now, in order, and learns what became of them.

    An event's place in the order is its number, live or not. The cursor is the last number sent on
    this connection; it falls back to the consumer's watermark when something must go out again.
    """

    def __init__(self, store: Store, clock: Clock, config: MqttConfig) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._bucket = TokenBucket(
            config.backlog_rate_hz,
            min(config.in_flight_max, max(1, int(config.backlog_rate_hz))),
            clock.mono_s(),
        )
        self._window = config.in_flight_max
        self._in_flight: dict[int, int] = {}
        self._delivered: list[int] = []
        self._cursor = 0
        self._highest = 0
        # The last number there was when nothing was left to send; spares asking again and again.
        self._drained_at: int | None = None
        self._not_before_s = 0.0
        self._progress_s = 0.0
        self._resends = 0
        self._release_at_s = 0.0
        self._connected = False
        self.refusal: int | None = None
        """Reason code of the last refusal, until the refused events are tried again."""
        self.counts = PumpCounts()

    @property
    def in_flight(self) -> int:
        """Events that the broker has not answered yet."""
        return len(self._in_flight)

    def connected(self, window: int) -> None:
        """A new connection: what was in flight is not; the backlog starts at the watermark.

        Args:
            window: how many unanswered messages the broker takes.
        """
        now_s = self._clock.mono_s()
        self._connected = True
        self._window = min(window, self._config.in_flight_max)
        self._in_flight.clear()
        self._release_quarantined()
        self._rewind()
        grace_s = self._config.ack_grace_s if self._config.release is Release.ACK else 0.0
        self._not_before_s = now_s + grace_s
        self._progress_s = now_s
        self._release_at_s = now_s + self._config.quarantine_retry_s

    def disconnected(self) -> None:
        """Nothing goes out until the next `connected`."""
        self._connected = False
        self._in_flight.clear()

    def due(self, room: int) -> list[OutboxRow]:
        """The events that may go out now. Tell `sent` of each.

        Args:
            room: most unanswered events that may be on the way, this call's included.
        """
        now_s = self._clock.mono_s()
        if not self._connected or now_s < self._not_before_s:
            return []
        self._look_again(now_s)
        if self._drained_at == self._store.last_seq:
            return []
        window = min(self._window, room)
        room = min(window - len(self._in_flight), self._bucket.available(now_s))
        if room <= 0:
            return []
        last_seq = self._store.last_seq
        rows = self._store.pending(self._cursor, room)
        self._drained_at = last_seq if len(rows) < room else None
        return rows

    def sent(self, row: OutboxRow, mid: int) -> None:
        """An event went out under the broker's message id `mid`."""
        if self._cursor <= self._store.acked:
            self._progress_s = self._clock.mono_s()
        self._in_flight[mid] = row.seq
        self._cursor = row.seq
        self._bucket.take(1)
        self.counts.sent += 1
        self.counts.resent += row.seq <= self._highest
        self._highest = max(self._highest, row.seq)

    def answered(self, mid: int, code: int) -> bool:
        """The broker answered; whether the message was one of ours."""
        seq = self._in_flight.pop(mid, None)
        if seq is None:
            return False
        if code == SENT:
            if self._config.release is Release.PUBACK:
                self._delivered.append(seq)
        elif code == NOBODY_LISTENS:
            # Continuing would waste the backlog, and the consumer, once it comes, would
            # begin with a hole. Its first acknowledgement ends the pause.
            self.counts.nobody_listens += 1
            self._rewind(seq - 1)
            self._not_before_s = self._clock.mono_s() + self._config.resend_after_s
        elif code in QUARANTINE_CODES:
            self.counts.refused += 1
            self.refusal = code
            _log.error("event %d rejected by the broker: %s", seq, reason_text(code))
            self._store.refuse(seq, code)
        else:
            _log.warning("event %d not accepted by the broker: %s", seq, reason_text(code))
            self._rewind(seq - 1)
            self._not_before_s = self._clock.mono_s() + REFUSAL_PAUSE_S
        return True

    def settle(self) -> None:
        """Release what the broker took, in one transaction for all since the last call."""
        if self._delivered:
            self._store.release(self._delivered)
            self._delivered.clear()

    def acknowledged(self, ack: Ack) -> bool:
        """The consumer's watermark came; whether the epoch had to be renewed for it."""
        if ack.epoch < self._store.epoch:
            return False
        ahead = ack.epoch > self._store.epoch or ack.upto > self._store.last_seq
        if ahead and max(ack.epoch, self._store.epoch) >= MAX_NUMBER:
            msg = f"expected an epoch below the maximum, but got {ack.epoch}"
            raise TelemetryError(msg)
        if ahead:
            _log.error(
                "the consumer knows epoch %d up to %d, this store epoch %d up to %d: the store "
                "is older than the stream, starting a new epoch",
                *(ack.epoch, ack.upto, self._store.epoch, self._store.last_seq),
            )
            self._store.renew_epoch(ack.epoch)
            self._rewind()
            return True
        if ack.upto > self._store.acked:
            self._store.acknowledge(ack.upto)
            self._progress_s = self._clock.mono_s()
            self._resends = 0
        self._cursor = max(self._cursor, self._store.acked)
        if ack.replay:
            self._release_quarantined()
            self._rewind()
            self._progress_s = self._clock.mono_s()
        self._not_before_s = min(self._not_before_s, self._clock.mono_s())
        return False

    def wait_s(self) -> float:
        """How long nothing will be due unless something happens."""
        now_s = self._clock.mono_s()
        if self._drained_at == self._store.last_seq:
            return math.inf
        return max(self._not_before_s - now_s, self._bucket.wait_s(), 0.001)

    @property
    def silent_s(self) -> float:
        """How long the consumer has owed an acknowledgement, seconds; 0 when it owes none."""
        if self._config.release is Release.PUBACK or self._cursor <= self._store.acked:
            return 0.0
        return self._clock.mono_s() - self._progress_s

    def _look_again(self, now_s: float) -> None:
        """Start over at the watermark when the consumer owes us an acknowledgement for too long."""
        if now_s >= self._release_at_s:
            self._release_at_s = now_s + self._config.quarantine_retry_s
            if self._release_quarantined():
                self._rewind()
                return
        patience_s = min(MAX_RESEND_S, self._config.resend_after_s * 2.0**self._resends)
        unanswered = self._cursor > self._store.acked and not self._in_flight
        if unanswered and now_s - self._progress_s >= patience_s:
            self._resends = min(self._resends + 1, 10)
            self._progress_s = now_s
            self._rewind()

    def _release_quarantined(self) -> int:
        self.refusal = None
        return self._store.release_quarantined()

    def _rewind(self, upto: int | None = None) -> None:
        self._cursor = self._store.acked if upto is None else min(self._cursor, upto)
        self._drained_at = None
