"""From the running service to its pages."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edge_app.audit.attach import camera_audit
from edge_app.editing import editor_of
from edge_app.figures import disk_free_bytes, memory_bytes, temperature_c
from edge_app.http.access import Access
from edge_app.http.app import PageSettings, create_app
from edge_app.http.box import BoxReport, LinkFacts, ModelFacts, OutboxFacts
from edge_app.http.pictures import PictureSettings
from edge_app.http.service_downloads import ServiceDownloads
from http_server.hosts import HostNames
from telemetry.health import CameraAudit

if TYPE_CHECKING:
    from fastapi import FastAPI

    from edge_app.service import EdgeService

_METHODS = {
    "bay_head": "bay head",
    "bay_boxes": "boxes of bays",
    "overlap": "vehicle boxes by overlap",
}


class ServiceBox:
    """A running `EdgeService` as the pages see it."""

    def __init__(self, service: EdgeService) -> None:
        self._service = service
        try:
            self._version = version("lotsight")
        except PackageNotFoundError:
            self._version = "unknown"

    def report(self) -> BoxReport:
        """How the box does now."""
        service = self._service
        clock = service.clock
        uptime_s = clock.mono_s() - service.started_s
        now = clock.utc()
        state_dir = service.config.edge.state_dir
        return BoxReport(
            site=service.config.edge.site,
            edge=service.config.edge.edge,
            version=self._version,
            started_utc=now - timedelta(seconds=uptime_s),
            uptime_s=uptime_s,
            now_utc=now,
            model=self._model(),
            link=self._link(),
            outbox=self._outbox(),
            alarms=service.all_alarms(),
            closed_bays=service.store.closed_bays(),
            disk_free_bytes=disk_free_bytes(state_dir),
            memory_bytes=memory_bytes(),
            temperature_c=temperature_c(),
            audits=self._audits(),
            harvest=None if service.harvest is None else service.harvest.store.figures(),
        )

    def judge_silent_s(self) -> float:
        """How long the thread that judges has been at what it does now."""
        return self._service.scheduler.silent_s()

    def _audits(self) -> dict[str, CameraAudit]:
        found = {name: camera_audit(self._service.audit, name) for name in self._service.cameras}
        return {name: audit for name, audit in found.items() if audit is not None}

    def _model(self) -> ModelFacts | None:
        detector = self._service.detector
        if detector is None:
            return None
        spec = detector.spec
        method = _METHODS[spec.method]
        return ModelFacts(spec.name, spec.version, spec.sha256, method)

    def _link(self) -> LinkFacts | None:
        link, config = self._service.link, self._service.config.mqtt
        if link is None or config is None:
            return None
        info = link.info
        return LinkFacts(
            connected=info.connected,
            protocol=info.protocol,
            broker=f"{config.host}:{config.port}",
            last_error=info.last_error,
            sent=info.sent,
            refused=info.refused,
        )

    def _outbox(self) -> OutboxFacts:
        health = self._service.store.health()
        return OutboxFacts(
            rows=health.rows,
            size_bytes=health.bytes,
            oldest_age_s=health.oldest_age_s,
            quarantined=health.quarantined,
            evicted=health.evicted,
            degraded=self._service.store.degraded,
        )


def app_of(service: EdgeService) -> FastAPI:
    """The pages of a service, protected as its `[http]` section says, with the editor."""
    config = service.config.http
    access = Access.of(config.password, secure=config.cert_file is not None)
    hosts = HostNames.of(config.host, config.hosts)
    pictures = PictureSettings(privacy=service.config.privacy.settings())
    settings = PageSettings(hosts=hosts, pictures=pictures)
    return create_app(
        service.board,
        ServiceBox(service),
        access,
        editor_of(service),
        settings,
        partial(ServiceDownloads, service),
    )
