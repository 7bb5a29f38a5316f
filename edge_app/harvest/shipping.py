"""Bundles sent on command: a job names where to, the box puts its kept frames there by HTTPS."""

from __future__ import annotations

import logging
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import httpx

from edge_app.addresses import register_address
from edge_app.config import LotsightConfig
from edge_app.delivery.slots import RolloutError
from edge_app.harvest.store import HarvestStore, Selection, manifest_of
from edge_app.sources.trust import verification_error
from harvest import HarvestError
from telemetry import Clock
from telemetry.aws import JobDocument
from telemetry.messages import ModelRef

_log = logging.getLogger(__name__)

_PAUSES_S = (2.0, 10.0, 30.0)
"""Between tries; a mobile link comes back within that, or the job is given again."""
_TIMEOUT_S = 60.0
_SERVER_ERROR = 500
_BUSY = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class HarvestShipping:
    """Packs kept frames and puts them where a job says.

    The address carries its own permission (a pre-signed one), so it is a secret: logs, errors and
    the job's details name the host alone.

    Attributes:
        config: whose box it is, and which hosts may get frames.
        store: the kept frames.
        clock: time; waits between tries.
        model: the network in use.
    """

    config: LotsightConfig
    store: HarvestStore
    clock: Clock
    model: Callable[[], ModelRef | None] = lambda: None

    def run(self, document: JobDocument) -> str:
        """Send what the job asks for; give a line for the job's details.

        Raises:
            RolloutError: nothing was sent, and the text says why. The frames stay on the box.
        """
        try:
            return self._ship(document)
        except RolloutError as exc:
            self.store.counters.fail(str(exc), self.clock.utc(), of_job=True)
            raise

    def _ship(self, document: JobDocument) -> str:
        address = self._address(document)
        limit = self.config.harvest.upload_max_bytes
        selection = Selection(camera=document.camera, max_bytes=limit)
        manifest = manifest_of(self.config, self.store, self.clock, selection, self.model())
        if not manifest.frames:
            return "no frames kept: nothing was sent"
        try:
            with tempfile.TemporaryDirectory(dir=self.store.folder) as staged:
                bundle = Path(staged) / "harvest.tar.gz"
                self.store.bundle(bundle, manifest)
                size = bundle.stat().st_size
                self._send(bundle, address)
        except (HarvestError, OSError) as exc:
            msg = f"cannot create the bundle: {exc}"
            raise RolloutError(msg) from exc
        self.store.counters.send(len(manifest.frames), size)
        _log.info("harvest: %d frames sent to %s", len(manifest.frames), address.hostname)
        return f"{len(manifest.frames)} frames, {size} bytes sent to {address.hostname}"

    def _address(self, document: JobDocument) -> SplitResult:
        register_address(document.upload_url or "")
        address = urlsplit(document.upload_url or "")
        allowed = self.config.harvest.upload_hosts
        host = address.netloc.rpartition("@")[2]
        if address.scheme != "https" or host not in allowed:
            msg = f"harvest.upload_hosts: expected https to one of {allowed}, but got {host!r}"
            raise RolloutError(msg)
        return address

    def _send(self, bundle: Path, address: SplitResult) -> None:
        fault = ""
        for pause_s in (0.0, *_PAUSES_S):
            self.clock.sleep(pause_s)
            try:
                status = self._put(bundle, address)
            except (OSError, httpx.HTTPError) as exc:
                # Only its kind: some of these texts hold the address.
                fault = f"{type(exc).__name__}"
                refused = verification_error(exc)
                if refused is not None:
                    fault = f"its certificate is not trusted: {refused.verify_message}"
                    break
                continue
            if httpx.codes.is_success(status):
                return
            fault = f"HTTP status {status}"
            # A redirect is not followed: where to was said, and only that host is allowed.
            if status < _SERVER_ERROR and status not in _BUSY:
                break
        msg = f"{address.hostname}: upload failed: {fault}"
        raise RolloutError(msg)

    def _put(self, bundle: Path, address: SplitResult) -> int:
        ca_file = self.config.harvest.upload_ca_file
        context = ssl.create_default_context(cafile=ca_file)
        headers = {"Content-Type": "application/gzip"}
        with (
            bundle.open("rb") as body,
            httpx.Client(verify=context, timeout=_TIMEOUT_S, trust_env=False) as client,
        ):
            return client.put(address.geturl(), content=body, headers=headers).status_code
