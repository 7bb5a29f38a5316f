"""How devices are reached that speak through webhooks, and what makers' documents say to send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from cloud_app.config.section import Section, is_loopback
from sensors.decoders import profile_of
from sensors.downlinks import Downlink, DownlinkAction
from sensors.envelopes import ServerKind
from sensors.errors import SensorError
from telemetry import ConfigError, Identifier, SiteId

Hex = Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){1,242}$")]


class DownlinkApiConfig(Section):
    """The HTTP API of a network server whose uplinks come by webhook."""

    name: Identifier
    kind: ServerKind
    url: str = Field(
        description="of ChirpStack the REST proxy, of The Things Stack the cluster; without a path"
    )
    token: SecretStr | None = None
    token_file: Path | None = Field(default=None, description="the token, and nothing else")
    webhook: Identifier = Field(
        default="lotsight", description="id of the webhook; of The Things Stack only"
    )
    sites: frozenset[SiteId] = Field(
        min_length=1,
        description="whose devices it reaches: the sender of an uplink names the application",
    )
    allow_plaintext: bool = Field(
        default=False, description="speak without TLS to a host that is not on loopback"
    )

    def secret(self) -> str:
        """The token.

        Raises:
            ConfigError: its file cannot be read.
        """
        if self.token_file is None:
            return "" if self.token is None else self.token.get_secret_value()
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            msg = f"sensors.downlink_api {self.name}: expected a readable token_file, got: {exc}"
            raise ConfigError(msg) from exc

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            msg = f"expected an address such as https://chirpstack.example.org, but got {url!r}"
            raise ValueError(msg)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _secrets_stay_secret(self) -> Self:
        parts = urlsplit(self.url)
        is_plain = parts.scheme == "http" and not is_loopback(parts.hostname or "")
        if is_plain and not self.allow_plaintext:
            msg = f"{self.url} is beyond loopback: expected https, or allow_plaintext = true"
            raise ValueError(msg)
        if (self.token is None) == (self.token_file is None):
            msg = "expected token or token_file, and not both"
            raise ValueError(msg)
        return self


class DownlinkConfig(Section):
    """Bytes that a maker's document gives for an action which this release does not know."""

    profile: Identifier
    action: DownlinkAction
    f_port: int
    payload: Hex = Field(description="hexadecimal")

    def downlink(self) -> Downlink:
        """The bytes.

        Raises:
            SensorError: the port or the length is out of LoRaWAN's bounds.
        """
        return Downlink(self.f_port, bytes.fromhex(self.payload))

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        try:
            profile_of(self.profile)
            self.downlink()
        except SensorError as exc:
            raise ValueError(str(exc)) from exc
        if self.action not in (DownlinkAction.RECALIBRATE, DownlinkAction.RESTART):
            msg = f"action: expected recalibrate or restart, but got {self.action.value}"
            raise ValueError(msg)
        return self
