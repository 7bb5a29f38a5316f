"""The bays of the layout and what is known of each: the part of the store that is in memory."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_app.delivery.changes import BayChange
from edge_app.delivery.database import StoreError
from edge_app.delivery.entries import Entry, HeldBay, read_bays, read_layout, write_layout
from telemetry.clock import Clock
from telemetry.layout import Layout
from telemetry.messages import Blocked, SnapshotBay
from telemetry.vocabulary import BayState, Cause, UnknownReason

_log = logging.getLogger(__name__)


class HeldBays:
    """What is known of each bay of the layout. Its owner holds the lock."""

    def __init__(
        self, path: Path, clock: Clock, database: sqlite3.Connection, layout: str | None
    ) -> None:
        """Start with what the file holds; a bay that it lacks is unknown.

        Args:
            path: the store's file, for errors.
            clock: wall time of a bay's first state.
            database: has the states of bays.
            layout: as the file has it; None before the first layout.

        Raises:
            StoreError: the layout cannot be read.
        """
        self._path = path
        self._clock = clock
        self.layout = read_layout(path, layout)
        self._is_unsaved = False
        self._held = self._of_layout(read_bays(database))

    def set_layout(self, layout: Layout) -> bool:
        """Replace the layout. New bays are unknown; those that it lacks are forgotten.

        Returns:
            Whether it differs from the layout before.
        """
        if layout == self.layout:
            return False
        self.layout, self._is_unsaved = layout, True
        self._held = self._of_layout(self._held)
        return True

    def write_layout(self, database: sqlite3.Connection) -> None:
        """Write a changed layout and its bays, within the caller's transaction."""
        if self._is_unsaved:
            write_layout(database, self.need_layout(), self._held.values())

    def layout_saved(self) -> None:
        """The transaction of `write_layout` is committed."""
        self._is_unsaved = False

    def take(self, entries: Sequence[Entry]) -> None:
        """Take over the new states of bays."""
        self._held |= {entry.subject: entry.held for entry in entries if entry.held is not None}

    def need_layout(self) -> Layout:
        """The layout.

        Raises:
            StoreError: no layout was set.
        """
        if self.layout is None:
            msg = f"{self._path}: expected a layout before the first change, but none was set"
            raise StoreError(msg)
        return self.layout

    def need(self, bay: str) -> HeldBay:
        """What is known of a bay.

        Raises:
            StoreError: the layout does not hold it.
        """
        layout = self.need_layout()
        held = self._held.get(bay)
        if held is None:
            msg = f"expected a bay of layout {layout.hash}, but got {bay!r}"
            raise StoreError(msg)
        return held

    def find(self, bay: str) -> HeldBay | None:
        """What is known of a bay; None, with a line in the log, if the layout lacks it."""
        held = self._held.get(bay)
        if held is None:
            _log.warning("bay %s is no longer in the layout: change dropped", bay)
        return held

    def restated(self, held: HeldBay, cause: Cause) -> BayChange:
        """A bay's present state again, for an event of another fact beside it."""
        state = held.state
        camera = next(each.camera for each in self.need_layout().bays if each.bay == state.bay)
        method = "manual" if cause is Cause.MANUAL else "none"
        return BayChange(state, cause, camera, method, None, held.calibration)

    def states(self) -> tuple[BayState, ...]:
        """The state of each bay, in the order of the layout."""
        return tuple(self._held[bay].state for bay in self._ids)

    def closed(self) -> frozenset[str]:
        """The bays that are closed."""
        return frozenset(bay for bay, held in self._held.items() if held.closed)

    def blocked(self) -> dict[str, Blocked]:
        """The bays that no vehicle can use, and why."""
        return {bay: held.blocked for bay, held in self._held.items() if held.blocked is not None}

    def in_snapshot(self) -> tuple[SnapshotBay, ...]:
        """Each bay as a snapshot has it, in the order of the layout."""
        return tuple(self._held[bay].in_snapshot() for bay in self._ids)

    @property
    def _ids(self) -> tuple[str, ...]:
        return self.layout.bay_ids if self.layout else ()

    def _of_layout(self, held: Mapping[str, HeldBay]) -> dict[str, HeldBay]:
        return {bay: held.get(bay) or _starting(bay, self._clock) for bay in self._ids}


def _starting(bay: str, clock: Clock) -> HeldBay:
    return HeldBay(BayState(bay, None, UnknownReason.STARTING, 0.0, clock.utc()), False, 0)
