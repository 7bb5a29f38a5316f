"""A small MQTT 3.1.1 broker inside the process, on loopback: amqtt in its own thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Self

from telemetry import TelemetryError

_log = logging.getLogger(__name__)

_START_S = 10.0
_STOP_S = 5.0


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class EmbeddedBroker:
    """A broker that runs within the `with` block.

    Attributes:
        host: its address, loopback.
        port: its port.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="demo-broker", daemon=True)

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            TelemetryError: it does not start.
        """
        # amqtt logs each connection as a warning or worse; what matters reaches the link's own log.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # asyncio warns of each message that amqtt writes to a client that has just disconnected.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        self._thread.start()
        if not self._ready.wait(_START_S) or self._fault is not None:
            msg = f"the demo's broker did not start on port {self.port}: {self._fault}"
            raise TelemetryError(msg) from self._fault
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        # Likewise what escapes amqtt's tasks: a client whose connection ends of it connects again.
        self._loop.set_exception_handler(
            lambda _loop, context: _log.debug("amqtt: %s", context.get("message"))
        )
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as exc:  # raised to the caller in __enter__
            self._fault = exc
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await broker.start()
        self._ready.set()
        await self._stop.wait()
        await broker.shutdown()
