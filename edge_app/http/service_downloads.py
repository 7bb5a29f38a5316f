"""The downloads of a running service."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from edge_app.config import LotsightConfig
from edge_app.delivery import Store
from edge_app.diagnostics.bundle import About, Diagnosis, LiveFacts, private_jpeg, write_diagnosis
from edge_app.diagnostics.checks import check_machine, check_parts
from edge_app.diagnostics.store_reader import read_store, state_rows
from edge_app.harvest.store import HarvestStore, Selection, manifest_of, open_store
from edge_app.live_state import LiveState
from edge_app.logs import recent_lines
from edge_app.retention import DOWNLOAD
from telemetry import Clock, TelemetryError


@dataclass(frozen=True, slots=True)
class ServiceDownloads:
    """Makes the files from a running service; see `edge_app.http.downloads`.

    Attributes:
        config: all settings.
        clock: time.
        registry: the metrics.
        live_state: what the cameras see.
        store: states of the bays.
        status: what a technician asks first; `BoxStatus.diagnostics`.
        sign_of_life_s: seconds since the service said that it is alive; None: it never did.
        kept: the kept frames; None while the harvest is disabled.
    """

    config: LotsightConfig
    clock: Clock
    registry: CollectorRegistry
    live_state: LiveState
    store: Store
    status: Callable[[], Mapping[str, Any]]
    sign_of_life_s: Callable[[], float | None]
    kept: HarvestStore | None

    def diagnostics(self, *, with_pictures: bool) -> Path:
        """The diagnostics bundle of this moment.

        Raises:
            LotsightError: it cannot be written.
        """
        config = self.config
        metrics: bytes = generate_latest(self.registry)
        store = self.store
        states = state_rows(store.states(), store.closed_bays(), store.blocked_bays())
        live = LiveFacts(self.status(), states, metrics.decode(), recent_lines())
        checks = check_machine(config) + check_parts(config)
        pictures = self._pictures() if with_pictures else {}
        path = self._new_file()
        stored = read_store(config.edge.state_dir)
        about = About("runs", self.sign_of_life_s())
        diagnosis = Diagnosis(config, about, checks, stored, live, pictures=pictures)
        write_diagnosis(path, diagnosis, self.clock)
        return path

    def harvest(self) -> Path | None:
        """The kept frames; None: there are none.

        Raises:
            LotsightError: they cannot be packed.
        """
        store = open_store(self.config) if self.kept is None else self.kept
        manifest = manifest_of(self.config, store, self.clock, Selection())
        if not manifest.frames:
            return None
        path = self._new_file()
        store.bundle(path, manifest)
        return path

    def name(self, what: str) -> str:
        """What a downloaded file is called: box, kind, moment."""
        return f"{self.config.edge.edge}-{what}-{self.clock.utc():%Y%m%dT%H%M%SZ}.tar.gz"

    def _pictures(self) -> dict[str, bytes]:
        privacy = self.config.privacy.settings()
        found = {}
        for camera in self.config.camera:
            view = self.live_state.latest(camera.id)
            if view is not None and view.frame is not None:
                found[camera.id] = private_jpeg(
                    view.frame.image_bgr,
                    view.calibration,
                    privacy,
                    view.detections.xyxy_px,
                    view.moving,
                )
        return found

    def _new_file(self) -> Path:
        folder = self.config.edge.state_dir
        try:
            handle, name = tempfile.mkstemp(prefix=DOWNLOAD, suffix=".tar.gz", dir=folder)
        except OSError as exc:
            msg = f"{folder}: cannot write: {exc.strerror}"
            raise TelemetryError(msg) from exc
        os.close(handle)
        return Path(name)
