"""How boxes are let in, and what the broker is configured with for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from cloud_app.config.section import Port, PositiveS, Section
from telemetry import Identifier, SiteId

Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#\s]+/?$")]


class RegionConfig(Section):
    """Sites whose boxes have a broker of their own."""

    name: Identifier
    sites: frozenset[SiteId] = Field(min_length=1)
    broker_host: Host
    broker_port: Port = 8883
    cloud_url: _Url | None = Field(default=None, description="the general one if absent")


class ProvisioningConfig(Section):
    """Codes, certificates, and where boxes are sent."""

    broker_host: Host | None = Field(
        default=None, description="the broker as boxes reach it; [broker] host if absent"
    )
    broker_port: Port = 8883
    cloud_url: _Url | None = Field(
        default=None,
        description="the API as boxes reach it; [accounts] public_url, else [http], if absent",
    )
    box_days: float = Field(default=180.0, gt=0, le=3650, description="a box's certificate holds")
    server_days: float = Field(
        default=397.0, gt=0, le=825, description="a server's, and lotsight-cloud's at the broker"
    )
    late_days: float = Field(
        default=90.0, ge=0, le=3650, description="a box may be late with its renewal by so long"
    )
    code_hours: float = Field(default=72.0, gt=0, le=8760, description="a code works for so long")
    waiting_max: int = Field(
        default=500, ge=1, le=100_000, description="boxes without a code that may wait at once"
    )
    consumer: Identifier = Field(
        default="consumer", description="user name of lotsight-cloud at the broker; no box has it"
    )
    region: tuple[RegionConfig, ...] = ()

    @model_validator(mode="after")
    def _one_region_each(self) -> Self:
        seen: dict[str, str] = {}
        for region in self.region:
            for site in sorted(region.sites):
                if site in seen:
                    msg = f"site {site} is in region {seen[site]} and in {region.name}"
                    raise ValueError(msg)
                seen[site] = region.name
        return self


class BrokerFilesConfig(Section):
    """mosquitto's own files, written while the service runs."""

    folder: Path = Field(description="where they go; mosquitto must be able to read it")
    reload_command: tuple[str, ...] = Field(
        default=(),
        description="run after a change, such as ['systemctl', 'reload', 'mosquitto']",
    )
    pid_file: Path | None = Field(
        default=None,
        description="in place of the command: mosquitto writes its process number here, and gets "
        "SIGHUP",
    )
    reload_timeout_s: PositiveS = 20.0
    every_s: PositiveS = Field(default=5.0, description="how often it is looked at")
    listen: Host = Field(default="0.0.0.0", description="address of the listener")  # noqa: S104  # nosec B104
    password_port: Port | None = Field(
        default=None, description="a second listener, for clients with a password"
    )
    disconnect: bool = Field(
        default=True, description="end the connection of a box whose certificate was revoked"
    )
