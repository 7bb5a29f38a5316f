"""How long the vehicle of each bay has been there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from telemetry.vocabulary import BayState


@dataclass(frozen=True, slots=True)
class Moment:
    """When a frame was taken: seconds of the monotonic clock, and wall time."""

    mono_s: float
    utc: datetime


class Stays:
    """Since when the vehicle of each bay has been there; unknown interrupts no stay."""

    def __init__(self) -> None:
        self._since: dict[str, Moment] = {}

    def update(self, states: Iterable[BayState], now: Moment) -> list[str]:
        """Take in the bays' states; gives the bays whose stay began or ended."""
        moved = []
        for state in states:
            if state.occ and state.bay not in self._since:
                # The state says when it began; the monotonic clock only knows now.
                ago_s = max((now.utc - state.since).total_seconds(), 0.0)
                self._since[state.bay] = Moment(now.mono_s - ago_s, state.since)
                moved.append(state.bay)
            elif state.occ is False and self._since.pop(state.bay, None) is not None:
                moved.append(state.bay)
        return moved

    def keep(self, bays: Iterable[str]) -> None:
        """Forget all other bays."""
        wanted = set(bays)
        self._since = {bay: since for bay, since in self._since.items() if bay in wanted}

    def since(self, bay: str) -> Moment | None:
        """When the vehicle in a bay came; None when there is none."""
        return self._since.get(bay)

    def began(self) -> dict[str, datetime]:
        """Wall time at which each running stay began, to be kept over a restart."""
        return {bay: since.utc for bay, since in self._since.items()}

    def restore(self, began: Mapping[str, datetime], now: Moment) -> None:
        """Go on with stays that were kept."""
        for bay, utc in began.items():
            ago_s = max((now.utc - utc).total_seconds(), 0.0)
            self._since[bay] = Moment(now.mono_s - ago_s, utc)
