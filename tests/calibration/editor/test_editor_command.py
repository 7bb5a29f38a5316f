"""`lotsight calibrate`: sources, ports, the running edge service, a real run of the command."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from calibration import load_calibration, load_revision
from calibration.editor import (
    ClipPictures,
    EditorSession,
    EditorSettings,
    StillPicture,
    create_editor_app,
    listen,
)
from edge_app.cli.calibrate import (
    PORT,
    default_path,
    edge_editor,
    open_pictures,
)
from telemetry import CameraError, ConfigError
from tests.kit.web import serving


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("rtsp://user:secret@cam.lan:554/north", "cam-lan-554-north", id="rtsp"),
        pytest.param("snapshot+http://cam.lan/now.jpg", "snapshot-http-cam-lan-now-jpg", id="http"),
        pytest.param("usb:0", "usb-0", id="usb"),
    ],
)
def test_the_file_of_a_camera_is_named_after_it(source: str, expected: str) -> None:
    assert default_path(source) == Path(f"{expected}.calibration.json")


def test_the_file_of_a_clip_lies_beside_it(tmp_path: Path) -> None:
    clip = tmp_path / "north.mp4"
    clip.touch()
    assert default_path(str(clip)) == tmp_path / "north.calibration.json"


def test_picture_and_clip_are_told_apart(lot_picture: Path, tmp_path: Path) -> None:
    with open_pictures(str(lot_picture)) as pictures:
        assert isinstance(pictures, StillPicture)
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    with open_pictures(str(path)) as pictures:
        assert isinstance(pictures, ClipPictures)


def test_what_does_not_exist_is_said_so() -> None:
    with (
        pytest.raises(ConfigError, match="nowhere"),
        open_pictures("nowhere.mp4"),
    ):
        pass


def test_a_camera_gives_its_newest_picture(lot_picture: Path) -> None:
    app = FastAPI()
    shades = iter(range(0, 250, 10))

    @app.get("/now.jpg")
    def now() -> Response:
        image = np.full((48, 64, 3), next(shades), np.uint8)
        return Response(cv2.imencode(".jpg", image)[1].tobytes(), media_type="image/jpeg")

    with serving(app) as url, open_pictures(f"snapshot+{url}/now.jpg") as pictures:
        assert pictures.live
        first = pictures.picture(0).mean()
        until_s = time.monotonic() + 15
        while pictures.picture(0).mean() == first:
            assert time.monotonic() < until_s, "the picture never became newer"
            time.sleep(0.05)
        assert pictures.picture(0).mean() > first


def test_a_dead_camera_is_said_so(free_port: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_app.cli.calibrate._FIRST_PICTURE_S", 1.0)
    address = f"snapshot+http://127.0.0.1:{free_port()}/now.jpg"
    with pytest.raises(CameraError, match="expected an image within"), open_pictures(address):
        pass


def test_only_the_usual_port_gives_way() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigError, match="expected a free port"),
    ):
        listen(taken.getsockname()[1], PORT)
    with listen(PORT, PORT) as first, listen(PORT, PORT) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_running_edge_service_is_recognised(session: EditorSession, free_port: Any) -> None:
    edge = FastAPI()
    editor = create_editor_app(lambda: [session], EditorSettings(author_of=lambda _request: "x"))
    edge.mount("/calibrate", editor)
    with serving(edge) as url:
        assert edge_editor(url) == f"{url}/calibrate/"
        assert edge_editor(f"{url}/calibrate/") == f"{url}/calibrate/"
        # Mounted, the page finds its files and its server below its own address.
        page = httpx.get(f"{url}/calibrate/").text
        for file in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert httpx.get(f"{url}/calibrate/{file}").status_code == 200
    assert edge_editor(f"http://127.0.0.1:{free_port()}") is None
    with serving(FastAPI()) as url:
        assert edge_editor(url) is None
    assert edge_editor("rtsp://cam/1") is None


def test_the_command_from_start_to_end(lot_picture: Path, tmp_path: Path, lot: Any) -> None:
    path = tmp_path / "north.json"
    command = [
        sys.executable, "-u", "-c", "from edge_app.cli import main; main()", "calibrate",
        str(lot_picture), "--calibration", str(path), "--port", "0", "--no-browser",
        "--model", "none",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                url = found[0]
                break
        session = httpx.get(f"{url}api/_/session").json()
        assert session["camera"] == "north"
        assert session["can_judge"] is False
        foreign = httpx.get(f"{url}api/_/session", headers={"Host": "evil.example"})
        assert foreign.status_code == 403
        bay = {"id": "A01", "polygon": (lot.bays_px[0] / (1280, 720)).tolist()}
        facts: Any = {"name": "lot", "location": None, "street": "off_street", "levels": []}
        answer = httpx.post(
            f"{url}api/north/save",
            json={"base_revision": 0, "document": {"bays": [bay], "lot": facts}},
            headers={"X-Lotsight-Token": session["token"]},
        )
        assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(20) in {0, 130, -signal.SIGINT}
    assert "as revision 1, 1 bays" in rest
    assert load_calibration(path).bay_ids == ("A01",)
    assert load_revision(path, 1).camera == "north"
