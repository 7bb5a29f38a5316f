"""A real mosquitto, with or without TLS and access list, that tests may kill and bring back."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trustme

PAGE = Path(__file__).resolve().parents[3] / "docs" / "telemetry.md"
ACCESS_LIST = PAGE.read_text(encoding="utf-8").split("```acl\n")[1].split("```")[0]
"""The access list that the documentation recommends is the one that is tested."""


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> float:
    """Poll until `condition` holds; gives how long that took."""
    started_s = time.monotonic()
    while not condition():
        if time.monotonic() - started_s > timeout_s:
            msg = f"waited {timeout_s:g} s in vain for {what}"
            raise AssertionError(msg)
        time.sleep(0.01)
    return time.monotonic() - started_s


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Mosquitto:
    """One broker on loopback; `settings` are lines of its configuration."""

    program: Path
    folder: Path
    settings: str = "allow_anonymous true"
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        user = "user root\n" if os.geteuid() == 0 else ""
        path = self.folder / "mosquitto.conf"
        path.write_text(f"{user}listener {self.port} 127.0.0.1\nlog_type all\n{self.settings}\n")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "-c", path], stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self.answers, "mosquitto to listen")

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def log_file(self) -> Path:
        return self.folder / "mosquitto.log"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL: nothing is written any more."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def reload(self) -> None:
        """SIGHUP: the access list is read anew."""
        assert self._process is not None
        self._process.send_signal(1)
        time.sleep(0.2)


class Authority:
    """Issues certificates and writes them as files."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def issue(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Certificate and key of `name`; the same name again replaces both."""
        made = self._ca.issue_cert(*(hosts or (f"{name}.invalid",)), common_name=name)
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        return cert, key

    def tls_settings(self, access_list: Path) -> str:
        cert, key = self.issue("broker", "localhost", "127.0.0.1")
        return (
            f"cafile {self.ca_file}\ncertfile {cert}\nkeyfile {key}\nrequire_certificate true\n"
            f"use_identity_as_username true\nacl_file {access_list}"
        )
