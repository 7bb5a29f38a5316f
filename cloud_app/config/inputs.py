"""What comes in, from edges, sensors and gates."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from cloud_app.config.connections import BrokerProtocol, TlsConfig
from cloud_app.config.downlinks import DownlinkApiConfig, DownlinkConfig
from cloud_app.config.section import Port, PositiveS, Section, is_loopback
from telemetry import ConfigError, Identifier, SiteId


class Registration(StrEnum):
    """How an edge comes to belong to a site."""

    FIRST_USE = "first_use"
    LISTED = "listed"


class IngestConfig(Section):
    """How the stream is taken in."""

    batch_rows: int = Field(default=500, ge=1, description="messages per transaction, at most")
    batch_wait_s: float = Field(
        default=0.05, ge=0, description="how long the first message of a batch waits for others"
    )
    replay_after_s: PositiveS = Field(
        default=5.0, description="how long a hole in an edge's stream may last before a replay"
    )
    stale_after_s: PositiveS = Field(
        default=180.0, description="an edge not heard of for so long is stale: three health beats"
    )
    registration: Registration = Field(
        default=Registration.FIRST_USE,
        description="first_use: a new edge belongs to the site it first speaks under; "
        "listed: only edges that `lotsight-cloud edge add` made known",
    )
    edge_budget_hz: PositiveS = Field(
        default=1000.0,
        description="messages, or KiB of longer ones, that one edge may send per second; twenty "
        "seconds' worth at once",
    )


class NetworkKind(StrEnum):
    """Who speaks on a network's broker, and how."""

    CHIRPSTACK = "chirpstack"
    THINGS_STACK = "things_stack"
    PLAIN = "plain"
    GATES = "gates"
    """Gates, in our own JSON."""
    PLATE_RECOGNIZER = "plate_recognizer"
    HIKVISION = "hikvision"
    AXIS = "axis"

    @property
    def is_of_gates(self) -> bool:
        """Whether gates speak, not sensors."""
        return self in _TOPICS_OF_GATES


_TOPICS_OF_GATES: Mapping[NetworkKind, tuple[str, ...]] = {
    NetworkKind.GATES: ("gates/#",),
    NetworkKind.PLATE_RECOGNIZER: ("plate-recognizer/#",),
    NetworkKind.HIKVISION: ("hikvision/#",),
    NetworkKind.AXIS: ("axis/#",),
}


_TOPICS: Mapping[NetworkKind, tuple[str, ...]] = {
    NetworkKind.CHIRPSTACK: ("application/+/device/+/event/+",),
    # Not down/+, which would bring our own downlinks back.
    NetworkKind.THINGS_STACK: tuple(
        f"v3/+/devices/+/{name}"
        for name in (
            "up",
            "join",
            "down/queued",
            "down/sent",
            "down/ack",
            "down/nack",
            "down/failed",
        )
    ),
    NetworkKind.PLAIN: ("sensors/#",),
    **_TOPICS_OF_GATES,
}


class NetworkConfig(Section):
    """A broker on which a network server, or anybody else, publishes what sensors send."""

    name: Identifier
    kind: NetworkKind
    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: BrokerProtocol = BrokerProtocol.MQTT_311
    client_id: Identifier | None = Field(
        default=None, description="lotsight-NAME if absent; each of several consumers its own"
    )
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="the password, and nothing else")
    tls: TlsConfig | None = None
    allow_plaintext: bool = Field(
        default=False, description="speak without TLS to a broker that is not on loopback"
    )
    topics: tuple[Annotated[str, Field(min_length=1, max_length=512)], ...] = Field(
        default=(), description="filters; those of the kind if absent"
    )
    sites: frozenset[SiteId] | None = Field(
        default=None, description="sites whose devices may speak here; all if absent"
    )
    keep_alive_s: int = Field(default=30, ge=5)

    @property
    def filters(self) -> tuple[str, ...]:
        """What is subscribed to."""
        return self.topics or _TOPICS[self.kind]

    def secret(self) -> str | None:
        """The password.

        Raises:
            ConfigError: its file cannot be read.
        """
        if self.password_file is None:
            return None if self.password is None else self.password.get_secret_value()
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            msg = f"sensors.network {self.name}: expected a readable password_file, got: {exc}"
            raise ConfigError(msg) from exc

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"the broker {self.host} is beyond loopback: expected tls, or allow_plaintext = "
                "true in so many words, but got neither"
            )
            raise ValueError(msg)
        if self.password is not None and self.password_file is not None:
            msg = "expected password or password_file, but got both"
            raise ValueError(msg)
        return self


class SensorsConfig(Section):
    """Bay sensors and counters that speak to the cloud."""

    silent_after_periods: float = Field(
        default=2.5,
        ge=1,
        le=100,
        description="a device is silent when not heard of for so many of its periods",
    )
    network: tuple[NetworkConfig, ...] = ()
    downlink_api: tuple[DownlinkApiConfig, ...] = ()
    downlink: tuple[DownlinkConfig, ...] = ()
    downlink_life_s: float = Field(
        default=172_800.0,
        ge=60,
        le=2_678_400,
        description="how long a downlink may wait for the device's next uplink",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for kind, given in (("network", self.network), ("downlink_api", self.downlink_api)):
            names = [each.name for each in given]
            if len(set(names)) != len(names):
                msg = f"each {kind} needs its own name, but got {names}"
                raise ValueError(msg)
        return self


class GatesConfig(Section):
    """Gates, and lots that are counted at them."""

    silent_after_s: PositiveS = Field(
        default=43_200.0,
        description="a gate whose period the registry does not know is silent after so long",
    )
    unknown_after_s: float = Field(
        default=3_600.0,
        ge=0,
        description="a lot is no longer counted once a gate of it is silent for so long",
    )
    plate_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="secret under which plates are hashed, so that a vehicle that is read several "
        "times at a barrier counts once; without it nothing of a plate is kept",
    )
    hash_hours: int = Field(
        default=24, ge=1, le=8_760, description="how long a hash of a plate is kept"
    )
