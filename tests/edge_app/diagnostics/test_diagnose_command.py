"""`lotsight diagnose` beside a service that runs, is deaf, was killed, or never started."""

from __future__ import annotations

import json
import os
import signal
import socket
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import cv2
import httpx
import numpy as np
import pytest
import trustme
from typer.testing import CliRunner

from calibration import Bay, Calibration, save_calibration
from edge_app.assembly import assemble
from edge_app.cli.diagnose import app as diagnose
from edge_app.config import load_config
from edge_app.diagnostics.offline import journal_lines, last_lines
from edge_app.diagnostics.service_client import UnavailableError
from tests.kit.forks import Fork

OUTLINE = ((0.1, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))
SECRETS = ("opensesame", "mqtt-secret", "cam-pass", "t0psecret", "$argon2id")


class Place:
    """A box in a folder: its configuration, its service as it is started on a box, its bundle."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: Fork | None = None
        cv2.imwrite(str(folder / "picture.png"), np.full((240, 320, 3), 120, np.uint8))
        drawn = Calibration(
            camera="north", image_wh=(320, 240), bays=(Bay(id="A01", polygon=OUTLINE),)
        )
        save_calibration(folder / "north.json", drawn, author="ina")

    def configure(self, http: str = 'password = "opensesame"', more: str = "") -> None:
        (self.folder / "box.toml").write_text(
            f'[edge]\nsite = "mall"\nedge = "box-1"\nstate_dir = "state"\n'
            f"[http]\nport = {self.port}\n{http}\n"
            '[mqtt]\nhost = "localhost"\nport = 1\nusername = "b"\npassword = "mqtt-secret"\n'
            "[audit]\nenabled = false\n"
            '[[camera]]\nid = "north"\nsource = "picture.png"\ncalibration_file = "north.json"\n'
            'username = "viewer"\npassword = "cam-pass"\n'
            f"{more}"
        )

    def start(self, scheme: str = "http") -> None:
        arguments = ["run", "--config", str(self.folder / "box.toml")]
        self.process = Fork("edge_app.cli", arguments, self.folder / "log.txt")
        address = f"{scheme}://127.0.0.1:{self.port}/health/live"
        end_s = time.monotonic() + 90
        while True:
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            assert time.monotonic() < end_s, "no response from the service"
            try:
                httpx.get(address, verify=False, timeout=20)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return

    def end(self, by: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            self.process.wait(30)
            self.process = None

    def diagnose(self, *more: str) -> dict[str, Any]:
        """The bundle's parts; JSON as what it says. No secret is in any of them, nor shown."""
        out = self.folder / "d.tar.gz"
        given = ["--config", str(self.folder / "box.toml"), "--out", str(out), *more]
        result = CliRunner().invoke(diagnose, given, env={"COLUMNS": "400"})
        assert result.exit_code == 0, result.output
        parts: dict[str, Any] = {}
        with tarfile.open(out) as opened:
            for member in opened:
                content = opened.extractfile(member)
                assert content is not None
                data = content.read()
                for secret in SECRETS:
                    assert secret.encode() not in data, member.name
                    assert secret not in result.output
                name = member.name.removeprefix("lotsight-diagnostics/")
                parts[name] = json.loads(data) if name.endswith(".json") else data.decode()
        parts["shown"] = result.output
        return parts


@pytest.fixture
def place(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Place]:
    found = Place(tmp_path, free_port())
    found.configure()
    yield found
    found.end()


@pytest.mark.slow
def test_a_running_service_is_asked_and_a_killed_one_is_read(place: Place) -> None:
    place.start()
    parts = place.diagnose()
    about = parts["about.json"]
    assert (about["service"], about["missing"]) == ("runs", {})
    assert 0 <= about["sign_of_life_s"] < 60
    assert parts["status.json"]["cameras"].keys() == {"north"}
    assert "lotsight_uptime_seconds" in parts["metrics.txt"]
    assert "edge box box-1" in parts["log.txt"]
    assert [bay["bay"] for bay in parts["states.json"]] == ["A01"]
    assert "locked" in parts["store.json"]["in_use"]

    place.end()
    parts = place.diagnose("--log", str(place.folder / "log.txt"))
    about = parts["about.json"]
    assert about["service"] == "does not run"
    assert about["missing"] == dict.fromkeys(
        ("status.json", "metrics.txt"), "the service is not running"
    )
    assert "cannot collect metrics.txt: the service is not running" in parts["shown"]
    assert [bay["bay"] for bay in parts["states.json"]] == ["A01"]
    assert parts["store.json"]["check"] == "ok"
    assert parts["store.json"]["outbox"]["waiting"] >= 0
    assert "edge box box-1" in parts["log.txt"]
    levels = {check["what"]: check["level"] for check in parts["checks.json"]}
    assert levels["calibration north"] == "warning"  # it has no reference picture
    assert "model" in levels


@pytest.mark.slow
def test_a_service_without_pages_or_that_does_not_answer_is_told(place: Place) -> None:
    place.configure("enabled = false")
    box = assemble(load_config(place.folder / "box.toml"))
    try:
        parts = place.diagnose("--log", str(place.folder / "none.txt"))
    finally:
        box.store.close()
    missing = parts["about.json"]["missing"]
    assert parts["about.json"]["service"] == "runs"
    assert "http.enabled = false" in missing["status.json"]
    assert "the store is locked" in missing["states.json"]
    assert "none.txt: cannot read this log file" in missing["log.txt"]

    place.configure()
    box = assemble(load_config(place.folder / "box.toml"))
    try:
        missing = place.diagnose()["about.json"]["missing"]
    finally:
        box.store.close()
    assert f"on port {place.port}" in missing["status.json"]


@pytest.mark.slow
def test_over_tls_only_the_very_certificate_is_asked(place: Place) -> None:
    cert = trustme.CA().issue_cert("box-1.example")
    (place.folder / "http.crt").write_bytes(cert.cert_chain_pems[0].bytes())
    (place.folder / "http.key").write_bytes(cert.private_key_pem.bytes())
    tls = 'password = "opensesame"\ncert_file = "http.crt"\nkey_file = "http.key"'
    place.configure(tls)
    place.start("https")
    assert place.diagnose()["about.json"]["missing"] == {}
    other = trustme.CA().issue_cert("box-1.example")
    (place.folder / "other.crt").write_bytes(other.cert_chain_pems[0].bytes())
    place.configure(tls.replace("http.crt", "other.crt"))
    missing = place.diagnose()["about.json"]["missing"]
    assert "certificate verify failed" in missing["metrics.txt"]


def test_a_hash_of_a_password_opens_nothing(place: Place) -> None:
    place.configure(f"password = '{argon2.PasswordHasher().hash('opensesame')}'")
    box = assemble(load_config(place.folder / "box.toml"))
    try:
        missing = place.diagnose()["about.json"]["missing"]
    finally:
        box.store.close()
    assert "has only its hash" in missing["status.json"]


def test_nobody_is_asked_for_anything_while_no_service_runs(place: Place) -> None:
    """Whoever else listens on the port would get the password."""
    with socket.create_server(("127.0.0.1", place.port)) as listener:
        listener.settimeout(0.2)
        parts = place.diagnose()
        with pytest.raises(TimeoutError):
            listener.accept()
    about = parts["about.json"]
    assert about["sign_of_life_s"] is None
    assert "store not found" in about["missing"]["states.json"]
    assert "calibrations/north.json" in parts


def test_a_wrong_configuration_is_said_and_nothing_else_is_guessed(place: Place) -> None:
    place.configure(more='sorce = "rtsp://viewer:t0psecret@192.0.2.1/"\n')
    parts = place.diagnose("--log", str(place.folder / "box.toml"))
    assert sorted(parts) == ["about.json", "checks.json", "shown", "versions.json"]
    (check,) = parts["checks.json"]
    assert "unknown key; did you mean 'source'?" in check["text"]
    assert parts["about.json"]["service"] == "unknown"
    assert "cannot collect log.txt: the configuration is invalid" in parts["shown"]
    (place.folder / "box.toml").write_text('password = "opensesame\n')
    assert "invalid TOML" in place.diagnose()["checks.json"][0]["text"]


def test_pictures_that_no_camera_gives_are_named(place: Place) -> None:
    (place.folder / "picture.png").unlink()
    parts = place.diagnose("--with-pictures")
    assert "no image from the camera" in parts["about.json"]["missing"]["pictures/north.jpg"]


def test_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(200_000)))
    assert last_lines(path, 3) == ["line 199997", "line 199998", "line 199999"]
    path.write_bytes(b"x" * 10_000 + b"\nlast\xff\n")
    assert last_lines(path, 2) == ["last\ufffd"], "half a line is none"
    path.write_bytes(b"")
    assert last_lines(path) == []


def journal(folder: Path, script: str) -> None:
    path = folder / "journalctl"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_journal_is_asked_for_the_units_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    journal(tmp_path, 'echo "$@"; echo; echo "level=info msg=stopped"')
    assert journal_lines(7) == [
        "--unit lotsight --lines 7 --no-pager --output cat",
        "level=info msg=stopped",
    ]
    journal(tmp_path, 'echo "-- No entries --"; echo "No journal files were found." >&2')
    with pytest.raises(UnavailableError, match="No journal files were found"):
        journal_lines()
    journal(tmp_path, 'echo "level=info msg=a"; exit 1')
    with pytest.raises(UnavailableError, match="no lines of the unit lotsight"):
        journal_lines()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match="journalctl: No such file"):
        journal_lines()
