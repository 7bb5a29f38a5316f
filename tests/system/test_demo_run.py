"""`lotsight demo` as a person runs it: a process of its own, its output, its page, its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("amqtt", reason="the demo's broker comes with the extra lotsight[demo]")

COMMAND = [sys.executable, "-c", "from edge_app.cli import main; main()", "demo", "--no-browser"]
STARTED_WITHIN_S = 240.0

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts the demo away from the checkout; ended after the test."""
    running: list[subprocess.Popen[str]] = []

    def start_(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *options],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "140", "TERM": "dumb", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield start_
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_served(port: int, process: subprocess.Popen[str]) -> None:
    ends_s = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < ends_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no page on port {port}: {process.poll()}")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_states_are_published_and_agree_with_the_truth(
    start: Start, free_port: Callable[[], int]
) -> None:
    output, _ = start("--duration-s", "60", "--port", str(free_port())).communicate(timeout=350)
    assert "Traceback" not in output
    first = re.search(r"first state\s+([\d.]+) s", output)
    assert first, output
    assert "first states" in output
    events = re.findall(r"[■○] ([AB]\d\d)  (occupied|free)", output)
    assert len(events) >= 2, output
    settled = re.search(r"settled\s+([\d.]+)%", output)
    right = re.search(r"right\s+([\d.]+)%", output)
    false = re.search(r"(\d+) false", output)
    assert settled and right and false, output  # noqa: PT018
    # What was published and had time to settle is right; the share with every delay counted
    # depends on how many pictures a second this machine judges.
    assert float(settled[1]) >= 95.0, output
    assert float(right[1]) >= 75.0, output
    assert int(false[1]) <= 1, output


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_ends_cleanly_and_still_scores(
    start: Start, free_port: Callable[[], int], number: signal.Signals
) -> None:
    port = free_port()
    process = start("--duration-s", "0", "--port", str(port))
    until_served(port, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert "published states against the simulator's truth" in output


@pytest.mark.timeout(200)
def test_a_port_in_use_is_one_clear_line(start: Start, free_port: Callable[[], int]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--duration-s", "5", "--port", str(port))
        output, _ = process.communicate(timeout=150)
    assert process.returncode == 1
    assert "cannot listen" in output
    assert "Traceback" not in output
