"""Addresses of cameras: parsed as written, shown without secrets.

Cameras put logins everywhere: before the host, in the query (`?loginuse=a&loginpas=b`), in the path
(`/user=admin_password=x_channel=1`). So an address is shown without its user part, and of its
parameters only those keep their value that are known to be harmless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from edge_app.redaction import MASK, mask_secrets, register_secret, spellings

__all__ = ["Address", "mask_secrets", "register_address", "shown", "with_login", "without_login"]

_SCHEME = re.compile(r"^(?P<scheme>(?:snapshot\+)?[a-zA-Z][a-zA-Z0-9.-]*)://(?P<rest>.*)$", re.S)
_HEAD = re.compile(r"[^/?#]*")
_HOST = re.compile(r"^(?:\[[0-9A-Fa-f:.%]+\]|[^\s@:\[\]'\"]*)(?::\d{0,5})?$")
_PARAMETER = re.compile(
    r"(?P<name>(?:^|(?<=[/?&;,_]))-?[A-Za-z][A-Za-z0-9-]*=|(?<=[/?&;,])[A-Za-z][A-Za-z0-9_-]*=)"
    r"(?P<value>(?:(?![/&;,#?]|_-?[A-Za-z][A-Za-z0-9-]*=).)*)",
    re.S,
)
_HARMLESS = re.compile(
    r"action|bitrate|camera(?:id)?|ch|chn|channel(?:id)?|cmd|codec|color|compression|date|device"
    r"|encoding|fmt|format|fps|framerate|id|image|imgsize|inst|interface|keyframe|linkaddr"
    r"|loginuse|mode|name|nr|num|port|preset|profile|proto(?:col)?|quality|rate|res(?:olution)?"
    r"|rotation|size|snap|stream(?:id|type)?|subtype|time(?:out)?|track|transport(?:mode)?|type"
    r"|u|unicast|user(?:name)?|usr|v|video(?:codec)?|view|w|width|h|height|x|y"
)
_TELLING = re.compile(r"pas|pwd|psw|token|auth|key|secret|sig|cred|^p$", re.I)
_LEAST = 4
"""A parameter that nothing calls a secret is registered only from this length on."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its login taken out.

    Attributes:
        scheme: before `://`.
        host: with its port, as written.
        rest: path, query and fragment.
        username: percent-decoded; None without a login.
        password: percent-decoded; None without one.
    """

    scheme: str
    host: str
    rest: str
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """As it is shown."""
        return f"Address({self.shown()!r})"

    @classmethod
    def parse(cls, text: str) -> Address | None:
        """Parse an address; None if it is invalid.

        A password may hold what should have been escaped ('/', '?', '#', '@', blanks): what stands
        before the first '/' is the host only if it can be one, else the last '@' ends the login.
        """
        match = _SCHEME.match(text)
        if match is None:
            return None
        rest = match["rest"]
        head = _HEAD.match(rest)
        end = head.end() if head is not None else 0
        at = rest.rfind("@", 0, end)
        if at < 0 and not _HOST.match(rest[:end]):
            at = rest.rfind("@")
        if at < 0:
            return cls(match["scheme"], rest[:end], rest[end:])
        host = _HEAD.match(rest, at + 1)
        end = host.end() if host is not None else at + 1
        user, has_password, password = rest[:at].partition(":")
        return cls(
            match["scheme"],
            rest[at + 1 : end],
            rest[end:],
            unquote(user),
            unquote(password) if has_password else None,
        )

    def with_login(self, username: str, password: str | None) -> Address:
        """The same place with another login."""
        return replace(self, username=username, password=password)

    def without_login(self) -> Address:
        """The same place without a login."""
        return replace(self, username=None, password=None)

    def __str__(self) -> str:
        """The whole address, its login percent-encoded."""
        login = ""
        if self.username is not None:
            login = quote(self.username, safe="")
            if self.password is not None:
                login += ":" + quote(self.password, safe="")
            login += "@"
        return f"{self.scheme}://{login}{self.host}{self.rest}"

    def shown(self) -> str:
        """For people: without login, and without the value of any parameter that may be one."""
        place = f"{self.host}{self.rest}"
        if self.username is not None:
            place = place.rpartition("@")[2]  # what follows may still be part of the password
        return mask_secrets(f"{self.scheme}://{_PARAMETER.sub(_shown_parameter, place)}")


def shown(address: str) -> str:
    """An address, path or anything else that a source is called, for people."""
    parsed = Address.parse(address)
    return mask_secrets(address) if parsed is None else parsed.shown()


def register_address(text: str) -> None:
    """Register every secret of an address; other texts hold none."""
    parsed = Address.parse(text)
    if parsed is None:
        return
    if parsed.password is not None:
        register_secret(parsed.password, parsed.username)
    # As it was written, and as others may read it: up to the last '@'.
    rest = text.partition("://")[2]
    end = len(rest) - len(parsed.rest) - len(parsed.host) - 1
    for part in {rest[: max(end, 0)], rest.rpartition("@")[0]}:
        user, _, secret = part.partition(":")
        for spelling in spellings(secret):
            register_secret(spelling, unquote(user))
    if parsed.username is not None and parsed.password is None:
        register_secret(parsed.username)  # some put a token there
    for match in _PARAMETER.finditer(parsed.rest):
        if _is_harmless(match["name"]):
            continue
        if _TELLING.search(_bare(match["name"])) or len(match["value"]) >= _LEAST:
            for spelling in spellings(match["value"]):
                register_secret(spelling)


def with_login(url: str, username: str | None, password: str | None) -> str:
    """`url` with a login put into it, percent-encoded; a login already there is replaced."""
    parsed = Address.parse(url)
    if username is None or parsed is None:
        return url
    return str(parsed.with_login(username, password))


def without_login(url: str) -> tuple[str, str | None, str | None]:
    """`url` without its login, the user name and the password (percent-decoded)."""
    parsed = Address.parse(url)
    if parsed is None or parsed.username is None:
        return url, None, None
    return str(parsed.without_login()), parsed.username, parsed.password


def _shown_parameter(match: re.Match[str]) -> str:
    if _is_harmless(match["name"]) or not match["value"]:
        return match[0]
    return match["name"] + MASK


def _bare(name: str) -> str:
    return name.rstrip("=").lstrip("-").lower()


def _is_harmless(name: str) -> bool:
    return _HARMLESS.fullmatch(_bare(name)) is not None
