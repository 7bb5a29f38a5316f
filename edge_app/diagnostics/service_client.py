"""Asking the service that runs on this machine for its diagnostics, as the status page does."""

from __future__ import annotations

import io
import json
import ssl
import tarfile
import zlib

import httpx

from edge_app.config import HttpConfig
from edge_app.delivery.config import is_loopback
from edge_app.diagnostics.bundle import FOLDER, LiveFacts
from telemetry import LotsightError

# It looks at the model and the broker before it answers, and may be busy.
_TIMEOUT_S = 60.0
_LARGEST_BYTES = 64 * 1024 * 1024
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - asked for, not bound  # nosec B104


class UnavailableError(LotsightError):
    """The service or its log cannot be read; the text says why."""


def ask_service(config: HttpConfig) -> LiveFacts:
    """What the running service knows: status, states, metrics, last log lines.

    Over loopback, or the address of this machine that the configuration names; over TLS only from
    who has the very certificate of the configuration.

    Raises:
        UnavailableError: it serves no pages, asks for a password that only it knows, or gives no
            answer.
    """
    if not config.enabled:
        msg = "the service's HTTP is disabled (http.enabled = false)"
        raise UnavailableError(msg)
    password = None if config.password is None else config.password.get_secret_value()
    if password is not None and password.startswith("$argon2"):
        msg = (
            "the service requires a password, and the configuration has only its hash: log in to "
            "the status page and download the diagnostics there"
        )
        raise UnavailableError(msg)
    try:
        return _facts(_download(config, password))
    except (OSError, httpx.HTTPError) as exc:
        msg = f"no response from the service on port {config.port}: {exc or type(exc).__name__}"
        raise UnavailableError(msg) from exc


def _download(config: HttpConfig, password: str | None) -> bytes:
    headers = {} if password is None else {b"Authorization": f"Bearer {password}".encode()}
    content = bytearray()
    with (
        _client(config) as client,
        client.stream("GET", "/api/v1/diagnostics.tar.gz", headers=headers) as answer,
    ):
        for part in answer.iter_raw():
            content += part
            if len(content) > _LARGEST_BYTES:
                break
    if answer.status_code != httpx.codes.OK or len(content) > _LARGEST_BYTES:
        msg = f"the service refused the diagnostics request: HTTP status {answer.status_code}"
        raise UnavailableError(msg)
    return bytes(content)


def _client(config: HttpConfig) -> httpx.Client:
    host = config.host
    if is_loopback(host) or host in _ANY_ADDRESS:
        host = "::1" if ":" in host else "127.0.0.1"
    place = f"[{host}]:{config.port}" if ":" in host else f"{host}:{config.port}"
    if config.cert_file is None:
        return httpx.Client(base_url=f"http://{place}", timeout=_TIMEOUT_S, trust_env=False)
    context = ssl.create_default_context(cafile=config.cert_file)
    # The certificate itself is what is trusted, regardless of its issuer and name.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return httpx.Client(
        base_url=f"https://{place}", verify=context, timeout=_TIMEOUT_S, trust_env=False
    )


def _facts(archive: bytes) -> LiveFacts:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
            parts = {
                name: _member(opened, name)
                for name in ("status.json", "states.json", "metrics.txt", "log.txt")
            }
        return LiveFacts(
            status=json.loads(parts["status.json"]),
            states=json.loads(parts["states.json"]),
            metrics=parts["metrics.txt"],
            log=parts["log.txt"].splitlines(),
        )
    except (tarfile.TarError, KeyError, ValueError, EOFError, zlib.error) as exc:
        msg = f"cannot read the service's diagnostics: {exc}"
        raise UnavailableError(msg) from exc


def _member(opened: tarfile.TarFile, name: str) -> str:
    content = opened.extractfile(f"{FOLDER}/{name}")
    return "" if content is None else content.read().decode()
