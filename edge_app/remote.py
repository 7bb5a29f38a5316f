"""What can be seen and done of a box from afar, put together: it all rides on the link."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge_app.audit import Auditor
from edge_app.box import EdgeBox
from edge_app.command_handlers import RemoteActions, command_handlers
from edge_app.delivery import MqttConfig, MqttLink
from edge_app.delivery.agents import AgentParts, ShadowPart, build_agents
from edge_app.delivery.rollout import JobRunner
from edge_app.logs import recent_lines
from edge_app.version import software
from telemetry import ConfigError
from telemetry.aws import JobKind, ShadowName
from telemetry.messages import ModelRef
from telemetry.shadow import JsonObject

if TYPE_CHECKING:  # a box that serves no pages needs them only when it is asked
    from prometheus_client import CollectorRegistry

    from edge_app.http.service_downloads import ServiceDownloads


def connect(
    box: EdgeBox,
    link: MqttLink,
    config: MqttConfig,
    jobs: Mapping[JobKind, JobRunner],
    auditor: Auditor | None,
) -> None:
    """Have all that rides on the link ride on it.

    Args:
        box: put together.
        link: of the box, not yet started.
        config: of the link.
        jobs: what is done for each kind of job.
        auditor: of the cameras; None while the audit is switched off.
    """
    status = box.status
    parts = AgentParts(
        handlers=command_handlers(_remote_actions(box, link, auditor)),
        shadows={
            ShadowName.CLASSIC: ShadowPart(partial(_about, box)),
            ShadowName.MODEL: ShadowPart(status.reported_model),
            ShadowName.CONFIG: _config_shadow(box),
        },
        rollouts=jobs,
        cameras=status.camera_health,
        alarms=status.alarm_texts,
        wake=link.wake,
    )
    link.add(build_agents(config, box.store, box.clock, parts))
    box.network.subscribe(lambda detector: link.set_model(ModelRef.of(detector.spec)))


def _about(box: EdgeBox) -> JsonObject:
    """The classic shadow: what runs, and which settings may be changed."""
    found: JsonObject = {"software": software()}
    if box.remote is not None and (schema := box.remote.schema()):
        found["settings_schema"] = schema
    return found


def _config_shadow(box: EdgeBox) -> ShadowPart:
    remote, software = box.remote, box.software

    def accepted() -> None:
        if remote is not None:
            remote.answered()
        if software is not None:
            software.answered()

    if remote is None:
        return ShadowPart(box.status.reported_config, accepted=accepted)
    return ShadowPart(
        lambda: box.status.reported_config() | remote.report(), remote.follow, accepted
    )


def _remote_actions(box: EdgeBox, link: MqttLink, auditor: Auditor | None) -> RemoteActions:
    def still(camera: str) -> bytes:
        if not box.config.remote.pictures:
            msg = "still images are switched off: [remote] pictures = false"
            raise ConfigError(msg)
        from edge_app.http.pictures import PictureMaker, PictureSettings

        settings = PictureSettings(privacy=box.config.privacy.settings())
        return PictureMaker(box.live_state, settings).jpeg(camera, overlay=False)[0]

    def reference(camera: str) -> tuple[bytes, bool]:
        file = box.cameras.calibration_file(camera)  # says which cameras there are
        if not box.config.remote.pictures:
            msg = "images are switched off: [remote] pictures = false"
            raise ConfigError(msg)
        from edge_app.http.pictures import drawing_ground

        return drawing_ground(file, box.live_state.latest(camera), box.config.privacy.settings())

    def bundle() -> Path:
        from edge_app.http.metrics import registry_of

        registry = registry_of(box.live_state, box.status)
        return downloads_of(box, registry).diagnostics(with_pictures=False)

    return RemoteActions(
        box=box.config.edge.edge,
        now=box.clock.utc,
        cameras=box.cameras,
        publish_snapshot=link.request_snapshot,
        publish_layout=link.request_layout,
        diagnostics=box.status.diagnostics,
        bundle=bundle,
        still=still,
        reference=reference,
        log=recent_lines,
        audit=None if auditor is None else auditor.look_soon,
        restart=box.restart.ask,
    )


def downloads_of(box: EdgeBox, registry: CollectorRegistry) -> ServiceDownloads:
    """What makes files of a running service."""
    from edge_app.http.service_downloads import ServiceDownloads

    return ServiceDownloads(
        config=box.config,
        clock=box.clock,
        registry=registry,
        live_state=box.live_state,
        store=box.store,
        status=box.status.diagnostics,
        sign_of_life_s=box.liveness.age_s,
        kept=box.kept,
    )
