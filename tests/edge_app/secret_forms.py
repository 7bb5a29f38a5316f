"""How a secret may look in a text, for tests that look for one."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def forms(secret: str, username: str = "viewer") -> Iterator[str]:
    """A secret as it is, and however it is usually escaped."""
    yield secret
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret), quote(quote(secret))):
        yield quoted
        yield quoted.replace("%2F", "%2f").replace("%3A", "%3a")
    for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)):
        yield text[1:-1]
        yield json.dumps(text)[1:-1]
        yield repr(text)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode())[2:-1]
    yield html.escape(secret)
    yield base64.b64encode(f"{username}:{secret}".encode()).decode()
    yield base64.urlsafe_b64encode(f"{username}:{secret}".encode()).decode().rstrip("=")


def leaks(text: str, secret: str, username: str = "viewer") -> list[str]:
    """The forms of a secret that stand in a text."""
    return [form for form in forms(secret, username) if form in text]
