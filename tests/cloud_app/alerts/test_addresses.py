"""Which webhooks tenants may have, and that a delivery goes where it was checked to go."""

from __future__ import annotations

import asyncio
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest
import trustme

from cloud_app.alerts.addresses import check_url, is_public, resolve, shown
from cloud_app.alerts.webhook import WebhookTarget, _to_first, check_secret
from cloud_app.errors import AlertError, NotSentError

PUBLIC = "https://hooks.example.org/services/T0/B0"


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001",
        "017700000001", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]",
        "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
    ],
)  # fmt: skip
def test_a_tenants_webhook_is_not_at_a_private_address(host: str) -> None:
    url = f"https://{host}:8443/hook"
    with pytest.raises(AlertError, match="must be at a public address"):
        check_url(url, allow_private=False)
    assert check_url(url, allow_private=True) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("http://hooks.example.org/", "must be https://host", id="no TLS"),
        pytest.param("ftp://hooks.example.org/", "must be https://host", id="scheme"),
        pytest.param("https:///hook", "must be https://host", id="no host"),
        pytest.param("hooks.example.org/hook", "must be https://host", id="no scheme"),
        pytest.param("https://a:b@hooks.example.org/", "without user name", id="user"),
        pytest.param("https://hooks.example.org/#a", "without user name and fragment", id="#"),
        pytest.param("https://hooks.example.org:99999/", "malformed", id="port"),
        pytest.param("https://[::1/", "malformed", id="bracket"),
        pytest.param("https://hooks.example.org/a b", "without spaces", id="space"),
        pytest.param("https://hooks.example.org/\r\nX: y", "ASCII characters", id="line break"),
        pytest.param("https://hööks.example.org/", "ASCII characters", id="umlaut"),
        pytest.param("https://hooks.example.org/" + "x" * 2000, "at most 2000", id="long"),
    ],
)
def test_a_webhook_needs_a_proper_url(url: str, message: str) -> None:
    with pytest.raises(AlertError, match=message) as caught:
        check_url(url, allow_private=False)
    assert "a:b" not in str(caught.value)


def test_a_public_one_is_kept_as_it_is_and_shown_without_its_path() -> None:
    assert check_url(PUBLIC, allow_private=False) == PUBLIC
    assert shown(PUBLIC) == "hooks.example.org"
    assert [is_public(a) for a in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8")] == [True] * 3


@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "x" * 257,
        "whsec_?????????????????",
        "whsec_" + "QUFB" * 3,
        "a" * 16 + "\n",
        "ä" * 20,
    ],
    ids=["short", "long", "no base64", "short key", "line break", "umlaut"],
)
def test_a_secret_is_long_enough_to_be_one(secret: str) -> None:
    with pytest.raises(AlertError, match="secret must") as caught:
        check_secret(secret)
    assert secret not in str(caught.value)


def test_a_name_that_stands_for_a_private_address_is_refused_when_it_is_used() -> None:
    """As after a change of the name's records: what was checked when it was saved says nothing."""
    with pytest.raises(NotSentError, match="stands for an address that is not public"):
        resolve(urlsplit("https://localhost/hook"))
    with pytest.raises(NotSentError, match="cannot be resolved"):
        resolve(urlsplit("https://no-such-host.invalid/hook"))
    with pytest.raises(NotSentError, match="not public"):
        WebhookTarget("https://localhost:1/hook", None, anywhere=False).send([_NoticeOf()])  # type: ignore[list-item]


class _NoticeOf:
    now_ms = 0
    digest = "d"

    def encode(self) -> bytes:
        return b"{}"


@pytest.mark.parametrize("name", ["hooks.example.org", "other.example.org"])
def test_the_connection_goes_to_the_checked_address_and_tls_holds_the_name(name: str) -> None:
    """The address is given, the name is in Host and in the certificate that is insisted on."""
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.org").configure_cert(served)
    hosts: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append(self.headers["Host"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = served.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port = server.server_address[1]
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    async def post() -> int:
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
            parts = urlsplit(f"https://{name}:{port}/hook")
            # The first one does not answer, and the second is tried.
            return await _to_first(client, parts, ["127.0.0.2", "127.0.0.1"], b"{}", {})

    try:
        if name == "hooks.example.org":
            assert asyncio.run(post()) == 204
            assert hosts == [f"hooks.example.org:{port}"]
        else:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                asyncio.run(post())
            assert hosts == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
