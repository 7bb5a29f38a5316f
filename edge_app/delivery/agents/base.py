"""What agents share: doing nothing by default."""

from __future__ import annotations

from collections.abc import Sequence

from edge_app.delivery.agent import Publish
from telemetry.topics import TopicFilter


class QuietAgent:
    """An agent that does nothing; others override what they need."""

    def __init__(self) -> None:
        self._publish: Publish | None = None

    def filters(self) -> Sequence[TopicFilter]:
        """Nothing to subscribe to."""
        return ()

    def connected(self, publish: Publish) -> None:
        """Keep the way out."""
        self._publish = publish

    def disconnected(self) -> None:
        """There is no way out."""
        self._publish = None

    def message(self, topic: str, payload: bytes) -> None:
        """Nothing was subscribed to, so nothing comes."""

    def tick(self, now_s: float) -> None:
        """Nothing to do."""
