"""The cloud: the real `lotsight-cloud serve` as its own process, and a reader of its API."""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cloud_app.accounts.secret import digest_of
from cloud_app.config import CloudConfig, load_config
from telemetry import LotsightError

AWS_ROOT = "aws"
"""amqtt drops a client that publishes below `$`, where only brokers may."""
_START_S = 90.0
_STOP_S = 20.0
_TIMEOUT_S = 30.0
_SERVE = "city.cloud_child"
_LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class CloudFiles:
    """Where the cloud keeps what is its own.

    Attributes:
        folder: for all of it.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "cloud.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "cloud.db"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "cloud.log"


def write_config(files: CloudFiles, broker_port: int, http_port: int, token: str) -> CloudConfig:
    """Write the configuration, and read it as the service will.

    Args:
        files: where.
        broker_port: of the broker on loopback.
        http_port: of pages and API.
        token: of the scorer, which may read everything.
    """
    files.config.write_text(
        f"""\
# Made by scripts/city.
[broker]
port = {broker_port}
protocol = "3.1.1"      # amqtt speaks no other
client_id = "city-cloud"
reconnect_max_s = 5

[database]
url = "sqlite:{files.database.name}"

[shadow]
root = "{AWS_ROOT}"

[http]
port = {http_port}
require_login = true

[[http.tokens]]
name = "score"
sha256 = "{digest_of(token)}"
scopes = ["read"]

[[sensors.network]]     # the town's LoRaWAN network server
name = "town"
kind = "chirpstack"
port = {broker_port}

[rules]                 # shorter than usual: who looks on does not wait ten minutes
every_s = 5.0
edge_offline_s = 12.0
camera_lost_s = 20.0
incident_after_s = 20.0
sources_differ_s = 20.0
""",
        encoding="utf-8",
    )
    return load_config(files.config)


class CloudProcess:
    """One `lotsight-cloud serve`.

    Args:
        files: with its configuration.
        url: of its pages and API.
    """

    def __init__(self, files: CloudFiles, url: str) -> None:
        self.url = url
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        # Settings of another service of this shell are not meant for this one.
        env = {k: v for k, v in os.environ.items() if not k.startswith("LOTSIGHT_CLOUD_")}
        with self._files.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves  # nosec B603
                [sys.executable, "-m", _SERVE, "serve", "-c", str(self._files.config)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=env,
                # Ctrl-C is for the city, which ends its parts in order.
                start_new_session=True,
            )

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Wait until it answers or `is_over`.

        Raises:
            LotsightError: it ended, or does not answer; with the end of its log.
        """
        ends_s = time.monotonic() + _START_S
        while not is_over() and not self._is_ready():
            if not self.is_alive or time.monotonic() > ends_s:
                msg = f"expected the cloud to start, but it did not: {self._last_words()}"
                raise LotsightError(msg)
            time.sleep(0.1)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process that `start` began."""
        assert self._process is not None, "not started"  # noqa: S101 - a fault of the caller
        return self._process.pid

    def check(self) -> None:
        """Raise if it ended unasked.

        Raises:
            LotsightError: it did; with the end of its log.
        """
        if not self.is_alive:
            msg = f"the cloud ended unasked: {self._last_words()}"
            raise LotsightError(msg)

    def stop(self) -> None:
        """End it; it finishes its batch."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def _last_words(self) -> str:
        lines = self._files.log.read_text(errors="replace").splitlines()
        return " | ".join(lines[-_LOG_LINES:])


class Api:
    """A reader of the cloud's API.

    Args:
        url: of the service.
        token: of the reader.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(
            base_url=f"{url}/api/v1", headers=headers, timeout=_TIMEOUT_S, trust_env=False
        )

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of an answer.

        Raises:
            LotsightError: there is none.
        """
        try:
            answer = self._client.get(path, params=params)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as exc:
            msg = f"expected an answer of the cloud to {path}, but got: {exc}"
            raise LotsightError(msg) from exc

    def lines(self, path: str) -> Any:
        """A stream of an answer's lines, as a context."""
        return self._client.stream("GET", path, timeout=httpx.Timeout(_TIMEOUT_S, read=30.0))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
