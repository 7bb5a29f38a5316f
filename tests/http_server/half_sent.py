"""Two hundred clients that send half a request, against any server."""

from __future__ import annotations

import contextlib
import socket
import time

import httpx

from http_server.connections import ConnectionLimits

HALF = (
    b"",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\npass",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
)


def hold_up(port: int, path: str, count: int = 200) -> None:
    """Open `count` connections that stand still; a good request is answered, and they all end.

    Raises:
        AssertionError: it is not, or they do not.
    """
    held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]
    for number, client in enumerate(held):
        client.sendall(HALF[number % len(HALF)])
    began_s = time.monotonic()
    assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=60).status_code == 200
    answered_s = time.monotonic() - began_s
    for client in held:
        with contextlib.suppress(ConnectionResetError):
            while client.recv(65_536):
                pass
        client.close()
    ended_s = time.monotonic() - began_s
    print(f"\n{count} half-sent: good in {answered_s * 1000:.0f} ms, all ended in {ended_s:.1f} s")
    limits = ConnectionLimits()
    # Half a minute more than allowed, for a machine under load.
    assert ended_s < max(limits.head_s, limits.body_s, limits.idle_s) + 30
