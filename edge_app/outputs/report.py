"""What pages and metrics show of outputs and inputs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from telemetry.outputs import OutputState


@dataclass(frozen=True, slots=True)
class InputReport:
    """An alarm input.

    Attributes:
        id: of the input.
        alarm: whether it is in alarm; None: nobody can say.
        since: when that began; None while it was never read.
        fault: why it cannot be read; None while it can.
    """

    id: str
    alarm: bool | None
    since: datetime | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class BarrierReport:
    """A barrier.

    Attributes:
        id: of the barrier.
        held_open: whether an alarm holds it open.
        inputs: which inputs asked for that, or did last.
        did: what was done last; None: nothing since the start.
        at: when that was done.
        took_ms: from the alarm to the relay's answer.
        fault: why the relay does not do what it should; None while it does.
    """

    id: str
    held_open: bool
    inputs: tuple[str, ...]
    did: OutputState | None
    at: datetime | None
    took_ms: float | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class SignReport:
    """A sign.

    Attributes:
        id: of the sign.
        text: what it shows, as far as the box knows; None before the first time.
        free: bays that are free; None: unknown.
        at: when it was last told.
        fault: why it could not be told; None while it could.
    """

    id: str
    text: str | None
    free: int | None
    at: datetime | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class OutputsReport:
    """All of them."""

    inputs: tuple[InputReport, ...] = ()
    barriers: tuple[BarrierReport, ...] = ()
    signs: tuple[SignReport, ...] = ()
