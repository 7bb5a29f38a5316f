"""Addresses of cameras: their passwords never reach a log, a page or an error text."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

MASK = "***"
# User part of any URL inside a longer text. Greedy up to the last '@' before a blank or quote,
# since cameras' passwords hold '/', '?' and '@' that nobody escaped.
_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s:@/'\"]*):[^\s'\"]*@", re.I)
_QUERY_SECRET = re.compile(
    r"(?P<name>[?&](?:pass|passwd|password|pwd|token|auth|key|secret|sig|signature)[a-z_]*=)[^&\s'\"]*",
    re.I,
)


def mask_secrets(text: str) -> str:
    """`text` with the passwords and tokens of every URL in it replaced by `***`."""
    text = _USER_INFO.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    return _QUERY_SECRET.sub(rf"\g<name>{MASK}", text)


def with_login(url: str, username: str | None, password: str | None) -> str:
    """`url` with a login put into it, percent-encoded; a login already there is replaced."""
    if username is None:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    login = quote(username, safe="")
    if password is not None:
        login += ":" + quote(password, safe="")
    return urlunsplit(parts._replace(netloc=f"{login}@{host}"))


def without_login(url: str) -> tuple[str, str | None, str | None]:
    """`url` without its login, the user name and the password (percent-decoded)."""
    from urllib.parse import unquote

    parts = urlsplit(url)
    if parts.username is None:
        return url, None, None
    host = parts.netloc.rpartition("@")[2]
    password = None if parts.password is None else unquote(parts.password)
    return urlunsplit(parts._replace(netloc=host)), unquote(parts.username), password
