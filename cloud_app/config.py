"""The configuration of `lotsight-cloud`: one TOML file, every key checked.

An environment variable overrides a key of the file: `LOTSIGHT_CLOUD_DATABASE__URL` stands for `url`
of `[database]`, so that a password need not lie in the file.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from cloud_app.alert_words import SEVERITIES, AlertRule, Severity
from http_server.hosts import TrustedProxy
from telemetry import ConfigError, Identifier, IncidentKind, SiteId, TelemetryError
from telemetry.aws import DEFAULT_ROOT
from telemetry.topics import check_prefix

SAMPLE = Path(__file__).with_name("sample.toml")

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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsConfig(_Section):
    """Certificates for the broker."""

    ca_file: Path = Field(description="certificate of the authority that signed the broker's")
    cert_file: Path | None = Field(default=None, description="our certificate")
    key_file: Path | None = Field(default=None, description="its private key")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file belong together: expected both or neither"
            raise ValueError(msg)
        return self


class BrokerProtocol(StrEnum):
    """Which MQTT is spoken."""

    MQTT_5 = "5"
    MQTT_311 = "3.1.1"


class BrokerConfig(_Section):
    """The broker and our session on it."""

    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: BrokerProtocol = Field(
        default=BrokerProtocol.MQTT_5,
        description="3.1.1 for small brokers; it has no shared subscriptions, so one consumer only",
    )
    client_id: Identifier = Field(
        default="lotsight-cloud", description="each of several consumers needs its own"
    )
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsConfig | None = None
    allow_plaintext: bool = Field(
        default=False, description="speak without TLS to a broker that is not on loopback"
    )
    prefix: str = Field(default="pk", description="first level of every topic")
    share: Identifier = Field(default="ingest", description="name of the shared subscription")
    session_expiry_s: int = Field(default=3600, ge=1)
    receive_maximum: int = Field(
        default=500, ge=1, le=65535, description="messages that the broker may have in flight to us"
    )
    keep_alive_s: int = Field(default=30, ge=5)
    reconnect_min_s: int = Field(default=1, ge=1)
    reconnect_max_s: int = Field(default=60, ge=1)

    @field_validator("prefix")
    @classmethod
    def _levels(cls, value: str) -> str:
        try:
            return check_prefix(value)
        except TelemetryError as exc:
            raise ValueError(str(exc)) from exc

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"the broker {self.host} is beyond loopback: expected [broker.tls], or "
                "allow_plaintext = true in so many words, but got neither"
            )
            raise ValueError(msg)
        return self


class DatabaseConfig(_Section):
    """Where the tables are."""

    url: SecretStr = Field(
        default=SecretStr("sqlite:cloud.db"),
        description="sqlite:PATH, or postgresql://user:password@host:port/database",
    )
    pool_size: int = Field(default=8, ge=2)
    key_file: Path = Field(
        default=Path("cloud.key"),
        description="keys that seal TOTP and webhook secrets; made when it is first needed",
    )

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        url = self.url.get_secret_value()
        if not url.startswith(("sqlite:", "postgresql://", "postgres://")):
            msg = (
                "url must begin with sqlite: or postgresql://, "
                f"but it begins with {url.split(':', 1)[0]!r}"
            )
            raise ValueError(msg)
        return self


class Registration(StrEnum):
    """How an edge comes to belong to a site."""

    FIRST_USE = "first_use"
    LISTED = "listed"


class IngestConfig(_Section):
    """How the stream is taken in."""

    batch_rows: int = Field(default=500, ge=1, description="messages per transaction, at most")
    batch_wait_s: float = Field(
        default=0.05, ge=0, description="how long the first message of a batch waits for others"
    )
    replay_after_s: PositiveS = Field(
        default=5.0, description="how long a hole in an edge's stream may last before a replay"
    )
    stale_after_s: PositiveS = Field(
        default=180.0, description="an edge not heard of for so long is stale: three health beats"
    )
    registration: Registration = Field(
        default=Registration.FIRST_USE,
        description="first_use: a new edge belongs to the site it first speaks under; "
        "listed: only edges that `lotsight-cloud edge add` made known",
    )
    edge_budget_hz: PositiveS = Field(
        default=1000.0,
        description="messages, or KiB of longer ones, that one edge may send per second; twenty "
        "seconds' worth at once",
    )


class NetworkKind(StrEnum):
    """Who speaks on a network's broker, and how."""

    CHIRPSTACK = "chirpstack"
    THINGS_STACK = "things_stack"
    PLAIN = "plain"
    GATES = "gates"
    """Gates, in our own JSON."""
    PLATE_RECOGNIZER = "plate_recognizer"
    HIKVISION = "hikvision"
    AXIS = "axis"

    @property
    def is_of_gates(self) -> bool:
        """Whether gates speak, not sensors."""
        return self in _TOPICS_OF_GATES


_TOPICS_OF_GATES: Mapping[NetworkKind, tuple[str, ...]] = {
    NetworkKind.GATES: ("gates/#",),
    NetworkKind.PLATE_RECOGNIZER: ("plate-recognizer/#",),
    NetworkKind.HIKVISION: ("hikvision/#",),
    NetworkKind.AXIS: ("axis/#",),
}
_TOPICS: Mapping[NetworkKind, tuple[str, ...]] = {
    NetworkKind.CHIRPSTACK: ("application/+/device/+/event/+",),
    NetworkKind.THINGS_STACK: ("v3/+/devices/+/up", "v3/+/devices/+/join"),
    NetworkKind.PLAIN: ("sensors/#",),
    **_TOPICS_OF_GATES,
}


class NetworkConfig(_Section):
    """A broker on which a network server, or anybody else, publishes what sensors send."""

    name: Identifier
    kind: NetworkKind
    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: BrokerProtocol = BrokerProtocol.MQTT_311
    client_id: Identifier | None = Field(
        default=None, description="lotsight-NAME if absent; each of several consumers its own"
    )
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="the password, and nothing else")
    tls: TlsConfig | None = None
    allow_plaintext: bool = Field(
        default=False, description="speak without TLS to a broker that is not on loopback"
    )
    topics: tuple[Annotated[str, Field(min_length=1, max_length=512)], ...] = Field(
        default=(), description="filters; those of the kind if absent"
    )
    sites: frozenset[SiteId] | None = Field(
        default=None, description="sites whose devices may speak here; all if absent"
    )
    keep_alive_s: int = Field(default=30, ge=5)

    @property
    def filters(self) -> tuple[str, ...]:
        """What is subscribed to."""
        return self.topics or _TOPICS[self.kind]

    def secret(self) -> str | None:
        """The password.

        Raises:
            ConfigError: its file cannot be read.
        """
        if self.password_file is None:
            return None if self.password is None else self.password.get_secret_value()
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            msg = f"sensors.network {self.name}: expected a readable password_file, got: {exc}"
            raise ConfigError(msg) from exc

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.tls is None and not self.allow_plaintext and not is_loopback(self.host):
            msg = (
                f"the broker {self.host} is beyond loopback: expected tls, or allow_plaintext = "
                "true in so many words, but got neither"
            )
            raise ValueError(msg)
        if self.password is not None and self.password_file is not None:
            msg = "expected password or password_file, but got both"
            raise ValueError(msg)
        return self


class SensorsConfig(_Section):
    """Bay sensors and counters that speak to the cloud."""

    silent_after_periods: float = Field(
        default=2.5,
        ge=1,
        le=100,
        description="a device is silent when not heard of for so many of its periods",
    )
    network: tuple[NetworkConfig, ...] = ()

    @field_validator("network")
    @classmethod
    def _names_differ(cls, value: tuple[NetworkConfig, ...]) -> tuple[NetworkConfig, ...]:
        names = [each.name for each in value]
        if len(set(names)) != len(names):
            msg = f"each network needs its own name, but got {names}"
            raise ValueError(msg)
        return value


class GatesConfig(_Section):
    """Gates, and lots that are counted at them."""

    silent_after_s: PositiveS = Field(
        default=43_200.0,
        description="a gate whose period the registry does not know is silent after so long",
    )
    unknown_after_s: float = Field(
        default=3_600.0,
        ge=0,
        description="a lot is no longer counted once a gate of it is silent for so long",
    )
    plate_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="secret under which plates are hashed, so that a vehicle that is read several "
        "times at a barrier counts once; without it nothing of a plate is kept",
    )
    hash_hours: int = Field(
        default=24, ge=1, le=8_760, description="how long a hash of a plate is kept"
    )


class ShadowConfig(_Section):
    """The shadow service, for brokers that have none."""

    enabled: bool = True
    root: str = Field(default=DEFAULT_ROOT, description="first level of shadow topics")


class Scope(StrEnum):
    """The scopes of a token."""

    READ = "read"
    WRITE = "write"
    INTAKE = "intake"
    """Bringing what sensors and gates send."""


class TokenConfig(_Section):
    """One reader of the API. `lotsight-cloud token NAME` makes a token and prints this block."""

    name: Identifier
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the token, hexadecimal")
    scopes: frozenset[Scope] = frozenset({Scope.READ})
    sites: frozenset[SiteId] | None = Field(
        default=None, description="sites it may see; all if absent"
    )


class HttpConfig(_Section):
    """Read API and page."""

    host: str = "127.0.0.1"
    port: Port = 8090
    tokens: tuple[TokenConfig, ...] = ()
    allow_anonymous: bool = Field(default=False, description="serve beyond loopback without tokens")
    require_login: bool = Field(
        default=False, description="serve nobody without account, key or token, even on loopback"
    )
    hosts: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = Field(
        default=(), description="further names by which it is called, as browsers send them"
    )
    trusted_proxies: tuple[TrustedProxy, ...] = Field(
        default=(), description="addresses whose X-Forwarded-For and -Proto are believed"
    )
    max_connections: int = Field(default=512, ge=8, le=100_000)

    @model_validator(mode="after")
    def _open_means_tokens(self) -> Self:
        is_told = self.tokens or self.allow_anonymous or self.require_login
        if not is_loopback(self.host) and not is_told:
            msg = (
                f"host {self.host} is beyond loopback: expected [[http.tokens]], require_login = "
                "true, or allow_anonymous = true in so many words, but got none of them"
            )
            raise ValueError(msg)
        if self.allow_anonymous and self.require_login:
            msg = "allow_anonymous and require_login contradict each other"
            raise ValueError(msg)
        names = [token.name for token in self.tokens]
        if len(set(names)) != len(names):
            msg = f"each token needs its own name, but got {names}"
            raise ValueError(msg)
        return self


class LakeConfig(_Section):
    """Raw events in files by day, for whoever trains or audits."""

    folder: Path
    roll_mb: float = Field(default=64.0, gt=0, description="a part is sealed at this size")
    roll_s: PositiveS = Field(default=3600.0, description="or at this age")


class KafkaConfig(_Section):
    """Every event to a Kafka topic, keyed by edge (extra `kafka`)."""

    bootstrap: str = Field(description="host:port[,host:port...]")
    topic: str = "lotsight.events"
    timeout_s: PositiveS = 30.0


class RulesConfig(_Section):
    """When somebody is told."""

    every_s: PositiveS = 10.0
    edge_offline_s: PositiveS = 600.0
    camera_lost_s: PositiveS = 300.0
    lot_full_at: float = Field(
        default=0.98, gt=0, le=1, description="share of a lot's open bays that are occupied"
    )
    lot_clear_at: float = Field(
        default=0.93, gt=0, le=1, description="a full lot is called so until its share falls below"
    )
    incident_kinds: frozenset[IncidentKind] = Field(
        default=frozenset(IncidentKind), description="kinds of incidents that somebody is told of"
    )
    incident_after_s: float = Field(
        default=300.0,
        ge=0,
        description="so long must a vehicle stand so; overstays count at once",
    )
    count_drift_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="drift of a counted lot that somebody is told of, as a share of its capacity",
    )
    count_drift_least: int = Field(
        default=10, ge=1, description="drift, in vehicles, below which nobody is told"
    )
    sources_differ_s: PositiveS = Field(
        default=1800.0, description="so long may the sources of a bay differ"
    )
    severity: dict[AlertRule, Severity] = Field(
        default_factory=dict, description="how grave a rule's alerts are, if not as usual"
    )
    webhook_url: str | None = Field(default=None, pattern=r"^https?://")
    webhook_secret: SecretStr | None = Field(
        default=None, description="signs each delivery, as Standard Webhooks says"
    )

    def severity_of(self, rule: str) -> Severity:
        """How grave the alerts of a rule are; `warning` of one that nothing is said of."""
        if rule not in set(AlertRule):
            return Severity.WARNING
        known = AlertRule(rule)
        return self.severity.get(known, SEVERITIES[known])

    @model_validator(mode="after")
    def _full_is_above_clear(self) -> Self:
        if self.lot_clear_at > self.lot_full_at:
            msg = f"lot_clear_at must be at most {self.lot_full_at}, but got {self.lot_clear_at}"
            raise ValueError(msg)
        return self


class MapConfig(_Section):
    """The ground below the lots of the operations centre's maps."""

    base_file: Path | None = Field(
        default=None, description="PMTiles file; the city's own data on a plain ground if absent"
    )
    attribution: str | None = Field(
        default=None, max_length=500, description="in place of what the file says itself"
    )


class NotificationsConfig(_Section):
    """What the notification rules of tenants may do."""

    allow_private_urls: bool = Field(
        default=False,
        description="let tenants have webhooks without TLS, and at addresses that the public "
        "internet does not reach: loopback, link-local, private",
    )


class RetentionConfig(_Section):
    """How long history is kept in the tables. The lake keeps what it has."""

    events_days: int = Field(default=400, ge=1)
    series_days: int = Field(
        default=1100, ge=1, description="how full each lot was, by quarters of an hour"
    )
    health_days: int = Field(default=31, ge=1, description="figures of edges, every ten minutes")
    frames_days: int = Field(default=90, ge=1, description="frames of sensors, as they came")


class OperatorConfig(_Section):
    """Sites that one operator runs, until the registry says so."""

    name: Identifier
    council: Identifier = Field(default="main", description="who sees the operator's sites too")
    sites: frozenset[SiteId] | None = Field(default=None, description="all if absent")


class OidcConfig(_Section):
    """Sign-in through an OpenID provider; only people who were invited may come in."""

    issuer: str = Field(pattern=r"^https?://", description="as the provider writes it")
    client_id: str
    client_secret: SecretStr | None = None
    label: str = Field(default="Single sign-on", description="of the button")
    timeout_s: PositiveS = 10.0

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            msg = "expected https://, since whoever answers for the issuer decides who comes in"
            raise ValueError(msg)
        return value


class AccountsConfig(_Section):
    """People who log in."""

    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#]+/?$",
        description="as people type it; for links in mail, the provider's answer, secure cookies",
    )
    session_idle_s: PositiveS = Field(default=1800.0, description="a session unused ends")
    session_max_s: PositiveS = Field(default=43200.0, description="and any session ends")
    invitation_s: PositiveS = Field(default=7 * 86400.0, description="how long one may accept")
    reset_s: PositiveS = Field(default=3600.0, description="how long a link for it works")
    operators: tuple[OperatorConfig, ...] = (OperatorConfig(name="main"),)
    oidc: OidcConfig | None = None

    @field_validator("operators")
    @classmethod
    def _names_differ(cls, value: tuple[OperatorConfig, ...]) -> tuple[OperatorConfig, ...]:
        names = [each.name for each in value]
        if len(set(names)) != len(names):
            msg = f"each operator needs its own name, but got {names}"
            raise ValueError(msg)
        return value


class MailSecurity(StrEnum):
    """How the way to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailConfig(_Section):
    """The SMTP server for invitations, password resets and alerts."""

    host: str
    port: Port = 587
    security: MailSecurity = MailSecurity.STARTTLS
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="address that mail comes from")
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = Field(default=None, description="if the server's is not a public one")
    timeout_s: PositiveS = 20.0

    @model_validator(mode="after")
    def _plaintext_stays_home(self) -> Self:
        if self.security is MailSecurity.NONE and not is_loopback(self.host):
            msg = "security = 'none' is for loopback alone: expected starttls or tls"
            raise ValueError(msg)
        if (self.username is None) != (self.password is None):
            msg = "username and password belong together: expected both or neither"
            raise ValueError(msg)
        return self


class CloudConfig(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="LOTSIGHT_CLOUD_",
        env_nested_delimiter="__",
    )

    broker: BrokerConfig = BrokerConfig()
    database: DatabaseConfig = DatabaseConfig()
    ingest: IngestConfig = IngestConfig()
    sensors: SensorsConfig = SensorsConfig()
    gates: GatesConfig = GatesConfig()
    shadow: ShadowConfig = ShadowConfig()
    http: HttpConfig = HttpConfig()
    rules: RulesConfig = RulesConfig()
    map: MapConfig = MapConfig()
    notifications: NotificationsConfig = NotificationsConfig()
    retention: RetentionConfig = RetentionConfig()
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
    name = str(path) if path else "defaults and environment"
    try:
        data = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{name}: expected a readable TOML file, but got: {exc}"
        raise ConfigError(msg) from exc
    except tomllib.TOMLDecodeError as exc:
        msg = f"{name}: expected TOML, but got: {exc}"
        raise ConfigError(msg) from exc
    try:
        config = CloudConfig(**data)
    except ValidationError as exc:
        raise ConfigError(_explained(name, exc)) from exc
    return config if path is None else _anchored(config, path.parent)


def _explained(name: str, exc: ValidationError) -> str:
    lines = []
    for error in exc.errors(include_url=False):
        place = ".".join(str(part) for part in error["loc"]) or "file"
        # A secret must not reach a terminal or a log by way of an error.
        secret = any(word in place for word in ("password", "secret", "url"))
        got = "" if secret or isinstance(error["input"], dict) else f", but got {error['input']!r}"
        lines.append(f"{name}: {place}: {error['msg']}{got}")
    return "\n".join(lines)


def _anchored(config: CloudConfig, folder: Path) -> CloudConfig:
    """Make the paths of the file relative to the file, not to whoever starts the service."""
    changes: dict[str, _Section] = {}
    if config.map.base_file is not None:
        changes["map"] = _beside(config.map, folder, "base_file")
    if config.broker.tls is not None:
        tls = _beside(config.broker.tls, folder, "ca_file", "cert_file", "key_file")
        changes["broker"] = config.broker.model_copy(update={"tls": tls})
    networks = [_beside(each, folder, "password_file") for each in config.sensors.network]
    networks = [
        each
        if each.tls is None
        else each.model_copy(
            update={"tls": _beside(each.tls, folder, "ca_file", "cert_file", "key_file")}
        )
        for each in networks
    ]
    changes["sensors"] = config.sensors.model_copy(update={"network": tuple(networks)})
    if config.lake is not None:
        changes["lake"] = config.lake.model_copy(update={"folder": folder / config.lake.folder})
    url = config.database.url.get_secret_value()
    database: dict[str, object] = {"key_file": folder / config.database.key_file}
    if url.startswith("sqlite:"):
        database["url"] = SecretStr(f"sqlite:{folder / url.removeprefix('sqlite:')}")
    changes["database"] = config.database.model_copy(update=database)
    return config.model_copy(update=changes)


_AnySection = TypeVar("_AnySection", bound=_Section)


def _beside(section: _AnySection, folder: Path, *names: str) -> _AnySection:
    files = {name: folder / path for name in names if (path := getattr(section, name)) is not None}
    return section.model_copy(update=files)
