"""`[local_broker]`: the MQTT broker of the lot itself, which sensors, signs and relays speak to."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from edge_app.config.section import Port, Seconds, Section
from edge_app.delivery.config import MqttConfig, Protocol, TlsConfig, is_loopback

_KEPT_S = 86_400
TopicText = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00#+]+$")]
"""A topic to publish under, or to listen to as it is."""
FilterText = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]
"""A topic filter, with + and #."""


class LocalBrokerConfig(Section):
    """`[local_broker]`: works while the line to the cloud is down."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="127.0.0.1", title="Host", description="Name or address; usually this box."
    )
    port: Port = Field(default=1883, title="Port", description="8883 with TLS, 1883 without.")
    username: str | None = Field(default=None, title="User", description="Of the broker.")
    password: SecretStr | None = Field(default=None, title="Password", description="Of the user.")
    allow_plaintext: bool = Field(
        default=False,
        title="Plaintext",
        description="Speak without TLS to a broker that is not on this machine.",
    )
    keep_alive_s: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=10, title="Keep-alive", description="A dead link is noticed within twice this."
    )
    retry_longest_s: Seconds = Field(
        default=2.0, title="Longest pause", description="Between two tries to connect."
    )
    tls: TlsConfig | None = Field(default=None, title="TLS", description="Certificates.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password is not None and self.username is None:
            msg = "password needs a username"
            raise ValueError(msg)
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"host {self.host!r} is not this machine, so [local_broker.tls] is needed; "
                "set allow_plaintext = true for a broker in a network that nobody else reaches"
            )
            raise ValueError(msg)
        return self

    def link(self, site: str, edge: str, use: str) -> MqttConfig:
        """How to connect for one use, such as `sensors`; what comes while away waits there."""
        return MqttConfig(
            host=self.host,
            port=self.port,
            site=site,
            edge=f"{edge[:50]}-{use}",
            protocol=Protocol.AUTO,
            username=self.username,
            password=self.password,
            tls=self.tls,
            allow_plaintext=True,
            keep_alive_s=self.keep_alive_s,
            session_expiry_s=_KEPT_S,
            receive_maximum=1_000,
            connect_timeout_s=5.0,
            backoff_min_s=min(0.2, self.retry_longest_s),
            backoff_max_s=self.retry_longest_s,
        )
