"""How the lake stands; of no library of the extra, so that everybody may ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LakeHealth:
    """How the lake stands, as this process knows.

    Attributes:
        problem: why the last round failed; None if it did not, or another process leads.
        since_ms: since when.
        pending: acknowledged events that the lake lacks.
    """

    problem: str | None = None
    since_ms: int | None = None
    pending: int = 0
