"""What a campaign of settings writes into the shadows of its boxes, beside their jobs.

A job has the box try the settings out; the shadow `config` is where they are desired, so that both
say the same. Where the box kept what it had, the shadow desires that again, or the next change of a
person would bring along what failed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import JsonValue

from cloud_app.errors import CloudError
from cloud_app.fleet.commands import CommandError
from cloud_app.fleet.settings import ATTEMPT, SCHEMA, SECTION, SettingsError, check_settings
from cloud_app.shadow_service import change_shadow
from cloud_app.storage.database import Session
from cloud_app.storage.shadows import load_shadow
from telemetry.aws import JobDocument, ShadowName, ShadowTopics
from telemetry.errors import TelemetryError
from telemetry.shadow import JsonObject, ShadowUpdate

_FAULTS_TOLD = 3


def check_for(session: Session, document: JobDocument, edges: Collection[str]) -> None:
    """Check settings by what each box says that it takes.

    Raises:
        CommandError: a box does not take them; the text names boxes and faults.
    """
    if document.settings is None:
        return
    faults = []
    for edge in edges:
        about, _ = load_shadow(session, edge, ShadowName.CLASSIC)
        schema = about.reported.get(SCHEMA)
        try:
            check_settings(schema if isinstance(schema, dict) else {}, document.settings)
        except SettingsError as exc:
            faults.append(f"{edge}: {exc}")
    if faults:
        more = f", and {len(faults) - _FAULTS_TOLD} more" if len(faults) > _FAULTS_TOLD else ""
        raise CommandError("; ".join(faults[:_FAULTS_TOLD]) + more)


def wish(
    session: Session, document: JobDocument, edges: Collection[str], attempt: str, now_ms: int
) -> None:
    """Desire the settings of a job on boxes, under the job's id."""
    if document.settings is not None:
        for edge in sorted(edges):
            _change(session, edge, {SECTION: document.settings, ATTEMPT: attempt}, now_ms)


def settle(session: Session, document: JobDocument, edge: str, now_ms: int) -> None:
    """Desire what the box has in their place."""
    if document.settings is None:
        return
    config, _ = load_shadow(session, edge, ShadowName.CONFIG)
    values = config.reported.get(SECTION)
    kept = same_places(document.settings, values if isinstance(values, dict) else {})
    _change(session, edge, {SECTION: kept}, now_ms)


def same_places(wanted: Mapping[str, Any], values: Mapping[str, Any]) -> JsonObject:
    """The values at the places of what was wanted; None where there is none."""
    found: JsonObject = {}
    for name, value in wanted.items():
        there = values.get(name)
        is_section = isinstance(value, dict) and isinstance(there, dict)
        found[name] = same_places(value, there) if is_section else there  # type: ignore[arg-type]
    return found


def _change(session: Session, edge: str, desired: dict[str, JsonValue], now_ms: int) -> None:
    update = ShadowUpdate(desired=desired, sections=frozenset({"desired"}))
    try:
        change_shadow(session, ShadowTopics(edge, ShadowName.CONFIG), update, now_ms // 1000)
    except TelemetryError as exc:
        msg = f"{edge}: the shadow cannot take the settings: {exc}"
        raise CloudError(msg) from exc
