"""Server-sent events: one watcher of the live state for all pages that listen.

Every message is made once and put into each listener's queue. A listener that does not read is
dropped when its queue is full: its browser connects again and gets the present state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from pydantic import TypeAdapter

from edge_app.http.responses import all_bays, box_view, change_view
from edge_app.http.views import BayView
from edge_app.live_state import LiveState, RecentEvent
from edge_app.report import Box

_BAYS = TypeAdapter(tuple[BayView, ...])
_PERIOD_S = 0.25
_KEEP_ALIVE_S = 15.0
_QUEUE = 64
_REPORT_EVERY = 8
"""Every so many looks at the live state the box's figures go along."""


class Feed:
    """What happens, for pages.

    Args:
        live_state: what is watched.
        box: the box.
        max_listeners: more are refused.
    """

    def __init__(self, live_state: LiveState, box: Box, max_listeners: int = 32) -> None:
        self._live_state, self._box = live_state, box
        self._max_listeners = max_listeners
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._seen: RecentEvent | None = None
        self._shown = ""

    @property
    def is_full(self) -> bool:
        """Whether no further listener is let in."""
        return len(self._queues) >= self._max_listeners

    async def listen(self) -> AsyncIterator[str]:
        """Messages from now on, the present state first."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            newest = self._live_state.events(1)
            self._seen = newest[0] if newest else None
            self._shown = ""
            self._task = asyncio.create_task(self._watch())
        try:
            yield "retry: 2000\n\n" + _message("bays", await asyncio.to_thread(self._bays))
            yield _message("status", await asyncio.to_thread(self._status))
            while True:
                try:
                    text = await asyncio.wait_for(queue.get(), _KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": keep-alive\n\n"
                    continue
                if text is None:
                    return
                yield text
        finally:
            self._queues.discard(queue)
            if not self._queues and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _watch(self) -> None:
        look = 0
        while True:
            for event in self._new_events():
                self._send(_message("change", change_view(event).model_dump_json()))
            bays = await asyncio.to_thread(self._bays)
            if bays != self._shown:
                self._shown = bays
                self._send(_message("bays", bays))
            look += 1
            if look % _REPORT_EVERY == 0:
                self._send(_message("status", await asyncio.to_thread(self._status)))
            await asyncio.sleep(_PERIOD_S)

    def _bays(self) -> str:
        bays = all_bays(self._live_state, self._box.report())
        return _BAYS.dump_json(bays).decode()

    def _status(self) -> str:
        return box_view(self._box.report(), self._live_state).model_dump_json()

    def _new_events(self) -> list[RecentEvent]:
        """Events since the last look, oldest first."""
        fresh: list[RecentEvent] = []
        for event in self._live_state.events(200):
            if event is self._seen:
                break
            fresh.append(event)
        if fresh:
            self._seen = fresh[0]
        return fresh[::-1]

    def _send(self, text: str) -> None:
        for queue in tuple(self._queues):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)


def _message(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
