"""Secrets of a configuration, registered so that they are kept out of every text."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from edge_app.addresses import register_address
from edge_app.redaction import register_secret

_KEYS = re.compile(r"(?:password|token|secret)$", re.IGNORECASE)


def register_raw(raw: object, username: str | None = None) -> None:
    """Register the secrets of a file as read, before any of it can appear in an error."""
    if isinstance(raw, Mapping):
        user = raw.get("username")
        for key, value in raw.items():
            if _KEYS.search(str(key)) and isinstance(value, (str, int, float)):
                register_secret(str(value), user if isinstance(user, str) else username)
            else:
                register_raw(value)
    elif isinstance(raw, (list, tuple)):
        for each in raw:
            register_raw(each)
    elif isinstance(raw, str):
        register_address(raw)


def register_environment(prefix: str) -> None:
    """Register what environment variables set."""
    register_raw({key: text for key, text in os.environ.items() if key.upper().startswith(prefix)})


def register_config(value: object, username: str | None = None) -> None:
    """Register every secret in a tree of settings."""
    if isinstance(value, SecretStr):
        register_secret(value.get_secret_value(), username)
    elif isinstance(value, BaseModel):
        user: Any = getattr(value, "username", None)
        for name in type(value).model_fields:
            register_config(getattr(value, name), user)
    elif isinstance(value, Mapping):
        for each in value.values():
            register_config(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            register_config(each)
    elif isinstance(value, str):
        register_address(value)
