"""Connections that end: a client that stands still keeps no place.

uvicorn times out nothing but an idle connection between two requests. So a half-sent head
(slowloris), a half-sent body or an unread response would hold a connection forever. The
bounds are those of Apache's mod_reqtimeout: a time for the head, and for the body a time that grows
with what has arrived.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h11
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from http_server.serving import ServerConfig

_LOOK_S = 0.5
_RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long a connection may stand still, and how many there may be.

    Attributes:
        connections: at once. When there are more, the one that has waited longest for a request
            makes room; when all are at work, further ones are answered 503.
        handshake_s: for the TLS handshake.
        head_s: for the whole head of a request, from the connection or from its first byte on.
        body_s: for a body, and one second more for each `body_bytes_per_s` received.
        body_bytes_per_s: the slowest client that is waited for.
        idle_s: between two requests.
        unread_s: a client that reads nothing of a response for this long is disconnected.
    """

    connections: int = 512
    handshake_s: float = 10.0
    head_s: float = 10.0
    body_s: float = 10.0
    body_bytes_per_s: float = 1024.0
    idle_s: int = 10
    unread_s: float = 20.0


class BoundedConnection(H11Protocol):
    """The HTTP/1.1 protocol of uvicorn, looked at twice a second.

    Attributes:
        head_since_s: since when the head of a request is waited for; None while none has begun.
    """

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = config.limits
        self._watch: asyncio.TimerHandle | None = None
        self.head_since_s: float | None = None
        self._body_since_s = 0.0
        self._body_bytes = 0
        self._read_at_s = 0.0
        self._unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch, and make room if there are too many."""
        super().connection_made(transport)
        self.head_since_s = self._read_at_s = self.loop.time()
        self._watch = self.loop.call_later(_LOOK_S, self._look)
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note what arrives, and when."""
        now_s, before = self.loop.time(), self.cycle
        if self.head_since_s is None and self.is_waiting:
            self.head_since_s = now_s
        self._body_bytes += len(data)
        super().data_received(data)
        if self.cycle is not before:
            self.head_since_s = None
            self._body_since_s, self._body_bytes = now_s, 0

    def resume_writing(self) -> None:
        """The client has read enough for more."""
        self._read_at_s = self.loop.time()
        super().resume_writing()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""
        return self.conn.their_state is h11.IDLE and self._is_answered

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        alive = [
            each
            for each in self.connections
            if isinstance(each, BoundedConnection) and not each.transport.is_closing()
        ]
        if len(alive) <= self._limits.connections:
            return
        waiting = [each for each in alive if each is not self and each.is_waiting]
        if waiting:
            min(waiting, key=lambda each: each.head_since_s or 0.0).end()
        elif len(alive) > 2 * self._limits.connections:
            self.transport.abort()
        else:
            # Its request is read anyway: closing before that would lose the answer.
            self.app = _too_many

    def _look(self) -> None:
        now_s = self.loop.time()
        if self._reads_nothing(now_s):
            self.transport.abort()
        elif not self.transport.is_closing() and self._sends_too_slowly(now_s):
            self.end()
        self._watch = self.loop.call_later(_LOOK_S, self._look)

    def _reads_nothing(self, now_s: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        is_stuck = unread > 0 and (
            self.flow.write_paused or self._is_answered or self.transport.is_closing()
        )
        # Nothing is written meanwhile, so it shrinks by what the client reads.
        if not is_stuck or unread < self._unread_bytes:
            self._read_at_s = now_s
        self._unread_bytes = unread
        return now_s - self._read_at_s > self._limits.unread_s

    def _sends_too_slowly(self, now_s: float) -> bool:
        limits = self._limits
        if self.conn.their_state is h11.IDLE and self.head_since_s is not None:
            return now_s - self.head_since_s > limits.head_s
        # While reading is paused it is us who are slow.
        if self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused:
            allowed_s = limits.body_s + self._body_bytes / limits.body_bytes_per_s
            return now_s - self._body_since_s > allowed_s
        return False

    def end(self) -> None:
        """Close; a client that has begun a request gets the reason."""
        is_begun = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        if is_begun and (self._is_answered or not self.cycle.response_started):
            self.transport.write(_TIMED_OUT)
        if self.cycle is not None:
            self.cycle.disconnected = True
        self._unset_keepalive_if_required()
        self.transport.close()


async def _too_many(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Connection": "close", "Retry-After": str(_RETRY_AFTER_S)}
    answer = JSONResponse({"detail": "too many connections at once"}, 503, headers)
    await answer(scope, receive, send)


def _raw_answer(status: str, detail: str) -> bytes:
    body = json.dumps({"detail": detail}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_TIMED_OUT = _raw_answer("408 Request Timeout", "the request timed out")
