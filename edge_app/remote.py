"""What the cloud may ask of a box, and what a box tells beside its events."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from pydantic import JsonValue

from edge_app.audit.attach import camera_audit
from edge_app.delivery.agent import Agent
from edge_app.delivery.agents.assembly import AgentParts, build_agents
from edge_app.delivery.agents.commands import CommandHandlers, Result
from edge_app.delivery.agents.shadow import ShadowPart
from edge_app.delivery.config import MqttConfig
from edge_app.figures import disk_free_bytes, memory_bytes, temperature_c
from edge_app.harvest.shipping import harvest_jobs
from edge_app.live import CameraCondition
from edge_app.sources import shown
from telemetry import ConfigError
from telemetry.aws import ShadowName
from telemetry.health import CameraHealth
from telemetry.messages import ModelRef
from telemetry.shadow import JsonObject

if TYPE_CHECKING:
    from edge_app.service import EdgeService

# An answer to a command is one message, whatever a library had to say.
_LONGEST_LINE = 300


def agents_of(service: EdgeService, config: MqttConfig) -> Sequence[Agent]:
    """All that rides on the link of a service."""
    parts = AgentParts(
        handlers=handlers_of(service),
        shadows=_shadows(service),
        rollouts={**service.rollouts, **harvest_jobs(service)},
        cameras=lambda: camera_health(service),
        alarms=lambda: tuple(each.text for each in service.all_alarms()),
        wake=service.wake_link,
    )
    return build_agents(config, service.store, service.clock, parts)


def handlers_of(service: EdgeService) -> CommandHandlers:
    """What the service does for each command."""
    handlers = CommandHandlers()

    def recalibrate(camera: str) -> Result:
        calibration = service.reload_calibration(camera)
        return {"revision": calibration.revision, "bays": len(calibration.bays)}

    def restart_camera(camera: str) -> Result:
        service.restart_camera(camera)
        return {}

    def snapshot_now() -> Result:
        if service.link is None:
            msg = "expected a link to a broker, but there is none"
            raise ConfigError(msg)
        service.link.request_snapshot()
        return {}

    handlers.on_recalibrate(recalibrate)
    handlers.on_restart_camera(restart_camera)
    handlers.on_snapshot_now(snapshot_now)
    handlers.on_diagnostics(lambda: diagnostics(service))
    return handlers


_DOWN = {CameraCondition.STARTING, CameraCondition.LOST, CameraCondition.LOGIN_REJECTED}


def camera_health(service: EdgeService) -> tuple[CameraHealth, ...]:
    """Each camera's figures."""
    found = []
    for name, camera in service.cameras.items():
        view = service.board.latest(name)
        if view is None:
            continue
        status = view.status
        usable = status.condition in {CameraCondition.LIVE, CameraCondition.STARTING}
        found.append(
            CameraHealth(
                camera=name,
                up=status.condition not in _DOWN,
                view="ok" if usable else status.condition.value,
                fps=status.fps,
                dropped=status.dropped,
                broken=status.broken,
                restarts=status.restarts,
                latency_p95_ms=camera.pipeline.latency_p95_ms(),
                audit=camera_audit(service.audit, name),
            )
        )
    return tuple(found)


def diagnostics(service: EdgeService) -> Result:
    """What a technician asks first; no passwords, no pictures."""
    return {
        "software": software(),
        "uptime_s": round(service.clock.mono_s() - service.started_s),
        "model": _model(service),
        "alarms": [each.line[:_LONGEST_LINE] for each in service.all_alarms()],
        "cameras": {name: _camera(service, name) for name in service.cameras},
        "outbox": service.store.health().model_dump(mode="json"),
        "disk_free_bytes": disk_free_bytes(service.config.edge.state_dir),
        "memory_bytes": memory_bytes(),
        "temperature_c": temperature_c(),
    }


def software() -> str:
    """Name and version of this program."""
    try:
        return f"lotsight {version('lotsight')}"
    except PackageNotFoundError:
        return "lotsight (source)"


def _shadows(service: EdgeService) -> dict[ShadowName, ShadowPart]:
    return {
        ShadowName.CLASSIC: ShadowPart(lambda: {"software": software()}),
        ShadowName.MODEL: ShadowPart(lambda: _model(service)),
        ShadowName.CONFIG: ShadowPart(lambda: _config(service)),
    }


def _model(service: EdgeService) -> JsonObject:
    if service.detector is None:
        return {"name": None, "version": None, "sha256": None}
    return ModelRef.of(service.detector.spec).model_dump()


def _config(service: EdgeService) -> JsonObject:
    cameras: dict[str, JsonValue] = {
        name: {
            "rate_hz": camera.config.rate_hz,
            "calibration": 0 if camera.calibration is None else camera.calibration.revision,
        }
        for name, camera in service.cameras.items()
    }
    return {"cameras": cameras}


def _camera(service: EdgeService, name: str) -> dict[str, JsonValue]:
    camera = service.cameras[name]
    view = service.board.latest(name)
    facts: dict[str, JsonValue] = {"source": shown(camera.config.source)}
    if view is not None:
        status = view.status
        facts |= {
            "condition": status.condition.value,
            "detail": status.detail[:_LONGEST_LINE],
            "frames": status.frames,
            "judged": status.judged,
            "gated": status.gated,
            "dropped": status.dropped,
            "restarts": status.restarts,
            "infer_ms": status.infer_ms,
            "bays": len(view.states),
            "known": sum(state.occ is not None for state in view.states),
        }
    return facts
