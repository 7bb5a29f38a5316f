"""From an empty cloud and an empty box, over real TLS: in, on with a new certificate, out."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cloud_app.cli import app as cloud_cli
from edge_app.cli.provision import app as provision_cli
from tests.kit.mosquitto import free_port
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]
EVENTS = 60
_CLOUD = "from cloud_app.cli import main; main()"
_BOX = "from edge_app.cli import main; main()"


@dataclass
class Town:
    """A cloud, a broker and a box in a folder of their own.

    Attributes:
        folder: with all files.
        mqtt_port: of the broker.
        cloud_port: of the API.
        box_port: of the box's own pages.
        stack: ends the processes.
    """

    folder: Path
    mqtt_port: int
    cloud_port: int
    box_port: int
    stack: ExitStack
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def cloud(self, *arguments: str) -> str:
        """A command of lotsight-cloud, as a person types it."""
        config = ("-c", str(self.folder / "cloud.toml"))
        done = CliRunner().invoke(cloud_cli, [*arguments, *config], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def provision(self, *arguments: str) -> str:
        config = ("-c", str(self.folder / "box.toml"), "--state-dir", str(self.folder / "state"))
        done = CliRunner().invoke(provision_cli, [*arguments, *config], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

        def end() -> None:
            process.terminate()
            process.wait(20)

        self.stack.callback(end)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ask(self, path: str) -> Any:
        """What the cloud answers; None while it does not."""
        try:
            answer = self._client(f"https://127.0.0.1:{self.cloud_port}").get(path)
        except httpx.HTTPError:
            time.sleep(0.2)
            return None
        return answer.json() if answer.status_code == 200 else None

    def sense(self, number: int) -> bool:
        """A car comes or goes; whether the box took it."""
        body = {
            "device": "s1", "occupied": bool(number % 2), "id": str(number),
            "time": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        try:
            box = self._client(f"http://127.0.0.1:{self.box_port}")
            answer = box.post("/api/v1/intake/plain", json=body)
        except httpx.HTTPError:
            time.sleep(0.2)
            return False
        return answer.status_code == 200 and answer.json()["taken"] == 1

    def _client(self, url: str) -> httpx.Client:
        if url not in self._clients:
            context = ssl.create_default_context(cafile=self.folder / "tls" / "ca.crt")
            client = httpx.Client(base_url=url, verify=context, timeout=5, trust_env=False)
            self._clients[url] = self.stack.enter_context(client)
        return self._clients[url]

    def state(self) -> str | None:
        bays = self.ask("/api/v1/edges/box-1/bays")
        return bays[0]["state"] if bays else None


@pytest.fixture
def town(tmp_path: Path, mosquitto: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        made = Town(tmp_path, free_port(), free_port(), free_port(), stack)
        (tmp_path / "cloud.toml").write_text(
            f"""
[broker]
host = "localhost"
port = {made.mqtt_port}
reconnect_max_s = 1
[broker.tls]
ca_file = "tls/ca.crt"
cert_file = "tls/consumer.crt"
key_file = "tls/consumer.key"
[http]
port = {made.cloud_port}
cert_file = "tls/cloud.crt"
key_file = "tls/cloud.key"
[provisioning]
broker_port = {made.mqtt_port}
[broker_files]
folder = "broker"
listen = "127.0.0.1"
pid_file = "mosquitto.pid"
every_s = 0.5
"""
        )
        key = tmp_path / "usb-stick" / "root.key"
        made.cloud("ca", "init", "--root-key", str(key))
        tls = ("--out", str(tmp_path / "tls"))
        made.cloud("ca", "issue", "cloud", "--host", "localhost", "--host", "127.0.0.1", *tls)
        made.cloud("ca", "issue", "consumer", *tls)
        made.cloud("broker", "files", str(tmp_path / "broker"))
        key.unlink()  # offline
        (tmp_path / "main.conf").write_text(f"user root\ninclude_dir {tmp_path / 'broker'}\n")
        made.run("mosquitto", str(mosquitto), "-c", str(tmp_path / "main.conf"))
        made.run("cloud", sys.executable, "-c", _CLOUD, "serve", "-c", str(tmp_path / "cloud.toml"))
        ready = "/health/ready"
        eventually(lambda: made.ask(ready) is not None, "the cloud to be ready", 60)
        yield made


def test_in_by_a_code_on_by_a_renewal_and_out_by_a_revocation(town: Town) -> None:
    shown = town.cloud("claim", "new", "--site", "north", "--edge", "box-1")
    typed = shown.strip().splitlines()[-1].split()
    assert typed[:2] == ["lotsight", "provision"]
    assert "box-1 at north" in town.provision(*typed[2:])
    with (town.folder / "box.toml").open("a") as file:
        file.write(
            f"[http]\nport = {town.box_port}\n[mqtt]\nack_grace_s = 0.1\nbackoff_max_s = 1\n"
            "[mqtt.tls]\ncheck_period_s = 0.3\n"
            '[[sensor]]\nid = "s1"\nbay = "B-1"\nprofile = "plain"\nlot = "garage"\n'
        )
    town.run("box", sys.executable, "-c", _BOX, "run", "--config", "box.toml")
    eventually(lambda: town.sense(1), "the box to take a reading", 60)
    eventually(lambda: town.state() == "occupied", "the first state in the cloud", 30)

    _rotates_while_events_flow(town)

    town.cloud("ca", "revoke", "box-1")
    since_s = time.monotonic()
    refused = "may not accept this box's certificate"
    eventually(lambda: refused in town.log("box"), "the box to be refused", 60)
    assert time.monotonic() - since_s < 60
    assert "ended the connection of box-1" in town.log("cloud")
    assert "verify failed" in town.log("mosquitto")
    done = CliRunner().invoke(provision_cli, ["--renew", "-c", str(town.folder / "box.toml")])
    assert "was revoked on" in str(done.exception)


def _rotates_while_events_flow(town: Town) -> None:
    pem = town.folder / "state" / "identity" / "edge.pem"
    before = pem.read_text()
    taken: list[int] = []

    def flow() -> None:
        for number in range(2, 2 + EVENTS):
            if town.sense(number):
                taken.append(number)
            time.sleep(0.03)

    flowing = threading.Thread(target=flow)
    flowing.start()
    assert "new certificate for box-1" in town.provision("--renew")
    flowing.join()
    assert pem.read_text() != before
    connected = "connected with the new certificate"
    eventually(lambda: connected in town.log("box"), "the new certificate to connect", 30)
    assert not pem.with_name("edge.pem.old").exists()
    assert len(taken) == EVENTS

    def seqs() -> list[int]:
        events = town.ask("/api/v1/events?edge=box-1&limit=1000")
        return sorted(int(each["id"].rpartition("-")[2]) for each in events or ())

    # One for each reading, and those of the start.
    eventually(lambda: len(seqs()) >= EVENTS + 1, "every event in the cloud", 30)
    found = seqs()
    assert found == list(range(1, 1 + len(found))), f"lost: {found}"
