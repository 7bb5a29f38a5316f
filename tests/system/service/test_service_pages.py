"""The pages of the running service, and a camera that somebody moves or covers."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor
    from vision.types import ImageBgr

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read()
    except OSError:
        return 0, b""


def replace_picture(path: Path, image: ImageBgr) -> None:
    """In one step, as a camera would: a reader never sees half of a picture."""
    fresh = path.with_name("fresh.png")
    cv2.imwrite(str(fresh), image)
    fresh.replace(path)


def test_health_metrics_and_a_live_picture(
    make_box: Callable[..., Box],
    lot: Lot,
    picture: Path,
    free_port: Callable[[], int],
    wait_for: WaitFor,
) -> None:
    port = free_port()
    box = make_box(None, port)
    box.add_camera("north", str(picture), lot.bays)
    box.start()
    wait_for(lambda: get(port, "/health/live")[0] == 200, "a live service")
    wait_for(lambda: get(port, "/health/ready")[0] == 200, "a ready service")
    assert b"north" in get(port, "/metrics")[1]
    assert box.stop() == 0
    assert get(port, "/health/live")[0] == 0
    assert "Traceback" not in box.log


def test_a_port_that_is_taken_does_not_end_the_monitoring(
    make_box: Callable[..., Box],
    broker: Broker,
    lot: Lot,
    picture: Path,
    wait_for: WaitFor,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        box = make_box(broker.port, other.getsockname()[1])
        box.add_camera("north", str(picture), lot.bays)
        box.start()
        wait_for(lambda: len(broker.states()) == len(lot.bays), "a state of each bay")
        assert "cannot serve the web pages: http: cannot listen on 127.0.0.1:" in box.log
        assert box.stop() == 0
    assert "Traceback" not in box.log


def test_a_camera_that_is_covered_moved_and_put_back(
    box: Box, broker: Broker, lot: Lot, picture: Path, wait_for: WaitFor
) -> None:
    box.add_camera("north", str(picture), lot.bays)
    box.sections["guard"] = "check_every_s = 1\nbad_hold_s = 1\nunsure_hold_s = 3"
    box.start()
    wait_for(lambda: len(broker.states()) == len(lot.bays), "a state of each bay")
    wait_for(lambda: None not in broker.states().values(), "known states")
    known = broker.states()

    replace_picture(picture, np.full_like(lot.image, 90))
    wait_for(lambda: set(broker.reasons().values()) == {"blind"}, "blind bays")
    wait_for(lambda: "alarm camera-north: camera north: blind" in box.log, "an alarm")
    replace_picture(picture, lot.image)
    wait_for(lambda: broker.states() == known, "the same states again")

    turned = cv2.warpAffine(
        lot.image, np.array([[1, 0, 300], [0, 1, 80]], np.float32), (960, 544),
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip
    replace_picture(picture, np.asarray(turned, np.uint8))
    wait_for(lambda: set(broker.reasons().values()) == {"view_moved"}, "moved bays")
    replace_picture(picture, lot.image)
    wait_for(lambda: broker.states() == known, "the same states again")
    assert box.stop() == 0
    assert "Traceback" not in box.log


def test_still_pictures_spare_the_network(
    box: Box,
    broker: Broker,
    lot: Lot,
    picture: Path,
    wait_for: WaitFor,
    free_port: Callable[[], int],
) -> None:
    box.http_port = free_port()
    box.add_camera("north", str(picture), lot.bays, more="rate_hz = 10")
    box.start()
    wait_for(lambda: None not in broker.states().values() and broker.states(), "known states")

    def counts() -> dict[str, int]:
        found: dict[str, int] = json.loads(get(box.http_port or 0, "/api/v1/cameras/north")[1])
        return found

    before = counts()
    wait_for(lambda: counts()["frames"] >= before["frames"] + 40, "forty more frames")
    after = counts()
    assert after["judged"] - before["judged"] <= 8
    assert after["gated"] - before["gated"] >= 2 * (after["judged"] - before["judged"])
    assert after["gated"] > before["gated"]
    assert box.stop() == 0
