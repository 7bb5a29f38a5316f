"""The whole service, in this process, on a real RTSP camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from calibration import Bay, Calibration, save_calibration
from edge_app.config import parse_config
from edge_app.live import CameraCondition, CameraStatus
from edge_app.service import EdgeService
from edge_app.upkeep import Upkeep
from telemetry import UnknownReason

if TYPE_CHECKING:
    from tests.edge_app.conftest import RtspServer

pytestmark = pytest.mark.slow


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[[str], EdgeService]]:
    running: list[tuple[EdgeService, Upkeep]] = []

    def start(source: str) -> EdgeService:
        bay = Bay(id="a", polygon=((0.1, 0.1), (0.5, 0.1), (0.5, 0.6), (0.1, 0.6)))
        drawn = Calibration(camera="north", image_wh=(320, 192), bays=(bay,))
        save_calibration(tmp_path / "north.json", drawn, author="test")
        text = (
            '[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nenabled = false\n'
            '[guard]\nenabled = false\n[model]\nthreads = 1\n[[camera]]\nid = "north"\n'
            f'source = "{source}"\nrate_hz = 2\ncalibration_file = "north.json"\n'
            "frame_timeout_s = 1\nlost_after_s = 5\nretry_longest_s = 0.5\n"
        )
        service = EdgeService(parse_config(text, tmp_path / "box.toml"))
        upkeep = Upkeep(service, period_s=0.1)
        running.append((service, upkeep))
        service.start()
        upkeep.start()
        return service

    yield start
    for service, upkeep in running:
        upkeep.stop()
        service.stop()


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def texts(service: EdgeService) -> list[str]:
    return [each.text for each in service.alarms.standing()]


def status(service: EdgeService) -> CameraStatus:
    view = service.board.latest("north")
    assert view is not None
    return view.status


def is_judged(service: EdgeService) -> bool:
    """Whether the bay has a state from pictures, be it that the network is not sure of it.

    The stream shows a test pattern: what a network makes of that is not the point.
    """
    return service.store.states()[0].reason in {None, UnknownReason.UNSURE}


def test_a_camera_freezes_hangs_up_and_comes_back(
    rtsp_server: Callable[..., RtspServer], start_service: Callable[[str], EdgeService]
) -> None:
    server = rtsp_server(fps=20, gop=10)
    service = start_service(server.url("viewer:s3cret@"))
    wait_for(lambda: status(service).judged > 0 and status(service).frames > 20)
    wait_for(lambda: is_judged(service))
    server.freeze.set()
    wait_for(lambda: service.store.states()[0].reason is UnknownReason.CAMERA_LOST)
    wait_for(lambda: "camera north: lost" in texts(service))
    assert status(service).condition is CameraCondition.LOST
    assert "s3cret" not in status(service).detail
    server.freeze.clear()
    wait_for(lambda: is_judged(service))
    wait_for(lambda: "camera north: lost" not in texts(service))
    restarts = status(service).restarts
    server.hang_up()
    wait_for(lambda: status(service).restarts > restarts)
    frames = status(service).frames
    wait_for(lambda: status(service).frames > frames + 10)
    assert is_judged(service), "a short gap is no lost camera"
