"""From the queue of deliveries to confirmations, one committed batch after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_app.config import NetworkConfig
from cloud_app.errors import StorageDownError
from cloud_app.ingest.batch import quarantine
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.sensors.arrivals import Arrival, Bringer, OutcomeKind, read
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.link import Delivery, SensorLink
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import to_ms
from sensors.errors import SensorError
from telemetry import Clock

_log = logging.getLogger(__name__)

_WAITING_MAX = 10_000
"""Messages in the queue: beyond it those of QoS 1 stay with the broker."""
_BATCH = 500
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0


@dataclass(slots=True)
class SensorWorker:
    """Takes in what the networks' brokers hand over, in its own thread.

    Attributes:
        database: where it goes.
        intake: how.
        networks: whose brokers are listened to.
        clock: for times of arrival.
        counts: what became of the messages; `unreadable_message` where even the envelope is none.
    """

    database: Database
    intake: SensorIntake
    networks: Sequence[NetworkConfig]
    clock: Clock
    counts: Counter[str] = field(default_factory=Counter)
    links: list[SensorLink] = field(init=False)
    _queue: queue.Queue[Delivery] = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Make the clients; they connect with `run`."""
        self._queue = queue.Queue(_WAITING_MAX)
        self.links = [SensorLink(each, self.clock, self.offer) for each in self.networks]

    def offer(self, delivery: Delivery) -> bool:
        """Queue a message; False: there is no room, and the broker keeps it if it can."""
        try:
            self._queue.put_nowait(delivery)
        except queue.Full:
            self.counts["no_room"] += 1
            return False
        return True

    def run(self) -> None:
        """Work until `stop`; what is left in the queue stays unconfirmed at the broker."""
        for link in self.links:
            link.start()
        try:
            while not self._stop.is_set():
                deliveries = self._collect()
                if deliveries:
                    self._persist(deliveries)
        finally:
            for link in self.links:
                link.stop()

    def stop(self) -> None:
        """Let `run` end after the batch in hand."""
        self._stop.set()

    def _collect(self) -> list[Delivery]:
        try:
            found = [self._queue.get(timeout=0.2)]
        except queue.Empty:
            return []
        while len(found) < _BATCH:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return found

    def _persist(self, deliveries: Sequence[Delivery]) -> None:
        """Try until it succeeds: the broker keeps what is not confirmed."""
        wait_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                self.take(deliveries)
            except StorageDownError as exc:
                _log.warning("%d messages wait %.1f s: %s", len(deliveries), wait_s, exc)
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
            else:
                return

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Make messages lasting, then confirm them.

        Raises:
            StorageDownError: nothing was taken; the same call may succeed later.
        """
        try:
            with self.database.write() as session:
                counts = self._take(session, deliveries)
        except StorageDownError:
            raise
        except Exception as exc:
            self._take_apart(deliveries, exc)
            return
        self.counts.update(counts)
        for each in deliveries:
            each.confirm()

    def _take(self, session: Session, deliveries: Sequence[Delivery]) -> Counter[str]:
        counts: Counter[str] = Counter()
        arrivals: list[Arrival] = []
        now = self.clock.utc()
        for each in deliveries:
            bringer = Bringer(each.network.name, each.network.sites)
            try:
                found = read(each.network.kind, each.topic, each.body)
            except SensorError as exc:
                found = [exc]
            for one in found:
                if isinstance(one, SensorError):
                    self._quarantine(session, each, str(one))
                    counts["unreadable_message"] += 1
                else:
                    arrivals.append(Arrival(one, bringer, now))
        outcomes = self.intake.take(session, arrivals) if arrivals else []
        counts.update(each.kind.value for each in outcomes)
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            if outcome.kind is OutcomeKind.REFUSED:
                _log.warning(
                    "%s: device %s: %s", arrival.bringer.name, arrival.uplink.device, outcome.detail
                )
        return counts

    def _take_apart(self, deliveries: Sequence[Delivery], cause: Exception) -> None:
        """Something in the batch cannot be taken: find it by halves, and let the rest through."""
        if len(deliveries) > 1:
            middle = len(deliveries) // 2
            self.take(deliveries[:middle])
            self.take(deliveries[middle:])
            return
        [one] = deliveries
        _log.error("a message of %s goes to the quarantine: %s", one.network.name, cause)
        with self.database.write() as session:
            self._quarantine(session, one, str(cause))
        self.counts["unreadable_message"] += 1
        one.confirm()

    def _quarantine(self, session: Session, delivery: Delivery, why: str) -> None:
        topic = f"{delivery.network.name}: {delivery.topic}"
        now_ms = to_ms(self.clock.utc())
        quarantine(session, Inbound(topic, delivery.body, retained=False, received_ms=now_ms), why)
