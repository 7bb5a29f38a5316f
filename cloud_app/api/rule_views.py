"""What the API takes and tells of rules."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from cloud_app.alert_words import AlertRule, Severity
from cloud_app.api.account_views import Body, TenantName
from cloud_app.rules.actions import (
    AlertAction,
    KafkaAction,
    LakeAction,
    MailAction,
    MqttAction,
    TableAction,
)
from cloud_app.rules.catalogue import BuiltIn
from cloud_app.rules.dry_run import DAYS_MAX, Basis, Trial
from cloud_app.rules.spec import RuleFacts, RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.rules.variables import VARIABLES, VariableType
from cloud_app.rules.words import KEYS, WINDOWS, Change, Key, Trigger, WindowKind
from cloud_app.storage.database import Row
from cloud_app.storage.times import from_ms


class WebhookShown(BaseModel):
    """A webhook, without its secret."""

    kind: Literal["webhook"]
    url: str
    signed: bool = Field(description="there is a secret")


class RuleShown(RuleFacts):
    """What a rule says and does, without secrets."""

    actions: tuple[
        Annotated[
            AlertAction
            | MailAction
            | WebhookShown
            | MqttAction
            | KafkaAction
            | LakeAction
            | TableAction,
            Field(discriminator="kind"),
        ],
        ...,
    ]

    @classmethod
    def of(cls, spec: RuleSpec) -> Self:
        """As it is shown."""
        facts = spec.model_dump(mode="json")
        for action in facts["actions"]:
            if action["kind"] == "webhook":
                action["signed"] = action.pop("secret") is not None
        return cls.model_validate(facts)


class NewRule(Body):
    """A rule to make."""

    tenant: TenantName
    rule: RuleSpec


class RuleView(BaseModel):
    """A rule, and how it is."""

    id: str
    version: int = Field(description="name it in If-Match to change the rule")
    tenant: TenantName
    rule: RuleShown
    quarantined: datetime | None = Field(description="since when it is stopped; null: it is not")
    fault: str | None = Field(description="why it was stopped")
    fired: int = Field(description="how often it did")
    last_fired: datetime | None
    keys: int = Field(description="bays, lots, ... where it is on or waits")
    waiting: int = Field(description="messages that wait to be sent")
    dead: int = Field(description="messages that were given up")
    delivery_fault: str | None = Field(description="why a message was not taken")

    @classmethod
    def of(cls, known: Rule, letters: tuple[int, int, str | None], keys: int) -> Self:
        """As it is shown."""
        return cls(
            id=known.id,
            version=known.version,
            tenant=str(known.tenant),
            rule=RuleShown.of(known.spec),
            quarantined=from_ms(known.quarantined_ms),
            fault=known.fault,
            fired=known.fired,
            last_fired=from_ms(known.fired_ms),
            keys=keys,
            waiting=letters[0],
            dead=letters[1],
            delivery_fault=letters[2],
        )


class StaleRule(BaseModel):
    """A change that came too late, and what is so now."""

    detail: str
    rule: RuleView


class BuiltInRule(BaseModel):
    """A rule of the service itself."""

    rule: AlertRule
    severity: Severity
    limits: dict[str, float] = Field(description="settings of the configuration that it goes by")
    shipped: RuleShown | None = Field(
        description="what it says; null: it tells of rules that fail, and is no rule itself"
    )
    versions: list[str] = Field(description="ids of the caller's rules that replace it")
    fired: int = Field(description="alerts of it that are kept")
    open: int = Field(description="of these not closed")
    last_fired: datetime | None

    @classmethod
    def of(cls, known: BuiltIn) -> Self:
        """As it is shown."""
        return cls(
            rule=known.rule,
            severity=known.severity,
            limits=dict(known.limits),
            shipped=None if known.spec is None else RuleShown.of(known.spec),
            versions=list(known.versions),
            fired=known.opened,
            open=known.is_open,
            last_fired=from_ms(known.opened_ms),
        )


class VariableView(BaseModel):
    """A name for conditions and texts."""

    name: str
    type: VariableType
    help: str


class TriggerView(BaseModel):
    """What rules with a trigger may name, and how they may wait."""

    trigger: Trigger
    keys: list[Key] = Field(description="the usual one first")
    windows: list[WindowKind]
    variables: list[VariableView]

    @classmethod
    def every(cls) -> list[Self]:
        """All triggers."""
        return [
            cls(
                trigger=each,
                keys=list(KEYS[each]),
                windows=list(WINDOWS[each]),
                variables=[
                    VariableView(name=known.name, type=known.type, help=known.help)
                    for known in VARIABLES[each]
                ],
            )
            for each in Trigger
        ]


class ConditionFault(BaseModel):
    """What is wrong with a condition."""

    line: int = Field(description="from 1")
    column: int = Field(description="from 1")
    message: str


class ConditionCheck(BaseModel):
    """Whether a condition can be used."""

    faults: list[ConditionFault] = Field(description="none: it can")


class DryRun(NewRule):
    """A rule to try on the past."""

    days: int = Field(default=7, ge=1, le=DAYS_MAX, description="up to now")


class DryRunExample(BaseModel):
    """One time that a rule would have fired."""

    at: datetime
    site: str
    key: str
    text: str


class DryRunResult(BaseModel):
    """What a rule would have done."""

    basis: Basis = Field(description="what it was tried on")
    start: datetime = Field(description="later than asked where there is too much to look at")
    end: datetime
    looked_at: int = Field(description="events, quarters of an hour, figures or alerts")
    fired: int
    keys: int = Field(description="at how many bays, lots, ...")
    examples: list[DryRunExample] = Field(description="the last ones, the newest first")
    fault: str | None = Field(description="why it would have been stopped; null: it would not")
    whole: bool = Field(description="all that was asked was looked at")

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """As it is told."""
        return cls(
            basis=trial.basis,
            start=from_ms(trial.start_ms),
            end=from_ms(trial.end_ms),
            looked_at=trial.looked_at,
            fired=trial.fired,
            keys=trial.keys,
            examples=[
                DryRunExample(at=from_ms(each.at_ms), site=each.site, key=each.key, text=each.text)
                for each in trial.examples
            ],
            fault=trial.fault,
            whole=trial.is_whole,
        )


class DeadLetter(BaseModel):
    """A message that was given up."""

    id: str = Field(description="the same at each delivery")
    action: str
    made: datetime
    given_up: datetime
    tries: int
    fault: str | None
    body: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> Self:
        """As it is shown."""
        return cls(
            id=row.id,
            action=row.kind,
            made=from_ms(row.made_ms),
            given_up=from_ms(row.dead_ms),
            tries=row.tries,
            fault=row.fault,
            body=json.loads(row.body),
        )


class Letters(BaseModel):
    """How many messages were concerned."""

    letters: int


class OutcomeView(BaseModel):
    """Something that a rule kept in the table."""

    id: str
    at: datetime
    site: str
    key: str
    change: Change
    body: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> Self:
        """As it is shown."""
        return cls(
            id=row.id,
            at=from_ms(row.at_ms),
            site=row.site,
            key=row.key,
            change=row.change,
            body=json.loads(row.body),
        )
