"""What is served to readers: API, pages, shadows."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from cloud_app.config.section import Port, Section, is_loopback
from http_server.hosts import TrustedProxy
from telemetry import Identifier, SiteId
from telemetry.aws import DEFAULT_ROOT


class ShadowConfig(Section):
    """The shadow service, for brokers that have none."""

    enabled: bool = True
    root: str = Field(default=DEFAULT_ROOT, description="first level of shadow topics")


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"
    INTAKE = "intake"
    """Bringing what sensors and gates send."""


class TokenConfig(Section):
    """One reader of the API. `lotsight-cloud token NAME` makes a token and prints this block."""

    name: Identifier
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the token, hexadecimal")
    scopes: frozenset[Scope] = frozenset({Scope.READ})
    sites: frozenset[SiteId] | None = Field(
        default=None, description="sites it may see; all if absent"
    )


class HttpConfig(Section):
    """Read API and page."""

    host: str = "127.0.0.1"
    port: Port = 8090
    tokens: tuple[TokenConfig, ...] = ()
    allow_anonymous: bool = Field(default=False, description="serve beyond loopback without tokens")
    require_login: bool = Field(
        default=False, description="serve no one without account, key or token, even on loopback"
    )
    hosts: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = Field(
        default=(), description="further names by which it is called, as browsers send them"
    )
    trusted_proxies: tuple[TrustedProxy, ...] = Field(
        default=(), description="addresses whose X-Forwarded-For and -Proto are believed"
    )
    max_connections: int = Field(default=512, ge=8, le=100_000)
    cert_file: Path | None = Field(
        default=None, description="PEM certificate with its chain; the service speaks TLS itself"
    )
    key_file: Path | None = Field(default=None, description="PEM, its private key")

    @property
    def scheme(self) -> str:
        """Of the addresses that it serves."""
        return "http" if self.cert_file is None else "https"

    @model_validator(mode="after")
    def _open_means_tokens(self) -> Self:
        is_told = self.tokens or self.allow_anonymous or self.require_login
        if not is_loopback(self.host) and not is_told:
            msg = (
                f"host {self.host} is beyond loopback: expected [[http.tokens]], require_login = "
                "true, or allow_anonymous = true in so many words, but got none of them"
            )
            raise ValueError(msg)
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file belong together: expected both or neither"
            raise ValueError(msg)
        if self.allow_anonymous and self.require_login:
            msg = "allow_anonymous and require_login contradict each other"
            raise ValueError(msg)
        names = [token.name for token in self.tokens]
        if len(set(names)) != len(names):
            msg = f"each token needs its own name, but got {names}"
            raise ValueError(msg)
        return self


class MapConfig(Section):
    """The ground below the lots of the operations centre's maps."""

    base_file: Path | None = Field(
        default=None, description="PMTiles file; the city's own data on a plain ground if absent"
    )
    attribution: str | None = Field(
        default=None, max_length=500, description="in place of what the file says itself"
    )
