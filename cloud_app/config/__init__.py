"""The configuration of `lotsight-cloud`: a file per subject, put together in `loading`."""

from cloud_app.config.connections import BrokerConfig, BrokerProtocol, DatabaseConfig, TlsConfig
from cloud_app.config.downlinks import DownlinkApiConfig, DownlinkConfig
from cloud_app.config.fleet import FleetConfig
from cloud_app.config.inputs import (
    GatesConfig,
    IngestConfig,
    NetworkConfig,
    NetworkKind,
    Registration,
    SensorsConfig,
)
from cloud_app.config.loading import SAMPLE, CloudConfig, load_config
from cloud_app.config.outputs import (
    KafkaConfig,
    KafkaSourceConfig,
    LakeConfig,
    RetentionConfig,
    S3Config,
)
from cloud_app.config.people import (
    AccountsConfig,
    MailConfig,
    MailSecurity,
    OidcConfig,
    OperatorConfig,
)
from cloud_app.config.provisioning import BrokerFilesConfig, ProvisioningConfig, RegionConfig
from cloud_app.config.rules import NotificationsConfig, RulesConfig
from cloud_app.config.section import Port, PositiveS, is_loopback
from cloud_app.config.serving import HttpConfig, MapConfig, Scope, ShadowConfig, TokenConfig

__all__ = [
    "SAMPLE",
    "AccountsConfig",
    "BrokerConfig",
    "BrokerFilesConfig",
    "BrokerProtocol",
    "CloudConfig",
    "DatabaseConfig",
    "DownlinkApiConfig",
    "DownlinkConfig",
    "FleetConfig",
    "GatesConfig",
    "HttpConfig",
    "IngestConfig",
    "KafkaConfig",
    "KafkaSourceConfig",
    "LakeConfig",
    "MailConfig",
    "MailSecurity",
    "MapConfig",
    "NetworkConfig",
    "NetworkKind",
    "NotificationsConfig",
    "OidcConfig",
    "OperatorConfig",
    "Port",
    "PositiveS",
    "ProvisioningConfig",
    "RegionConfig",
    "Registration",
    "RetentionConfig",
    "RulesConfig",
    "S3Config",
    "Scope",
    "SensorsConfig",
    "ShadowConfig",
    "TlsConfig",
    "TokenConfig",
    "is_loopback",
    "load_config",
]
