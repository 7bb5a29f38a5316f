"""The loop of everything that only one of several processes, the leader, does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_app.errors import CloudError

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LeaderRounds:
    """Rounds of work in a thread, one after the other, while this process leads.

    A round that fails is logged, and the next one tries again: the service would end with it, and
    a restart would meet the same rows.

    Attributes:
        name: of the work, for the log.
        tick: one round.
        leads: whether this process is the leader.
        every_s: pause between rounds.
        lost: told when another process leads or a round failed half way; what was remembered of
            the tables may be wrong now.
        close: called once after the last round.
    """

    name: str
    tick: Callable[[], object]
    leads: Callable[[], bool]
    every_s: float = 1.0
    lost: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until `stop`."""
        try:
            while not self._stop.wait(self.every_s):
                self._round()
        finally:
            self.close()

    def stop(self) -> None:
        """Let `run` end after the round that it is in."""
        self._stop.set()

    def _round(self) -> None:
        try:
            if self.leads():
                self.tick()
                return
        except CloudError as exc:
            _log.warning("%s: work waits: %s", self.name, exc)
        except Exception:
            _log.exception("%s: a round failed", self.name)
        self.lost()
