"""What a rule says: one type for requests, files and the database, which checks itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from cloud_app.accounts.people import plain_email, plain_name
from cloud_app.alert_words import AlertRule, Severity
from cloud_app.alerts.addresses import URL_MAX, check_url
from cloud_app.alerts.webhook import check_secret
from cloud_app.errors import CloudError
from cloud_app.rules.conditions import LENGTH_MAX, Condition, condition
from cloud_app.rules.variables import names
from cloud_app.rules.windows import COUNT_MAX, SPAN_MAX_S, Window
from cloud_app.rules.words import KEYS, WINDOWS, EventKind, Key, Trigger, WindowKind
from telemetry import SiteId

OWN = "rule:"
"""Before the id of a rule: what its alerts have as their rule."""
TEXT_MAX = 500
_ACTIONS_MAX = 8
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Beside the variables; `site` and `key` say where, `time` when.
_ALWAYS = ("rule", "site", "key", "time")
_Value = TypeVar("_Value")
_Result = TypeVar("_Result")
_TOPIC = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,7}$"


def _checked(check: Callable[[_Value], _Result], value: _Value) -> _Result:
    """What a check of ours makes of a value, with its error as pydantic takes it."""
    try:
        return check(value)
    except CloudError as exc:
        raise ValueError(str(exc)) from exc


class _Part(BaseModel):
    """Part of a rule: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertAction(_Part):
    """Open an alert, which closes when the rule's condition is over."""

    kind: Literal["alert"] = "alert"
    severity: Severity = Severity.WARNING
    text: str = Field(
        default="{rule}: {key}",
        min_length=1,
        max_length=TEXT_MAX,
        description="for people; {event.bay} and other names are filled in",
    )


class MailAction(_Part):
    """Send mail."""

    kind: Literal["mail"] = "mail"
    address: str
    text: str = Field(default="{rule}: {key}", min_length=1, max_length=TEXT_MAX)

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return _checked(plain_email, value)


class WebhookAction(_Part):
    """POST to somebody, signed as Standard Webhooks says."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(min_length=1, max_length=URL_MAX)
    secret: str | None = Field(
        default=None,
        repr=False,
        max_length=256,
        description="`whsec_` and base64, or any text of 16 characters and more; never told again. "
        "Absent in a change: the one before stays; null: nothing is signed",
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        # Whether it may be a private address is up to the configuration.
        return _checked(lambda url: check_url(url, allow_private=True), value)

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: str | None) -> str | None:
        return None if value is None else _checked(check_secret, value)


class MqttAction(_Part):
    """Publish to the broker, below `PREFIX/rules/TENANT/`."""

    kind: Literal["mqtt"] = "mqtt"
    topic: str = Field(pattern=_TOPIC, max_length=200)
    retain: bool = False


class KafkaAction(_Part):
    """Produce to a Kafka topic, whose name begins as `[rules] kafka_prefix` says."""

    kind: Literal["kafka"] = "kafka"
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=200)


class LakeAction(_Part):
    """Keep a record in the lake, beside the events."""

    kind: Literal["lake"] = "lake"


class TableAction(_Part):
    """Keep it in the database, for `GET /rules/{rule}/outcomes`."""

    kind: Literal["table"] = "table"


Action: TypeAlias = Annotated[
    AlertAction | MailAction | WebhookAction | MqttAction | KafkaAction | LakeAction | TableAction,
    Field(discriminator="kind"),
]
INSIDE = (AlertAction, LakeAction, TableAction)
"""Actions that the database itself takes, in the transaction that fires."""


class WindowSpec(_Part):
    """How a rule waits before it fires."""

    kind: WindowKind = WindowKind.NONE
    span_s: int = Field(default=0, ge=0, le=SPAN_MAX_S)
    count: int = Field(default=1, ge=1, le=COUNT_MAX, description="`rate`: how often")

    @property
    def window(self) -> Window:
        """As it is worked with."""
        return Window(self.kind, self.span_s, self.count)

    @model_validator(mode="after")
    def _is_window(self) -> Self:
        _checked(lambda _: self.window, None)
        return self


class RuleFacts(_Part):
    """What a rule says, besides what it does."""

    name: str = Field(min_length=1, max_length=120)
    enabled: bool = True
    trigger: Trigger = Trigger.EVENT
    kinds: frozenset[EventKind] = Field(
        default=frozenset(), description="of events; any if empty; of `event` alone"
    )
    alerts: frozenset[str] = Field(
        default=frozenset(),
        max_length=50,
        description="of `alert` alone: which rules' alerts; if empty those of the service itself. "
        "rule:ID is another rule of the same tenant",
    )
    sites: frozenset[SiteId] = Field(
        default=frozenset(), max_length=500, description="all of the tenant's if empty"
    )
    when: str = Field(max_length=LENGTH_MAX, description="a condition in CEL")
    window: WindowSpec = WindowSpec()
    key: Key | None = Field(default=None, description="what is kept apart; null: as is usual")
    pause_s: int = Field(
        default=0,
        ge=0,
        le=SPAN_MAX_S,
        description="after it fired at one key, so long no messages for the same key",
    )
    tell_end: bool = Field(default=False, description="also send messages when it is over")

    @field_serializer("kinds", "alerts", "sites")
    def _in_order(self, values: frozenset[str]) -> list[str]:
        return sorted(values)


class RuleSpec(RuleFacts):
    """What a rule says and does."""

    actions: tuple[Action, ...] = Field(min_length=1, max_length=_ACTIONS_MAX)

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        return _checked(plain_name, value)

    @field_validator("alerts")
    @classmethod
    def _are_alerts(cls, value: frozenset[str]) -> frozenset[str]:
        known = set(AlertRule)
        for each in value:
            if each not in known and not re.fullmatch(rf"{OWN}[0-9a-f]{{16}}", each):
                msg = f"expected the rule of an alert or {OWN}ID, but got {each[:60]!r}"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fits_its_trigger(self) -> Self:
        trigger = self.trigger
        if self.kinds and trigger is not Trigger.EVENT:
            msg = f"kinds are for rules about events, but this is about {trigger.value}"
            raise ValueError(msg)
        if self.alerts and trigger is not Trigger.ALERT:
            msg = f"alerts are for rules about alerts, but this is about {trigger.value}"
            raise ValueError(msg)
        if self.key is not None and self.key not in KEYS[trigger]:
            raise ValueError(_one_of("key", KEYS[trigger], self.key))
        if self.window.kind not in WINDOWS[trigger]:
            raise ValueError(_one_of("window.kind", WINDOWS[trigger], self.window.kind))
        self._check_texts()
        _checked(lambda when: condition(when, trigger), self.when)
        return self

    def _check_texts(self) -> None:
        known = {*names(self.trigger), *_ALWAYS}
        for action in self.actions:
            if isinstance(action, AlertAction | MailAction):
                for name in _PLACEHOLDER.findall(action.text):
                    if name not in known:
                        msg = (
                            f"the text of the {action.kind} names {{{name[:60]}}}, which a rule "
                            f"about {self.trigger.value} does not have"
                        )
                        raise ValueError(msg)

    @property
    def condition(self) -> Condition:
        """When it is met."""
        return condition(self.when, self.trigger)

    @property
    def by(self) -> Key:
        """What it keeps apart."""
        return self.key or KEYS[self.trigger][0]

    @property
    def is_state(self) -> bool:
        """Whether what it looks at lasts."""
        return self.trigger in {Trigger.LOT, Trigger.EDGE}

    def facts(self) -> dict[str, Any]:
        """For the audit log: without secrets and addresses of webhooks."""
        told = self.model_dump(mode="json")
        told["actions"] = [
            {name: value for name, value in each.items() if name not in {"secret", "url"}}
            for each in told["actions"]
        ]
        return told


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its names replaced by values."""
    return _PLACEHOLDER.sub(lambda found: _shown(values.get(found[1], "")), text)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "-" if value != value else f"{value:.4g}"  # noqa: PLR0124 - NaN
    return str(value)


def _one_of(what: str, fitting: Collection[Any], got: object) -> str:
    return f"{what} must be {' or '.join(map(str, fitting))} for this trigger, but got {got}"
