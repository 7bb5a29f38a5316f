"""Connections that stand still are ended, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import trustme
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from http_server.bodies import BodyGuard
from http_server.connections import ConnectionLimits
from http_server.hosts import TrustedProxy
from http_server.serving import ServerConfig
from tests.kit import web

QUICK = ConnectionLimits(
    connections=400, handshake_s=1.0, head_s=1.5, body_s=1.5, body_bytes_per_s=1e6, idle_s=1,
    unread_s=1.5,
)  # fmt: skip
ENDED_S = 10.0
"""Far more than any limit above, for a machine under load."""


def make_app() -> FastAPI:  # noqa: C901 - many small routes
    app = FastAPI()
    app.add_middleware(BodyGuard, max_bytes=100_000)

    @app.get("/")
    def good() -> dict[str, bool]:
        return {"good": True}

    @app.get("/client")
    def client(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"host": request.client.host, "scheme": request.url.scheme}

    @app.post("/")
    async def take(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    async def without_end() -> AsyncIterator[bytes]:
        while True:
            yield b"data: " + b"x" * 65_536 + b"\n\n"
            await asyncio.sleep(0)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(without_end(), media_type="text/event-stream")

    @app.get("/quiet")
    async def quiet() -> StreamingResponse:
        async def beats() -> AsyncIterator[bytes]:
            while True:
                yield b": beat\n\n"
                await asyncio.sleep(0.5)

        return StreamingResponse(beats(), media_type="text/event-stream")

    @app.get("/large")
    def large() -> StreamingResponse:
        return StreamingResponse(iter([b"x" * 20_000_000]))

    return app


@contextlib.contextmanager
def serving(limits: ConnectionLimits = QUICK, **settings: object) -> Iterator[int]:
    proxies = settings.pop("trusted_proxies", ())
    config = ServerConfig(
        make_app(), limits, proxies, port=0, log_level="error",  # type: ignore[arg-type]
        timeout_graceful_shutdown=1, **settings,
    )  # fmt: skip
    with web.serving(config) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as taken:
        yield taken


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=ENDED_S)
    client.settimeout(ENDED_S)
    return client


def rest(client: socket.socket) -> bytes:
    """What comes until the server ends the connection; fails if it does not."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65_536):
            got += chunk
    client.close()
    return got


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
HALF = {
    "nothing": b"",
    "first-line": b"GET / HT",
    "head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n",
    "body": HEAD + b"x" * 10,
    "chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nab",
    "idle": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("what", HALF)
def test_what_is_half_sent_is_ended(port: int, what: str) -> None:
    client = connect(port)
    client.sendall(HALF[what])
    answer = rest(client)
    if what == "idle":
        assert answer.startswith(b"HTTP/1.1 200")
    elif what == "nothing":
        assert answer == b""
    else:
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert answer.endswith(b'{"detail": "the request timed out"}')


@pytest.mark.parametrize("what", ["head", "body", "second-head"])
def test_a_byte_now_and_then_does_not_help(port: int, what: str) -> None:
    client = connect(port)
    first = {"head": b"GET / HTTP/1.1\r\nX-A: ", "body": HEAD, "second-head": HALF["idle"]}[what]
    client.sendall(first)
    began_s = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - began_s < ENDED_S:
            time.sleep(0.2)
            client.sendall(b"a")
    assert time.monotonic() - began_s < ENDED_S, "a slow client was never ended"
    client.close()


@pytest.mark.parametrize("path", ["/stream", "/large"])
def test_a_client_that_reads_nothing_is_ended(port: int, path: str) -> None:
    client = connect(port)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    time.sleep(QUICK.unread_s + 3.0)
    # What the kernels held is still there to be read, but the end of it comes.
    got = rest(client)
    assert 0 < len(got) < 20_000_000


def test_a_client_that_reads_slowly_is_served_to_the_end(port: int) -> None:
    client = connect(port)
    client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got, began_s = 0, time.monotonic()
    while chunk := client.recv(500_000):
        got += len(chunk)
        time.sleep(0.1 if time.monotonic() - began_s < 4 else 0)
    client.close()
    assert got > 20_000_000
    assert time.monotonic() - began_s > QUICK.unread_s


def test_a_quiet_stream_that_is_read_goes_on(port: int) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{port}/quiet", timeout=ENDED_S) as answer:
        began_s = time.monotonic()
        for _ in answer.iter_raw():
            if time.monotonic() - began_s > QUICK.unread_s + 2:
                break
    assert time.monotonic() - began_s > QUICK.unread_s + 2


def test_a_large_body_that_keeps_coming_is_taken() -> None:
    limits = ConnectionLimits(body_s=1.0, body_bytes_per_s=1000.0)

    def slowly() -> Iterator[bytes]:
        for _ in range(15):
            time.sleep(0.2)
            yield b"x" * 2000

    with serving(limits) as port:
        answer = httpx.post(f"http://127.0.0.1:{port}/", content=slowly(), timeout=20)
    assert answer.json() == {"bytes": 30_000}


def test_200_half_sent_connections_hold_nobody_up(port: int) -> None:
    kinds = [HALF["nothing"], HALF["head"], HALF["body"], HALF["chunk"]]
    half = [connect(port) for _ in range(200)]
    for number, client in enumerate(half):
        client.sendall(kinds[number % len(kinds)])
    began_s = time.monotonic()
    good = httpx.get(f"http://127.0.0.1:{port}/", timeout=ENDED_S)
    answered_s = time.monotonic() - began_s
    assert good.json() == {"good": True}
    answers = [rest(client) for client in half]
    ended_s = time.monotonic() - began_s
    print(
        f"\n200 half-sent: a good request took {answered_s * 1000:.0f} ms,"
        f" all ended after {ended_s:.1f} s"
    )
    assert sum(answer.startswith(b"HTTP/1.1 408 ") for answer in answers) == 150


def test_a_full_server_makes_room_and_then_says_so() -> None:
    limits = ConnectionLimits(connections=20, head_s=60.0, body_s=60.0)
    with serving(limits) as port:
        half = [connect(port) for _ in range(60)]
        for client in half:
            with contextlib.suppress(ConnectionError):
                client.sendall(HALF["head"])
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        for client in half:
            client.close()
        busy = [connect(port) for _ in range(25)]
        for client in busy[:20]:
            client.sendall(HALF["body"])
        time.sleep(0.5)
        for client in busy:
            client.close()
        busy = [connect(port) for _ in range(20)]
        for client in busy:
            client.sendall(HALF["body"])
        time.sleep(0.5)
        full = httpx.get(f"http://127.0.0.1:{port}/")
        for client in busy:
            client.close()
    assert (full.status_code, full.json()) == (503, {"detail": "too many connections at once"})
    assert int(full.headers["retry-after"]) > 0


def test_half_a_handshake_is_ended(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / "own.pem"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(ssl_certfile=folder / "own.pem") as port:
        silent = connect(port)
        silent.sendall(b"\x16\x03\x01")
        half = connect(port)
        wrapped = context.wrap_socket(half, server_hostname="localhost")
        wrapped.sendall(HALF["head"])
        assert rest(wrapped).startswith(b"HTTP/1.1 408 ")
        assert rest(silent) == b""
        good = httpx.get(f"https://localhost:{port}/", verify=context)
    assert good.status_code == 200


def forwarded(port: int) -> dict[str, str]:
    headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    answer: dict[str, str] = httpx.get(f"http://127.0.0.1:{port}/client", headers=headers).json()
    return answer


def test_nobody_is_believed_who_they_say_they_are(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forwarded(port) == {"host": "127.0.0.1", "scheme": "http"}
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with serving() as other:
        assert forwarded(other) == {"host": "127.0.0.1", "scheme": "http"}


@pytest.mark.parametrize(
    ("network", "host"), [("127.0.0.0/8", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")]
)
def test_a_trusted_proxy_is_believed(network: str, host: str) -> None:
    proxies = (TypeAdapter(TrustedProxy).validate_python(network),)
    with serving(trusted_proxies=proxies) as port:
        assert forwarded(port)["host"] == host
