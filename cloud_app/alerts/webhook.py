"""Notices as POST requests, signed as Standard Webhooks says (standardwebhooks.com).

The secret of that standard is `whsec_` and the key in base64. A secret of another form is the key
itself, as the older header X-Lotsight-Signature has always had it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from cloud_app.alerts.addresses import resolve, shown
from cloud_app.alerts.notices import Notice
from cloud_app.errors import AlertError, NotSentError

# It tells of each request with its whole address, and that of a webhook is a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

_TIMEOUT_S = 10.0
# For the whole of a delivery: a receiver that sends a byte now and then must not hold us up.
_DEADLINE_S = 15.0
_PREFIX = "whsec_"
_SECRET_LEN = range(16, 257)
# The receiver is not to blame for what it refuses, save for these.
_AWAY = {408, 425, 429}


def check_secret(secret: str) -> str:
    """A secret as it is kept.

    Raises:
        AlertError: it is too short or long, or no base64 after `whsec_`.
    """
    if not secret.isascii() or not secret.isprintable() or len(secret) not in _SECRET_LEN:
        msg = (
            f"secret must be {_SECRET_LEN.start} to {_SECRET_LEN.stop - 1} printable ASCII "
            f"characters, but got {len(secret)} characters"
        )
        raise AlertError(msg)
    if secret.startswith(_PREFIX):
        try:
            size = len(base64.b64decode(secret.removeprefix(_PREFIX), validate=True))
        except (binascii.Error, ValueError) as exc:
            msg = f"secret must have base64 after {_PREFIX!r}, but it has something else"
            raise AlertError(msg) from exc
        if not 16 <= size <= 128:  # noqa: PLR2004 - said in the text
            msg = f"secret must be a key of 16 to 128 bytes, but it has {size}"
            raise AlertError(msg)
    return secret


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            # The configuration may hold anything.
            key = secret.encode()
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class WebhookTarget:
    """Somebody who takes notices over HTTP; any answer of 2xx will do, redirects are not followed.

    Args:
        url: http or https.
        secret: signs the body, so that the receiver knows who sent it.
        anywhere: whether the URL may lead into private networks, and by the environment's proxies.
            Else its name is resolved here, and the connection made to an address that was checked.
    """

    at_once = 1

    def __init__(self, url: str, secret: str | None, *, anywhere: bool) -> None:
        self._url = url
        self._secret = secret
        self._anywhere = anywhere
        self.name = f"webhook {shown(url)}"

    def send(self, notices: Sequence[Notice]) -> None:
        """POST each."""
        for notice in notices:
            self.post(notice.encode(), notice.digest, notice.now_ms)

    def post(self, body: bytes, digest: str, now_ms: int) -> None:
        """POST one message.

        Args:
            body: JSON.
            digest: the same for each delivery of this message, and fit for a header.
            now_ms: when it is sent.

        Raises:
            NotSentError: it was not taken.
        """
        self._deliver(body, self._headers(body, digest, now_ms // 1000))

    def _headers(self, body: bytes, digest: str, timestamp_s: int) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "lotsight-cloud",
            "Idempotency-Key": digest,
            "webhook-id": f"msg_{digest}",
            "webhook-timestamp": str(timestamp_s),
        }
        if self._secret is not None:
            digest = hmac.digest(self._secret.encode(), body, hashlib.sha256).hex()
            headers["X-Lotsight-Signature"] = f"sha256={digest}"
            headers["webhook-signature"] = signature(
                self._secret, headers["webhook-id"], timestamp_s, body
            )
        return headers

    def _deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        parts = urlsplit(self._url)
        checked = [] if self._anywhere else resolve(parts)
        try:
            code = asyncio.run(self._post(body, headers, checked))
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as exc:
            # Only its kind: an address of a webhook is a secret, and some of these texts hold it.
            msg = f"expected 2xx, but got: {type(exc).__name__}"
            raise NotSentError(msg, is_away=True) from exc
        if not httpx.codes.is_success(code):
            is_away = code >= httpx.codes.INTERNAL_SERVER_ERROR or code in _AWAY
            msg = f"expected 2xx, but got: HTTP {code}"
            raise NotSentError(msg, is_away=is_away)

    async def _post(self, body: bytes, headers: Mapping[str, str], checked: Sequence[str]) -> int:
        client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=self._anywhere)
        async with asyncio.timeout(_DEADLINE_S), client:
            if self._anywhere:
                return await _status(client, self._url, body, headers)
            return await _to_first(client, urlsplit(self._url), checked, body, headers)


async def _to_first(
    client: httpx.AsyncClient,
    parts: SplitResult,
    addresses: Sequence[str],
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    """POST to the first of some addresses that answers; the name is asked for no second time."""
    port = "" if parts.port is None else f":{parts.port}"
    named = {**headers, "Host": parts.netloc}
    failure: httpx.TransportError | None = None
    for address in addresses:
        host = f"[{address}]" if ":" in address else address
        url = parts._replace(netloc=host + port).geturl()
        try:
            return await _status(client, url, body, named, {"sni_hostname": parts.hostname})
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            failure = exc
    assert failure is not None  # noqa: S101 - for the types; there is an address
    raise failure


async def _status(
    client: httpx.AsyncClient,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    extensions: Mapping[str, Any] | None = None,
) -> int:
    """The status of the answer; its body, however long, is not read."""
    async with client.stream(
        "POST", url, content=body, headers=dict(headers), extensions=dict(extensions or {})
    ) as answer:
        return answer.status_code
