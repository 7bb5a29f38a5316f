"""Live updates: from the database's change notices to any number of browsers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from cloud_app.storage.database import Database

# A browser hears of changes at most this often: a busy site changes all the time.
_COALESCE_S = 0.5
# A comment line that keeps proxies from cutting a quiet connection.
_HEARTBEAT_S = 15.0


@dataclass(eq=False, slots=True)
class _Listener:
    loop: asyncio.AbstractEventLoop
    edges: set[str] = field(default_factory=set)
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class LiveFeed:
    """Hands out the names of edges that changed. What changed the reader asks the API.

    A slow reader costs a set of names, however much happens meanwhile.

    Args:
        database: whose notices to pass on.
        max_listeners: at once; see `is_full`.
    """

    def __init__(self, database: Database, max_listeners: int = 200) -> None:
        self._database = database
        self._max_listeners = max_listeners
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._stop = threading.Event()

    @property
    def is_full(self) -> bool:
        """Whether no further listener should be let in."""
        return len(self._listeners) >= self._max_listeners

    def run(self) -> None:
        """Pass notices on until `stop`."""
        while not self._stop.is_set():
            edges = self._database.changes(timeout_s=0.5)
            if edges:
                self._tell(edges)

    def stop(self) -> None:
        """Let `run` and all listeners end."""
        self._stop.set()
        self._tell(set())

    def _tell(self, edges: set[str]) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.loop.call_soon_threadsafe(_wake, listener, edges)

    async def listen(self) -> AsyncIterator[frozenset[str]]:
        """Edges that changed since the last value; an empty set now and then, as a heartbeat."""
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        try:
            while not self._stop.is_set():
                try:
                    await asyncio.wait_for(listener.ready.wait(), _HEARTBEAT_S)
                except TimeoutError:
                    yield frozenset()
                    continue
                await asyncio.sleep(_COALESCE_S)
                edges = frozenset(listener.edges)
                listener.edges.clear()
                listener.ready.clear()
                yield edges
        finally:
            with self._lock:
                self._listeners.discard(listener)


def _wake(listener: _Listener, edges: set[str]) -> None:
    listener.edges |= edges
    listener.ready.set()
