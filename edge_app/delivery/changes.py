"""What the pipeline hands over: a bay's new state and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.messages import ModelRef
from telemetry.vocabulary import BayState, Cause


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
    """

    state: BayState
    cause: Cause
    camera: str
    method: str
    model: ModelRef | None
    calibration_revision: int
