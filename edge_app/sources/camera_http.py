"""Getting one thing from a camera over HTTP: logins, redirects, certificates, errors that say why.

Redirects and logins are done here and not by httpx: a login goes to the camera alone, never from
https to http, never twice when it was refused; and of several challenges the strongest is answered.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from edge_app.addresses import mask_secrets, register_address, shown
from edge_app.sources.base import LoginRejected
from edge_app.sources.http_login import (
    Challenge,
    Login,
    Request,
    answer,
    parse_challenges,
    strongest,
)
from edge_app.sources.trust import TlsTrust, client_context, untrusted, verification_error
from telemetry import CameraError

if TYPE_CHECKING:
    import httpx

_MAX_REDIRECTS = 5
# A camera may say once more that its nonce is too old: two requests of its other clients met.
_MAX_STALE = 2
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> _Origin:
        """Of an http or https address.

        Raises:
            ValueError: it is invalid.
        """
        parts = urlsplit(url)
        scheme, host = parts.scheme.lower(), parts.hostname
        if scheme not in _PORTS or not host:
            msg = f"expected http:// or https:// and a host, but got {shown(url)!r}"
            raise ValueError(msg)
        return cls(scheme, host.lower(), parts.port or _PORTS[scheme])

    def may_pass_login_to(self, other: _Origin) -> bool:
        """Whether a login meant for this one may be sent to the other one."""
        if other.host != self.host:
            return False
        upgraded = self.scheme == "http" and other.scheme == "https"
        return upgraded or (other.scheme, other.port) == (self.scheme, self.port)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    content: bytes = field(default=b"", repr=False)
    location: str | None = None
    challenges: tuple[Challenge, ...] = ()


class CameraHttp:
    """One address of a camera, asked again and again; used by one thread at a time.

    Args:
        url: http or https, without login.
        login: sent when the camera asks for it, and only to it.
        timeout_s: longest wait for each step of a request, seconds.
        trust: which certificate is trusted.
        name: of the camera, for errors.
    """

    def __init__(
        self, url: str, login: Login | None, timeout_s: float, trust: TlsTrust, name: str
    ) -> None:
        self._url = url
        self._login = login
        self._timeout_s = timeout_s
        self._trust = trust
        self._name = name
        self._clients: dict[_Origin, httpx.Client] = {}

    def get(self, max_bytes: int) -> bytes:
        """Ask for it, wherever the camera redirects to.

        Raises:
            LoginRejected: the camera does not take this login, or asks for one and there is none.
            CameraError: no answer, an error answer, or more than `max_bytes`.
        """
        try:
            return self._follow(max_bytes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections; the next `get` opens new ones."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _follow(self, max_bytes: int) -> bytes:
        url, came_over_tls = self._url, False
        for _ in range(_MAX_REDIRECTS + 1):
            came_over_tls |= urlsplit(url).scheme.lower() == "https"
            got = self._ask(url, max_bytes, may_log_in=self._may_log_in(url, came_over_tls))
            if got.location is None:
                return got.content
            url = self._redirected(url, got.location)
        msg = f"{self._name}: redirected more than {_MAX_REDIRECTS} times, last to {shown(url)}"
        raise CameraError(msg)

    def _ask(self, url: str, max_bytes: int, *, may_log_in: bool) -> _Answer:
        """Ask one address, with a login if it wants one."""
        got = self._send(url, max_bytes)
        for attempt in range(_MAX_STALE + 1):
            if got.status != HTTPStatus.UNAUTHORIZED:
                break
            if attempt and not any(each.is_stale for each in got.challenges):
                raise LoginRejected(self._refusal(url, got))
            header = self._authorization(url, got, may_log_in=may_log_in)
            got = self._send(url, max_bytes, header)
            if got.status == HTTPStatus.FORBIDDEN:
                raise LoginRejected(self._refusal(url, got))
        if got.status == HTTPStatus.UNAUTHORIZED:
            raise LoginRejected(self._refusal(url, got))
        if got.location is not None or HTTPStatus(200) <= got.status < HTTPStatus(300):
            return got
        msg = f"{self._name}: expected an image, but got HTTP {got.status} {got.reason}"
        raise CameraError(msg.rstrip())

    def _authorization(self, url: str, got: _Answer, *, may_log_in: bool) -> bytes:
        if self._login is None:
            msg = f"{self._name}: login required (HTTP 401): set username and password"
            raise LoginRejected(msg)
        if not may_log_in:
            msg = (
                f"{self._name}: it redirects to {shown(url)}, which requires a login (HTTP 401): "
                "credentials are sent to the configured host only, and never from https to http"
            )
            raise CameraError(msg)
        challenge = strongest(got.challenges)
        if challenge is None:
            offered = ", ".join(map(str, got.challenges)) or "none"
            msg = (
                f"{self._name}: expected Digest (SHA-512-256, SHA-256, MD5) or Basic "
                f"authentication, but the camera offers: {offered}"
            )
            raise CameraError(msg)
        parts = urlsplit(str(self._httpx_url(url)))
        uri = urlunsplit(SplitResult("", "", parts.path or "/", parts.query, ""))
        return answer(challenge, self._login, Request("GET", uri))

    def _send(self, url: str, max_bytes: int, authorization: bytes | None = None) -> _Answer:
        """One request.

        Raises:
            CameraError: no answer, or too much of it.
        """
        import httpx

        headers = {b"Accept": b"image/*, */*;q=0.1"}
        if authorization is not None:
            headers[b"Authorization"] = authorization
        try:
            try:
                return self._stream(url, headers, max_bytes)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if authorization is not None:
                    raise  # it may have counted as a login
                # The camera ended a connection that was kept for this request.
                return self._stream(url, headers, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            raise self._fault(url, exc) from exc

    def _stream(self, url: str, headers: dict[bytes, bytes], max_bytes: int) -> _Answer:
        client = self._client(url)
        with client.stream("GET", self._httpx_url(url), headers=headers) as response:
            if response.is_success:
                content = bytearray()
                for part in response.iter_bytes():
                    content += part
                    if len(content) > max_bytes:
                        msg = f"expected at most {max_bytes} bytes, but got more"
                        raise ValueError(msg)
                return _Answer(response.status_code, response.reason_phrase, bytes(content))
            return _Answer(
                response.status_code,
                response.reason_phrase,
                location=response.headers.get("Location") if response.is_redirect else None,
                challenges=parse_challenges(response.headers.get_list("WWW-Authenticate")),
            )

    def _client(self, url: str) -> httpx.Client:
        import httpx

        origin = _Origin.of(url)
        client = self._clients.get(origin)
        if client is None:
            verify: ssl.SSLContext | bool = False
            if origin.scheme == "https":
                # What was set for the camera says nothing of others that it redirects to.
                own = origin.host == _Origin.of(self._url).host
                trust = self._trust if own else TlsTrust()
                verify = client_context(url, trust, self._timeout_s, self._name)
            client = httpx.Client(
                verify=verify,
                timeout=self._timeout_s,
                trust_env=False,  # a camera stands in the same network: no proxy
            )
            self._clients[origin] = client
        return client

    def _httpx_url(self, url: str) -> httpx.URL:
        import httpx

        return httpx.URL(urlsplit(url)._replace(fragment="").geturl())

    def _may_log_in(self, url: str, came_over_tls: bool) -> bool:
        try:
            own, origin = _Origin.of(self._url), _Origin.of(url)
        except ValueError as exc:
            raise self._fault(url, exc) from exc
        if came_over_tls and origin.scheme == "http":
            return False
        return own.may_pass_login_to(origin)

    def _redirected(self, url: str, location: str) -> str:
        register_address(location)
        try:
            target = urlsplit(urljoin(url, location))
            host = target.netloc.rpartition("@")[2]
            bare = urlunsplit(target._replace(netloc=host, fragment=""))
            _Origin.of(bare)
        except ValueError as exc:
            msg = f"{self._name}: expected a redirect to http or https, but got {shown(location)!r}"
            raise CameraError(msg) from exc
        return bare

    def _refusal(self, url: str, got: _Answer) -> str:
        how = strongest(got.challenges)
        text = "the camera rejects the username or password"
        if got.status == HTTPStatus.FORBIDDEN:
            text += ", or has locked the account"
        text += f" (HTTP {got.status}, {how})" if how is not None else f" (HTTP {got.status})"
        if urlsplit(url).path != urlsplit(self._url).path:
            text += f" at {shown(url)}"
        return f"{self._name}: {text}"

    def _fault(self, url: str, error: Exception) -> CameraError:
        import httpx

        certificate = verification_error(error)
        if certificate is not None:
            return CameraError(untrusted(url, certificate, self._timeout_s, self._name))
        if isinstance(error, httpx.TimeoutException):
            reason = "timed out"
        else:
            reason = mask_secrets(str(error)) or type(error).__name__
        return CameraError(f"{self._name}: cannot read: {reason}")
