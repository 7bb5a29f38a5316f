"""How the city runs, checked before anything heavy is imported."""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from telemetry import ConfigError

HOST = "127.0.0.1"
"""Everything is for this machine alone: the passwords stand on the screen."""
_DEFAULT_PORT = 8090


@dataclass(frozen=True, slots=True)
class CitySettings:
    """How the city runs.

    Attributes:
        begin_s: when it was called for, monotonic: steps are told by it.
        port: of the pages; free a moment ago.
        folder: for all that it makes.
        seed: of history and of what happens now.
        duration_s: how long, once all of it is up; None until it is stopped.
        browser: whether to open the pages.
    """

    begin_s: float
    port: int
    folder: Path
    seed: int = 7
    duration_s: float | None = None
    browser: bool = True

    @property
    def url(self) -> str:
        """Of the pages and the API, with a slash at its end."""
        return f"http://{HOST}:{self.port}/"

    @property
    def boxes(self) -> Path:
        """The folder of the boxes."""
        return self.folder / "boxes"


def page_port(wanted: int | None) -> int:
    """The port for the pages.

    Raises:
        ConfigError: the one that is wanted is taken.
    """
    port = wanted or _DEFAULT_PORT
    try:
        with socket.create_server((HOST, port)):
            return port
    except OSError as exc:
        if wanted is None:
            with socket.create_server((HOST, 0)) as free:
                return int(free.getsockname()[1])
        msg = (
            f"--port {port}: expected a port of {HOST} that is free, but it cannot be taken: "
            f"{exc.strerror}"
        )
        raise ConfigError(msg) from exc


def work_folder(keep: Path | None, stack: ExitStack) -> Path:
    """Where everything goes.

    Raises:
        ConfigError: the folder to keep cannot be made, or holds something.
    """
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lotsight-city-")))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        is_empty = not any(keep.iterdir())
    except OSError as exc:
        msg = f"--keep {keep}: expected a folder that can be made, but got: {exc.strerror}"
        raise ConfigError(msg) from exc
    if not is_empty:
        msg = f"--keep {keep}: expected a folder that is empty or not there, but it holds something"
        raise ConfigError(msg)
    return keep.resolve()
