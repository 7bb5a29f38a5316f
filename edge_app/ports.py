"""What a pipeline is given to work with, as it sees it: view guard, change gate, outlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_app.delivery.changes import BayChange
from edge_app.live_state import LiveState
from vision.change_gate import Finding
from vision.types import Floats, Frame
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys


class Guard(Protocol):
    """Judges whether an image shows the calibrated view; `ViewGuard` is one."""

    def look(
        self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
    ) -> ViewReport:
        """Judge one frame, at once or the long part of it later."""
        ...

    def catch_up(self) -> None:
        """Do what was postponed."""
        ...


class Gate(Protocol):
    """Judges whether an image is worth a pass of the network; `ChangeGate` is one."""

    def look(
        self, frame: Frame, polygons_norm: Sequence[Floats], greys: SmallGreys | None = None
    ) -> Finding:
        """Compare one frame with the last one that was judged."""
        ...

    def judged(self) -> None:
        """The frame that was looked at last was judged."""
        ...


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where a pipeline puts what it finds.

    Attributes:
        record: takes changes over for good; `Store.record`.
        live_state: the live state.
    """

    record: Callable[[Sequence[BayChange]], None]
    live_state: LiveState
