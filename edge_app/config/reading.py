"""From a TOML file to settings; every error names line, key and value."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError
from pydantic_settings.exceptions import SettingsError

from edge_app.config.changeable import change_raw
from edge_app.config.known_secrets import register_config, register_environment, register_raw
from edge_app.config.sample import models_in
from edge_app.config.settings import DEFAULT_STATE_DIR, ENV_PREFIX, LotsightConfig
from edge_app.provisioning.identity import with_identity
from edge_app.redaction import mask_secrets
from telemetry import ConfigError

Raw = dict[str, Any]
Location = tuple[str | int, ...]

_TABLE = re.compile(r"^\s*(?P<open>\[\[?)\s*(?P<name>[A-Za-z0-9_.\-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*(?P<key>[A-Za-z0-9_\-]+)\s*=")
_TOML_PLACE = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$"
)
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|usb:|sim:)", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRETS = ("password", "token")


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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{path}: cannot read this configuration file: {exc}"
        raise ConfigError(msg) from exc
    return parse_config(text, path, changes)


def parse_config(
    text: str, path: Path, changes: Mapping[str, JsonValue] | None = None
) -> LotsightConfig:
    """As `load_config`, from text; `path` names it in errors and is the base of relative paths."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        match = _TOML_PLACE.match(str(exc))
        place = f"line {match['line']}: " if match and match["line"] else ""
        msg = f"{path}: {place}invalid TOML: {match['what'] if match else exc}"
        raise ConfigError(msg) from exc
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
        faults = [_describe(error, lines) for error in exc.errors(include_url=False)]
        msg = f"{path}: " + ("" if len(faults) == 1 else f"{len(faults)} faults:\n  ")
        raise ConfigError(msg + "\n  ".join(faults)) from exc
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


def key_lines(text: str) -> dict[Location, int]:
    """Line of each table header and key; `tomllib` tells only values.

    Args:
        text: TOML that parses. Keys inside multi-line strings may be listed too, but are
            never looked up.
    """
    lines: dict[Location, int] = {}
    table: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = tuple(match["name"].split("."))
            if match["open"] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            else:
                for length in range(len(table) - 1, 0, -1):
                    if table[:length] in counts:  # [camera.x] belongs to the last [[camera]]
                        table = (*table[:length], counts[table[:length]], *table[length:])
                        break
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            lines.setdefault((*table, match["key"]), number)
    return lines


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
            place = f"{path}: {_place((*at, name + suffix), lines)}"
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


def _describe(error: Any, lines: dict[Location, int]) -> str:
    location: Location = tuple(part for part in error["loc"] if part != "__root__")
    place = _place(location, lines)
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key{_hint(location)}"
    if error["type"] == "missing":
        return f"{place}: required, but missing"
    what = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    value = error["input"]
    if isinstance(value, (dict, list, tuple, BaseModel)) or _is_secret(location):
        return f"{place}: {what}"
    return f"{place} = {mask_secrets(repr(value))}: expected {what}"


def _place(location: Location, lines: dict[Location, int]) -> str:
    """Line and key, as `line 12, camera[2].rate_hz` (cameras counted from 1)."""
    name = ""
    for part in location:
        name += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if name else ''}{part}"
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return f"line {lines[location[:length]]}, {name}"
    variable = ENV_PREFIX + "__".join(str(part).upper() for part in location)
    return f"{name} (environment variable {variable})" if variable in os.environ else name or "file"


def _is_secret(location: Location) -> bool:
    return bool(location) and location[-1] in _SECRETS


def _hint(location: Location) -> str:
    known = _keys_at(location[:-1])
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known keys: {', '.join(sorted(known))}"


def _keys_at(location: Location) -> list[str]:
    model: type[BaseModel] = LotsightConfig
    for part in location:
        if isinstance(part, int):
            continue
        nested = models_in(model.model_fields[part].annotation)
        if not nested:
            return []
        model = nested[0]
    keys = []
    for name, field in model.model_fields.items():
        keys.append(name)
        if SecretStr in (field.annotation, *get_args(field.annotation)):
            keys += [f"{name}_file", f"{name}_env"]
    return keys
