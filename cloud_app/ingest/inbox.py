"""Messages on their way to the tables, dealt out edge by edge, each edge within its budget.

The broker hands us a few hundred messages at a time, in the order in which they came. One edge
that floods would fill that window for good, so what it sends beyond its budget is dropped here,
before it costs anything. That loses no event: an edge keeps each one until it is acknowledged, and
retained messages are read again. An edge that keeps to the contract never comes near the budget.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from cloud_app.ingest.decode import Inbound
from telemetry import Clock

# Work grows with the bytes: a layout of a megabyte costs a thousand times an event.
_COST_BYTES = 1024
_BURST_S = 20.0
_EDGE_LEVELS = 3
# Beyond it the full buckets go: whoever has a full one has sent nothing for a while.
_BUCKETS_MAX = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_s: float


@dataclass(slots=True)
class FairInbox:
    """A queue with a line for each edge; one thread puts, another gets.

    Attributes:
        clock: for budgets.
        budget_hz: messages, or KiB where they are longer, that one edge may send per second.
        prefix: first levels of the topics.
    """

    clock: Clock
    budget_hz: float
    prefix: str = "pk"
    _lines: OrderedDict[str, deque[Inbound]] = field(default_factory=OrderedDict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _shed: dict[str, int] = field(default_factory=dict)
    _size: int = 0
    _filled: threading.Condition = field(default_factory=threading.Condition)

    def put(self, message: Inbound) -> bool:
        """Queue a message; False drops it, as its edge is over its budget."""
        line = self._line_of(message.topic)
        with self._filled:
            if not self._affords(line, 1.0 + len(message.payload) // _COST_BYTES):
                self._shed[line] = self._shed.get(line, 0) + 1
                return False
            self._lines.setdefault(line, deque()).append(message)
            self._size += 1
            self._filled.notify()
        return True

    def get(self, timeout_s: float) -> Inbound:
        """The next message of the edge whose turn it is.

        Raises:
            queue.Empty: none came within `timeout_s`.
        """
        with self._filled:
            if not self._filled.wait_for(lambda: self._size > 0, max(timeout_s, 0.0)):
                raise queue.Empty
            line, waiting = next(iter(self._lines.items()))
            message = waiting.popleft()
            self._size -= 1
            if waiting:
                self._lines.move_to_end(line)
            else:
                del self._lines[line]
            return message

    def qsize(self) -> int:
        """How many messages wait."""
        return self._size

    def take_shed(self) -> dict[str, int]:
        """How many messages were dropped since the last call, by the topic of their edge."""
        with self._filled:
            shed, self._shed = self._shed, {}
            return shed

    def _line_of(self, topic: str) -> str:
        levels = self.prefix.count("/") + 1 + _EDGE_LEVELS
        return "/".join(topic.split("/", levels)[:levels])

    def _affords(self, line: str, cost: float) -> bool:
        now_s, most = self.clock.mono_s(), self.budget_hz * _BURST_S
        bucket = self._buckets.get(line)
        if bucket is None:
            if len(self._buckets) >= _BUCKETS_MAX:
                self._drop_full(now_s, most)
            bucket = self._buckets[line] = _Bucket(most, now_s)
        bucket.left = min(most, bucket.left + (now_s - bucket.filled_s) * self.budget_hz)
        bucket.filled_s = now_s
        if bucket.left <= 0:
            return False
        # It may go below nothing once: else a budget below a message's cost would bar it for ever.
        bucket.left -= cost
        return True

    def _drop_full(self, now_s: float, most: float) -> None:
        self._buckets = {
            line: bucket
            for line, bucket in self._buckets.items()
            if bucket.left + (now_s - bucket.filled_s) * self.budget_hz < most
        }
