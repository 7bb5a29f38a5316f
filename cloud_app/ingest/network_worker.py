"""From a queue of what brokers hand over to confirmations, one committed batch after another."""

from __future__ import annotations

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from cloud_app.config import NetworkConfig
from cloud_app.errors import StorageDownError
from cloud_app.ingest.sensors.link import Delivery, SensorLink
from cloud_app.storage.database import Database
from telemetry import Clock

_log = logging.getLogger(__name__)

_WAITING_MAX = 10_000
"""Messages in the queue: beyond it those of QoS 1 stay with the broker."""
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0


@dataclass(slots=True)
class NetworkWorker(ABC):
    """Takes in what the brokers of sensors or gates hand over, in its own thread.

    Attributes:
        database: where it goes.
        networks: whose brokers are listened to.
        clock: for times of arrival.
        counts: what became of the messages.
    """

    database: Database
    networks: Sequence[NetworkConfig]
    clock: Clock
    counts: Counter[str] = field(default_factory=Counter)
    links: list[SensorLink] = field(init=False)
    _queue: queue.Queue[Delivery] = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)

    batch_max: ClassVar[int] = 500

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

    @abstractmethod
    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Make messages lasting, then confirm them.

        Raises:
            StorageDownError: nothing was taken; the same call may succeed later.
        """

    def _collect(self) -> list[Delivery]:
        try:
            found = [self._queue.get(timeout=0.2)]
        except queue.Empty:
            return []
        while len(found) < self.batch_max:
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
