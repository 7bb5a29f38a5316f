"""What happens to a box in the field while it runs: cameras, clocks, power cuts, many reloads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from calibration import load_calibration, save_calibration
from edge_app.assembly import assemble
from edge_app.box import EdgeBox
from edge_app.config import load_config
from edge_app.host_metrics import memory_bytes
from edge_app.service import EdgeService
from vision.types import ImageBgr

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Lot, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


@dataclass
class SnapshotCamera:
    """A camera on loopback that answers with a picture, noise and all, or with what it is told."""

    image: ImageBgr
    size_wh: tuple[int, int] | None = None
    frozen: bytes | None = None
    answers: int = 0
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def picture(self) -> bytes:
        self.answers += 1
        if self.frozen is not None:
            return self.frozen
        noise = self._rng.integers(0, 4, self.image.shape, dtype=np.uint8)
        image = np.asarray(cv2.add(self.image, noise), np.uint8)
        if self.size_wh is not None:
            image = np.asarray(cv2.resize(image, self.size_wh, interpolation=cv2.INTER_AREA))
        return cv2.imencode(".jpg", image)[1].tobytes()


@pytest.fixture
def camera(lot: Lot) -> SnapshotCamera:
    return SnapshotCamera(lot.image)


@pytest.fixture
def address(camera: SnapshotCamera) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = camera.picture()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"snapshot+http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def known(broker: Broker, lot: Lot) -> bool:
    states = broker.states()
    return len(states) == len(lot.bays) and None not in states.values()


def told_once(broker: Broker) -> None:
    """Numbers without a gap, each with one text, and no state told twice in a row."""
    texts: dict[int, tuple[object, ...]] = {}
    for message in broker.messages("event"):
        seq = int(message.body["id"].rpartition("-")[2])
        data = message.body["data"]
        text = (message.body["subject"], data["occ"], data["reason"], data["closed"])
        assert texts.setdefault(seq, text) == text, f"event {seq} has two texts"
    assert sorted(texts) == list(range(1, max(texts) + 1)), "events are missing"
    before: dict[object, object] = {}
    for seq, (bay, *facts) in sorted(texts.items()):
        assert before.get(bay) != facts, f"event {seq} tells what was told before"
        before[bay] = facts


def test_a_camera_that_changes_its_resolution_and_freezes(
    box: Box, broker: Broker, lot: Lot, camera: SnapshotCamera, address: str, wait_for: WaitFor
) -> None:
    box.add_camera("north", address, lot.bays, more="rate_hz = 4")
    box.sections["guard"] = "frozen_after_s = 3\ncheck_every_s = 1"
    box.start()
    wait_for(lambda: known(broker, lot), "known bays")
    states, seqs = broker.states(), broker.seqs()

    for size_wh in ((640, 362), (1280, 724), None):
        camera.size_wh, seen = size_wh, camera.answers
        wait_for(lambda seen=seen: camera.answers > seen + 12, "some pictures of the new size")
    assert (broker.states(), broker.seqs()) == (states, seqs), "the same view, whatever its size"

    camera.frozen = camera.picture()
    wait_for(lambda: set(broker.reasons().values()) == {"frozen"}, "frozen bays")
    wait_for(lambda: "alarm camera-north: camera north: frozen" in box.log, "an alarm")
    told = ["camera north: frozen"]
    wait_for(lambda: broker.newest("health")["alarms"] == told, "the few words to the cloud")
    camera.frozen = None
    wait_for(lambda: broker.states() == states, "the same states again")
    assert box.stop() == 0
    assert "Traceback" not in box.log
    told_once(broker)


@pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime (apt-get install faketime)")
def test_a_wall_clock_that_jumps_by_days_changes_neither_states_nor_order(
    box: Box,
    broker: Broker,
    lot: Lot,
    camera: SnapshotCamera,
    address: str,
    wait_for: WaitFor,
) -> None:
    control = box.folder / "faketime"
    control.write_text("+0")
    box.add_camera("north", address, lot.bays, more="rate_hz = 4")
    box.is_fork = False  # a library is preloaded
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LD_PRELOAD", str(FAKETIME))
        patched.setenv("FAKETIME_TIMESTAMP_FILE", str(control))
        patched.setenv("FAKETIME_NO_CACHE", "1")
        patched.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        box.start()
    wait_for(lambda: known(broker, lot), "known bays")
    states, seqs = broker.states(), broker.seqs()

    for jump in ("+1d", "-2d"):
        control.write_text(jump)
        seen = camera.answers
        wait_for(lambda seen=seen: camera.answers > seen + 20, "five seconds at another date")
        assert (broker.states(), broker.seqs()) == (states, seqs), f"a jump by {jump} is no event"
    camera.image = np.full_like(lot.image, 90)
    wait_for(lambda: set(broker.reasons().values()) == {"blind"}, "events after the jumps")
    events = [m.body for m in broker.messages("event")]
    clocks = [event["data"]["clock"]["mono_ms"] for event in events]
    assert events[-1]["time"] < events[0]["time"], "the wall clock did go back"
    assert clocks == sorted(clocks), "what repairs such times runs on"
    control.write_text("+0")
    camera.image = lot.image
    wait_for(lambda: broker.states() == states, "the same states again")
    assert "connection" not in box.log.partition("connected")[2], "the link was never lost"
    assert box.stop() == 0
    assert "Traceback" not in box.log
    told_once(broker)


def test_kills_under_load_with_and_without_a_broker_lose_no_event(
    box: Box, broker: Broker, lot: Lot, camera: SnapshotCamera, address: str, wait_for: WaitFor
) -> None:
    """Each picture is another lot, so each pass of the network writes events."""
    box.add_camera("north", address, lot.bays, more="rate_hz = 10")
    box.sections["evidence"] = (
        "memory_s = 0.001\nenter_hold_s = 0\nleave_hold_s = 0\nstart_hold_s = 0"
    )
    box.sections["guard"] = "enabled = false"
    stop = threading.Event()

    def flip() -> None:
        mirrored = np.ascontiguousarray(lot.image[:, ::-1])
        while not stop.wait(0.25):
            camera.image = mirrored if camera.image is lot.image else lot.image

    flipping = threading.Thread(target=flip)
    flipping.start()
    try:
        for number in range(3):
            box.start()
            before = len(broker.seqs())
            wait_for(lambda n=before: len(broker.seqs()) > n + 10, "some new events")
            if number == 1:
                broker.stop()
                seen = camera.answers
                wait_for(lambda n=seen: camera.answers > n + 20, "work without a broker")
            box.stop(SIGKILL)
            if number == 1:
                broker.start()
    finally:
        stop.set()
        flipping.join()
    starts = box.log.count("edge box ")
    box.start()
    wait_for(lambda: box.log.count("edge box ") > starts, "the box to be up")
    wait_for(lambda: _all_out(broker), "the rest to go out")
    assert box.stop() == 0
    assert "Traceback" not in box.log
    assert len(broker.seqs()) > 30  # ten at least of each life
    told_once(broker)


def _all_out(broker: Broker) -> bool:
    """The snapshot names the last number that the box gave out."""
    snapshot = broker.newest("snapshot")
    return bool(snapshot) and broker.seqs()[-1:] == [snapshot["seq"]]


def test_a_hundred_reloads_leave_the_memory_as_it_was(box: Box, lot: Lot, picture: Path) -> None:
    """Calibrations a hundred times and the network ten times, while it judges."""
    box.broker_port = None
    path = box.add_camera("north", str(picture), lot.bays, more="rate_hz = 10")
    parts = assemble(load_config(box.write()))
    service = EdgeService(parts.parts)
    service.start()
    try:
        # The allocator's pools fill at first: by several networks at a time, by many revisions.
        for number in range(60):
            _reload(parts, path, number)
        before = memory_bytes()
        for number in range(100):
            _reload(parts, path, number)
        after = memory_bytes()
    finally:
        service.stop()
    assert before is not None
    assert after is not None
    # Ten networks take 250 MiB and more, a hundred guards 300. The allocator's pools, in a process
    # with other tests' threads, were seen to grow by 67.
    assert (after - before) / 2**20 < 120.0, "MiB that a hundred reloads kept"


def _reload(box: EdgeBox, path: Path, number: int) -> None:
    save_calibration(path, load_calibration(path), author="test")
    box.cameras.reload_calibration("north")
    if number % 10 == 0:
        box.network.reload()
    time.sleep(0.02)
