"""Which settings may be changed from the cloud: as a JSON Schema, as values, as changes of a file.

Each section names its own beside its fields: `REMOTE` is safe to change, `GUARDED` could cut the
box off. Whatever is not named cannot be changed. Cameras are named by their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, JsonValue

from edge_app.config.remote import RemoteLevel
from edge_app.config.settings import LotsightConfig
from telemetry import ConfigError
from telemetry.config_faults import models_in
from telemetry.shadow import JsonObject, same_json

_KEPT = frozenset(
    {
        "type", "enum", "title", "description", "default",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    }
)  # fmt: skip
_SCHEMA_BYTES = 6_000
"""Of 8 KB that a shadow may have; beyond it the descriptions stay away."""
_CAMERA = "camera"


def schema_of(config: LotsightConfig) -> JsonObject:
    """The JSON Schema of all that may be changed; empty if nothing may."""
    sections: JsonObject = {}
    for name, model in _sections(config):
        properties = _properties(model, config.remote.settings)
        if name == _CAMERA:
            if properties and config.camera:
                sections[name] = {"type": "object", "additionalProperties": _object(properties)}
        elif properties:
            title = LotsightConfig.model_fields[name].title or name
            sections[name] = {"title": title, **_object(properties)}
    if not sections:
        return {}
    schema = _object(sections)
    if len(json.dumps(schema)) > _SCHEMA_BYTES:
        schema = _object({name: _bare(each) for name, each in sections.items()})
    return schema


def values_of(config: LotsightConfig) -> JsonObject:
    """The settings that may be changed, as they are."""
    found: JsonObject = {}
    for name, model in _sections(config):
        names = _names(model, config.remote.settings)
        if name == _CAMERA:
            cameras: JsonObject = {each.id: _values(each, names) for each in config.camera}
            if names and cameras:
                found[name] = cameras
        elif names:
            found[name] = _values(getattr(config, name), names)
    return found


def change_raw(raw: dict[str, Any], changes: Mapping[str, JsonValue]) -> None:
    """Write changed settings into what was read from a file.

    Raises:
        ConfigError: there is no such section or camera.
    """
    for name, section in changes.items():
        if not isinstance(section, dict):
            msg = f"expected an object of settings as {name}, but got {section!r}"
            raise ConfigError(msg)
        if name == _CAMERA:
            cameras = {each.get("id"): each for each in raw.get(_CAMERA, ())}
            for camera, settings in section.items():
                if camera not in cameras or not isinstance(settings, dict):
                    msg = f"expected one of the cameras {', '.join(cameras)}, but got {camera!r}"
                    raise ConfigError(msg)
                cameras[camera].update(settings)
        else:
            raw.setdefault(name, {}).update(section)


def check_allowed(config: LotsightConfig, changes: Mapping[str, JsonValue]) -> None:
    """See that all changes are of settings that may be changed.

    Raises:
        ConfigError: one is not.
    """
    known = _paths(values_of(config))
    for path in _paths(changes):
        if path not in known:
            msg = f"{path}: not a setting that the cloud may change ([remote] settings)"
            raise ConfigError(msg)


def check_taken(config: LotsightConfig, changes: Mapping[str, JsonValue]) -> None:
    """See that changed settings are what they were changed to.

    Raises:
        ConfigError: one is not; the environment comes before the file.
    """
    now = _paths(values_of(config))
    for path, wanted in _paths(changes).items():
        if not _equal(now.get(path), wanted):
            msg = f"{path}: it is {now.get(path)!r} by the box's environment, not {wanted!r}"
            raise ConfigError(msg)


def _equal(left: JsonValue, right: JsonValue) -> bool:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    is_bool = isinstance(left, bool) or isinstance(right, bool)
    return left == right if numbers and not is_bool else same_json(left, right)


def _sections(config: LotsightConfig) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in LotsightConfig.model_fields.items():
        models = models_in(field.annotation)
        if models and getattr(config, name) is not None:
            yield name, models[0]


def _names(model: type[BaseModel], level: RemoteLevel) -> tuple[str, ...]:
    safe: frozenset[str] = getattr(model, "REMOTE", frozenset())
    guarded: frozenset[str] = getattr(model, "GUARDED", frozenset())
    allowed = {
        RemoteLevel.NONE: frozenset[str](),
        RemoteLevel.SAFE: safe,
        RemoteLevel.GUARDED: safe | guarded,
    }[level]
    return tuple(name for name in model.model_fields if name in allowed)


def _properties(model: type[BaseModel], level: RemoteLevel) -> JsonObject:
    names = _names(model, level)
    if not names:
        return {}
    whole = model.model_json_schema()
    defined = whole.get("$defs", {})
    found: JsonObject = {}
    for name in names:
        facts = dict(whole["properties"][name])
        reference = facts.pop("$ref", "")
        facts = defined.get(reference.rpartition("/")[2], {}) | facts
        found[name] = {key: value for key, value in facts.items() if key in _KEPT}
    return found


def _object(properties: JsonObject) -> JsonObject:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _bare(schema: JsonValue) -> JsonValue:
    if not isinstance(schema, dict):
        return schema
    return {key: _bare(value) for key, value in schema.items() if key != "description"}


def _values(section: BaseModel, names: tuple[str, ...]) -> JsonObject:
    return section.model_dump(mode="json", include=set(names))


def _paths(values: Mapping[str, JsonValue], head: str = "") -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in values.items():
        path = f"{head}.{key}" if head else key
        if isinstance(value, dict):
            found |= _paths(value, path)
        else:
            found[path] = value
    return found
