"""What the API takes and tells of acts on alerts and of notification rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.alerts.acts import COMMENT_MAX
from cloud_app.alerts.addresses import URL_MAX
from cloud_app.alerts.notifications import AFTER_MAX_S, Notification, TargetKind
from cloud_app.api.account_views import Body, Email, Name, TenantName
from cloud_app.api.parameters import Moment
from cloud_app.storage.times import from_ms
from cloud_app.views import AlertDetail
from telemetry import SiteId

# -- Acts on an alert ---------------------------------------------------------------------------


class Acknowledge(Body):
    """Acknowledge it: no one else needs to be notified."""

    action: Literal["acknowledge"]


class Assign(Body):
    """Assign it to one of `alerts/assignees`, or unassign it."""

    action: Literal["assign"]
    assignee: Email | None


class Silence(Body):
    """Suppress its notifications for a while."""

    action: Literal["silence"]
    until: Moment = Field(description="with time zone; at most 30 days ahead")


class Unsilence(Body):
    """End its silence now."""

    action: Literal["unsilence"]


class Comment(Body):
    """Comment on it, open or closed."""

    action: Literal["comment"]
    text: str = Field(min_length=1, max_length=COMMENT_MAX)


class Close(Body):
    """Close it; while its condition is active, no new alert opens for it."""

    action: Literal["close"]


AlertAct = Annotated[
    Acknowledge | Assign | Silence | Unsilence | Comment | Close, Field(discriminator="action")
]


class StaleAlert(BaseModel):
    """The rejected action's error and the current alert."""

    detail: str
    alert: AlertDetail


class Assignee(BaseModel):
    """A person to whom an alert can be assigned."""

    account: str = Field(description="e-mail address, as expected by `assign`")
    name: str


# -- Notification rules -------------------------------------------------------------------------


class ToMail(Body):
    """An e-mail address."""

    kind: Literal[TargetKind.MAIL]
    address: Email


class ToWebhook(Body):
    """Somebody who takes POST requests, signed as Standard Webhooks says."""

    kind: Literal[TargetKind.WEBHOOK]
    url: str = Field(min_length=1, max_length=URL_MAX)
    secret: str | None = Field(
        default=None,
        max_length=256,
        description="`whsec_` and base64, or any text of 16 characters and more; never told again. "
        "Absent in a change: the one before stays; null: nothing is signed",
    )


class ToWebhookView(BaseModel):
    """A webhook, without its secret."""

    kind: Literal[TargetKind.WEBHOOK]
    url: str
    signed: bool = Field(description="a secret is set")


class ToMailView(BaseModel):
    """An e-mail address."""

    kind: Literal[TargetKind.MAIL]
    address: str


def _each_once(values: list[str]) -> list[str]:
    return sorted(set(values))


class NotificationBody(Body):
    """A notification rule."""

    name: Name
    enabled: bool = True
    to: Annotated[ToMail | ToWebhook, Field(discriminator="kind")]
    severities: list[Severity] = Field(default=[], max_length=10, description="empty: any")
    rules: list[AlertRule] = Field(default=[], max_length=50, description="empty: any")
    sites: Annotated[list[SiteId], AfterValidator(_each_once)] = Field(
        default=[], max_length=500, description="empty: all of the tenant's sites"
    )
    after_s: int = Field(
        default=0,
        ge=0,
        le=AFTER_MAX_S,
        description="0: at once; else once, if the alert is then still open: neither acknowledged "
        "nor closed; a silence puts it off to its end",
    )
    also_closed: bool = Field(default=False, description="also notify when the alert is closed")


class NewNotification(NotificationBody):
    """A notification rule to create."""

    tenant: TenantName


class NotificationView(BaseModel):
    """A notification rule with its delivery status."""

    id: str
    version: int = Field(description="send as If-Match to change the rule")
    tenant: TenantName
    name: str
    enabled: bool
    to: ToMailView | ToWebhookView = Field(discriminator="kind")
    severities: list[Severity]
    rules: list[AlertRule]
    sites: list[SiteId]
    after_s: int
    also_closed: bool
    delivered: datetime | None = Field(description="the last delivery")
    failing_since: datetime | None
    fault: str | None = Field(description="why the last delivery failed; null if it did not")

    @classmethod
    def of(cls, rule: Notification) -> Self:
        """As it is shown."""
        plan = rule.plan
        to: ToMailView | ToWebhookView
        if plan.to.kind is TargetKind.MAIL:
            to = ToMailView(kind=TargetKind.MAIL, address=plan.to.address)
        else:
            to = ToWebhookView(
                kind=TargetKind.WEBHOOK, url=plan.to.address, signed=plan.to.secret is not None
            )
        return cls(
            id=rule.id,
            version=rule.version,
            tenant=str(rule.tenant),
            name=plan.name,
            enabled=plan.enabled,
            to=to,
            severities=sorted(plan.severities),
            rules=sorted(plan.rules),
            sites=sorted(plan.sites),
            after_s=plan.after_s,
            also_closed=plan.also_closed,
            delivered=from_ms(rule.delivered_ms),
            failing_since=from_ms(rule.failed_ms),
            fault=rule.fault,
        )


class StaleNotification(BaseModel):
    """The rejected change's error and the current state."""

    detail: str
    notification: NotificationView


class TestResult(BaseModel):
    """Result of a test."""

    delivered: bool
    detail: str = Field(description="the recipient's answer, or why delivery failed")
    took_ms: int
