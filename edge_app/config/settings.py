"""What can be set: one frozen model for each section of the file; every key names its unit."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from edge_app.config.audit import AuditConfig
from edge_app.config.camera import CameraConfig
from edge_app.config.counting import CountingConfig
from edge_app.config.harvest import HarvestConfig, PrivacyConfig
from edge_app.config.incidents import IncidentsConfig
from edge_app.config.judging import EvidenceConfig, GateConfig, GuardConfig
from edge_app.config.local_broker import LocalBrokerConfig
from edge_app.config.outputs import AlarmInputConfig, BarrierConfig, SignConfig
from edge_app.config.remote import RemoteConfig
from edge_app.config.section import Port, Probability, Seconds, Section
from edge_app.config.sensing import (
    CountedLotConfig,
    SensingConfig,
    SensorConfig,
    SensorNetworkConfig,
    VehicleGateConfig,
)
from edge_app.config.whole import find_contradiction
from edge_app.delivery.config import MqttConfig, OutboxConfig
from http_server.hosts import TrustedProxy
from models.hints import ModelHints, parse_hints
from telemetry import EdgeId, ModelError, SiteId

ENV_PREFIX = "LOTSIGHT_"
DEFAULT_STATE_DIR = Path("/var/lib/lotsight")


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    KEY_VALUE = "key-value"
    JSON = "json"


class EdgeConfig(Section):
    """`[edge]`: which box this is and where it keeps its state."""

    site: SiteId = Field(title="Site", description="Site id; part of every topic.")
    edge: EdgeId = Field(
        title="Edge box", description="Edge box id: MQTT client id and CN of its certificate."
    )
    state_dir: Path = Field(
        default=DEFAULT_STATE_DIR,
        title="State folder",
        description="Bay states, outbox, last valid calibrations; must survive a reboot.",
    )
    restore_within_s: Seconds = Field(
        default=600.0,
        title="Restore within",
        description="After an interruption no longer than this, bays resume their stored state; "
        "after a longer one they are unknown (starting) until judged again.",
    )
    keep_revisions: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=50,
        title="Revisions",
        description="Old revisions kept of each calibration file; older ones are deleted.",
    )


class LogConfig(Section):
    """`[log]`: what is logged, and how."""

    REMOTE: ClassVar = frozenset({"level"})

    level: LogLevel = Field(default=LogLevel.INFO, title="Level", description="Minimum level.")
    format: LogFormat = Field(
        default=LogFormat.KEY_VALUE,
        title="Format",
        description="key-value (human-readable) or json.",
    )


class HttpConfig(Section):
    """`[http]`: status pages, live view and metrics of the box."""

    enabled: bool = Field(
        default=True, title="Enabled", description="Serve the HTTP pages and API."
    )
    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1",
        title="Address",
        description="Listen address. Any address but loopback needs a password and TLS.",
    )
    port: Port = Field(default=8008, title="Port", description="TCP port.")
    password: SecretStr | None = Field(
        default=None, title="Password", description="If set, visitors must log in."
    )
    cert_file: Path | None = Field(
        default=None,
        title="Certificate",
        description="PEM certificate with its chain; enables TLS.",
    )
    key_file: Path | None = Field(default=None, title="Private key", description="PEM.")
    hosts: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = Field(
        default=(),
        title="Host names",
        description="Additional host names of the box; requests for other names are rejected.",
    )
    trusted_proxies: tuple[TrustedProxy, ...] = Field(
        default=(),
        title="Trusted proxies",
        description="Addresses or networks whose X-Forwarded-For header is trusted.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        from edge_app.delivery.config import is_loopback

        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file go together: set both or neither"
            raise ValueError(msg)
        if not is_loopback(self.host) and (self.password is None or self.cert_file is None):
            msg = (
                f"host {self.host!r} is not loopback, so password, cert_file and key_file are "
                "required; or keep 127.0.0.1 and use a tunnel"
            )
            raise ValueError(msg)
        return self


class ModelConfig(Section):
    """`[model]`: the network."""

    REMOTE: ClassVar = frozenset({"min_confidence"})

    name: str | None = Field(
        default=None,
        title="Name",
        description="A model shipped with lotsight; default: the best one.",
    )
    manifest_file: Path | None = Field(
        default=None,
        title="Manifest",
        description="Your own manifest (.json) or model (.onnx), instead of a name.",
    )
    layout: str | None = Field(
        default=None,
        title="Layout",
        description="Output layout, if file and manifest do not state it; see own-model.md.",
    )
    class_names: tuple[str, ...] = Field(
        default=(), title="Class names", description="In index order, if the file has none."
    )
    class_roles: dict[str, str] = Field(
        default_factory=dict,
        title="Class roles",
        description="Role of each class: vehicle, occupied_bay, free_bay or ignored; default: by "
        "class name.",
    )
    threads: Annotated[int, Field(ge=0, le=256)] = Field(
        default=1,
        title="Threads",
        description="Inference threads per forward pass; as many passes run in parallel as there "
        "are cores. 0: one pass on all cores.",
    )
    min_confidence: Probability = Field(
        default=0.25, title="Minimum confidence", description="Minimum confidence of a vehicle box."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.name is not None and self.manifest_file is not None:
            msg = "name and manifest_file are mutually exclusive"
            raise ValueError(msg)
        try:
            self.hints()
        except ModelError as exc:
            raise ValueError(str(exc)) from exc
        return self

    def passes_at_once(self, cores: int) -> int:
        """How many forward passes fill so many cores."""
        return max(1, cores // (self.threads or cores))

    def hints(self) -> ModelHints:
        """What is said of the model beside its file and manifest.

        Raises:
            ModelError: a word is not known.
        """
        roles = [f"{name}={role}" for name, role in self.class_roles.items()]
        return parse_hints(self.layout, ",".join(self.class_names) or None, roles)


class RolloutConfig(Section):
    """`[rollout]`: models that the operator rolls out to the fleet (jobs over MQTT, TUF)."""

    repository: Annotated[str, Field(pattern="^https?://")] = Field(
        title="Repository", description="HTTPS URL of the signed repository."
    )
    root_file: Path = Field(
        title="Trusted root", description="The repository's root.json, as shipped with the box."
    )


class LotsightConfig(BaseSettings):
    """The whole file. Environment variables `LOTSIGHT_SECTION__KEY` come before it."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    edge: EdgeConfig = Field(title="Edge box", description="Identity of this box.")
    log: LogConfig = Field(default_factory=LogConfig, title="Log", description="Logging.")
    http: HttpConfig = Field(
        default_factory=HttpConfig, title="HTTP", description="Local web pages."
    )
    model: ModelConfig = Field(
        default_factory=ModelConfig, title="Model", description="The network."
    )
    evidence: EvidenceConfig = Field(
        default_factory=EvidenceConfig, title="Evidence", description="Hysteresis."
    )
    guard: GuardConfig = Field(
        default_factory=GuardConfig,
        title="View guard",
        description="Detects moved and blind cameras.",
    )
    gate: GateConfig = Field(
        default_factory=GateConfig,
        title="Change gate",
        description="Skips inference on unchanged frames.",
    )
    audit: AuditConfig = Field(
        default_factory=AuditConfig, title="Audit", description="Sampled second opinions."
    )
    incidents: IncidentsConfig = Field(
        default_factory=IncidentsConfig,
        title="Incidents",
        description="Wrongly parked vehicles.",
    )
    counting: CountingConfig = Field(
        default_factory=CountingConfig,
        title="Counting",
        description="Vehicles over drawn lines.",
    )
    privacy: PrivacyConfig = Field(
        default_factory=PrivacyConfig,
        title="Privacy",
        description="What stored and served images show.",
    )
    harvest: HarvestConfig = Field(
        default_factory=HarvestConfig,
        title="Harvest",
        description="Frames kept for labelling.",
    )
    outbox: OutboxConfig = Field(
        default_factory=OutboxConfig, title="Outbox", description="Events waiting for delivery."
    )
    mqtt: MqttConfig | None = Field(
        default=None,
        title="MQTT",
        description="Broker connection; if absent, nothing is published.",
    )
    rollout: RolloutConfig | None = Field(
        default=None, title="Roll-out", description="Models from a signed repository; optional."
    )
    remote: RemoteConfig = Field(
        default_factory=RemoteConfig, title="Remote", description="What the cloud may do."
    )
    camera: tuple[CameraConfig, ...] = Field(
        default=(), title="Cameras", description="One [[camera]] table each."
    )
    local_broker: LocalBrokerConfig | None = Field(
        default=None, title="Local broker", description="Sensors, gates, signs, relays."
    )
    sensing: SensingConfig = Field(
        default_factory=SensingConfig, title="Sensing", description="Sensors and gates."
    )
    sensor_network: tuple[SensorNetworkConfig, ...] = Field(
        default=(), title="Sensor networks", description="Where bay sensors are heard."
    )
    sensor: tuple[SensorConfig, ...] = Field(
        default=(), title="Sensors", description="One [[sensor]] table each."
    )
    vehicle_gate: tuple[VehicleGateConfig, ...] = Field(
        default=(), title="Gates", description="One [[vehicle_gate]] table each."
    )
    counted_lot: tuple[CountedLotConfig, ...] = Field(
        default=(), title="Counted lots", description="One [[counted_lot]] table each."
    )
    sign: tuple[SignConfig, ...] = Field(
        default=(), title="Signs", description="One [[sign]] table each."
    )
    alarm_input: tuple[AlarmInputConfig, ...] = Field(
        default=(), title="Alarm inputs", description="One [[alarm_input]] table each."
    )
    barrier: tuple[BarrierConfig, ...] = Field(
        default=(), title="Barriers", description="One [[barrier]] table each."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file: a secret of the unit file wins."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _name_the_link(cls, raw: Any) -> Any:
        """Topics and client id follow `[edge]`: two places for one fact would disagree one day."""
        if not isinstance(raw, dict):
            return raw
        mqtt, edge = raw.get("mqtt"), raw.get("edge")
        if not isinstance(mqtt, dict) or not isinstance(edge, dict):
            return raw
        doubled = [key for key in ("site", "edge") if key in mqtt]
        if doubled:
            msg = f"mqtt.{doubled[0]}: belongs only in [edge]"
            raise ValueError(msg)
        named = {key: edge[key] for key in ("site", "edge") if key in edge}
        return raw | {"mqtt": mqtt | named}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if fault := find_contradiction(self):
            raise ValueError(fault)
        return self
