"""What accounts need done in the background: mail sent, what is over dropped."""

from __future__ import annotations

from cloud_app.accounts import brake, mail, sessions, tickets
from cloud_app.mail import Mailer
from cloud_app.storage.database import Database
from cloud_app.storage.times import to_ms
from telemetry import Clock

_PRUNE_MS = 3_600_000


class AccountsWorker:
    """Works a round at a time, while this process leads.

    Args:
        database: with the accounts.
        mailer: takes letters; None where there is no mail server.
        clock: wall time.
    """

    def __init__(self, database: Database, mailer: Mailer | None, clock: Clock) -> None:
        self._database = database
        self._mailer = mailer
        self._clock = clock
        self._prune_at_ms = 0

    def tick(self) -> None:
        """One round: letters that wait, and now and then what is no longer needed."""
        now_ms = to_ms(self._clock.utc())
        if self._mailer is not None:
            mail.deliver(self._database, self._mailer, now_ms)
        if now_ms >= self._prune_at_ms:
            with self._database.write() as session:
                for each in (brake, mail, sessions, tickets):
                    each.prune(session, now_ms)
            self._prune_at_ms = now_ms + _PRUNE_MS
