"""Passwords in every place of a configuration; every command and page; no output holds one."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from calibration import Bay, Calibration, save_calibration
from tests.edge_app.login_camera import LoginCamera
from tests.edge_app.secret_forms import leaks
from tests.kit.forks import Fork

OUTLINE = ((0.1, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))
PASSWORDS = {
    "snapshot": 'bl ank "quote" s1',
    "userinfo": "a'b@c:d/e s2",
    "unescaped": "plain#un\"esc'aped s3",
    "query": "lo&g=in%pas s4",
    "path": "tlJw+pbo ß s5",
    "odd": "p&wd; s6",
    "http": "open\\se same s7",
    "mqtt": 'mq<tt>"s8',
}


def toml(text: str) -> str:
    """As a basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture
def box(tmp_path: Path, free_port: Callable[[], int]) -> Path:
    """A configuration whose cameras all fail, each in its own way."""
    port, closed = free_port(), "127.0.0.1:1"
    p = {name: quote(password, safe="") for name, password in PASSWORDS.items()}
    sources = {
        "userinfo": f"rtsp://viewer:{p['userinfo']}@{closed}/live",
        "unescaped": f"rtsp://viewer:{PASSWORDS['unescaped']}@{closed}/live",
        "query": f"http://{closed}/videostream.cgi?loginuse=viewer&loginpas={p['query']}",
        "path": f"rtsp://{closed}/user=viewer_password={p['path']}_channel=1_stream=0.sdp",
        "odd": f"snapshot+http://{closed}/auto.jpg?-usr=viewer&-pwd={p['odd']}&p={p['odd']}",
    }
    lines = [
        f'[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[log]\nlevel = "debug"\n'
        f"[http]\nport = {port}\npassword = {toml(PASSWORDS['http'])}\n"
        f'[mqtt]\nhost = "127.0.0.1"\nport = 1\nusername = "viewer"\n'
        f"password = {toml(PASSWORDS['mqtt'])}\n[model]\nthreads = 1\n"
    ]
    for name, source in sources.items():
        lines.append(_camera(tmp_path, name, f"source = {toml(source)}\n"))
    lines.append(
        _camera(
            tmp_path,
            "snapshot",
            'source = "snapshot+http://CAMERA/image.jpg"\nusername = "viewer"\n'
            f"password = {toml(PASSWORDS['snapshot'])}\n",
        )
    )
    path = tmp_path / "box.toml"
    path.write_text("".join(lines))
    return path


def _camera(folder: Path, name: str, lines: str) -> str:
    bay = Bay(id=f"{name}-1", polygon=OUTLINE)
    drawn = Calibration(camera=name, image_wh=(320, 192), bays=(bay,))
    save_calibration(folder / f"{name}.json", drawn, author="test")
    return (
        f'[[camera]]\nid = "{name}"\ncalibration_file = "{name}.json"\n'
        f"open_timeout_s = 1\nframe_timeout_s = 1\nlost_after_s = 2\n{lines}"
    )


def lotsight(*arguments: str | Path) -> str:
    """All that a command writes; whether it fails is another question."""
    done = subprocess.run(
        [sys.executable, "-c", "from edge_app.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    return (done.stdout + done.stderr).decode()


def pages(box: Path, log: Path) -> str:
    """What a running service shows on its pages, once its cameras are lost."""
    port = next(line for line in box.read_text().splitlines() if line.startswith("port = "))
    headers = {b"Authorization": f"Bearer {PASSWORDS['http']}".encode()}
    base = f"http://127.0.0.1:{port[7:]}"
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        end = time.monotonic() + 60
        while True:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.3)
            try:
                status = client.get("/api/v1/status").text
            except httpx.TransportError:
                continue
            if status.count('"lost"') >= 5 and "login_rejected" in status:
                break
        texts = [
            client.get(page).text for page in ("/", "/metrics", "/api/v1/cameras", "/api/v1/bays")
        ]
        bundle = client.get("/api/v1/diagnostics.tar.gz")
        assert bundle.status_code == 200
        (box.parent / "downloaded.tar.gz").write_bytes(bundle.content)
    return "\n".join([status, *texts])


def bundle_text(path: Path) -> str:
    with tarfile.open(path) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers()]
        return "\n".join(file.read().decode(errors="replace") for file in files if file)


def assert_none_leaks(what: str, text: str) -> None:
    assert text, what
    for name, password in PASSWORDS.items():
        assert leaks(text, password) == [], f"{name} in {what}: {text[-3000:]}"


@pytest.mark.slow
def test_no_command_page_log_or_file_holds_a_password(box: Path, jpeg: bytes) -> None:
    folder = box.parent
    camera = LoginCamera(jpeg, offers=['Digest realm="c", nonce="{nonce}", qop="auth"'])
    with camera.running():
        box.write_text(box.read_text().replace("CAMERA", f"127.0.0.1:{camera.port}"))
        assert_none_leaks("check-config", lotsight("check-config", box, "--open"))
        log = folder / "run.log"
        service = Fork("edge_app.cli", ["run", "-c", str(box)], log)
        try:
            assert_none_leaks("pages", pages(box, log))
            shown = lotsight("diagnose", "-c", box, "-o", folder / "running.tar.gz", "--log", log)
            assert_none_leaks("diagnose", shown)
        finally:
            service.terminate()
            service.wait(30)
        lotsight("diagnose", "-c", box, "-o", folder / "stopped.tar.gz", "--log", log)
    assert_none_leaks("log", log.read_text())
    for name in ("downloaded", "running", "stopped"):
        text = bundle_text(folder / f"{name}.tar.gz")
        assert "rejects the username or password" in text
        assert_none_leaks(f"{name}.tar.gz", text)
    for path in (folder / "state").rglob("*"):
        if path.is_file():
            assert_none_leaks(path.name, path.read_bytes().decode("latin-1") or "empty")


@pytest.mark.parametrize(
    "source",
    [
        "http://viewer:{raw}@127.0.0.1/",
        "snapshot+http://127.0.0.1:1/x?loginpas={quoted}",
        "viewer:{raw}@127.0.0.1/",
    ],
)
def test_calibrate_shows_no_password(source: str, tmp_path: Path) -> None:
    password = "bl ank \"quo'te s9"
    address = source.format(raw=password, quoted=quote(password, safe=""))
    done = subprocess.run(
        [sys.executable, "-c", "from edge_app.cli import main; main()", "calibrate", address,
         "--model", "none", "--no-browser"],
        capture_output=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 1
    assert "Traceback" not in text
    assert "127.0.0.1" in text
    assert leaks(text, password) == []
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments_and_settings_show_no_password(tmp_path: Path) -> None:
    password = "bl ank \"quo'te s9"
    address = f"rtsp://viewer:{password}@127.0.0.1/live"
    for arguments in (
        ("calibrate", "a.png", address),
        ("judge", address, "--no-such-option"),
        ("judge", address, "--calibration", "none.json"),
        (address,),
    ):
        text = lotsight(*arguments)
        assert "error: " in text
        assert leaks(text, password) == []
    path = tmp_path / "box.toml"
    for line in (
        f"source = [{toml(address)}]",
        f"source = {toml(address)}\nrate_hz = {toml(password)}\npassword = {toml(password)}",
        f"source = {toml(address)}\npassword_env = {toml(password)}",
        f"source = {toml(address.replace('rtsp', 'ftp'))}",
        f"source = {toml(address)}\ntls_verify = false",
    ):
        path.write_text(f'[edge]\nsite = "s"\nedge = "e"\n[[camera]]\nid = "a"\n{line}\n')
        text = lotsight("check-config", path)
        assert "error: " in text
        assert leaks(text, password) == []
