"""Delivering alerts, at least once: to a webhook, or to the log."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import Protocol

import httpx

from cloud_app.config import RulesConfig
from cloud_app.errors import SinkError
from cloud_app.storage.alerts import Subject, due_alerts, mark_sent
from cloud_app.storage.database import Database
from cloud_app.storage.times import from_ms
from telemetry.shadow import dump_json

_log = logging.getLogger(__name__)

# It tells of each request with its whole address, and that of a webhook is a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

_TIMEOUT_S = 10.0
# Enough for a site that goes down at once; the rest follows with the next round.
_PER_ROUND = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert that opened or closed."""

    rule: str
    site: str
    subject: str
    text: str
    opened_ms: int
    closed_ms: int | None

    @property
    def key(self) -> str:
        """The same for each delivery of this notice, so that a receiver can drop repetitions."""
        state = "open" if self.closed_ms is None else "closed"
        return f"{self.rule}/{self.site}/{self.subject}/{self.opened_ms}/{state}"

    def encode(self) -> bytes:
        """The notice as JSON."""
        closed = None if self.closed_ms is None else from_ms(self.closed_ms).isoformat()
        return dump_json(
            {
                "id": self.key,
                "rule": self.rule,
                "site": self.site,
                "subject": self.subject,
                "text": self.text,
                "opened": from_ms(self.opened_ms).isoformat(),
                "closed": closed,
            }
        )


class Notifier(Protocol):
    """A way to tell somebody."""

    def send(self, notice: Notice) -> None:
        """Deliver a notice.

        Raises:
            SinkError: it did not get through; it will be sent again.
        """
        ...


class LogNotifier:
    """Alerts as lines of the log."""

    def send(self, notice: Notice) -> None:
        """Write the line."""
        state = "alert" if notice.closed_ms is None else "alert over"
        _log.warning("%s: %s", state, notice.text)


class WebhookNotifier:
    """Alerts as POST requests with a JSON body.

    Args:
        url: http or https.
        secret: signs the body, so that the receiver knows who sent it.
    """

    def __init__(self, url: str, secret: str | None) -> None:
        self._url = url
        self._secret = secret

    def send(self, notice: Notice) -> None:
        """POST it; any answer of 2xx will do."""
        body = notice.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "lotsight-cloud",
            "Idempotency-Key": hashlib.sha256(notice.key.encode()).hexdigest(),
        }
        if self._secret is not None:
            digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Lotsight-Signature"] = f"sha256={digest}"
        try:
            answer = httpx.post(self._url, content=body, headers=headers, timeout=_TIMEOUT_S)
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as exc:
            # Only its kind: an address of a webhook is a secret, and some of these texts hold it.
            msg = f"webhook: expected 2xx for {notice.key}, but got: {type(exc).__name__}"
            raise SinkError(msg) from exc
        if not answer.is_success:
            msg = f"webhook: expected 2xx for {notice.key}, but got: HTTP {answer.status_code}"
            raise SinkError(msg)


def notifier_for(config: RulesConfig) -> Notifier:
    """The way that the configuration asks for."""
    if config.webhook_url is None:
        return LogNotifier()
    secret = config.webhook_secret
    return WebhookNotifier(config.webhook_url, secret.get_secret_value() if secret else None)


def deliver(database: Database, notifier: Notifier) -> int:
    """Send what is due and mark it as sent; return how many.

    Raises:
        SinkError: one did not get through; those before it did.
    """
    with database.read() as session:
        due = due_alerts(session, _PER_ROUND)
    for row in due:
        closing = bool(row.open_sent)
        closed_ms = row.closed_ms if closing else None
        notifier.send(Notice(row.rule, row.site, row.subject, row.text, row.opened_ms, closed_ms))
        with database.write() as session:
            mark_sent(
                session, (Subject(row.rule, row.site, row.subject), row.opened_ms), closing=closing
            )
    return len(due)
