"""Real servers of the tests: a private PostgreSQL cluster, a private mosquitto."""

from __future__ import annotations

import contextlib
import os
import pwd
import queue
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

from cloud_app.config import DatabaseConfig
from cloud_app.storage.open import open_database
from tests.kit.mosquitto import free_port


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll until `condition` holds; fail naming `what` otherwise."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            msg = f"waited {timeout_s} s in vain for: {what}"
            raise AssertionError(msg)
        time.sleep(0.02)


class PostgresCluster:
    """A cluster of our own, on loopback.

    Args:
        bin_folder: of its programs.
        is_durable: as in production; else nothing waits for the disk, and a crash of the machine
            would lose what no test looks at.
    """

    def __init__(self, bin_folder: Path, *, is_durable: bool = True) -> None:
        self._bin = bin_folder
        self._options = "" if is_durable else " -c fsync=off -c full_page_writes=off"
        self._folder = Path(tempfile.mkdtemp(prefix="lotsight-pg-"))
        self.port = free_port()
        self._template: str | None = None
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", "data", "-U", "postgres", "--auth=trust", "-E", "UTF8", "-N")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with (self._folder / f"{program}.log").open("a") as log:
            subprocess.run(
                [*prefix, str(self._bin / program), *arguments],
                cwd=self._folder, check=True, stdout=log, stderr=log, timeout=60,
            )  # fmt: skip

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder}{self._options}"
        self._run("pg_ctl", "-D", "data", "-l", "server.log", "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database: an empty one, or a copy of `template`."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            # Files are copied in a third of the time that pages take by way of the log.
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self._url(name)

    def migrated_database(self) -> str:
        """The URL of a new database with all tables: a copy of one that was migrated."""
        if self._template is None:
            url = self.new_database()
            open_database(DatabaseConfig(url=SecretStr(url))).close()
            self._template = url.rpartition("/")[2]
        return self.new_database(self._template)

    def drop(self, url: str) -> None:
        """Drop a database before its pages reach the disk."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def running_postgres(bin_folder: Path, *, is_durable: bool = True) -> Iterator[PostgresCluster]:
    cluster = PostgresCluster(bin_folder, is_durable=is_durable)
    try:
        yield cluster
    finally:
        cluster.remove()


class Broker:
    """A mosquitto of our own; `kill` is SIGKILL, `start` brings it back on the same port."""

    def __init__(self, program: Path, folder: Path, settings: str = "") -> None:
        self._program = program
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        store = folder / "mosquitto"
        store.mkdir(exist_ok=True)
        user = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(
            f"{user}listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {store}/\nautosave_interval 1800\n"
            f"sys_interval 1\n{settings}"
        )
        self.start()

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("a") as log:
            self._process = subprocess.Popen(
                [str(self._program), "-c", str(self._folder / "mosquitto.conf")],
                stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._answers, 10, "mosquitto to listen")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def dropped(self) -> int:
        """How many messages the broker itself says it threw away since its start."""
        answers: queue.Queue[int] = queue.Queue()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.on_message = lambda _client, _data, message: answers.put(int(message.payload))
        client.connect("127.0.0.1", self.port)
        client.subscribe("$SYS/broker/publish/messages/dropped")
        client.loop_start()
        try:
            return answers.get(timeout=20)
        finally:
            client.disconnect()
            client.loop_stop()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)


@contextlib.contextmanager
def running_broker(program: Path, folder: Path, settings: str = "") -> Iterator[Broker]:
    broker = Broker(program, folder, settings)
    try:
        yield broker
    finally:
        broker.stop()
