"""A TCP proxy that cuts, delays and stalls: what networks do to a box."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any


class FaultProxy:
    """Passes bytes on to a broker on loopback until told otherwise; runs in its own thread."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuse = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._delay_s = 0.0
        self.cuts = 0
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection."""
        self.cuts += 1
        self._call(self._cut())

    def refuse(self, on: bool) -> None:
        """Let nobody in; who is in stays in."""
        self._refuse = on

    def stall(self, on: bool) -> None:
        """Half-open: connections stand, but no byte arrives any more, in either direction."""
        change = self._flows.clear if on else self._flows.set
        self._loop.call_soon_threadsafe(change)

    def delay(self, delay_s: float) -> None:
        """Hold each piece back for so long."""
        self._delay_s = delay_s

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, down: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._refuse:
            back.transport.abort()
            return
        try:
            up, forth = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            back.transport.abort()
            return
        self._writers |= {back, forth}
        try:
            await asyncio.gather(self._pass(down, forth), self._pass(up, back))
        finally:
            for writer in (back, forth):
                writer.transport.abort()
                self._writers.discard(writer)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._flows.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.transport.abort()
