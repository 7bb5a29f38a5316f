"""Which addresses a tenant's webhook may be at.

The service may well reach what its tenants may not: itself, its database, a cloud's metadata at
169.254.169.254. So a tenant's webhook goes to the public internet alone, unless the configuration
says otherwise. A URL is checked when it is saved, what its name stands for at each delivery, and
the connection is made to the very address that was checked (a moment later the name may stand for
another one: DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from cloud_app.errors import AlertError, NotSentError

URL_MAX = 2_000
# A gateway (NAT64, RFC 6052) takes what follows for an address of IPv4.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_url(url: str, *, allow_private: bool) -> str:
    """A URL as it is kept.

    Args:
        url: of a webhook.
        allow_private: whether it may lack TLS and lie where the public internet does not reach.

    Raises:
        AlertError: it is no URL of a webhook, or may not be one here.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        msg = f"url must be that of a webhook, but it is malformed: {exc}"
        raise AlertError(msg) from exc
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        msg = f"url must be at most {URL_MAX} ASCII characters without spaces"
        raise AlertError(msg)
    schemes = {"https", "http"} if allow_private else {"https"}
    if parts.scheme not in schemes or not host or parts.username is not None or parts.fragment:
        msg = (
            f"url must be {' or '.join(sorted(schemes))}://host[:port]/..., without user name and "
            f"fragment, but got {shown(url)}"
        )
        raise AlertError(msg)
    if not allow_private and _is_private(host):
        msg = (
            f"url must be at a public address, but {host} is not "
            "(notifications.allow_private_urls of the configuration would allow it)"
        )
        raise AlertError(msg)
    return url


def shown(url: str) -> str:
    """What of a URL may be told to everybody: its path is often a secret."""
    return urlsplit(url).hostname or "an address without a host"


def _is_private(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        # Any way of writing a number, as the resolver reads it: 127.1, 0x7f000001, 2130706433.
        found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return not all(is_public(str(each[4][0])) for each in found)


def is_public(address: str) -> bool:
    """Whether the public internet reaches an address, and no other network by way of it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in (ip, *_inside(ip)))


def _inside(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Addresses of IPv4 that an address of IPv6 stands for."""
    if isinstance(ip, IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def resolve(parts: SplitResult) -> list[str]:
    """The public addresses of a URL's host, in the order in which they are to be tried.

    Raises:
        NotSentError: there are none, or one of them is not public.
    """
    try:
        found = socket.getaddrinfo(
            parts.hostname, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError) as exc:
        msg = f"its name {parts.hostname} cannot be resolved"
        raise NotSentError(msg, is_away=True) from exc
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(map(is_public, addresses)):
        msg = f"its name {parts.hostname} stands for an address that is not public"
        raise NotSentError(msg, is_away=True)
    return addresses
