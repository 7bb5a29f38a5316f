"""Incidents on their way into the outbox, and the memory of those that last.

An open incident is a document of the store, written and removed in the transaction of its events:
after a power cut the box still knows what it has told, and ends each incident exactly once.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from edge_app.delivery.entries import Entry, Note
from telemetry.bounds import MAX_INCIDENT_BAYS, clamped
from telemetry.cloudevents import INCIDENT_CHANGED_TYPE
from telemetry.incidents import IncidentChanged
from telemetry.messages import ClockStamp, ModelRef
from vision.incidents import Incident

_log = logging.getLogger(__name__)

_PREFIX = "incident/"
_KEPT = TypeAdapter(Incident)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident that began, or that is over.

    Attributes:
        incident: what is known of it.
        model: the network that looked; None when none did.
        calibration_revision: of the camera's calibration.
    """

    incident: Incident
    model: ModelRef | None
    calibration_revision: int


def incident_event(change: IncidentChange, layout: str, stamp: ClockStamp) -> Entry:
    """The event of an incident, and what the store keeps of it."""
    incident = change.incident
    box = incident.box_norm
    data = IncidentChanged(
        kind=incident.kind,
        open=incident.is_open,
        camera=incident.camera,
        bays=incident.bays[:MAX_INCIDENT_BAYS],
        area=incident.area,
        vehicle=incident.vehicle,
        conf=incident.conf,
        # A box may reach a hair over the picture's edge.
        box=None if box is None else tuple(min(max(side, 0.0), 1.0) for side in box),
        began=clamped(incident.began),
        last_seen=clamped(incident.last_seen),
        stood_s=incident.stood_s,
        limit_s=incident.limit_s,
        ended=None if incident.ended is None else clamped(incident.ended),
        end=incident.end,
        model=change.model,
        calibration=change.calibration_revision,
        layout=layout,
        clock=stamp,
    )
    body = _KEPT.dump_json(incident).decode() if incident.is_open else None
    time = incident.last_seen if incident.ended is None else incident.ended
    return Entry(
        subject=incident.id,
        time=time,
        data=data.model_dump_json(),
        type=INCIDENT_CHANGED_TYPE,
        note=Note(_PREFIX + incident.id, body),
    )


class OpenIncidents:
    """The incidents that last, as the store knows them. One thread at a time.

    Args:
        database: of the store.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._open: dict[str, Incident] = {}
        for name, body in database.execute(
            "SELECT name, body FROM document WHERE name LIKE ? ORDER BY name", (_PREFIX + "%",)
        ):
            try:
                self._open[name] = _KEPT.validate_json(body)
            except ValidationError as exc:  # of a later version; its end will not be reported
                _log.warning("cannot read %s: %s", name, exc)

    def take(self, change: IncidentChange) -> None:
        """Note what began, forget what is over."""
        name = _PREFIX + change.incident.id
        if change.incident.is_open:
            self._open[name] = change.incident
        else:
            self._open.pop(name, None)

    def all(self) -> tuple[Incident, ...]:
        """Those that last, oldest first."""
        return tuple(sorted(self._open.values(), key=lambda each: (each.began, each.id)))

    def ids(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(each.id for each in self.all())
