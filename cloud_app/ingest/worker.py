"""From the queue of messages to acknowledgements, one committed batch after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloud_app.config import IngestConfig, Registration
from cloud_app.errors import SinkError, StorageDownError, StorageError
from cloud_app.ingest.batch import Batch, Read, SitesChangedError, take_batch
from cloud_app.ingest.decode import Inbound, decode_inbound
from cloud_app.ingest.inbox import FairInbox
from cloud_app.ingest.sites import EdgeRegistry
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from cloud_app.stream import EdgeFault, FaultKind, StreamKey, TakenEvent, Watermark
from telemetry import Clock, is_identifier
from telemetry.topics import CONTRACT_VERSION

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
    misplaced: int = 0
    shed: int = 0
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
    inbox: FairInbox = field(init=False)
    _registry: EdgeRegistry = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Open the inbox, and the registry on the same database."""
        self.inbox = FairInbox(self.clock, self.config.edge_budget_hz, self.prefix)
        listed_only = self.config.registration is Registration.LISTED
        self._registry = EdgeRegistry(self.database, listed_only)

    def run(self) -> None:
        """Work until `stop`; what is left in the inbox then stays unconfirmed at the broker."""
        while not self._stop.is_set():
            messages = self._collect()
            if messages:
                self._persist(self._decode(messages))

    def stop(self) -> None:
        """Let `run` end after the batch in hand."""
        self._stop.set()

    def _decode(self, messages: Sequence[Inbound]) -> list[Read]:
        return [(each, decode_inbound(each, self.prefix)) for each in messages]

    def _collect(self) -> list[Inbound]:
        try:
            messages = [self.inbox.get(0.2)]
        except queue.Empty:
            return []
        end_s = self.clock.mono_s() + self.config.batch_wait_s
        while len(messages) < self.config.batch_rows:
            try:
                messages.append(self.inbox.get(end_s - self.clock.mono_s()))
            except queue.Empty:
                break
        return messages

    def _persist(self, read: Sequence[Read]) -> None:
        """Try until it succeeds: the broker and the edges keep what is not confirmed."""
        wait_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                self._take(read)
            except (StorageError, SinkError) as exc:
                self.counts.retries += 1
                self.counts.last_error = str(exc)
                _log.warning("%d messages wait %.1f s: %s", len(read), wait_s, exc)
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
            else:
                return

    def take(self, messages: Sequence[Inbound]) -> None:
        """Make messages lasting, then confirm and acknowledge them; from any thread.

        Raises:
            StorageError, SinkError: nothing was taken; the same call may succeed later.
        """
        self._take(self._decode(messages))

    def _take(self, read: Sequence[Read]) -> None:
        with self._one_at_a_time:
            self._take_alone(read)

    def _take_alone(self, read: Sequence[Read]) -> None:
        try:
            try:
                self._write(read)
            except SitesChangedError:
                self._registry.forget()
                self._write(read)
        except (StorageDownError, SinkError):
            raise
        except Exception as exc:
            # Whatever it is that one message does to us, the others must get through, and a
            # restart would only meet it again.
            self._take_apart(read, exc)

    def _write(self, read: Sequence[Read]) -> None:
        batch = Batch.placed(read, self._registry)
        for fault in self._shed():
            batch.blame(fault)
        for sink in self.sinks:
            sink.put(batch.events)
        with self.database.write() as session:
            acks = take_batch(session, batch)
        self._tell(batch, acks)

    def _take_apart(self, read: Sequence[Read], cause: Exception) -> None:
        """Something in the batch cannot be taken: find it by halves, and let the rest through."""
        if len(read) > 1:
            middle = len(read) // 2
            self._take(read[:middle])
            self._take(read[middle:])
            return
        _log.error("a message goes to the quarantine: %s", cause, exc_info=cause)
        self._registry.forget()
        batch = Batch.refused(read[0], self._registry, str(cause))
        acks: dict[StreamKey, int] = {}
        try:
            with self.database.write() as session:
                acks = take_batch(session, batch)
        except StorageDownError:
            raise
        except Exception:
            # Confirmed all the same: it would come again for ever, and the others with it.
            _log.exception("%.200s: not even the quarantine takes it", read[0][0].topic)
        self._tell(batch, acks)

    def _shed(self) -> list[EdgeFault]:
        """What the inbox dropped since the last batch, for people to know."""
        now_ms = to_ms(self.clock.utc())
        shed = self.inbox.take_shed()
        self.counts.shed += sum(shed.values())
        faults = []
        for line, times in shed.items():
            site, _, edge = line.removeprefix(f"{self.prefix}/{CONTRACT_VERSION}/").partition("/")
            if is_identifier(site) and is_identifier(edge):
                _log.warning("edge %s of %s: %d messages over its budget", edge, site, times)
                detail = str(times)
                faults.append(EdgeFault(edge, site, FaultKind.FLOODING, detail, now_ms, times))
        return faults

    def _tell(self, batch: Batch, acks: dict[StreamKey, int]) -> None:
        """Confirm and acknowledge what is committed; that it is stands, whatever happens here."""
        self.counts.messages += len(batch.inbound)
        self.counts.events += len(batch.events)
        self.counts.unreadable += len(batch.unreadable)
        self.counts.misplaced += sum(bad.fault is not None for bad in batch.unreadable)
        self.counts.batches += 1
        try:
            self.outlet.confirm(batch.inbound)
            self.outlet.acknowledge(_watermarks(batch, acks))
            self.watch(batch)
        except Exception:
            _log.exception("%d messages are stored, but not confirmed", len(batch.inbound))


def _watermarks(batch: Batch, acks: dict[StreamKey, int]) -> list[Watermark]:
    return [Watermark(batch.sites[edge], edge, epoch, upto) for (edge, epoch), upto in acks.items()]
