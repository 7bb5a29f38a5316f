"""The cloud's process does not outlive the city's, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from city.cloud import CloudFiles, CloudProcess, write_config
from tests.kit.mosquitto import free_port
from tests.kit.waiting import eventually

_CITY = """
import sys, time
from pathlib import Path
from city.cloud import CloudFiles, CloudProcess
cloud = CloudProcess(CloudFiles(Path(sys.argv[1])), sys.argv[2])
cloud.start()
print(cloud.pid, flush=True)
time.sleep(600)
"""


def _is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    # A process that has ended and that nobody waited for is a zombie.
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5).is_success
    except httpx.HTTPError:
        return False


def test_the_cloud_ends_when_the_city_is_killed(tmp_path: Path) -> None:
    port = free_port()
    files = CloudFiles(tmp_path)
    write_config(files, free_port(), port, "token")
    assert CloudProcess(files, "").is_alive is False
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-c", _CITY, str(tmp_path), url], stdout=subprocess.PIPE, text=True
    ) as city:
        assert city.stdout is not None
        pid = int(city.stdout.readline())
        try:
            eventually(lambda: _answers(url), "the cloud to answer")
            city.kill()
            city.wait()
            eventually(lambda: not _is_there(pid), "the cloud to end with the city")
        finally:
            city.kill()
            if _is_there(pid):
                os.kill(pid, signal.SIGKILL)
