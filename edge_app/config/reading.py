"""From a TOML file to settings; every error names line, key and value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_settings.exceptions import SettingsError

from edge_app.config.changeable import change_raw
from edge_app.config.known_secrets import register_config, register_environment, register_raw
from edge_app.config.settings import DEFAULT_STATE_DIR, ENV_PREFIX, LotsightConfig
from edge_app.provisioning.identity import with_identity
from edge_app.redaction import mask_secrets
from telemetry import ConfigError
from telemetry.config_faults import Faults, Location, key_lines, parse_toml, read_text

Raw = dict[str, Any]

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|usb:|sim:)", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRETS = ("password", "token")
_FAULTS = Faults(
    root=LotsightConfig,
    env_prefix=ENV_PREFIX,
    is_secret=lambda location: bool(location) and location[-1] in _SECRETS,
    mask=mask_secrets,
    secret_sources=("_file", "_env"),
)


def load_config(path: Path, changes: Mapping[str, JsonValue] | None = None) -> LotsightConfig:
    """Read and check a configuration file.

    Relative paths in it are relative to the file. A secret may be in a separate file
    (`password_file`) or in the environment (`password_env` names the variable).

    Args:
        path: the file.
        changes: settings that come before those of the file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or a key or value in it is wrong; the text lists
            every fault with its line.
    """
    return parse_config(read_text(path), path, changes)


def parse_config(
    text: str, path: Path, changes: Mapping[str, JsonValue] | None = None
) -> LotsightConfig:
    """As `load_config`, from text; `path` names it in errors and is the base of relative paths."""
    raw = parse_toml(text, path)
    lines = key_lines(text)
    if changes:
        change_raw(raw, changes)
    _absolute_paths(raw, path.absolute().parent)
    raw = with_identity(raw, state_dir_of(raw), path)
    register_raw(raw)
    _read_secrets(raw, path, lines)
    register_raw(raw)
    register_environment(ENV_PREFIX)
    try:
        config = LotsightConfig(**raw)
    except ValidationError as exc:
        raise ConfigError(_FAULTS.text(str(path), exc, lines)) from exc
    except SettingsError as exc:
        msg = f"invalid environment variable {ENV_PREFIX}...: {exc}"
        raise ConfigError(msg) from exc
    register_config(config)
    return config


def state_dir_of(raw: Raw) -> Path:
    """The state folder that a file names, or the usual one; the rest of it may be wrong."""
    edge = raw.get("edge")
    named = edge.get("state_dir") if isinstance(edge, dict) else None
    return Path(named) if isinstance(named, str) else DEFAULT_STATE_DIR


def _absolute_paths(raw: Raw, base: Path) -> None:
    for key, value in raw.items():
        if isinstance(value, dict):
            _absolute_paths(value, base)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _absolute_paths(item, base)
        elif isinstance(value, str) and value:
            if key.endswith(("_file", "_dir")):
                raw[key] = str(base / Path(value).expanduser())
            elif key == "source" and not _SCHEME.match(value):
                raw[key] = _absolute_source(value, base)


def _absolute_source(value: str, base: Path) -> str:
    prefix = next((p for p in ("folder:", "file:") if value.startswith(p)), "")
    return prefix + str(base / Path(value.removeprefix(prefix)).expanduser())


def _read_secrets(raw: Raw, path: Path, lines: dict[Location, int], at: Location = ()) -> None:
    for key, value in list(raw.items()):
        if isinstance(value, dict):
            _read_secrets(value, path, lines, (*at, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    _read_secrets(item, path, lines, (*at, key, index))
    for name in _SECRETS:
        for suffix, read in (("_file", _secret_of_file), ("_env", _secret_of_environment)):
            if name + suffix not in raw:
                continue
            place = f"{path}: {_FAULTS.place((*at, name + suffix), lines)}"
            if name in raw:
                msg = f"{place}: {name} is given more than once"
                raise ConfigError(msg)
            raw[name] = read(raw.pop(name + suffix), place)


def _secret_of_file(value: object, place: str) -> str:
    try:
        return Path(str(value)).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{place}: cannot read the secret from the file: {exc}"
        raise ConfigError(msg) from exc


def _secret_of_environment(value: object, place: str) -> str:
    try:
        return os.environ[str(value)]
    except KeyError as exc:
        # Some write the secret itself there.
        name = repr(value) if _VARIABLE.fullmatch(str(value)) else "the value"
        msg = f"{place}: expected the name of an environment variable, but {name} is not set"
        raise ConfigError(msg) from exc
