"""Bays that a person should judge by eye, as their boxes ask in their health messages.

The answer goes to the box as a `confirm_bay` command. For two minutes the bay is then asked about
no more: a box tells once a minute what it asks.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import bindparam, select

from cloud_app.fleet.commands import CommandState
from cloud_app.fleet.tables import command
from cloud_app.storage.database import Session
from cloud_app.storage.queries import Now
from cloud_app.storage.tables import bay, edge
from telemetry.commands import CommandName, ConfirmBayArgs
from telemetry.health import Health

_LOST = (CommandState.REJECTED, CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELLED)
_ASKED_AGAIN_AFTER_MS = 120_000
_IN_FORCE = (
    select(bay.c.edge, bay.c.bay, edge.c.health, edge.c.dead, edge.c.seen_ms)
    .select_from(edge)
    .join(bay, (bay.c.edge == edge.c.edge) & (bay.c.layout == edge.c.layout))
    .where(
        bay.c.site == bindparam("at_site"),
        bay.c.lot == bindparam("of_lot"),
        edge.c.health.contains('"by_eye":["', autoescape=True),
    )
    .order_by(bay.c.edge, bay.c.bay)
)
_ANSWERS = select(command.c.args).where(
    command.c.edge == bindparam("of_edge"),
    command.c.name == CommandName.CONFIRM_BAY.value,
    command.c.issued_ms >= bindparam("since_ms"),
    command.c.state.not_in([state.value for state in _LOST]),
)


class BayByEye(BaseModel):
    """A bay on which bay head and vehicle boxes contradict each other for long."""

    model_config = ConfigDict(frozen=True)

    edge: str
    bay: str
    camera: str = Field(description="that sees it")


def bays_by_eye(session: Session, now: Now, site: str, lot: str) -> list[BayByEye]:
    """The bays of a lot that a person should judge now, of boxes that can be reached."""
    asked: dict[str, dict[str, str]] = {}
    found = []
    for row in session.rows(_IN_FORCE, {"at_site": site, "of_lot": lot}):
        if now.staleness(row.dead, row.seen_ms) is not None:
            continue
        if row.edge not in asked:
            asked[row.edge] = _open(session, now, row.edge, row.health)
        if (camera := asked[row.edge].get(row.bay)) is not None:
            found.append(BayByEye(edge=row.edge, bay=row.bay, camera=camera))
    return found


def _open(session: Session, now: Now, name: str, health: str) -> dict[str, str]:
    """Camera by bay that the box asks about and nobody has just answered."""
    try:
        said = Health.model_validate_json(health)
    except ValidationError:  # of another version
        return {}
    since_ms = now.now_ms - _ASKED_AGAIN_AFTER_MS
    answers = session.rows(_ANSWERS, {"of_edge": name, "since_ms": since_ms})
    answered = {ConfirmBayArgs.model_validate_json(row.args).bay for row in answers}
    return {
        asked: camera.camera
        for camera in said.cameras
        for asked in camera.by_eye
        if asked not in answered
    }
