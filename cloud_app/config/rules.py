"""When somebody is notified, and how."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from cloud_app.alert_words import SEVERITIES, AlertRule, Severity
from cloud_app.config.section import PositiveS, Section
from telemetry import IncidentKind


class RulesConfig(Section):
    """When somebody is notified."""

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
        default=frozenset(IncidentKind), description="kinds of incidents that open an alert"
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
        description="drift of a counted lot that opens an alert, as a share of its capacity",
    )
    count_drift_least: int = Field(
        default=10, ge=1, description="drift, in vehicles, below which no alert opens"
    )
    sources_differ_s: PositiveS = Field(
        default=1800.0, description="so long may the sources of a bay differ"
    )
    events_max_age_s: PositiveS = Field(
        default=86_400.0,
        description="rules of people's own do not act on an event that is older when it comes",
    )
    mqtt_topics: bool = Field(
        default=True, description="let rules publish, below PREFIX/rules/TENANT/"
    )
    kafka_prefix: str = Field(
        default="lotsight.rules.",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="topics that rules produce to begin so",
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


class NotificationsConfig(Section):
    """What the notification rules of tenants may do."""

    allow_private_urls: bool = Field(
        default=False,
        description="let tenants have webhooks without TLS, and at addresses that the public "
        "internet does not reach: loopback, link-local, private",
    )
