"""Configuration: what can be set, and how a file is read."""

from edge_app.config.audit import AuditConfig
from edge_app.config.camera import CameraConfig
from edge_app.config.counting import CountingConfig
from edge_app.config.harvest import HarvestConfig, PrivacyConfig
from edge_app.config.incidents import IncidentsConfig
from edge_app.config.judging import EvidenceConfig, GateConfig, GuardConfig
from edge_app.config.known_secrets import register_config
from edge_app.config.local_broker import LocalBrokerConfig
from edge_app.config.outputs import (
    AlarmInputConfig,
    BarrierConfig,
    ModbusDevice,
    SignConfig,
)
from edge_app.config.reading import load_config, parse_config
from edge_app.config.remote import RemoteConfig, RemoteLevel
from edge_app.config.sample import render_reference, render_sample
from edge_app.config.sensing import (
    CountedLotConfig,
    SensorConfig,
    SensorNetworkConfig,
    VehicleGateConfig,
)
from edge_app.config.settings import (
    EdgeConfig,
    HttpConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    LotsightConfig,
    ModelConfig,
    RolloutConfig,
)

__all__ = [
    "AlarmInputConfig",
    "AuditConfig",
    "BarrierConfig",
    "CameraConfig",
    "CountedLotConfig",
    "CountingConfig",
    "EdgeConfig",
    "EvidenceConfig",
    "GateConfig",
    "GuardConfig",
    "HarvestConfig",
    "HttpConfig",
    "IncidentsConfig",
    "LocalBrokerConfig",
    "LogConfig",
    "LogFormat",
    "LogLevel",
    "LotsightConfig",
    "ModbusDevice",
    "ModelConfig",
    "PrivacyConfig",
    "RemoteConfig",
    "RemoteLevel",
    "RolloutConfig",
    "SensorConfig",
    "SensorNetworkConfig",
    "SignConfig",
    "VehicleGateConfig",
    "load_config",
    "parse_config",
    "register_config",
    "render_reference",
    "render_sample",
]
