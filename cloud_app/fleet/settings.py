"""Settings of a box as the cloud sees them: what may be changed, what is, how a change stands.

The box says all of it itself, in its shadows: the JSON Schema of what may be changed in the classic
one (`settings_schema`), values and outcome in `config`. The cloud checks a change by that schema;
the box checks it again by its own code, and has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from pydantic import BaseModel, Field

from cloud_app.errors import CloudError
from telemetry.shadow import ShadowDocument, delta

SECTION, ATTEMPT, SCHEMA = "settings", "attempt", "settings_schema"
_FAULTS_TOLD = 5


class SettingsError(CloudError):
    """Settings that cannot be."""


class ChangeState(StrEnum):
    """How a change of settings stands."""

    NONE = "none"
    PENDING = "pending"
    TRYING = "trying"
    APPLIED = "applied"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


class SettingsNow(BaseModel):
    """Settings of a box."""

    edge: str
    version: int = Field(description="of the shadow; name it in a change")
    settings_schema: dict[str, Any] = Field(
        description="JSON Schema of what may be changed; empty: nothing may"
    )
    values: dict[str, Any] = Field(description="as the box last reported them")
    desired: dict[str, Any] = Field(description="of these, what was asked for")
    delta: dict[str, Any] = Field(description="what was asked for and is not so")
    state: ChangeState
    reason: str = Field(description="why a change was rejected or rolled back, in the box's words")
    stale: bool = Field(description="the box is away")


def settings_now(
    edge: str, about: ShadowDocument, config: ShadowDocument, *, stale: bool
) -> SettingsNow:
    """What two shadows of a box say of its settings.

    Args:
        edge: the box.
        about: its classic shadow.
        config: its shadow `config`.
        stale: whether it is away.
    """
    values, desired = _object(config.reported, SECTION), _object(config.desired, SECTION)
    differs = delta(desired, values)
    state, reason = _outcome(config, is_different=bool(differs))
    return SettingsNow(
        edge=edge,
        version=config.version,
        settings_schema=_object(about.reported, SCHEMA),
        values=values,
        desired=desired,
        delta=differs,
        state=state,
        reason=reason,
        stale=stale,
    )


def _outcome(config: ShadowDocument, *, is_different: bool) -> tuple[ChangeState, str]:
    change = _object(config.reported, "change")
    told = change.get("state")
    # Only of the newest attempt does it tell; the box may not have heard of that yet.
    is_of_this = config.desired.get(ATTEMPT) in {None, config.reported.get(ATTEMPT)}
    if is_of_this and told in {each.value for each in ChangeState}:
        return ChangeState(str(told)), str(change.get("reason") or "")
    if is_different or not is_of_this:
        return ChangeState.PENDING, ""
    return ChangeState.NONE, ""


def check_settings(schema: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Check changes by what the box says of itself.

    Raises:
        SettingsError: it takes no changes, or not these; the text names each fault.
    """
    if not schema:
        msg = "this box takes no settings from the cloud: [remote] settings, or an older version"
        raise SettingsError(msg)
    try:
        Draft202012Validator.check_schema(schema)
        faults = sorted(Draft202012Validator(schema).iter_errors(changes), key=_place)
    except SchemaError as exc:
        msg = f"the box's schema of its settings is none: {exc.message[:200]}"
        raise SettingsError(msg) from exc
    if faults:
        lines = [f"{_place(each)}: {each.message[:200]}" for each in faults[:_FAULTS_TOLD]]
        raise SettingsError("; ".join(lines))


def _place(fault: ValidationError) -> str:
    return ".".join(map(str, fault.absolute_path)) or "settings"


def _object(section: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = section.get(name)
    return found if isinstance(found, dict) else {}
