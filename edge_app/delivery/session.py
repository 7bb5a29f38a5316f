"""What belongs to one connection: what waits to go out, what waits for an answer, what failed."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from edge_app.delivery.connection import Connection, Outgoing, Puback, Suback
from edge_app.delivery.errors import REFUSED, reason_text
from edge_app.redaction import mask_secrets
from telemetry.topics import TopicFilter, WishedFilter

_log = logging.getLogger(__name__)


class Alarms:
    """What an operator should know of, each under a name; logged when it begins."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def raise_(self, name: str, text: str) -> None:
        """Something is wrong."""
        text = mask_secrets(text)
        if self._texts.get(name) != text:
            _log.error("%s", text)
        self._texts[name] = text

    def clear(self, name: str) -> None:
        """It is right again."""
        self._texts.pop(name, None)

    def texts(self) -> tuple[str, ...]:
        """All that is wrong now."""
        return tuple(self._texts.values())


class Session:
    """One connection with its window: events and all else share it.

    Args:
        connection: open.
        conn: its number.
        window: most unanswered messages at once.
        alarms: where refusals go.
    """

    def __init__(self, connection: Connection, conn: int, window: int, alarms: Alarms) -> None:
        self.connection = connection
        self.conn = conn
        self.window = window
        self._alarms = alarms
        self._queue: deque[Outgoing] = deque()
        self._waiting: dict[int, Outgoing] = {}
        self._filters: dict[int, Sequence[TopicFilter]] = {}

    def room(self, events_in_flight: int) -> int:
        """How many more messages may go out."""
        return self.window - len(self._waiting) - events_in_flight

    @property
    def has_queue(self) -> bool:
        """Whether messages wait to go out."""
        return bool(self._queue)

    def queue(self, message: Outgoing) -> None:
        """Send when there is room."""
        self._queue.append(message)

    def send(self, message: Outgoing) -> int | None:
        """Send now; gives the message id, or None for what is larger than the broker takes."""
        name, size = f"size {message.topic}", len(message.payload)
        if size > self.connection.payload_max:
            limit = self.connection.payload_max
            text = f"{message.topic}: {size} bytes exceed the broker's limit of {limit}: not sent"
            self._alarms.raise_(name, text)
            return None
        self._alarms.clear(name)
        mid = self.connection.publish(message)
        if message.qos:
            self._waiting[mid] = message
        return mid

    def send_queued(self, events_in_flight: int) -> None:
        """Send what waits, as far as there is room."""
        while self._queue and self.room(events_in_flight) > 0:
            self.send(self._queue.popleft())

    def is_waiting(self, mid: int | None) -> bool:
        """Whether the broker still owes an answer."""
        return mid in self._waiting

    def subscribe(self, filters: Sequence[TopicFilter]) -> None:
        """Subscribe; the answer is read in `subscribed`."""
        if filters:
            self._filters[self.connection.subscribe(filters)] = filters

    def answered(self, answer: Puback) -> None:
        """The broker answered a message that is no event."""
        message = self._waiting.pop(answer.mid, None)
        if message is None:
            return
        name = f"publish {message.topic}"
        if answer.code >= REFUSED:
            text = f"{message.topic} rejected by the broker: {reason_text(answer.code)}"
            self._alarms.raise_(name, text)
        else:
            self._alarms.clear(name)
        if message.on_done is not None:
            message.on_done(answer.code)

    def subscribed(self, answer: Suback) -> None:
        """The broker answered a subscription; paho calls a refused one granted, so codes count."""
        for each, code in zip(self._filters.pop(answer.mid, ()), answer.codes, strict=False):
            name = f"subscribe {each}"
            if code >= REFUSED and isinstance(each, WishedFilter):
                _log.info("subscription %s refused (optional): %s", each, reason_text(code))
            elif code >= REFUSED:
                self._alarms.raise_(name, f"subscription {each} refused: {reason_text(code)}")
            else:
                self._alarms.clear(name)
