"""The whole service, in this process, on a real RTSP camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from calibration import Bay, Calibration, save_calibration
from edge_app.assembly import assemble, service_of
from edge_app.box import EdgeBox
from edge_app.config import parse_config
from edge_app.live_state import CameraCondition, CameraStatus
from edge_app.service import EdgeService
from telemetry import UnknownReason
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.edge_app.conftest import RtspServer

pytestmark = pytest.mark.slow


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[[str], EdgeBox]]:
    running: list[EdgeService] = []

    def start(source: str) -> EdgeBox:
        bay = Bay(id="a", polygon=((0.1, 0.1), (0.5, 0.1), (0.5, 0.6), (0.1, 0.6)))
        drawn = Calibration(camera="north", image_wh=(320, 192), bays=(bay,))
        save_calibration(tmp_path / "north.json", drawn, author="test")
        text = (
            '[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nenabled = false\n'
            '[guard]\nenabled = false\n[model]\nthreads = 1\n[[camera]]\nid = "north"\n'
            f'source = "{source}"\nrate_hz = 2\ncalibration_file = "north.json"\n'
            "frame_timeout_s = 1\nlost_after_s = 5\nretry_longest_s = 0.5\n"
        )
        box = assemble(parse_config(text, tmp_path / "box.toml"))
        service = service_of(box)
        running.append(service)
        service.start()
        return box

    yield start
    for service in running:
        service.stop()


def texts(box: EdgeBox) -> list[str]:
    return [each.text for each in box.alarms.standing()]


def status(box: EdgeBox) -> CameraStatus:
    view = box.live_state.latest("north")
    assert view is not None
    return view.status


def is_judged(box: EdgeBox) -> bool:
    """Whether the bay has a state from pictures, be it that the network is not sure of it.

    The stream shows a test pattern: what a network makes of that is not the point.
    """
    return box.store.states()[0].reason in {None, UnknownReason.UNSURE}


def test_a_camera_freezes_hangs_up_and_comes_back(
    rtsp_server: Callable[..., RtspServer], start_service: Callable[[str], EdgeBox]
) -> None:
    server = rtsp_server(fps=20, gop=10)
    box = start_service(server.url("viewer:s3cret@"))
    eventually(lambda: status(box).judged > 0 and status(box).frames > 20)
    eventually(lambda: is_judged(box))
    server.freeze.set()
    eventually(lambda: box.store.states()[0].reason is UnknownReason.CAMERA_LOST)
    eventually(lambda: "camera north: lost" in texts(box))
    assert status(box).condition is CameraCondition.LOST
    assert "s3cret" not in status(box).detail
    server.freeze.clear()
    eventually(lambda: is_judged(box))
    eventually(lambda: "camera north: lost" not in texts(box))
    restarts = status(box).restarts
    server.hang_up()
    eventually(lambda: status(box).restarts > restarts)
    frames = status(box).frames
    eventually(lambda: status(box).frames > frames + 10)
    assert is_judged(box), "a short gap is no lost camera"
