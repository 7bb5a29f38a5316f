"""What systemd hears: on a real socket of its kind, from a real service, and from a hung one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_app.assembly import assemble, maintenance_of
from edge_app.config import load_config
from edge_app.service import EdgeService
from edge_app.service_manager import ServiceManager, Watchdog
from telemetry import ManualClock

CONFIG = """
[edge]
site = "north-bank"
edge = "box-1"
state_dir = "state"

[http]
enabled = false

[[camera]]
id = "north"
source = "picture.png"
calibration_file = "north.json"
"""


class Listener:
    """The socket that systemd would listen at."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)

    def hear(self) -> str:
        """The next word; waits for it."""
        self._socket.settimeout(60)
        return self._socket.recv(4096).decode()

    def heard(self) -> list[str]:
        """All words so far."""
        words = []
        self._socket.setblocking(False)
        while True:
            try:
                words.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return words

    def wait_for(self, word: str) -> None:
        """Take words until `word` comes."""
        while self.hear() != word:
            pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(str(tmp_path / "notify"))
    yield listener
    listener.close()


def environ_of(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((240, 320, 3), 120, np.uint8))
    file = tmp_path / "box.toml"
    file.write_text(CONFIG)
    return file


def test_words_go_out_as_systemd_reads_them(systemd: Listener, tmp_path: Path) -> None:
    manager = ServiceManager(environ_of(tmp_path))
    manager.ready()
    manager.status("camera north: lost\nREADY=1")
    manager.alive()
    manager.stopping()
    assert systemd.heard() == [
        "READY=1", "STATUS=camera north: lost READY=1", "WATCHDOG=1", "STOPPING=1"
    ]  # fmt: skip


def test_a_status_is_sent_once(systemd: Listener, tmp_path: Path) -> None:
    manager = ServiceManager(environ_of(tmp_path))
    for text in ("a", "a", "b", "a"):
        manager.status(text)
    assert systemd.heard() == ["STATUS=a", "STATUS=b", "STATUS=a"]


def test_abstract_addresses_are_understood() -> None:
    name = f"lotsight-{os.getpid()}"
    listener = Listener(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert listener.heard() == ["READY=1"]
    listener.close()


def test_nobody_need_listen(tmp_path: Path) -> None:
    ServiceManager({}).ready()
    ServiceManager(environ_of(tmp_path)).ready()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None),  # meant for another process
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_when_the_watchdog_waits(
    tmp_path: Path, more: dict[str, str], expected: float | None
) -> None:
    assert ServiceManager(environ_of(tmp_path, **more)).watchdog_s == expected


def test_a_worker_that_hangs_is_not_called_alive(systemd: Listener, tmp_path: Path) -> None:
    manager = ServiceManager(environ_of(tmp_path, WATCHDOG_USEC="120000000"))
    clock = ManualClock()
    tasks: list[Callable[[], None]] = []
    watchdog = Watchdog(manager, tasks.append, clock)
    watchdog.look()
    watchdog.look()
    assert len(tasks) == 1
    tasks.pop()()
    clock.now_s += 29
    watchdog.look()
    assert not tasks
    clock.now_s += 1
    watchdog.look()
    assert systemd.heard() == ["WATCHDOG=1"]
    clock.now_s += 600
    watchdog.look()  # the worker has not answered: nothing piles up, nothing is said
    assert len(tasks) == 1
    assert systemd.heard() == []


def test_a_service_says_alive_until_its_judging_thread_hangs(
    systemd: Listener, box: Path, tmp_path: Path
) -> None:
    parts = assemble(load_config(box))
    service = EdgeService(parts.parts)
    manager = ServiceManager(environ_of(tmp_path, WATCHDOG_USEC="1"))
    maintenance = maintenance_of(parts, manager)
    hangs, may_go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        may_go_on.wait(60)

    service.start()
    try:
        maintenance.look()
        systemd.wait_for("WATCHDOG=1")
        parts.scheduler.post(hang)
        assert hangs.wait(60)
        for _ in range(3):
            maintenance.look()
        assert "WATCHDOG=1" not in systemd.heard()
        may_go_on.set()
        systemd.wait_for("WATCHDOG=1")
    finally:
        may_go_on.set()
        service.stop()


def test_lotsight_run_tells_its_whole_life(systemd: Listener, box: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [Path(sys.executable).parent / "lotsight", "run", "--config", box],
        env=os.environ | environ_of(tmp_path, WATCHDOG_USEC="60000000"),
        stderr=subprocess.PIPE,
    )
    try:
        words: dict[str, str] = {}
        while not {"READY", "WATCHDOG", "STATUS"} <= set(words):
            name, _, value = systemd.hear().partition("=")
            words[name] = value
        assert words["STATUS"] == "camera north: no bays: it has no calibration"
        process.send_signal(signal.SIGTERM)
        systemd.wait_for("STOPPING=1")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
