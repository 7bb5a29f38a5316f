"""`scripts/city` as a person runs it: output, API for each login, score, end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

pytest.importorskip("amqtt", reason="the city's broker comes with the extra lotsight[demo]")
pytest.importorskip("sqlalchemy", reason="the city's cloud comes with the extra lotsight[cloud]")

STARTED_WITHIN_S = 240.0
LOTS, BOXES, WATCHED = 16, 14, 2
ROW = re.compile(
    r"^(\S.*?)\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+\d+/\d+\s+(\d+)\s+(\d+)\s+(\d+)",
    re.MULTILINE,
)
COUNTED = re.compile(r"^Quay Garage +144 +\d+ +\d+ .* 0$", re.MULTILINE)
KERBSIDE = {"centre-kerb", "seafront"}


class RunningCity:
    """One `scripts/city`, in folders of its own.

    Args:
        home: where it runs; it must leave nothing in it.
        options: of the command line.
    """

    def __init__(self, home: Path, *options: str) -> None:
        self.home, self.temp = home, home / "tmp"
        self.temp.mkdir()
        self.lines: list[str] = []
        self.children: set[psutil.Process] = set()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "city", "--no-browser", *options],
            cwd=home,
            env={
                **os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1",
                "TMPDIR": str(self.temp), "HOME": str(home),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str) -> None:
        """Until it has printed that."""
        ends_s = time.monotonic() + STARTED_WITHIN_S
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < ends_s, self.output
            self.children |= set(psutil.Process(self.process.pid).children(recursive=True))
            time.sleep(0.1)

    def ended(self, timeout_s: float = 200.0) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def assert_nothing_is_left(self) -> None:
        """No process, and no file that was not asked for."""
        assert self.children
        _, alive = psutil.wait_procs(list(self.children), timeout=5)
        assert not alive
        assert sorted(path.name for path in self.home.iterdir()) == ["tmp"]
        assert list(self.temp.iterdir()) == []

    def password(self, email: str) -> str:
        found = re.search(rf"{re.escape(email)}\s+(\S+)", self.output)
        assert found, self.output
        return found[1]


Start = Callable[..., RunningCity]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a city; ended after the test."""
    running: list[RunningCity] = []

    def start_(*options: str) -> RunningCity:
        running.append(RunningCity(tmp_path, *options))
        return running[-1]

    yield start_
    for city in running:
        children = set(city.children)
        if city.process.poll() is None:
            city.process.kill()
            city.ended()
        for child in children:
            if child.is_running():
                child.kill()


def logged_in(city: RunningCity, url: str, email: str) -> httpx.Client:
    client = httpx.Client(base_url=f"{url}/api/v1", timeout=30)
    answer = client.post("/login", json={"email": email, "password": city.password(email)})
    assert answer.is_success, answer.text
    return client


def read(client: httpx.Client, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.is_success, answer.text
    return answer.json()


def check_council(client: httpx.Client) -> None:
    """The whole city, its live state, its past."""
    lots = read(client, "/lots")
    assert len(lots) == LOTS
    assert sum(lot["counts"]["bays"] for lot in lots) > 600
    assert all(lot["name"] for lot in lots)
    edges = read(client, "/edges")
    assert len(edges) == BOXES
    assert sum(edge["online"] for edge in edges) >= BOXES - 1
    assert read(client, "/incidents")
    assert read(client, "/events", limit=5)
    alerts = read(client, "/alerts", limit=200)
    assert any(alert["closed"] is not None for alert in alerts)
    now = datetime.now(UTC)
    garage = "/lots/old-town/Guildhall-Garage"
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    series = read(client, f"{garage}/series", **span, step_s=600)
    assert any(point["occupancy"] is not None for point in series)
    things = read(client, "/registry/map", bbox="-2.7,50.7,-2.5,50.9", kind="lot")["features"]
    assert {each["geometry"]["type"] for each in things} == {"Polygon"}
    assert len(things) == LOTS
    sensors = read(client, "/sensors", lot="Mill-Lane")
    assert len(sensors) == 28
    assert all(sensor["heard"] is not None for sensor in sensors)
    assert any(sensor["condition"] == "low_battery" for sensor in sensors)
    count = read(client, "/lots/seafront/Quay-Garage/count")
    assert (count["capacity"], count["source"]) == (144, "gates")
    assert count["last_true"]["note"] == "counted on foot"
    site = read(client, "/registry/sites/station")
    assert "Europe/London" in str(site)


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_the_city_lives_shows_its_past_walls_its_tenants_and_scores(
    start: Start, free_port: Callable[[], int]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    city = start("--duration-s", "40", "--port", str(port))
    city.wait_for("of them judged from pictures")
    city.wait_for("history from")
    assert httpx.get(f"{url}/api/v1/lots").status_code == 401, "nobody without a login"
    with closing(logged_in(city, url, "council@wexmouth.example")) as client:
        check_council(client)
    with closing(logged_in(city, url, "admin@kerbside.example")) as client:
        assert {lot["site"] for lot in read(client, "/lots")} == KERBSIDE
        assert client.get("/lots/old-town/Guildhall-Garage").status_code == 404
    assert city.ended() == 0, city.output
    assert "Traceback" not in city.output
    rows = ROW.findall(city.output)
    # Of one lot only the count is known; it has a table of its own.
    assert len(rows) == LOTS - 1 + 1, city.output
    assert sum(row[0].endswith("*") for row in rows) == WATCHED
    assert [row[0] for row in rows if row[0].endswith("+")] == ["Mill Lane+"]
    assert COUNTED.search(city.output), city.output
    name, _, right, wrong, unknown, published, taken, lost = rows[-1]
    assert name == "the city"
    assert float(right) + float(wrong) + float(unknown) == pytest.approx(100, abs=0.3)
    assert float(right) > 80
    assert (published, lost) == (taken, "0")
    assert int(published) > 600
    city.assert_nothing_is_left()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ctrl_c_while_it_starts_leaves_nothing(start: Start) -> None:
    city = start()
    city.wait_for("into the registry")
    city.process.send_signal(signal.SIGINT)
    assert city.ended() == 0, city.output
    assert "stopped before there was anything to score" in city.output
    assert "Traceback" not in city.output
    city.assert_nothing_is_left()


@pytest.mark.timeout(200)
def test_a_port_in_use_is_one_clear_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        city = start("--port", str(port), "--duration-s", "5")
        assert city.ended() == 1
    [line] = city.output.splitlines()
    assert line.startswith(f"error: --port {port}: expected a port")


@pytest.mark.timeout(200)
def test_a_folder_that_holds_something_is_not_written_to(start: Start, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.txt").write_text("mine")
    city = start("--keep", str(kept), "--duration-s", "5")
    assert city.ended() == 1
    [line] = city.output.splitlines()
    assert line.startswith(f"error: --keep {kept}: expected a folder that is empty")
    assert [path.name for path in kept.iterdir()] == ["mine.txt"]
