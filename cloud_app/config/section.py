"""What every section of the configuration is made of."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]


PositiveS = Annotated[float, Field(gt=0)]


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Section(BaseModel):
    """One table of the file: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
