"""What the pipeline hands over: a bay's new state and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from telemetry.messages import ModelRef
from telemetry.vocabulary import BayState, Cause


@dataclass(frozen=True, slots=True)
class Note:
    """A document of the store that belongs to an event; no body removes it."""

    name: str
    body: str | None


@dataclass(frozen=True, slots=True)
class BayChange:
    """A bay's new state.

    Attributes:
        state: what is known now.
        cause: what made it change.
        camera: which camera sees the bay.
        method: the rule that judged, such as `bay_head` or `overlap`.
        model: the network that looked; None when none did.
        calibration_revision: of the camera's calibration.
        sensor: which sensor told it; None when a camera did.
        note: a document of the store that is written in the same transaction.
        decided: when it was decided; None: when the state began.
    """

    state: BayState
    cause: Cause
    camera: str
    method: str
    model: ModelRef | None
    calibration_revision: int
    sensor: str | None = None
    note: Note | None = None
    decided: datetime | None = None

    @property
    def time(self) -> datetime:
        """The time of its event."""
        return self.decided or self.state.since
