"""Many cameras: who is judged, who is decoded, and what an overloaded box leaves out."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge_app.config import CameraConfig, EvidenceConfig
from edge_app.live_state import LiveState
from edge_app.pipeline import CameraPipeline
from edge_app.ports import Outlets
from edge_app.scheduler import CameraUnit, Scheduler
from edge_app.sources import CameraFeed, FeedSettings, Grab, ReplaySource
from edge_app.sources.base import Undecoded
from telemetry import ManualClock, SystemClock
from tests.edge_app.pipeline_kit import ScriptedDetector, calibration
from vision.input_size import InputPlan
from vision.types import Floats, Frame, ImageBgr, NetworkOutput
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys


def endless(_: int = 0) -> ReplaySource:
    return ReplaySource(itertools.repeat(np.zeros((48, 64, 3), np.uint8)))


@pytest.fixture
def make_scheduler() -> object:
    started: list[Scheduler | CameraFeed] = []

    def make(
        rates_hz: Sequence[float],
        detector: ScriptedDetector,
        live_state: LiveState,
        workers: int = 1,
    ) -> tuple[Scheduler, list[CameraUnit]]:
        clock = SystemClock()
        units: list[CameraUnit] = []
        scheduler = Scheduler([], clock, workers)
        for index, rate_hz in enumerate(rates_hz):
            config = CameraConfig(
                id=f"c{index}", source="x", calibration_file=Path("x"), rate_hz=rate_hz
            )
            outlets = Outlets(lambda changes: None, live_state)
            pipeline = CameraPipeline(config, EvidenceConfig(), outlets, clock)
            pipeline.use_detector(detector)
            pipeline.use_calibration(calibration("a", camera=f"c{index}"))
            feed = CameraFeed(
                config.id, endless, FeedSettings(interval_s=1 / rate_hz), clock, scheduler.notify
            )
            units.append(CameraUnit(feed, pipeline))
        scheduler.add(units)
        started.extend([scheduler, *(unit.feed for unit in units)])
        for unit in units:
            unit.feed.start()
        scheduler.start()
        return scheduler, units

    yield make
    for each in started:
        each.stop()


def judged(live_state: LiveState) -> Counter[str]:
    views = {camera: live_state.latest(camera) for camera in live_state.cameras()}
    return Counter({camera: view.status.judged for camera, view in views.items() if view})


def test_an_overloaded_box_gives_each_camera_the_same_share(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
) -> None:
    """Wanted 20 + 20 + 10 Hz, but one frame takes 50 ms: 20 Hz in all, 8 + 8 + 4."""
    live_state = LiveState()
    _, units = make_scheduler(
        [20, 20, 10], ScriptedDetector(takes_s=0.05, clock=SystemClock()), live_state
    )
    time.sleep(3.0)
    counts = judged(live_state)
    assert 20 <= counts.total() <= 62  # fewer when other programs use the machine
    assert counts["c0"] == pytest.approx(counts["c1"], rel=0.3, abs=4)
    assert counts["c0"] / counts["c2"] == pytest.approx(2.0, rel=0.45)
    dropped = [unit.feed.status().dropped for unit in units]
    assert dropped[0] > 10  # the newest frame won, and nothing piled up


def test_an_idle_box_keeps_every_rate(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
) -> None:
    live_state = LiveState()
    make_scheduler([10, 5], ScriptedDetector(), live_state)
    time.sleep(2.0)
    counts = judged(live_state)
    assert 8 <= counts["c0"] <= 23
    assert 4 <= counts["c1"] <= 12


def test_a_fault_in_one_camera_leaves_the_others(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    live_state = LiveState()
    scheduler, units = make_scheduler([20, 20], ScriptedDetector(), live_state)

    class Broken:
        def look(
            self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
        ) -> ViewReport:
            msg = "a bug"
            raise RuntimeError(msg)

        def catch_up(self) -> None:
            """Never comes so far."""

    done = threading.Event()

    def break_first() -> None:
        units[0].pipeline.use_calibration(calibration("a"), Broken())
        done.set()

    scheduler.post(break_first)
    assert done.wait(5)
    before = judged(live_state)
    time.sleep(1.0)
    after = judged(live_state)
    assert after["c1"] > before["c1"] + 3
    assert after["c0"] <= before["c0"] + 1
    assert "camera c0: unexpected fault" in caplog.text


# -- decoding --------------------------------------------------------------------------------------


class PacketCamera(ReplaySource):
    """Gives compressed pictures, far faster than they are decoded; counts those at work."""

    lock = threading.Lock()
    at_work = 0
    most_at_work = 0
    decoded = 0

    def __init__(self, takes_s: float) -> None:
        super().__init__([])
        self._decode_s = takes_s

    @classmethod
    def forget(cls) -> None:
        cls.at_work = cls.most_at_work = cls.decoded = 0

    def read_undecoded(self) -> Grab | Undecoded | None:
        return Undecoded(self._decode, 5)

    def _decode(self) -> ImageBgr:
        kind = type(self)
        with self.lock:
            kind.at_work += 1
            kind.most_at_work = max(kind.most_at_work, kind.at_work)
        time.sleep(self._decode_s)
        with self.lock:
            kind.at_work -= 1
            kind.decoded += 1
        return np.zeros((48, 64, 3), np.uint8)


@pytest.fixture
def packet_box() -> Iterator[Callable[..., list[CameraUnit]]]:
    """Starts a box of cameras that give compressed pictures; one that judges in `judge_s`."""
    started: list[Scheduler | CameraFeed] = []
    PacketCamera.forget()

    def make(
        count: int, decode_s: float, judge_s: float, live_state: LiveState
    ) -> list[CameraUnit]:
        clock = SystemClock()
        scheduler = Scheduler([], clock, workers=2)
        detector = ScriptedDetector(takes_s=judge_s, clock=clock)
        units = []
        for index in range(count):
            config = CameraConfig(id=f"c{index}", source="x", calibration_file=Path("x"))
            pipeline = CameraPipeline(
                config, EvidenceConfig(), Outlets(lambda changes: None, live_state), clock
            )
            pipeline.use_detector(detector)
            pipeline.use_calibration(calibration("a", camera=config.id))
            feed = CameraFeed(
                config.id,
                lambda: PacketCamera(decode_s),
                FeedSettings(interval_s=0.02),
                clock,
                scheduler.notify,
                scheduler.notify,
            )
            units.append(CameraUnit(feed, pipeline))
        scheduler.add(units)
        started.extend([scheduler, *(unit.feed for unit in units)])
        for unit in units:
            unit.feed.start()
        scheduler.start()
        return units

    yield make
    for each in started:
        each.stop()


def test_no_more_pictures_are_decoded_at_once_than_threads_and_none_in_vain(
    packet_box: Callable[..., list[CameraUnit]],
) -> None:
    live_state = LiveState()
    units = packet_box(12, 0.005, 0.03, live_state)
    end_s = time.monotonic() + 60
    while (
        min(unit.feed.status().dropped for unit in units) < 20
        or len(judged(live_state)) < 12
        or (min(judged(live_state).values()) < 5)
    ):
        assert time.monotonic() < end_s, "what is not wanted must be dropped, and counted"
        time.sleep(0.05)
    counts = judged(live_state)
    assert PacketCamera.most_at_work <= 2
    assert PacketCamera.decoded <= 2 * counts.total() + 5  # looked at, and once more for its pass
    assert max(counts.values()) - min(counts.values()) <= 4  # they start one after the other
    status = units[0].feed.status()
    assert status.frames >= 5 * status.dropped  # each picture stood for five frames


def test_a_picture_that_cannot_be_decoded_is_no_frame() -> None:
    came = threading.Event()
    pictures: list[ImageBgr | None] = [None, np.zeros((4, 4, 3), np.uint8)]

    class Bad(ReplaySource):
        def read_undecoded(self) -> Grab | Undecoded | None:
            time.sleep(0.01)
            return Undecoded(lambda: pictures[0], 1)

    feed = CameraFeed("cam", lambda: Bad([]), FeedSettings(), SystemClock(), on_undecoded=came.set)
    assert not feed.decode(), "nothing came yet"
    feed.start()
    try:
        assert came.wait(5)
        assert feed.waits_since_s() is not None
        assert not feed.decode()
        assert feed.take() is None
        assert feed.status().last_frame_s is None
        pictures.pop(0)
        end_s = time.monotonic() + 5
        while not feed.decode():
            assert time.monotonic() < end_s
            time.sleep(0.005)
        frame = feed.take()
        assert frame is not None
        assert frame.captured_mono_s <= time.monotonic()
    finally:
        feed.stop()


def test_a_worker_that_is_stuck_is_seen_to_be_silent() -> None:
    clock = SystemClock()
    scheduler = Scheduler([], clock)
    assert scheduler.silent_s() == 0.0, "it does not run yet"
    free, stuck = threading.Event(), threading.Event()
    scheduler.start()

    def hang() -> None:
        stuck.set()
        free.wait(30)

    scheduler.post(hang)
    assert stuck.wait(10)
    began_s = clock.mono_s()
    while clock.mono_s() - began_s < 1.0:
        time.sleep(0.05)
    assert scheduler.silent_s() >= 1.0
    free.set()
    assert _within(lambda: scheduler.silent_s() < 0.9)
    assert scheduler.stop()
    assert scheduler.silent_s() == 0.0


def test_two_workers_judge_two_cameras_and_a_task_has_the_box_to_itself(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
) -> None:
    """No camera is judged twice at a time, and no task runs beside a pass."""

    class Meter(ScriptedDetector):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()
            self.at_work = self.most = 0

        def detect(
            self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
        ) -> NetworkOutput:
            with self.lock:
                self.at_work += 1
                self.most = max(self.most, self.at_work)
            time.sleep(0.02)
            with self.lock:
                self.at_work -= 1
            return super().detect(image_bgr, bay_quads_norm, plan)

    live_state, meter, seen = LiveState(), Meter(), list[int]()
    scheduler, units = make_scheduler([50, 50, 50], meter, live_state, 2)
    assert _within(lambda: meter.most == 2 and min(judged(live_state).values(), default=0) > 5)
    for _ in range(20):
        scheduler.post(lambda: seen.append(meter.at_work))
        time.sleep(0.01)
    assert _within(lambda: len(seen) == 20)
    assert set(seen) == {0}
    assert meter.most == 2
    idle = threading.Event()
    for unit in units:
        unit.feed.stop()
    scheduler.post_idle(idle.set)
    assert idle.wait(10)


def test_time_that_a_picture_waits_for_its_turn_is_not_held_against_its_camera() -> None:
    clock, bad = ManualClock(), [False]
    picture = np.zeros((4, 4, 3), np.uint8)
    came = threading.Semaphore(0)
    wanted = threading.Semaphore(0)

    class Slow(ReplaySource):
        def read_undecoded(self) -> Grab | Undecoded | None:
            wanted.acquire()
            return Undecoded(lambda: None if bad[0] else picture, 1)

    feed = CameraFeed(
        "cam", lambda: Slow([]), FeedSettings(interval_s=0), clock, on_undecoded=came.release
    )

    def arrive(at_s: float) -> None:
        clock.advance(at_s - clock.mono_s())
        wanted.release()
        assert came.acquire(timeout=10)

    feed.start()
    try:
        arrive(1)
        assert feed.waits_since_s() == 1
        assert feed.take() is not None
        assert feed.waits_since_s() is None
        arrive(2)
        arrive(30)
        assert feed.waits_since_s() == 2, "the first of them, though the newest is the one taken"
        assert feed.status().starved_s == 28
        bad[0] = True
        assert feed.take() is None
        clock.advance(5)
        assert (feed.status().starved_s, feed.status().last_frame_s) == (28, 1)
        bad[0] = False
        arrive(40)
        assert feed.take() is not None
        assert (feed.status().starved_s, feed.status().last_frame_s) == (0, 40)
    finally:
        wanted.release()
        feed.stop()


def _within(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Whether `condition` comes true within that time."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True
