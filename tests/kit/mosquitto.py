"""A real mosquitto on loopback, which tests may kill and bring back."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.waiting import eventually


def free_port() -> int:
    """A TCP port that was free on loopback a moment ago."""
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
        eventually(self.answers, "mosquitto to listen", 20)

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
