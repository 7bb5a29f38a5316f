"""Accounts and mail."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from cloud_app.config.section import Port, PositiveS, Section, is_loopback
from telemetry import Identifier, SiteId


class OperatorConfig(Section):
    """Sites that one operator runs, until the registry says so."""

    name: Identifier
    council: Identifier = Field(default="main", description="who sees the operator's sites too")
    sites: frozenset[SiteId] | None = Field(default=None, description="all if absent")


class OidcConfig(Section):
    """Sign-in through an OpenID provider; only people who were invited may come in."""

    issuer: str = Field(pattern=r"^https?://", description="as the provider writes it")
    client_id: str
    client_secret: SecretStr | None = None
    label: str = Field(default="Single sign-on", description="of the button")
    timeout_s: PositiveS = 10.0

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            msg = "expected https://, since the server at that address decides who may log in"
            raise ValueError(msg)
        return value


class AccountsConfig(Section):
    """People who log in."""

    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#]+/?$",
        description="as people type it; for links in mail, the provider's answer, secure cookies",
    )
    session_idle_s: PositiveS = Field(default=1800.0, description="a session unused ends")
    session_max_s: PositiveS = Field(default=43200.0, description="and any session ends")
    invitation_s: PositiveS = Field(default=7 * 86400.0, description="how long one may accept")
    reset_s: PositiveS = Field(default=3600.0, description="how long a link for it works")
    operators: tuple[OperatorConfig, ...] = (OperatorConfig(name="main"),)
    oidc: OidcConfig | None = None

    @field_validator("operators")
    @classmethod
    def _names_differ(cls, value: tuple[OperatorConfig, ...]) -> tuple[OperatorConfig, ...]:
        names = [each.name for each in value]
        if len(set(names)) != len(names):
            msg = f"each operator needs its own name, but got {names}"
            raise ValueError(msg)
        return value


class MailSecurity(StrEnum):
    """How the way to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailConfig(Section):
    """The SMTP server for invitations, password resets and alerts."""

    host: str
    port: Port = 587
    security: MailSecurity = MailSecurity.STARTTLS
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="address that mail comes from")
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = Field(default=None, description="if the server's is not a public one")
    timeout_s: PositiveS = 20.0

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.security is MailSecurity.NONE and not is_loopback(self.host):
            msg = "security = 'none' is for loopback alone: expected starttls or tls"
            raise ValueError(msg)
        if (self.username is None) != (self.password is None):
            msg = "username and password belong together: expected both or neither"
            raise ValueError(msg)
        return self
