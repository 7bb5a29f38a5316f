"""What rules do: one type for each kind of action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloud_app.accounts.people import plain_email
from cloud_app.alert_words import Severity
from cloud_app.alerts.addresses import URL_MAX, check_url
from cloud_app.alerts.webhook import check_secret
from cloud_app.errors import CloudError

TEXT_MAX = 1000
_Value = TypeVar("_Value")
_Result = TypeVar("_Result")
_TOPIC = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,7}$"


def checked(check: Callable[[_Value], _Result], value: _Value) -> _Result:
    """What a check of ours makes of a value, with its error as pydantic takes it."""
    try:
        return check(value)
    except CloudError as exc:
        raise ValueError(str(exc)) from exc


class Part(BaseModel):
    """Part of a rule: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertAction(Part):
    """Open an alert, which closes when the rule's condition is over."""

    kind: Literal["alert"] = "alert"
    severity: Severity = Severity.WARNING
    text: str = Field(
        default="{rule}: {key}",
        min_length=1,
        max_length=TEXT_MAX,
        description="for people; what stands in braces is filled in: a name as {event.bay}, or "
        "an expression in CEL",
    )
    momentary: bool = Field(
        default=False, description="closed as soon as it is opened: what it tells has no end"
    )


class MailAction(Part):
    """Send mail."""

    kind: Literal["mail"] = "mail"
    address: str
    text: str = Field(default="{rule}: {key}", min_length=1, max_length=TEXT_MAX)

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return checked(plain_email, value)


class WebhookAction(Part):
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
        return checked(lambda url: check_url(url, allow_private=True), value)

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: str | None) -> str | None:
        return None if value is None else checked(check_secret, value)


class MqttAction(Part):
    """Publish to the broker, below `PREFIX/rules/TENANT/`."""

    kind: Literal["mqtt"] = "mqtt"
    topic: str = Field(pattern=_TOPIC, max_length=200)
    retain: bool = False


class KafkaAction(Part):
    """Produce to a Kafka topic, whose name begins as `[rules] kafka_prefix` says."""

    kind: Literal["kafka"] = "kafka"
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=200)


class LakeAction(Part):
    """Keep a record in the lake, beside the events."""

    kind: Literal["lake"] = "lake"


class TableAction(Part):
    """Keep it in the database, for `GET /rules/{rule}/outcomes`."""

    kind: Literal["table"] = "table"


Action: TypeAlias = Annotated[
    AlertAction | MailAction | WebhookAction | MqttAction | KafkaAction | LakeAction | TableAction,
    Field(discriminator="kind"),
]
INSIDE = (AlertAction, LakeAction, TableAction)
"""Actions that the database itself takes, in the transaction that fires."""
