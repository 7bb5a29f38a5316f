"""What rides on the link besides events: a small seam, so that each part stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from edge_app.delivery.connection import Outgoing
from telemetry.topics import TopicFilter

Publish = Callable[[Outgoing], None]


class Agent(Protocol):
    """Shadow, commands, jobs, health, aggregates: each is one. All calls come from one thread."""

    def filters(self) -> Sequence[TopicFilter]:
        """What to subscribe to."""
        ...

    def connected(self, publish: Publish) -> None:
        """The link is up; `publish` queues a message until the link goes down again."""
        ...

    def disconnected(self) -> None:
        """The link is down; what was queued and not answered is gone."""
        ...

    def message(self, topic: str, payload: bytes) -> None:
        """A message to one of the filters came.

        Raises:
            LotsightError: it is malformed; the link logs it and continues.
        """
        ...

    def tick(self, now_s: float) -> None:
        """Called about twice a second, connected or not; `now_s` is monotonic."""
        ...
