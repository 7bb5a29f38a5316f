"""The configuration of `lotsight-cloud`: one TOML file, every key checked.

An environment variable overrides a key of the file: `LOTSIGHT_CLOUD_DATABASE__URL` stands for `url`
of `[database]`, so that a password need not lie in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from cloud_app.config.connections import BrokerConfig, DatabaseConfig
from cloud_app.config.fleet import FleetConfig
from cloud_app.config.inputs import GatesConfig, IngestConfig, SensorsConfig
from cloud_app.config.outputs import KafkaConfig, LakeConfig, RetentionConfig
from cloud_app.config.people import AccountsConfig, MailConfig
from cloud_app.config.provisioning import BrokerFilesConfig, ProvisioningConfig
from cloud_app.config.rules import NotificationsConfig, RulesConfig
from cloud_app.config.section import Section
from cloud_app.config.serving import HttpConfig, MapConfig, ShadowConfig
from telemetry import ConfigError
from telemetry.config_faults import Faults, Location, key_lines, parse_toml, read_text

SAMPLE = Path(__file__).parent.with_name("sample.toml")
_ENV_PREFIX = "LOTSIGHT_CLOUD_"


class CloudConfig(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=_ENV_PREFIX,
        env_nested_delimiter="__",
    )

    broker: BrokerConfig = BrokerConfig()
    database: DatabaseConfig = DatabaseConfig()
    ingest: IngestConfig = IngestConfig()
    sensors: SensorsConfig = SensorsConfig()
    gates: GatesConfig = GatesConfig()
    shadow: ShadowConfig = ShadowConfig()
    fleet: FleetConfig = FleetConfig()
    http: HttpConfig = HttpConfig()
    rules: RulesConfig = RulesConfig()
    map: MapConfig = MapConfig()
    notifications: NotificationsConfig = NotificationsConfig()
    retention: RetentionConfig = RetentionConfig()
    provisioning: ProvisioningConfig = ProvisioningConfig()
    broker_files: BrokerFilesConfig | None = None
    accounts: AccountsConfig = AccountsConfig()
    mail: MailConfig | None = None
    lake: LakeConfig | None = None
    kafka: KafkaConfig | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no .env and no secrets folder."""
        return (env_settings, init_settings)


def load_config(path: Path | None) -> CloudConfig:
    """Read and check a configuration file.

    Args:
        path: the TOML file; None for the defaults alone. Paths in it count from its folder.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or a key is unknown or wrong.
    """
    text = "" if path is None else read_text(path)
    data = {} if path is None else parse_toml(text, path)
    try:
        config = CloudConfig(**data)
    except ValidationError as exc:
        name = str(path) if path else "defaults and environment"
        raise ConfigError(_FAULTS.text(name, exc, key_lines(text))) from exc
    except SettingsError as exc:
        msg = f"invalid environment variable {_ENV_PREFIX}...: {exc}"
        raise ConfigError(msg) from exc
    return config if path is None else _anchored(config, path.parent)


def _is_secret(location: Location) -> bool:
    """A secret must not reach a terminal or a log by way of an error."""
    words = ("password", "secret", "url", "key", "token")
    return any(word in str(part) for part in location for word in words)


_FAULTS = Faults(root=CloudConfig, env_prefix=_ENV_PREFIX, is_secret=_is_secret)


def _anchored(config: CloudConfig, folder: Path) -> CloudConfig:
    """Make the paths of the file relative to the file, not to the working directory."""
    changes = _paths_below(config, folder)
    database = config.database
    url = database.url.get_secret_value()
    if url.startswith("sqlite:"):
        here = SecretStr(f"sqlite:{folder / url.removeprefix('sqlite:')}")
        changes["database"] = _below(database, folder).model_copy(update={"url": here})
    return config.model_copy(update=changes)


_AnySection = TypeVar("_AnySection", bound=Section)


def _below(section: _AnySection, folder: Path) -> _AnySection:
    return section.model_copy(update=_paths_below(section, folder))


def _paths_below(section: BaseModel, folder: Path) -> dict[str, object]:
    return {name: _moved(value, folder) for name, value in section}


def _moved(value: object, folder: Path) -> object:
    match value:
        case Path():
            return folder / value
        case Section():
            return _below(value, folder)
        case tuple():
            return tuple(_moved(each, folder) for each in value)
        case _:
            return value
