"""From the queue of messages to acknowledgements, one committed batch after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloud_app.config import IngestConfig
from cloud_app.errors import SinkError, StorageDownError, StorageError
from cloud_app.ingest.batch import Batch, take_batch
from cloud_app.ingest.decode import Inbound
from cloud_app.storage.database import Database
from cloud_app.stream import StreamKey, TakenEvent, Watermark
from telemetry import Clock

_log = logging.getLogger(__name__)

# A database that is away is asked again soon at first, then seldom enough not to hinder its return.
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0


class Sink(Protocol):
    """Where events go besides the tables. It is part of the delivery: no ack before it has them."""

    def put(self, events: Sequence[TakenEvent]) -> None:
        """Take events, lastingly; the same ones may come again.

        Raises:
            SinkError: it could not; the batch will be tried again.
        """
        ...

    def close(self) -> None:
        """Finish what is open."""
        ...


class Outlet(Protocol):
    """What the worker tells the broker."""

    def confirm(self, messages: Sequence[Inbound]) -> None:
        """Give the broker its PUBACKs: these messages are safe."""
        ...

    def acknowledge(self, watermarks: Iterable[Watermark], *, replay: bool = False) -> None:
        """Tell each edge how far its stream is complete."""
        ...


@dataclass(slots=True)
class Counts:
    """What this process has done since it started."""

    messages: int = 0
    events: int = 0
    batches: int = 0
    unreadable: int = 0
    retries: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class IngestWorker:
    """Takes batches off a queue and makes them lasting.

    Attributes:
        database: where to.
        sinks: where else to.
        outlet: whom to tell.
        config: sizes and waits.
        prefix: first levels of the topics.
        clock: for waits after a failure.
        watch: told what was committed.
        counts: for health and metrics.
    """

    database: Database
    sinks: Sequence[Sink]
    outlet: Outlet
    config: IngestConfig
    prefix: str
    clock: Clock
    watch: Callable[[Batch], None]
    counts: Counts = field(default_factory=Counts)
    inbox: queue.Queue[Inbound] = field(default_factory=queue.Queue)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until `stop`; what is left in the inbox then stays unconfirmed at the broker."""
        while not self._stop.is_set():
            messages = self._collect()
            if messages:
                self._persist(messages)

    def stop(self) -> None:
        """Let `run` end after the batch in hand."""
        self._stop.set()

    def _collect(self) -> list[Inbound]:
        try:
            messages = [self.inbox.get(timeout=0.2)]
        except queue.Empty:
            return []
        end_s = self.clock.mono_s() + self.config.batch_wait_s
        while len(messages) < self.config.batch_rows:
            left_s = end_s - self.clock.mono_s()
            try:
                messages.append(self.inbox.get(left_s > 0, max(left_s, 0.0)))
            except queue.Empty:
                break
        return messages

    def _persist(self, messages: Sequence[Inbound]) -> None:
        """Try until it succeeds: the broker and the edges keep what is not confirmed."""
        wait_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                self.take(messages)
            except (StorageError, SinkError) as exc:
                self.counts.retries += 1
                self.counts.last_error = str(exc)
                _log.warning("%d messages wait %.1f s: %s", len(messages), wait_s, exc)
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
            else:
                return

    def take(self, messages: Sequence[Inbound]) -> None:
        """Make messages lasting, then confirm and acknowledge them.

        Raises:
            StorageError, SinkError: nothing was taken; the same call may succeed later.
        """
        batch = Batch.of(messages, self.prefix)
        for sink in self.sinks:
            sink.put(batch.events)
        try:
            with self.database.write() as session:
                acks = take_batch(session, batch)
        except StorageDownError:
            raise
        except Exception as exc:
            # Whatever it is that one message does to us, the others must get through, and a
            # restart would only meet it again.
            self._take_one_by_one(messages, exc)
            return
        self.outlet.confirm(messages)
        self.outlet.acknowledge(_watermarks(batch, acks))
        self.watch(batch)
        self.counts.messages += len(messages)
        self.counts.events += len(batch.events)
        self.counts.unreadable += len(batch.unreadable)
        self.counts.batches += 1

    def _take_one_by_one(self, messages: Sequence[Inbound], cause: Exception) -> None:
        """Something in the batch cannot be taken: find it, and let the rest through."""
        if len(messages) > 1:
            for message in messages:
                self.take([message])
            return
        _log.error("a message goes to the quarantine: %s", cause, exc_info=cause)
        batch = Batch.refused(messages[0], self.prefix, str(cause))
        with self.database.write() as session:
            acks = take_batch(session, batch)
        self.outlet.confirm(messages)
        self.outlet.acknowledge(_watermarks(batch, acks))
        self.counts.messages += 1
        self.counts.unreadable += 1


def _watermarks(batch: Batch, acks: dict[StreamKey, int]) -> list[Watermark]:
    return [Watermark(batch.sites[edge], edge, epoch, upto) for (edge, epoch), upto in acks.items()]
