"""Fixtures of the conformance tests of the box's side."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mosquitto import Mosquitto
from tests.system.delivery.consumer import Consumer
from tests.system.delivery.edge import TOPICS, Box, link_config

MakeBox = Callable[..., Box]
MakeConsumer = Callable[..., Consumer]
MakeDisk = Callable[[int], Path]


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(mosquitto, tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[MakeBox]:
    """Starts boxes that are closed at the end; give `port` and any setting of the link."""
    with ExitStack() as stack:

        def make(port: int, *, folder: Path | None = None, start: bool = True, **more: Any) -> Box:
            box_args = {k: more.pop(k) for k in ("clock", "bays", "outbox", "agents") if k in more}
            config = more.pop("config", None) or link_config(port, **more)
            box = Box(folder or tmp_path / "box", config, **box_args)
            stack.callback(box.close)
            return box.start() if start else box

        yield make


@pytest.fixture
def make_consumer() -> Iterator[MakeConsumer]:
    with ExitStack() as stack:

        def make(port: int, **more: Any) -> Consumer:
            consumer = Consumer(port, more.pop("topics", TOPICS), **more).start()
            stack.callback(consumer.stop)
            return consumer

        yield make


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    """Mounts a real file system of so many megabytes."""
    with ExitStack() as stack:

        def make(size_mb: int) -> Path:
            folder = tmp_path / "disk"
            folder.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
            if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
                pytest.skip("a file system of its own needs the right to mount one")
            stack.callback(lambda: subprocess.run(["umount", "--lazy", folder], check=True))
            return folder

        yield make
