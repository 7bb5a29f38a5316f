"""What is wrong with the box at present, in words for a technician."""

from __future__ import annotations

import logging
import threading

_log = logging.getLogger(__name__)


class Alarms:
    """Standing alarms by name; each is logged when it begins, changes and ends. Thread-safe."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()

    def set(self, name: str, text: str) -> None:
        """Raise an alarm, or change its text."""
        with self._lock:
            if self._texts.get(name) == text:
                return
            self._texts[name] = text
        _log.error("alarm %s: %s", name, text)

    def clear(self, name: str) -> None:
        """End an alarm; nothing happens when there is none."""
        with self._lock:
            if self._texts.pop(name, None) is None:
                return
        _log.info("alarm %s has ended", name)

    def texts(self) -> tuple[str, ...]:
        """All alarms, by name."""
        with self._lock:
            return tuple(self._texts[name] for name in sorted(self._texts))
