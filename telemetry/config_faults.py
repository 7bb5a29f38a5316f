"""What is wrong in a TOML configuration file, in one form: line, key, value, what was expected."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from telemetry.errors import ConfigError

Location = tuple[str | int, ...]

_TABLE = re.compile(r"^\s*(?P<open>\[\[?)\s*(?P<name>[A-Za-z0-9_.\-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*(?P<key>[A-Za-z0-9_\-]+)\s*=")
_TOML_PLACE = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$"
)


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        msg = f"{path}: cannot read this configuration file: {(exc.strerror or str(exc)).lower()}"
        raise ConfigError(msg) from exc
    except UnicodeDecodeError as exc:
        msg = f"{path}: cannot read this configuration file: expected UTF-8, but got {exc.reason}"
        raise ConfigError(msg) from exc


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The values of a configuration file.

    Raises:
        ConfigError: the text is not TOML; names the line where the parser does.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        match = _TOML_PLACE.match(str(exc))
        place = f"line {match['line']}: " if match and match["line"] else ""
        msg = f"{path}: {place}invalid TOML: {match['what'] if match else exc}"
        raise ConfigError(msg) from exc


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


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a field's annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


@dataclass(frozen=True)
class Faults:
    """How the faults of one kind of file are put.

    Attributes:
        root: the settings of the whole file.
        env_prefix: of the environment variables that override a key.
        is_secret: whether the value at a place must not be shown.
        mask: takes secrets out of a value that is shown.
        secret_sources: endings of the keys beside a secret, such as `_file`, that say where it is.
    """

    root: type[BaseModel]
    env_prefix: str
    is_secret: Callable[[Location], bool]
    mask: Callable[[str], str] = str
    secret_sources: tuple[str, ...] = ()

    def text(self, name: str, exc: ValidationError, lines: Mapping[Location, int]) -> str:
        """All faults; one to a line where there are several."""
        faults = [self._describe(error, lines) for error in exc.errors(include_url=False)]
        head = f"{name}: " + ("" if len(faults) == 1 else f"{len(faults)} faults:\n  ")
        return head + "\n  ".join(faults)

    def place(self, location: Location, lines: Mapping[Location, int]) -> str:
        """Line and key, as `line 12, camera[2].rate_hz` (counted from 1)."""
        name = ""
        for part in location:
            name += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if name else ''}{part}"
        for length in range(len(location), 0, -1):
            if location[:length] in lines:
                return f"line {lines[location[:length]]}, {name}"
        variable = self.env_prefix + "__".join(str(part).upper() for part in location)
        in_environment = variable in os.environ
        return f"{name} (environment variable {variable})" if in_environment else name or "file"

    def _describe(self, error: Any, lines: Mapping[Location, int]) -> str:
        location: Location = tuple(part for part in error["loc"] if part != "__root__")
        place = self.place(location, lines)
        if error["type"] == "extra_forbidden":
            return f"{place}: unknown key{self._hint(location)}"
        if error["type"] == "missing":
            return f"{place}: required, but missing"
        what = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        value = error["input"]
        if error["type"] in {"model_type", "dict_type"} and not isinstance(value, BaseModel):
            what = f"expected a table, [{location[-1] if location else 'section'}]"
            return f"{place}: {what}"
        if isinstance(value, (dict, list, tuple, BaseModel)) or self.is_secret(location):
            return f"{place}: {what}"
        return f"{place} = {self.mask(repr(value))}: expected {what}"

    def _hint(self, location: Location) -> str:
        known = self._keys_at(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        if near:
            return f"; did you mean '{near[0]}'?"
        return f"; known keys: {', '.join(sorted(known))}" if known else ""

    def _keys_at(self, location: Location) -> list[str]:
        model = self.root
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
                keys += [name + ending for ending in self.secret_sources]
        return keys
