"""Log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from edge_app.config import LogConfig, LogFormat
from edge_app.logs import set_up_logging


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize("form", list(LogFormat))
def test_log_lines_are_one_line_without_secrets(form: LogFormat) -> None:
    stream = io.StringIO()
    set_up_logging(LogConfig(format=form), stream)
    logger = logging.getLogger("edge_app.x")
    logger.debug("not shown")
    logger.warning('camera %s is "down"\nbadly', "rtsp://u:hunter2@cam/1?token=abc")
    try:
        raise ValueError("rtsp://u:hunter2@cam")  # noqa: EM101, TRY301
    except ValueError:
        logger.exception("fault")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "hunter2" not in stream.getvalue()
    assert "abc" not in stream.getvalue()
    if form is LogFormat.JSON:
        first, second = (json.loads(line) for line in lines)
        assert (first["level"], first["logger"]) == ("warning", "edge_app.x")
        assert first["msg"] == 'camera rtsp://u:***@cam/1?token=*** is "down"\nbadly'
        assert "ValueError" in second["trace"]
    else:
        assert " level=warning logger=edge_app.x msg=" in lines[0]
        assert "\\n" in lines[1]
