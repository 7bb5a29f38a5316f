"""Settings of the outbox and of the link to the broker."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from telemetry.aws import DEFAULT_ROOT
from telemetry.rules import (
    BACKLOG_RATE_HZ,
    IN_FLIGHT_MAX,
    KEEP_ALIVE_S,
    RECEIVE_MAXIMUM,
    SESSION_EXPIRY_S,
    WILL_DELAY_S,
)
from telemetry.topics import check_prefix
from telemetry.vocabulary import EdgeId, Identifier, SiteId

_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})
_AWS_ROOT = re.compile(r"^\$?[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$")
Seconds = Annotated[float, Field(gt=0)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Release(StrEnum):
    """What lets an event leave the outbox."""

    ACK = "ack"
    PUBACK = "puback"


class Protocol(StrEnum):
    """Which MQTT to speak."""

    AUTO = "auto"
    MQTT_5 = "5"
    MQTT_311 = "3.1.1"


class OutboxConfig(_Settings):
    """Bounds of what is kept while the cloud is away."""

    max_rows: Annotated[int, Field(ge=100)] = Field(
        default=200_000,
        title="Rows",
        description="Maximum number of waiting events; beyond it events are discarded, superseded "
        "ones first.",
    )
    max_bytes: Annotated[int, Field(ge=65_536)] = Field(
        default=128 * 1024 * 1024,
        title="Bytes",
        description="Maximum size of waiting events; beyond it events are discarded likewise.",
    )
    max_age_s: Annotated[float, Field(ge=60)] = Field(
        default=14 * 86_400.0,
        title="Age",
        description="Older events are discarded; time when the box was off does not count.",
    )
    max_buffered: Annotated[int, Field(ge=10)] = Field(
        default=10_000,
        title="Memory buffer",
        description="Maximum changes held in memory while the disk is full; the oldest are "
        "discarded first.",
    )
    max_pages: Annotated[int, Field(ge=32)] | None = Field(
        default=None,
        title="Store size",
        description="Maximum size of the store file, in pages of 4,096 bytes.",
    )


class TlsConfig(_Settings):
    """Certificates; the files may be replaced while the service runs."""

    ca_file: Path = Field(
        title="Authority", description="PEM file of the CAs to trust for the broker."
    )
    cert_file: Path | None = Field(
        default=None,
        title="Certificate",
        description="PEM client certificate of this box; its CN is the edge id.",
    )
    key_file: Path | None = Field(
        default=None, title="Private key", description="PEM private key of the certificate."
    )
    check_period_s: Seconds = Field(
        default=30.0,
        title="Check period",
        description="How often to check for replaced certificate files.",
    )

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file go together: set both or neither"
            raise ValueError(msg)
        return self


class HomeAssistantConfig(_Settings):
    """Optional: each bay as an entity of Home Assistant."""

    enabled: bool = Field(default=False, title="Enabled", description="Publish discovery messages.")
    discovery_prefix: Identifier = Field(
        default="homeassistant", title="Prefix", description="Home Assistant's discovery prefix."
    )


class MqttConfig(_Settings):
    """The link to the broker."""

    REMOTE: ClassVar = frozenset({"snapshot_period_s", "health_period_s", "backlog_rate_hz"})
    GUARDED: ClassVar = frozenset({"host", "port", "keep_alive_s"})

    host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        title="Host", description="Host name or address of the broker."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=8883, title="Port", description="8883 with TLS, 1883 without."
    )
    site: SiteId = Field(title="Site", description="Site id; part of every topic.")
    edge: EdgeId = Field(
        title="Edge", description="Edge box id: MQTT client id and CN of its certificate."
    )
    prefix: str = Field(default="pk", title="Prefix", description="First level of every topic.")
    aws_root: Annotated[str, Field(pattern=_AWS_ROOT.pattern)] = Field(
        default=DEFAULT_ROOT, title="Shadow root", description="First level of shadow topics."
    )
    protocol: Protocol = Field(
        default=Protocol.AUTO,
        title="Protocol",
        description="auto tries MQTT 5, then falls back to 3.1.1 without the features that it "
        "lacks.",
    )
    release: Release = Field(
        default=Release.ACK,
        title="Release",
        description="ack: an event is deleted when the consumer acknowledges it, so nothing is "
        "ever lost. puback: when the broker does, for clouds that send no acknowledgements.",
    )
    username: str | None = Field(
        default=None, title="User", description="If the broker needs one besides TLS."
    )
    password: SecretStr | None = Field(
        default=None, title="Password", description="Broker password."
    )
    tls: TlsConfig | None = Field(default=None, title="TLS", description="Certificates.")
    allow_plaintext: bool = Field(
        default=False,
        title="Plaintext",
        description="Allow unencrypted connections to a broker on another machine.",
    )
    keep_alive_s: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=KEEP_ALIVE_S,
        title="Keep-alive",
        description="A dead connection is detected within twice this time.",
    )
    session_expiry_s: Annotated[int, Field(ge=0)] = Field(
        default=SESSION_EXPIRY_S,
        title="Session expiry",
        description="How long the broker queues commands for an offline box.",
    )
    will_delay_s: Annotated[int, Field(ge=0)] = Field(
        default=WILL_DELAY_S,
        title="Will delay",
        description="A box that reconnects within this time is not reported offline.",
    )
    receive_maximum: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=RECEIVE_MAXIMUM,
        title="Receive maximum",
        description="Maximum unacknowledged messages from the broker to the box.",
    )
    in_flight_max: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=IN_FLIGHT_MAX,
        title="In flight",
        description="Maximum events in flight; more would overflow a consumer's queue.",
    )
    backlog_rate_hz: Annotated[float, Field(gt=0)] = Field(
        default=BACKLOG_RATE_HZ,
        title="Backlog rate",
        description="Maximum backlog events per second, so that a reconnecting fleet does not "
        "flood the cloud.",
    )
    connect_timeout_s: Seconds = Field(
        default=10.0, title="Connect timeout", description="For TCP, TLS and CONNACK, each."
    )
    backoff_min_s: Seconds = Field(
        default=1.0,
        title="Minimum backoff",
        description="Upper bound of the first reconnect delay.",
    )
    backoff_max_s: Seconds = Field(
        default=60.0, title="Maximum backoff", description="Upper bound of any reconnect delay."
    )
    resend_after_s: Seconds = Field(
        default=30.0,
        title="Resend",
        description="Events that the broker accepted but no consumer acknowledged are resent "
        "after this time, doubled at each retry.",
    )
    ack_grace_s: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        title="Grace",
        description="Maximum wait for the consumer's watermark after a birth before sending the "
        "backlog.",
    )
    snapshot_period_s: Seconds = Field(
        default=300.0, title="Snapshot period", description="How often all bays are published."
    )
    health_period_s: Seconds = Field(
        default=60.0, title="Health period", description="How often health metrics are published."
    )
    quarantine_retry_s: Seconds = Field(
        default=300.0,
        title="Quarantine",
        description="How long to wait before retrying an event that the broker rejected.",
    )
    home_assistant: HomeAssistantConfig = Field(
        default_factory=HomeAssistantConfig, title="Home Assistant", description="Discovery."
    )

    @field_validator("prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        try:
            return check_prefix(value)
        except Exception as exc:
            raise ValueError(str(exc)) from exc

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.backoff_min_s > self.backoff_max_s:
            msg = (
                f"backoff_min_s must be at most {self.backoff_max_s}, but got {self.backoff_min_s}"
            )
            raise ValueError(msg)
        if self.password is not None and self.username is None:
            msg = "password needs a username"
            raise ValueError(msg)
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"host {self.host!r} is not this machine, so [mqtt.tls] is required; set "
                "allow_plaintext = true to send bay states and passwords unencrypted"
            )
            raise ValueError(msg)
        return self


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine; the only name accepted is `localhost`."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
