"""Messages of gates off brokers, made lasting one batch after the other."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cloud_app.errors import StorageDownError, StorageError
from cloud_app.ingest.gates.intake import GateIntake, GateMessage, note_unusable
from cloud_app.ingest.network_worker import NetworkWorker
from cloud_app.ingest.sensors.link import Delivery
from cloud_app.storage.database import Session
from cloud_app.storage.times import to_ms
from sensors.errors import SensorError

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class GateWorker(NetworkWorker):
    """Takes in what brokers of gates hand over.

    Attributes:
        intake: how; `unusable` counts messages that are none.
    """

    intake: GateIntake

    batch_max: ClassVar[int] = 200

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
