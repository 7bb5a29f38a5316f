"""An HTTP(S) camera that wants a login: it checks digests by itself, by RFC 7616, and counts."""

from __future__ import annotations

import base64
import hashlib
import http.server
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HASHES: Mapping[str, str] = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
_FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))')


@dataclass
class LoginCamera:
    """Answers `/image.jpg` with a picture to who logs in.

    Attributes:
        picture: what it gives.
        username: who may see it.
        password: of the user.
        offers: `WWW-Authenticate` headers; None: no login is asked for. `{nonce}` is the nonce.
        redirects: from path to `Location`.
        stale: how many right logins are answered with "stale" first.
        refusal: status of what a wrong login gets.
    """

    picture: bytes
    username: str = "viewer"
    password: str = "s3cret, pass"
    offers: Sequence[str] | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    stale: int = 0
    refusal: int = 401
    context: ssl.SSLContext | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    wrong: int = 0
    nonces: int = 0

    @property
    def logins(self) -> list[str]:
        """The `Authorization` headers that came."""
        return [header for _, header in self.requests if header is not None]

    def url(self, path: str = "/image.jpg", host: str = "127.0.0.1") -> str:
        return f"{'http' if self.context is None else 'https'}://{host}:{self.port}{path}"

    @contextmanager
    def running(self) -> Iterator[LoginCamera]:
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    camera.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the test's output clean."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # refused handshakes
        if self.context is not None:
            server.socket = self.context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        header = request.headers.get("Authorization")
        self.requests.append((request.path, header))
        location = self.redirects.get(request.path)
        if location is not None:
            self._send(request, 302, {"Location": location})
        elif self.offers is None:
            self._send(request, 200, {}, self.picture)
        elif header is None:
            self._challenge(request, 401)
        elif not self._is_right(header, request.path):
            self.wrong += 1
            self._challenge(request, self.refusal)
        elif self.stale > 0:
            self.stale -= 1
            self._challenge(request, 401, stale=True)
        else:
            self._send(request, 200, {"Content-Type": "image/jpeg"}, self.picture)

    def _challenge(
        self, request: http.server.BaseHTTPRequestHandler, status: int, *, stale: bool = False
    ) -> None:
        self.nonces += 1
        request.send_response(status)
        for offer in self.offers or ():
            text = offer.replace("{nonce}", f"nonce,{self.nonces}")
            request.send_header("WWW-Authenticate", text + (", stale=true" if stale else ""))
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _send(
        self,
        request: http.server.BaseHTTPRequestHandler,
        status: int,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _is_right(self, header: str, path: str) -> bool:
        scheme, _, rest = header.partition(" ")
        if scheme == "Basic":
            return base64.b64decode(rest).decode() == f"{self.username}:{self.password}"
        given = {
            name: re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
            for name, quoted, plain in _FIELD.findall(rest)
        }
        return given["uri"] == path and given["response"] == self._response("GET", given)

    def _response(self, method: str, given: Mapping[str, str]) -> str:
        algorithm = given.get("algorithm", "MD5").upper()
        name = HASHES[algorithm.removesuffix("-SESS")]

        def hashed(*parts: str) -> str:
            return hashlib.new(name, ":".join(parts).encode()).hexdigest()

        who = hashed(self.username, given["realm"], self.password)
        if algorithm.endswith("-SESS"):
            who = hashed(who, given["nonce"], given["cnonce"])
        what = [method, given["uri"]]
        if "qop" not in given:
            return hashed(who, given["nonce"], hashed(*what))
        if given["qop"] == "auth-int":
            what.append(hashed(""))
        middle = (given["nonce"], given["nc"], given["cnonce"], given["qop"])
        return hashed(who, *middle, hashed(*what))


Start = Callable[..., LoginCamera]
