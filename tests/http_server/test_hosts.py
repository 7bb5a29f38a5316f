"""Names that a server answers to."""

from __future__ import annotations

import socket

import pytest
from pydantic import TypeAdapter, ValidationError

from http_server.hosts import HostNames, TrustedProxy

LOOPBACK = HostNames.of("127.0.0.1")
OPEN = HostNames.of("0.0.0.0", ["Box.Example."])
ONE = HostNames.of("192.0.2.1")


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (LOOPBACK, "127.0.0.1"), (LOOPBACK, "localhost:8008"), (LOOPBACK, "[::1]:1"),
        (LOOPBACK, "LocalHost."), (OPEN, "box.example"), (OPEN, "BOX.example:8443"),
        (OPEN, "10.0.0.7"), (OPEN, "[2001:db8::7]:80"), (OPEN, "localhost"),
        (OPEN, socket.gethostname()), (OPEN, f"{socket.gethostname()}.local:80"),
        (ONE, "192.0.2.1"),
    ],
)  # fmt: skip
def test_own_names_are_served(names: HostNames, host: str) -> None:
    assert names.fault(host) is None


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (LOOPBACK, "evil.example"), (LOOPBACK, "10.0.0.7"), (LOOPBACK, ""),
        (LOOPBACK, "localhost.evil"),
        (LOOPBACK, "127.0.0.1.evil.example"), (LOOPBACK, "localhost:x"),
        (LOOPBACK, "localhost:123456"),
        (LOOPBACK, "a@localhost"), (LOOPBACK, "localhost/"), (LOOPBACK, "localhost\x00"),
        (LOOPBACK, "."),
        (OPEN, "evil.example"), (OPEN, "x.box.example"), (OPEN, "10.0.0.7.evil.example"),
        (OPEN, "0x7f000001"), (OPEN, "2130706433"), (OPEN, "[evil]"), (OPEN, "box.example:80:80"),
        (OPEN, "localhost, evil.example"), (OPEN, "127.1"), (OPEN, ""),
    ],
)  # fmt: skip
def test_other_names_are_refused(names: HostNames, host: str) -> None:
    fault = names.fault(host)
    assert fault is not None
    assert repr(host) in fault


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "*", "proxy.example", ""])
def test_a_proxy_is_an_address_and_not_everybody(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TrustedProxy).validate_python(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"])
def test_a_proxy_may_be_a_network(text: str) -> None:
    assert TypeAdapter(TrustedProxy).validate_python(text).prefixlen > 0
