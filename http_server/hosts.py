"""Which names a server answers to, and whose word it takes for where a request comes from.

A malicious page can point its own host name at our address (DNS rebinding) and would
then be of one origin with us. The Host header still carries that name, so names are checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import AfterValidator, IPvAnyNetwork

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::\d{1,5})?")


def _not_all(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if network.prefixlen == 0:
        msg = "expected the addresses of proxies, but got every address"
        raise ValueError(msg)
    return network


TrustedProxy = Annotated[IPvAnyNetwork, AfterValidator(_not_all)]
"""An address, or a network such as 10.0.0.0/8, whose X-Forwarded-For is trusted."""


@dataclass(frozen=True, slots=True)
class HostNames:
    """The names of a server.

    Attributes:
        names: lower case, without port.
        any_address: whether any IP address is accepted too: an address cannot be rebound.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False

    @classmethod
    def of(cls, bound_to: str, further: Iterable[str] = ()) -> Self:
        """The names of a server that listens on an address.

        Args:
            bound_to: address or name. On loopback only loopback's names are served; elsewhere the
                machine's own name and any address too, since an address may be translated on its
                way here (containers, port forwarding).
            further: configured names.
        """
        names = set(LOOPBACK_NAMES) | {_plain(bound_to)} | {_plain(name) for name in further}
        is_local = _is_loopback(bound_to)
        if not is_local:
            machine = _plain(socket.gethostname())
            names |= {machine, f"{machine}.local"}
        return cls(frozenset(names), any_address=not is_local)

    def fault(self, host: str) -> str | None:
        """Why a Host header is refused; None when it is not."""
        found = _HOST.fullmatch(host)
        name = _plain(found[1] or found[2]) if found is not None else ""
        if name in self.names or (self.any_address and _is_address(name)):
            return None
        return f"unknown host name {host[:100]!r}; allow it in the settings"


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
