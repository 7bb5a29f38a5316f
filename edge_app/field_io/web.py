"""A device of the lot that is called over HTTP."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from edge_app.addresses import shown
from edge_app.field_io.errors import FieldError
from edge_app.redaction import mask_secrets

_OK = range(200, 300)
_PORTS = {"http": 80, "https": 443}


class WebDevice:
    """Calls one device; safe between threads.

    Args:
        username: basic authentication; None: none.
        password: of the user.
        token: bearer token; None: none.
        ca_file: who may vouch for the device; None: the authorities of the system.
        timeout_s: of one call, from the connection to the last byte.

    Raises:
        FieldError: `ca_file` cannot be used.
    """

    def __init__(
        self,
        *,
        username: str | None = None,
        password: SecretStr | None = None,
        token: SecretStr | None = None,
        ca_file: Path | None = None,
        timeout_s: float = 2.0,
    ) -> None:
        self._timeout_s = timeout_s
        auth = None
        if username is not None:
            auth = httpx.BasicAuth(username, password.get_secret_value() if password else "")
        headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
        try:
            verify = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as exc:
            msg = f"{ca_file}: cannot be used for TLS: {exc}"
            raise FieldError(msg) from exc
        # No proxy of the environment: a relay stands in the lot.
        self._client = httpx.Client(
            auth=auth, headers=headers, verify=verify, timeout=timeout_s, trust_env=False
        )
        self._lock = threading.Lock()

    def call(self, method: str, url: str, body: bytes = b"", media_type: str = "") -> None:
        """Make one call.

        Raises:
            FieldError: no answer in time, or one that is not 2xx.
        """
        headers = {"Content-Type": media_type} if media_type else {}
        try:
            with self._lock:
                answer = self._client.request(method, url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as exc:
            msg = mask_secrets(f"{shown(url)}: {exc or type(exc).__name__}")
            raise FieldError(msg) from exc
        if answer.status_code not in _OK:
            msg = f"{shown(url)}: expected 2xx, but got {answer.status_code}"
            raise FieldError(mask_secrets(msg))

    def reach(self, url: str) -> str:
        """See whether something listens at an address, without a call that would do something.

        Raises:
            FieldError: nothing does.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            with socket.create_connection((host, port), self._timeout_s):
                return f"{host}:{port} answers"
        except OSError as exc:
            msg = f"{host}:{port}: {exc.strerror or exc}"
            raise FieldError(msg) from exc

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
