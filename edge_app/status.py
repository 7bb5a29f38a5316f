"""How a box does: one account of it for its pages, its health message, its shadows and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue

from edge_app.alarm_texts import link_alarm
from edge_app.alarms import Alarm, Alarms, by_importance
from edge_app.cameras import Camera, CameraSet
from edge_app.config import LotsightConfig
from edge_app.delivery import MqttLink, Store
from edge_app.harvest.counters import HarvestStats
from edge_app.host_metrics import disk_free_bytes, memory_bytes, temperature_c
from edge_app.live_state import CameraCondition, LiveState
from edge_app.network import ActiveNetwork
from edge_app.outputs import OutputsReport
from edge_app.report import BoxReport, LinkFacts, ModelFacts, OutboxFacts
from edge_app.sensing import SensingReport
from edge_app.sources import shown
from edge_app.tuning import Tuning
from edge_app.version import software, version
from telemetry import Clock
from telemetry.health import CameraAudit, CameraHealth
from telemetry.shadow import JsonObject

# An answer to a command is one message, whatever a library had to say.
_LONGEST_LINE = 300
_DOWN = {CameraCondition.STARTING, CameraCondition.LOST, CameraCondition.LOGIN_REJECTED}
_METHODS = {
    "bay_head": "bay head",
    "bay_boxes": "boxes of bays",
    "overlap": "vehicle boxes by overlap",
}


@dataclass(frozen=True, slots=True)
class BoxStatus:
    """How a box does; reads its parts, changes nothing. Safe from several threads.

    Attributes:
        config: all settings.
        clock: time.
        started_s: when the service started, monotonic.
        alarms: of all parts but the link, which keeps its own.
        live_state: what the cameras see.
        store: states and outbox.
        cameras: the cameras.
        network: the network in use.
        link: to the broker; None when none is configured.
        judge_silent_s: how long the thread that judges has been at what it does now, seconds.
        audit: how often a camera's states are right; None while nothing is known.
        harvest: kept frames; None while the harvest is disabled.
        sensing: sensors and gates.
        outputs: alarm inputs, barriers and signs.
        tuning: what was measured of the shipped networks on this machine; None if nothing was.
    """

    config: LotsightConfig
    clock: Clock
    started_s: float
    alarms: Alarms
    live_state: LiveState
    store: Store
    cameras: CameraSet
    network: ActiveNetwork
    link: MqttLink | None
    judge_silent_s: Callable[[], float]
    audit: Callable[[str], CameraAudit | None]
    harvest: Callable[[], HarvestStats | None]
    sensing: Callable[[], SensingReport]
    outputs: Callable[[], OutputsReport]
    tuning: Tuning | None = None

    @property
    def uptime_s(self) -> float:
        """How long the service has run."""
        return self.clock.mono_s() - self.started_s

    def all_alarms(self) -> tuple[Alarm, ...]:
        """Everything that is wrong, the link's own alarms included, the most important first."""
        link = () if self.link is None else self.link.info.alarms
        return by_importance([*self.alarms.standing(), *map(link_alarm, link)])

    def report(self) -> BoxReport:
        """All of it, for the pages and the metrics."""
        uptime_s, now = self.uptime_s, self.clock.utc()
        edge = self.config.edge
        audits = {name: self.audit(name) for name in self.cameras.ids}
        return BoxReport(
            site=edge.site,
            edge=edge.edge,
            version=version(),
            started_utc=now - timedelta(seconds=uptime_s),
            uptime_s=uptime_s,
            now_utc=now,
            model=self._model(),
            link=self._link(),
            outbox=self._outbox(),
            alarms=self.all_alarms(),
            closed_bays=self.store.closed_bays(),
            disk_free_bytes=disk_free_bytes(edge.state_dir),
            memory_bytes=memory_bytes(),
            temperature_c=temperature_c(),
            audits={name: audit for name, audit in audits.items() if audit is not None},
            harvest=self.harvest(),
            sensing=self.sensing(),
            outputs=self.outputs(),
        )

    # -- over MQTT -------------------------------------------------------------------------------

    def alarm_texts(self) -> tuple[str, ...]:
        """What is wrong, for the health message."""
        return tuple(each.text for each in self.all_alarms())

    def camera_health(self) -> tuple[CameraHealth, ...]:
        """Each camera's figures, for the health message."""
        return tuple(
            health for camera in self.cameras if (health := self._health(camera)) is not None
        )

    def working_cameras(self) -> tuple[str, ...]:
        """The cameras that give images."""
        return tuple(each.camera for each in self.camera_health() if each.up)

    def reported_model(self) -> JsonObject:
        """The network in use, for its shadow."""
        ref = self.network.model_ref()
        return {"name": None, "version": None, "sha256": None} if ref is None else ref.model_dump()

    def reported_config(self) -> JsonObject:
        """What the cameras are set to, for the shadow."""
        cameras: dict[str, JsonValue] = {
            camera.config.id: {
                "rate_hz": camera.config.rate_hz,
                "calibration": 0 if camera.calibration is None else camera.calibration.revision,
            }
            for camera in self.cameras
        }
        return {"cameras": cameras}

    def diagnostics(self) -> JsonObject:
        """What a technician asks first; no passwords, no pictures."""
        return {
            "software": software(),
            "uptime_s": round(self.uptime_s),
            "model": self.reported_model(),
            "alarms": [each.line[:_LONGEST_LINE] for each in self.all_alarms()],
            "cameras": {camera.config.id: self._facts(camera) for camera in self.cameras},
            "outbox": self.store.health().model_dump(mode="json"),
            "disk_free_bytes": disk_free_bytes(self.config.edge.state_dir),
            "memory_bytes": memory_bytes(),
            "temperature_c": temperature_c(),
        }

    # -- inside ----------------------------------------------------------------------------------

    def _model(self) -> ModelFacts | None:
        if self.network.detector is None:
            return None
        spec = self.network.detector.spec
        tuning = self.tuning
        why = tuning.describe() if tuning and tuning.best.sha256 == spec.sha256 else None
        return ModelFacts(spec.name, spec.version, spec.sha256, _METHODS[spec.method], why)

    def _link(self) -> LinkFacts | None:
        link, config = self.link, self.config.mqtt
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
        health = self.store.health()
        return OutboxFacts(
            rows=health.rows,
            size_bytes=health.bytes,
            oldest_age_s=health.oldest_age_s,
            quarantined=health.quarantined,
            evicted=health.evicted,
            degraded=self.store.degraded,
        )

    def _health(self, camera: Camera) -> CameraHealth | None:
        view = self.live_state.latest(camera.config.id)
        if view is None:
            return None
        status = view.status
        usable = status.condition in {CameraCondition.LIVE, CameraCondition.STARTING}
        return CameraHealth(
            camera=view.camera,
            up=status.condition not in _DOWN,
            view="ok" if usable else status.condition.value,
            fps=status.fps,
            dropped=status.dropped,
            broken=status.broken,
            restarts=status.restarts,
            latency_p95_ms=camera.pipeline.latency_p95_ms(),
            audit=self.audit(view.camera),
        )

    def _facts(self, camera: Camera) -> JsonObject:
        facts: JsonObject = {"source": shown(camera.config.source)}
        view = self.live_state.latest(camera.config.id)
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
