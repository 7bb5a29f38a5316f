"""What a box switched at the lot by itself: a barrier that an alarm input opened."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from telemetry.bounds import Count, Figure, Text200, UtcTime
from telemetry.messages import ClockStamp, Message
from telemetry.vocabulary import Identifier

OutputId = Identifier
_MAX_INPUTS = 32


class OutputState(StrEnum):
    """What the box did with a barrier."""

    OPEN = "open"
    """Opened, and held open as long as an alarm input asks for it."""
    CLOSED = "closed"
    """Closed again: the alarm is over for longer than its hold."""
    RELEASED = "released"
    """Let go as it is: the alarm is over, and somebody else closes the barrier."""


class OutputChanged(Message):
    """Data of `pk.output.changed.v1`: a barrier was switched; its id is the event's `subject`.

    A relay that fails is told once with `done` false, and again with `done` true when it answers.
    """

    state: OutputState
    done: bool = Field(description="Whether the relay took it.")
    inputs: Annotated[tuple[Identifier, ...], Field(max_length=_MAX_INPUTS)] = Field(
        default=(), description="The alarm inputs that asked for it."
    )
    asked: UtcTime = Field(description="When the rule decided it.")
    took_ms: Figure | None = Field(default=None, description="From there to the relay's answer.")
    tries: Count = Field(description="How often the relay was asked.")
    error: Text200 | None = Field(default=None, description="Why the last try failed.")
    clock: ClockStamp
