"""Consumers and fleets as processes that a test starts and kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import httpx
from sqlalchemy import text

from cloud_app.storage.database import Database
from tests.cloud_app.fleet import EdgeTruth, FleetPlan
from tests.cloud_app.servers import wait_until
from tests.kit.forks import Fork
from tests.kit.mosquitto import free_port

_SERVE = "from cloud_app.cli import main; main()"


class Consumer:
    """One `lotsight-cloud serve`, of this tree or of another one's code."""

    def __init__(
        self, name: str, folder: Path, broker_port: int, url: str, more: str = "",
        code: Path | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._code = code
        self.http_port = free_port()
        self._log = folder / f"{name}.log"
        self._config = folder / f"{name}.toml"
        self._config.write_text(
            f"[broker]\nport = {broker_port}\nclient_id = '{name}'\nreconnect_max_s = 1\n"
            f"[database]\nurl = '{url}'\n"
            f"[http]\nport = {self.http_port}\n"
            f"[ingest]\nreplay_after_s = 1.0\n{more}"
        )
        self._process: Fork | subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = self._started()
        wait_until(self._is_ready, 120, f"{self.name} to be ready; {self._log}")

    def _started(self) -> Fork | subprocess.Popen[bytes]:
        arguments = ["serve", "-c", str(self._config)]
        if self._code is None:
            return Fork("cloud_app.cli", arguments, self._log)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _SERVE, *arguments], stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": str(self._code)}, cwd=self._config.parent,
            )  # fmt: skip

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(timeout=30)


class Fleet:
    """One `tests.cloud_app.fleet`."""

    def __init__(self, plan: FleetPlan) -> None:
        folder = Path(plan.folder)
        folder.mkdir(exist_ok=True)
        self._truth = folder / "truth.json"
        self._log = folder / "fleet.log"
        self._process = Fork("tests.cloud_app.fleet", [json.dumps(asdict(plan))], self._log)

    @property
    def is_done(self) -> bool:
        """All changes are made."""
        assert self._process.poll() is None, self._log.read_text()
        return self._truth.exists()

    def truth(self, timeout_s: float = 120) -> dict[str, EdgeTruth]:
        wait_until(lambda: self.is_done, timeout_s, "the fleet to make its changes")
        return {
            name: EdgeTruth(**each) for name, each in json.loads(self._truth.read_text()).items()
        }

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)


def watermarks(database: Database) -> dict[tuple[str, int], int]:
    with database.read() as session:
        rows = session.rows(text("SELECT edge, epoch, upto FROM stream"))
    return {(edge, epoch): upto for edge, epoch, upto in rows}


def wait_for_all(database: Database, truth: dict[str, EdgeTruth], timeout_s: float) -> None:
    """Until every stream is complete; fails telling how far each one came."""
    wanted = {(name, each.epoch): len(each.events) for name, each in truth.items()}
    try:
        wait_until(lambda: watermarks(database) == wanted, timeout_s, "all streams to be complete")
    except AssertionError as exc:
        found = watermarks(database)
        behind = {key: (found.get(key), n) for key, n in wanted.items() if found.get(key) != n}
        some = dict(list(behind.items())[:5])
        msg = f"{len(behind)} of {len(wanted)} streams are incomplete, (found, wanted): {some}"
        raise AssertionError(msg) from exc


def check_against(database: Database, truth: dict[str, EdgeTruth]) -> tuple[int, int, int]:
    """Compare tables and truth: (events lost, misattributed, projected out of order)."""
    with database.read() as session:
        found = {
            (edge, epoch, seq): (bay, bool(occ))
            for edge, epoch, seq, bay, occ in session.rows(
                text("SELECT edge, epoch, seq, bay, occ FROM event WHERE kind = 'changed'")
            )
        }
        now = {
            (edge, bay): None if occ is None else bool(occ)
            for edge, bay, occ in session.rows(
                text(
                    "SELECT s.edge, s.bay, s.occ FROM bay_state s"
                    " JOIN edge ON edge.edge = s.edge AND edge.layout = s.layout"
                )
            )
        }
        assert session.rows(text("SELECT * FROM gap")) == []
        assert session.rows(text("SELECT topic, reason FROM quarantine")) == []
    expected = {
        (name, each.epoch, seq): tuple(event)
        for name, each in truth.items()
        for seq, event in enumerate(each.events, 1)
    }
    assert found.keys() <= expected.keys()
    lost = len(expected.keys() - found.keys())
    wrong = sum(found[key] != expected[key] for key in found)
    states = {(name, bay): occ for name, each in truth.items() for bay, occ in each.states.items()}
    return lost, wrong, sum(now.get(key) != occ for key, occ in states.items())
