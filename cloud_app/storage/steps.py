"""A span of time cut into steps, such as quarters of an hour."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_app.storage.bay_events import Window

QUARTER_MS = 900_000


@dataclass(frozen=True, slots=True)
class Steps:
    """A span cut into steps.

    Attributes:
        window: the span; a last step that does not fit is cut.
        step_ms: length of a step.
    """

    window: Window
    step_ms: int

    @property
    def count(self) -> int:
        """How many there are."""
        return -((self.window.start_ms - self.window.end_ms) // self.step_ms)

    def within(self, index: int, part: Window) -> Window:
        """What of a step lies in a part of the span."""
        start_ms = self.window.start_ms + index * self.step_ms
        end_ms = min(start_ms + self.step_ms, part.end_ms)
        return Window(max(start_ms, part.start_ms), end_ms)

    def of(self, part: Window) -> range:
        """The steps that a part of the span meets."""
        first = (part.start_ms - self.window.start_ms) // self.step_ms
        last = (part.end_ms - 1 - self.window.start_ms) // self.step_ms
        return range(first, last + 1)
