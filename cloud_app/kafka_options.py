"""What sink and source tell librdkafka alike."""

from __future__ import annotations

from typing import Any

from cloud_app.config import KafkaConfig
from telemetry import ConfigError


def client_options(config: KafkaConfig) -> dict[str, Any]:
    """Settings of a client: ours, then those of the configuration, then those of its file.

    Raises:
        ConfigError: the file cannot be read, or a line of it is no setting.
    """
    return {
        "bootstrap.servers": config.bootstrap,
        "client.id": "lotsight-cloud",
        **config.options,
        **_of_file(config),
    }


def _of_file(config: KafkaConfig) -> dict[str, str]:
    path = config.options_file
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"kafka.options_file {path}: expected a readable file, but got: {exc}"
        raise ConfigError(msg) from exc
    found = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign:
            # The line is not shown: it may be a password.
            msg = f"kafka.options_file {path}, line {number}: expected key=value"
            raise ConfigError(msg)
        found[name.strip()] = value.strip()
    return found
