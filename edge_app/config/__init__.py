"""Configuration: what can be set, and how a file is read."""

from edge_app.config.audit import AuditConfig
from edge_app.config.camera import CameraConfig
from edge_app.config.counting import CountingConfig
from edge_app.config.harvest import HarvestConfig, PrivacyConfig
from edge_app.config.incidents import IncidentsConfig
from edge_app.config.known_secrets import register_config
from edge_app.config.reading import load_config, parse_config
from edge_app.config.sample import render_reference, render_sample
from edge_app.config.settings import (
    EdgeConfig,
    EvidenceConfig,
    GateConfig,
    GuardConfig,
    HttpConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    LotsightConfig,
    ModelConfig,
    RolloutConfig,
)

__all__ = [
    "AuditConfig",
    "CameraConfig",
    "CountingConfig",
    "EdgeConfig",
    "EvidenceConfig",
    "GateConfig",
    "GuardConfig",
    "HarvestConfig",
    "HttpConfig",
    "IncidentsConfig",
    "LogConfig",
    "LogFormat",
    "LogLevel",
    "LotsightConfig",
    "ModelConfig",
    "PrivacyConfig",
    "RolloutConfig",
    "load_config",
    "parse_config",
    "register_config",
    "render_reference",
    "render_sample",
]
