"""Messages of bay sensors off brokers, made lasting one batch after the other."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_app.errors import StorageDownError
from cloud_app.ingest.batch import quarantine
from cloud_app.ingest.decode import Inbound
from cloud_app.ingest.network_worker import NetworkWorker
from cloud_app.ingest.sensors.arrivals import Arrival, Bringer, OutcomeKind, read
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.link import Delivery
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms
from sensors.errors import SensorError

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class SensorWorker(NetworkWorker):
    """Takes in what the networks of bay sensors hand over.

    Attributes:
        intake: how; `unreadable_message` counts those of which even the envelope is none.
    """

    intake: SensorIntake

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
