"""Log lines that a person reads and a machine splits; secrets never get into one."""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from datetime import UTC, datetime
from typing import TextIO

from edge_app.config import LogConfig, LogFormat
from edge_app.redaction import mask_error, mask_secrets

# These log each request and each packet; we log what matters ourselves.
_TALKATIVE = ("uvicorn.access", "amqtt", "transitions", "asyncio")

LINES_KEPT = 2000
"""In memory: some hundred kilobytes, and hours of an ordinary day."""


class LineFormatter(logging.Formatter):
    """`time=... level=... logger=... msg="..."`, or the same as one JSON object a line."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback goes into it with its line ends escaped."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": mask_secrets(record.getMessage()),
        }
        if record.exc_info and record.exc_info[1] is not None:
            fields["trace"] = mask_error(record.exc_info[1]).rstrip("\n")
        if self._form is LogFormat.JSON:
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


class RecentLines(logging.Handler):
    """Keeps the last lines in memory, for the diagnostics bundle."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._lines.append(self.format(record))

    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return list(self._lines.copy())


def recent_lines() -> list[str]:
    """The last lines that were logged; none before `set_up_logging`."""
    handlers = logging.getLogger().handlers
    return [line for each in handlers if isinstance(each, RecentLines) for line in each.lines()]


def set_up_logging(config: LogConfig, stream: TextIO | None = None) -> None:
    """Send everything to `stream` (standard error by default, as systemd and Docker want it)."""
    handlers = (logging.StreamHandler(stream or sys.stderr), RecentLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
        handler.setFormatter(LineFormatter(config.format))
        root.addHandler(handler)
    root.setLevel(config.level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _quoted(value: str) -> str:
    plain = value and not any(character in value for character in " =\"'\n\r\t\\")
    return value if plain else json.dumps(value, ensure_ascii=False)
