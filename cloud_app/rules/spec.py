"""What a rule says: one type for requests, files and the database, which checks itself."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from cloud_app.accounts.people import plain_name
from cloud_app.alert_words import AlertRule
from cloud_app.rules.actions import TEXT_MAX, Action, AlertAction, MailAction, Part, checked
from cloud_app.rules.conditions import LENGTH_MAX, Condition, condition
from cloud_app.rules.limits import Limits, limits_of
from cloud_app.rules.texts import check_text
from cloud_app.rules.windows import COUNT_MAX, SPAN_MAX_S, Window
from cloud_app.rules.words import KEYS, WINDOWS, EventKind, Key, Trigger, WindowKind
from telemetry import SiteId

OWN = "rule:"
"""Before the id of a rule: what its alerts have as their rule."""
_ACTIONS_MAX = 8
_LIMITS_MAX = 10
LimitName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
LimitValue = (
    Annotated[float, Field(allow_inf_nan=False, strict=True)]
    | Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=50)]
)


class WindowSpec(Part):
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
        checked(lambda _: self.window, None)
        return self


class Together(Part):
    """Many at once are one problem: when it is met at more keys of a lot, it fires once for all.

    The key is `LOT/*` then, and each by itself is over.
    """

    above: int = Field(ge=1, le=1000, description="of one lot; so many still are told each")
    text: str = Field(
        min_length=1,
        max_length=TEXT_MAX,
        description="instead of the text of each; {count} is how many, other names are of the "
        "first of them",
    )


class RuleFacts(Part):
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
    until: str | None = Field(
        default=None,
        max_length=LENGTH_MAX,
        description="once it is on, it stays so until this condition is met; null: until `when` "
        "is not met any more",
    )
    limits: dict[LimitName, LimitValue] = Field(
        default={},
        max_length=_LIMITS_MAX,
        description="numbers and lists of words that conditions and texts name as limit.NAME; "
        "numbers are fractions: double(lot.free) < limit.few",
    )
    window: WindowSpec = WindowSpec()
    key: Key | None = Field(default=None, description="what is kept apart; null: as is usual")
    pause_s: int = Field(
        default=0,
        ge=0,
        le=SPAN_MAX_S,
        description="after it fired at one key, so long no messages for the same key",
    )
    together: Together | None = Field(
        default=None, description="many of a lot at once are told as one; of what lasts alone"
    )
    replaces: AlertRule | None = Field(
        default=None,
        description="a rule of the service itself: at the tenant's sites this one judges instead, "
        "and its alerts are that rule's",
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
        return checked(plain_name, value)

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
        checked(lambda when: condition(when, trigger, self.named), self.when)
        if self.until is not None:
            checked(lambda until: condition(until, trigger, self.named), self.until)
        self._check_texts()
        self._check_kind()
        return self

    def _check_kind(self) -> None:
        """Refuse what only some triggers have, and a rule of the service that is none."""
        trigger = self.trigger
        if self.together is not None and not trigger.is_state:
            msg = f"together is for rules about what lasts, but this is about {trigger.value}"
            raise ValueError(msg)
        if trigger is Trigger.LOSS and self.replaces is None:
            msg = (
                "a rule about losses can only replace the one of the service: for another one take "
                "trigger = 'alert', alerts = ['events_lost']"
            )
            raise ValueError(msg)
        if self.replaces is None:
            return
        if self.replaces is AlertRule.RULE_QUARANTINED:
            msg = "rule_quarantined tells of rules that fail, and cannot be replaced by one"
            raise ValueError(msg)
        if trigger in {Trigger.EVENT, Trigger.ALERT}:
            msg = f"a rule that replaces {self.replaces.value} cannot be about {trigger.value}"
            raise ValueError(msg)
        if not any(isinstance(each, AlertAction) for each in self.actions):
            msg = f"a rule that replaces {self.replaces.value} must open alerts"
            raise ValueError(msg)

    def _check_texts(self) -> None:
        def check(what: str, text: str) -> None:
            checked(lambda each: check_text(each, what, self.trigger, self.named), text)

        for action in self.actions:
            if isinstance(action, AlertAction | MailAction):
                check(action.kind, action.text)
        if self.together is not None:
            check("together", self.together.text)

    @property
    def named(self) -> Limits:
        """Its limits, as conditions take them."""
        return limits_of(self.limits)

    @property
    def condition(self) -> Condition:
        """When it is met."""
        return condition(self.when, self.trigger, self.named)

    @property
    def ending(self) -> Condition | None:
        """When it is over, once it is on; None: when it is not met."""
        return None if self.until is None else condition(self.until, self.trigger, self.named)

    @property
    def by(self) -> Key:
        """What it keeps apart."""
        return self.key or KEYS[self.trigger][0]

    @property
    def is_state(self) -> bool:
        """Whether what it looks at lasts."""
        return self.trigger.is_state

    def facts(self) -> dict[str, Any]:
        """For the audit log: without secrets and addresses of webhooks."""
        told = self.model_dump(mode="json")
        told["actions"] = [
            {name: value for name, value in each.items() if name not in {"secret", "url"}}
            for each in told["actions"]
        ]
        return told


def _one_of(what: str, fitting: Collection[Any], got: object) -> str:
    return f"{what} must be {' or '.join(map(str, fitting))} for this trigger, but got {got}"
