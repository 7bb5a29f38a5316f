"""The annotated sample and the reference table, both written from the settings themselves.

`edge_app/sample.toml` and the table in `docs/configuration.md` are committed copies; a test holds
them against what is rendered here, so no setting is ever undocumented.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from edge_app.config.settings import LotsightConfig
from telemetry.config_faults import models_in

_HEAD = """\
# lotsight: annotated sample of the configuration file. It shows every setting; a value that is not
# commented out is the default, except site, edge, host, id, source and calibration_file, which
# have none. Settings that are commented out are unset by default.
#
# Check a file:   lotsight check-config FILE
# Run:            lotsight run --config FILE
#
# Relative paths are relative to this file. Secrets stand in files (password_file) or in the
# environment (password_env = "NAME"); written here they would be in every backup of it. Each
# setting outside [[camera]] can be overridden by LOTSIGHT_SECTION__KEY, such as
# LOTSIGHT_MQTT__HOST.
"""
_WIDTH = 96
# What the sample shows where there is no default.
_EXAMPLES: dict[str, Any] = {
    "edge.site": "north-bank",
    "edge.edge": "box-1",
    "harvest.upload_ca_file": "store-ca.crt",
    "http.cert_file": "http.crt",
    "http.key_file": "http.key",
    "model.name": "yolo11n-vehicles",
    "model.manifest_file": "models/own.json",
    "model.layout": "yolov5",
    "outbox.max_pages": 65_536,
    "mqtt.host": "localhost",
    "mqtt.username": "box-1",
    "mqtt.tls.ca_file": "ca.crt",
    "mqtt.tls.cert_file": "box-1.crt",
    "mqtt.tls.key_file": "box-1.key",
    "rollout.repository": "https://updates.example.com/lotsight",
    "rollout.root_file": "root.json",
    "camera.id": "north",
    "camera.source": "rtsp://192.0.2.10/stream1",
    "camera.calibration_file": "/var/lib/lotsight/north.json",
    "camera.username": "viewer",
    "camera.tls_fingerprint": ":".join(["AB", "CD", "EF", "01"] * 8),
    "camera.tls_ca_file": "cameras-ca.crt",
    "local_broker.username": "box-1",
    "local_broker.tls.ca_file": "local-ca.crt",
    "local_broker.tls.cert_file": "local.crt",
    "local_broker.tls.key_file": "local.key",
    "sensor_network.kind": "chirpstack",
    "sensor_network.topic": "application/+/device/+/event/+",
    "sensor.id": "70b3d5e75e003b1a",
    "sensor.bay": "B-07",
    "sensor.profile": "nwave-nps405",
    "sensor.firmware": "2.4.9",
    "sensor.device": "bay-sensor-7",
    "sensor.threshold_mm": 1_500.0,
    "sensor.lot": "north",
    "sensor.level": "1",
    "sensor.zone": "short-stay",
    "vehicle_gate.id": "main-entrance",
    "vehicle_gate.lot": "garage",
    "vehicle_gate.level": "1",
    "vehicle_gate.level_from": "0",
    "vehicle_gate.topic": "gates/main-entrance",
    "vehicle_gate.modulus": 65_536,
    "vehicle_gate.period_s": 3_600.0,
    "counted_lot.id": "garage",
    "counted_lot.capacity": 220,
    "counted_lot.level": "1",
    "counted_lot.zero_at": "03:30",
    "sign.id": "entrance-sign",
    "sign.lot": "north",
    "sign.level": "1",
    "sign.zone": "short-stay",
    "sign.mqtt.topic": "signs/entrance",
    "sign.http.url": "http://192.0.2.20/api/display",
    "alarm_input.id": "fire",
    "alarm_input.mqtt.topic": "alarms/fire",
    "alarm_input.mqtt.key": "contact",
    "barrier.id": "exit-barrier",
    "barrier.inputs": ["fire"],
    "barrier.mqtt.topic": "relays/exit/set",
    "barrier.http.open_url": "http://192.0.2.22/relay/0?turn=on",
    "barrier.http.close_url": "http://192.0.2.22/relay/0?turn=off",
}
# Of every device of that kind.
_EXAMPLES |= {
    f"{section}.{key}": value
    for section in ("sign.http", "barrier.http")
    for key, value in {"username": "box", "ca_file": "devices-ca.crt"}.items()
}
_EXAMPLES |= {
    f"{section}.{key}": value
    for section in ("sign.modbus", "alarm_input.modbus", "barrier.modbus")
    for key, value in {"host": "192.0.2.21", "address": 0}.items()
}
# Filled from [edge]; see LotsightConfig.
_HIDDEN = frozenset({"mqtt.site", "mqtt.edge"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as the documents show it.

    Attributes:
        section: dotted path of its table.
        key: as written in the file; `password_file` for a secret.
        value: TOML text of the default, or of an example.
        kind: `default`, `required` or `unset`.
        text: what it is for.
        optional_section: whether its whole table is unset by default.
    """

    section: str
    key: str
    value: str
    kind: str
    text: str
    optional_section: bool


def settings() -> Iterator[Setting]:
    """Every setting, in the order of the file."""
    for name, field in LotsightConfig.model_fields.items():
        for model in models_in(field.annotation):
            yield from _of_section(name, model, optional=_is_optional(name, field))


def _is_optional(name: str, field: FieldInfo) -> bool:
    """Whether a table may be left out; of a typical box the sample shows link and camera."""
    return field.default in (None, ()) and name not in {"mqtt", "camera"}


def render_sample() -> str:
    """Text of `edge_app/sample.toml`."""
    lines = [_HEAD.rstrip()]
    section = ""
    for setting in settings():
        comment = "# " if setting.optional_section else ""
        if setting.section != section:
            section = setting.section
            lines += ["", comment + _header(section)]
        lines += [f"# {line}" for line in textwrap.wrap(setting.text, _WIDTH)]
        if setting.kind == "unset":
            comment = "# "
        lines.append(f"{comment}{setting.key} = {setting.value}")
    return "\n".join(lines) + "\n"


def render_reference() -> str:
    """The Markdown tables of `docs/configuration.md`."""
    lines: list[str] = []
    section = ""
    for setting in settings():
        if setting.section != section:
            section = setting.section
            lines += [
                "",
                f"### `{_header(section)}`",
                "",
                "| key | default | meaning |",
                "|---|---|---|",
            ]
        default = f"`{setting.value}`" if setting.kind == "default" else setting.kind
        lines.append(f"| `{setting.key}` | {default} | {setting.text} |")
    return "\n".join(lines).strip() + "\n"


def _header(section: str) -> str:
    field = LotsightConfig.model_fields.get(section)
    is_list = field is not None and get_origin(field.annotation) is tuple
    return f"[[{section}]]" if is_list else f"[{section}]"


def _of_section(name: str, model: type[BaseModel], *, optional: bool) -> Iterator[Setting]:
    nested: list[tuple[str, FieldInfo]] = []
    for key, field in model.model_fields.items():
        path = f"{name}.{key}"
        if path in _HIDDEN:
            continue
        if models_in(field.annotation):
            nested.append((path, field))
        else:
            yield _setting(name, key, field, optional=optional)
    for path, field in nested:
        for inner in models_in(field.annotation):
            yield from _of_section(path, inner, optional=optional or field.default is None)


def _setting(section: str, key: str, field: FieldInfo, *, optional: bool) -> Setting:
    path = f"{section}.{key}"
    text = field.description or field.title or key
    if SecretStr in (field.annotation, *get_args(field.annotation)):
        return Setting(section, f"{key}_file", f'"{section}-{key}.txt"', "unset", text, optional)
    if field.is_required():
        return Setting(section, key, _toml(_EXAMPLES[path]), "required", text, optional)
    default = field.get_default(call_default_factory=True)
    if default is None:
        return Setting(section, key, _toml(_EXAMPLES[path]), "unset", text, optional)
    return Setting(section, key, _toml(default), "default", text, optional)


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, Path)):
        return json.dumps(str(value))
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f"{value:_}"
