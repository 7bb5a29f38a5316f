"""A service: parts that are started in order and stopped in the opposite one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

_log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that works from `start` to `stop`; `stop` may come without a `start`."""

    def start(self) -> object:
        """Begin; returns at once."""
        ...

    def stop(self) -> object:
        """End, within seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Closing:
    """A part that needs no start.

    Attributes:
        stop: ends it.
    """

    stop: Callable[[], object]

    def start(self) -> None:
        """It is there already."""


class EdgeService:
    """The running parts of a box.

    Args:
        parts: each may lean on those before it, from its start to its stop.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)

    def start(self) -> None:
        """Start all parts."""
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        """Stop all parts, the last one first; one that fails keeps no other from its stop."""
        with ExitStack() as stops:
            for part in self._parts:
                stops.callback(part.stop)
        _log.info("stopped")
