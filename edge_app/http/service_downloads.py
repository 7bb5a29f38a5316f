"""The downloads of a running service."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest

from edge_app.checks import check_machine, check_parts
from edge_app.diagnostics import About, Diagnosis, LiveFacts, private_jpeg, write_diagnosis
from edge_app.harvest.attach import manifest_of, open_store
from edge_app.harvest.store import Selection
from edge_app.logs import recent_lines
from edge_app.remote import diagnostics
from edge_app.retention import DOWNLOAD
from edge_app.stored import read_store, state_rows
from telemetry import TelemetryError

if TYPE_CHECKING:
    from edge_app.service import EdgeService


class ServiceDownloads:
    """Makes the files from a running service; see `edge_app.http.downloads`.

    Args:
        service: the service.
        registry: its metrics.
    """

    def __init__(self, service: EdgeService, registry: CollectorRegistry) -> None:
        self._service = service
        self._registry = registry

    def diagnostics(self, *, with_pictures: bool) -> Path:
        """The diagnostics bundle of this moment.

        Raises:
            LotsightError: it cannot be written.
        """
        service = self._service
        config = service.config
        metrics: bytes = generate_latest(self._registry)
        states = state_rows(service.store.states(), service.store.closed_bays())
        live = LiveFacts(diagnostics(service), states, metrics.decode(), recent_lines())
        checks = check_machine(config) + check_parts(config)
        pictures = self._pictures() if with_pictures else {}
        path = self._new_file()
        stored = read_store(config.edge.state_dir)
        about = About("runs", service.alive.age_s())
        diagnosis = Diagnosis(config, about, checks, stored, live, pictures=pictures)
        write_diagnosis(path, diagnosis, service.clock)
        return path

    def harvest(self) -> Path | None:
        """The kept frames; None: there are none.

        Raises:
            LotsightError: they cannot be packed.
        """
        service = self._service
        harvester = service.harvest
        store = open_store(service.config) if harvester is None else harvester.store
        manifest = manifest_of(service.config, store, service.clock, Selection())
        if not manifest.frames:
            return None
        path = self._new_file()
        store.bundle(path, manifest)
        return path

    def name(self, what: str) -> str:
        """What a downloaded file is called: box, kind, moment."""
        edge = self._service.config.edge.edge
        return f"{edge}-{what}-{self._service.clock.utc():%Y%m%dT%H%M%SZ}.tar.gz"

    def _pictures(self) -> dict[str, bytes]:
        privacy = self._service.config.privacy.settings()
        found = {}
        for camera in self._service.cameras:
            view = self._service.board.latest(camera)
            if view is not None and view.frame is not None:
                found[camera] = private_jpeg(
                    view.frame.image_bgr,
                    view.calibration,
                    privacy,
                    view.detections.xyxy_px,
                    view.moving,
                )
        return found

    def _new_file(self) -> Path:
        folder = self._service.config.edge.state_dir
        try:
            handle, name = tempfile.mkstemp(prefix=DOWNLOAD, suffix=".tar.gz", dir=folder)
        except OSError as exc:
            msg = f"{folder}: expected to be able to write, but got: {exc.strerror}"
            raise TelemetryError(msg) from exc
        os.close(handle)
        return Path(name)
