"""What is told of an alert, and the ways to tell it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cloud_app.storage.times import from_ms
from cloud_app.views import AlertItem
from telemetry.shadow import dump_json

_log = logging.getLogger(__name__)


class NoticeKind(StrEnum):
    """Why an alert is reported."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class RuleName:
    """A notification rule, as far as those who are told have to know it.

    Attributes:
        id: of the rule.
        name: that people gave it; None for the configuration's own.
    """

    id: str
    name: str | None


CONFIGURED = RuleName("config", None)
"""The rule that stands for `[rules] webhook_url`, or without one for the service's log."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert that opened, closed, or was left alone for too long.

    Attributes:
        kind: which.
        item: the alert, as it is when it is told.
        url: of its page.
        rule: the notification rule that wants it told: its id and name.
        now_ms: when it is told.
    """

    kind: NoticeKind
    item: AlertItem
    url: str
    rule: RuleName
    now_ms: int

    @property
    def key(self) -> str:
        """The same for each delivery of this notice, so that a receiver can drop repetitions."""
        item = self.item
        state = "open" if self.kind is NoticeKind.OPENED else self.kind.value
        opened_ms = round(item.opened.timestamp() * 1000)
        parts = [item.rule, item.site, item.subject, str(opened_ms), state]
        if self.rule != CONFIGURED:
            parts.append(self.rule.id)
        if self.kind is NoticeKind.TEST:
            parts.append(str(self.now_ms))
        return "/".join(parts)

    @property
    def digest(self) -> str:
        """The key in a form that fits a header."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def encode(self) -> bytes:
        """The notice as JSON."""
        item = self.item
        told = item.model_dump(
            mode="json",
            include={"severity", "state", "closed_by", "acknowledged_by", "assignee"},
        )
        return dump_json(
            {
                "type": f"alert.{self.kind.value}",
                "timestamp": from_ms(self.now_ms).isoformat(),
                "id": self.key,
                "alert": item.id,
                "rule": item.rule,
                "site": item.site,
                "subject": item.subject,
                "text": item.text,
                "opened": item.opened.isoformat(),
                "closed": self._closed(),
                "url": self.url,
                "notification": self.rule.name,
                **told,
            }
        )

    def _closed(self) -> str | None:
        # An opening is told as one, even where the alert is over by the time it gets through.
        if self.kind is not NoticeKind.CLOSED or self.item.closed is None:
            return None
        return self.item.closed.isoformat()


class Target(Protocol):
    """A way to tell somebody."""

    @property
    def name(self) -> str:
        """Who, for an alert's log; no secrets. Empty: nothing that people look for."""
        ...

    @property
    def at_once(self) -> int:
        """How many notices it takes together."""
        ...

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver notices, all or none.

        Raises:
            NotSentError: they did not get through; they will be sent again.
        """
        ...


class LogTarget:
    """Alerts as lines of the service's log."""

    name = ""
    at_once = 1

    def send(self, notices: Sequence[Notice]) -> None:
        """Write the lines."""
        for notice in notices:
            over = notice.kind is NoticeKind.CLOSED
            _log.warning("%s: %s", "alert over" if over else "alert", notice.item.text)
