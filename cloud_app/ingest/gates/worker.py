"""Messages of gates off brokers, made lasting one batch after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_app.config import NetworkConfig
from cloud_app.errors import StorageDownError, StorageError
from cloud_app.ingest.gates.intake import GateIntake, GateMessage, note_unusable
from cloud_app.ingest.sensors.link import Delivery, SensorLink
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import to_ms
from sensors.errors import SensorError
from telemetry import Clock

_log = logging.getLogger(__name__)

_WAITING_MAX = 10_000
"""Messages in the queue: beyond it those of QoS 1 stay with the broker."""
_BATCH = 200
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0


@dataclass(slots=True)
class GateWorker:
    """Takes in what brokers of gates hand over, in its own thread.

    Attributes:
        database: where it goes.
        intake: how.
        networks: whose brokers are listened to.
        clock: for times of arrival.
        counts: what became of the messages; `unusable` of those that are none.
    """

    database: Database
    intake: GateIntake
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
        while len(found) < _BATCH and not self._queue.empty():
            found.append(self._queue.get_nowait())
        return found

    def _persist(self, deliveries: Sequence[Delivery]) -> None:
        """Try until it succeeds: the broker keeps what is not confirmed."""
        wait_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                self.take(deliveries)
            except StorageDownError as exc:
                _log.warning("%d messages of gates wait %.1f s: %s", len(deliveries), wait_s, exc)
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
            else:
                return

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Make messages lasting, then confirm them; one that the database refuses is left out.

        Raises:
            StorageDownError: nothing was taken; the same call may succeed later.
        """
        try:
            with self.database.write() as session:
                counts = self._take(session, deliveries)
        except StorageDownError:
            raise
        except StorageError:
            if len(deliveries) > 1:
                for each in deliveries:
                    self.take([each])
                return
            # Confirmed all the same: it would come again for ever.
            _log.exception("%s: a message is passed over", deliveries[0].network.name)
            counts = Counter(refused=1)
        self.counts.update(counts)
        for each in deliveries:
            each.confirm()

    def _take(self, session: Session, deliveries: Sequence[Delivery]) -> Counter[str]:
        counts: Counter[str] = Counter()
        now = self.clock.utc()
        for each in deliveries:
            network = each.network
            try:
                reports = self.intake.read(GateMessage(network.kind, each.body, now))
            except SensorError as exc:
                # The message may hold a plate, so its fault alone is kept.
                note_unusable(
                    session, f"{network.kind.value} from {network.name}", str(exc), to_ms(now)
                )
                counts["unusable"] += 1
                continue
            outcomes = self.intake.take(session, reports, network.sites, to_ms(now))
            counts.update(outcome.value for outcome in outcomes)
        return counts
