"""The audit of a running service, and its figures for health and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_app.audit.auditor import Auditor
from edge_app.audit.keeping import FILE, LookFile
from telemetry.bounds import clamped
from telemetry.health import CameraAudit

if TYPE_CHECKING:
    from edge_app.service import EdgeService

_DIGITS = 4


def attach_audit(service: EdgeService) -> Auditor | None:
    """Have every camera of a service audited; None when it is switched off."""
    config = service.config.audit
    if not config.enabled:
        return None
    auditor = Auditor(
        config,
        service.clock,
        service.scheduler.post_idle,
        lambda: service.detector,
        service.alarms,
        LookFile(service.config.edge.state_dir / FILE),
    )
    for camera in service.cameras.values():
        camera.pipeline.add_observer(auditor)
    return auditor


def camera_audit(auditor: Auditor | None, camera: str) -> CameraAudit | None:
    """What the audit of one camera came to, for its health."""
    if auditor is None:
        return None
    found, since = auditor.estimate(camera), auditor.since(camera)
    if found is None or since is None:
        return None
    return CameraAudit(
        since=clamped(since),
        looks=found.looks,
        bays=found.bays,
        accuracy=round(found.accuracy, _DIGITS),
        low=round(found.low, _DIGITS),
        high=round(found.high, _DIGITS),
    )
