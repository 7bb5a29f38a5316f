"""Broker and database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from cloud_app.config.section import Port, Section, is_loopback
from telemetry import Identifier, TelemetryError
from telemetry.topics import check_prefix


class TlsConfig(Section):
    """Certificates for the broker."""

    ca_file: Path = Field(description="certificate of the authority that signed the broker's")
    cert_file: Path | None = Field(default=None, description="our certificate")
    key_file: Path | None = Field(default=None, description="its private key")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file belong together: expected both or neither"
            raise ValueError(msg)
        return self


class BrokerProtocol(StrEnum):
    """Which MQTT is spoken."""

    MQTT_5 = "5"
    MQTT_311 = "3.1.1"


class BrokerConfig(Section):
    """The broker and our session on it."""

    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: BrokerProtocol = Field(
        default=BrokerProtocol.MQTT_5,
        description="3.1.1 for small brokers; it has no shared subscriptions, so one consumer only",
    )
    client_id: Identifier = Field(
        default="lotsight-cloud", description="each of several consumers needs its own"
    )
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsConfig | None = None
    allow_plaintext: bool = Field(
        default=False, description="speak without TLS to a broker that is not on loopback"
    )
    prefix: str = Field(default="pk", description="first level of every topic")
    share: Identifier = Field(default="ingest", description="name of the shared subscription")
    session_expiry_s: int = Field(default=3600, ge=1)
    receive_maximum: int = Field(
        default=500, ge=1, le=65535, description="messages that the broker may have in flight to us"
    )
    keep_alive_s: int = Field(default=30, ge=5)
    reconnect_min_s: int = Field(default=1, ge=1)
    reconnect_max_s: int = Field(default=60, ge=1)

    @field_validator("prefix")
    @classmethod
    def _levels(cls, value: str) -> str:
        try:
            return check_prefix(value)
        except TelemetryError as exc:
            raise ValueError(str(exc)) from exc

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"the broker {self.host} is beyond loopback: expected [broker.tls], or "
                "allow_plaintext = true in so many words, but got neither"
            )
            raise ValueError(msg)
        return self


class DatabaseConfig(Section):
    """Where the tables are."""

    url: SecretStr = Field(
        default=SecretStr("sqlite:cloud.db"),
        description="sqlite:PATH, or postgresql://user:password@host:port/database",
    )
    pool_size: int = Field(default=8, ge=2)
    key_file: Path = Field(
        default=Path("cloud.key"),
        description="keys that seal TOTP and webhook secrets; made when it is first needed",
    )

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        url = self.url.get_secret_value()
        if not url.startswith(("sqlite:", "postgresql://", "postgres://")):
            msg = (
                "url must begin with sqlite: or postgresql://, "
                f"but it begins with {url.split(':', 1)[0]!r}"
            )
            raise ValueError(msg)
        return self
