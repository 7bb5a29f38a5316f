"""What accounts need done in the background: mail sent, what is over dropped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from cloud_app.accounts import brake, mail, sessions, tickets
from cloud_app.errors import CloudError
from cloud_app.mail import Mailer
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry import Clock

_log = logging.getLogger(__name__)

_EVERY_S = 2.0
_PRUNE_MS = 3_600_000


class AccountsWorker:
    """Works in a thread of its own, while this process leads.

    Args:
        database: with the accounts.
        mailer: takes letters; None where there is no mail server.
        leads: whether this process is the one that works.
        clock: wall time.
    """

    def __init__(
        self, database: Database, mailer: Mailer | None, leads: Callable[[], bool], clock: Clock
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._leads = leads
        self._clock = clock
        self._stop = threading.Event()
        self._prune_at_ms = 0

    def run(self) -> None:
        """Work until `stop`."""
        while not self._stop.wait(_EVERY_S):
            try:
                if self._leads():
                    self._round(to_ms(self._clock.utc()))
            except CloudError as exc:
                _log.warning("accounts: work waits: %s", exc)

    def _round(self, now_ms: int) -> None:
        if self._mailer is not None:
            mail.deliver(self._database, self._mailer, now_ms)
        if now_ms >= self._prune_at_ms:
            with self._database.write() as session:
                for each in (brake, mail, sessions, tickets):
                    each.prune(session, now_ms)
            self._prune_at_ms = now_ms + _PRUNE_MS

    def stop(self) -> None:
        """Let `run` end."""
        self._stop.set()
