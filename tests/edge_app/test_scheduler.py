"""Many cameras: who is judged, who is decoded, and what an overloaded box leaves out."""

from __future__ import annotations

import itertools
import math
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
from edge_app.sources import CameraFeed, FeedSettings, FeedStatus, Grab, ReplaySource
from edge_app.sources.base import Undecoded
from telemetry import Clock, ManualClock, SystemClock
from tests.edge_app.pipeline_kit import ScriptedDetector, calibration
from tests.kit.waiting import eventually
from vision.input_size import InputPlan
from vision.types import Floats, Frame, ImageBgr, NetworkOutput
from vision.view_guard import ViewReport
from vision.view_match import SmallGreys


def endless(_: int = 0) -> ReplaySource:
    return ReplaySource(itertools.repeat(np.full((48, 64, 3), 90, np.uint8)))


def a_pipeline(
    camera: str, rate_hz: float, detector: ScriptedDetector, live_state: LiveState, clock: Clock
) -> CameraPipeline:
    config = CameraConfig(id=camera, source="x", calibration_file=Path("x"), rate_hz=rate_hz)
    outlets = Outlets(lambda changes: None, live_state)
    pipeline = CameraPipeline(config, EvidenceConfig(), outlets, clock)
    pipeline.use_detector(detector)
    pipeline.use_calibration(calibration("a", camera=camera))
    return pipeline


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
            camera = f"c{index}"
            pipeline = a_pipeline(camera, rate_hz, detector, live_state, clock)
            feed = CameraFeed(
                camera, endless, FeedSettings(interval_s=1 / rate_hz), clock, scheduler.notify
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


# -- on a clock that the test moves ----------------------------------------------------------------


class PacedFeed(CameraFeed):
    """A camera that gives a picture at each interval of the clock; no thread."""

    def __init__(self, camera: str, interval_s: float, clock: ManualClock) -> None:
        super().__init__(camera, endless, FeedSettings(interval_s=interval_s), clock)
        self._interval_s, self._time = interval_s, clock
        self._taken = self._left = 0

    def _came(self) -> int:
        return math.floor(self._time.mono_s() / self._interval_s + 1e-6)

    def take(self) -> Frame | None:
        came = self._came()
        if came == self._taken:
            return None
        self._left += came - self._taken - 1
        self._taken = came
        picture = np.full((48, 64, 3), 90, np.uint8)
        return Frame(self.camera, picture, came * self._interval_s, self._time.utc(), came)

    def waits_since_s(self) -> float | None:
        return (self._taken + 1) * self._interval_s if self._came() > self._taken else None

    def status(self) -> FeedStatus:
        came = self._came()
        last_s = came * self._interval_s if came else None
        return FeedStatus(frames=came, dropped=self._left, last_frame_s=last_s)


class ManualBox:
    """Cameras and one worker, on a clock that only work and the test move."""

    def __init__(self, rates_hz: Sequence[float], pass_s: float) -> None:
        self.clock = ManualClock()
        self.live_state = LiveState()
        detector = ScriptedDetector(takes_s=pass_s, clock=self.clock)
        self.units = [
            CameraUnit(
                PacedFeed(f"c{index}", 1 / rate_hz, self.clock),
                a_pipeline(f"c{index}", rate_hz, detector, self.live_state, self.clock),
            )
            for index, rate_hz in enumerate(rates_hz)
        ]
        self.scheduler = Scheduler(self.units, self.clock, workers=1)

    def run(self, duration_s: float) -> Counter[str]:
        """What was judged meanwhile, by camera."""
        before, end_s = judged(self.live_state), self.clock.mono_s() + duration_s
        while self.clock.mono_s() < end_s:
            if not self.scheduler.step():
                self.clock.advance(0.001)
        return judged(self.live_state) - before


def test_an_overloaded_box_gives_each_camera_the_same_share() -> None:
    """Wanted 20 + 20 + 10 Hz, but one pass takes 50 ms: 20 Hz in all, about 8 + 8 + 4."""
    box = ManualBox([20, 20, 10], pass_s=0.05)
    box.run(5)
    counts = box.run(10)
    assert counts.total() == pytest.approx(200, abs=2)
    assert counts["c0"] == pytest.approx(counts["c1"], abs=1)
    assert counts["c0"] / counts["c2"] == pytest.approx(2.0, rel=0.25)  # they wait whole passes
    dropped = [unit.feed.status().dropped for unit in box.units]
    assert dropped[0] > 100, "the newest frame won, and nothing piled up"


def test_an_idle_box_keeps_every_rate() -> None:
    counts = ManualBox([10, 5], pass_s=0.01).run(20)
    assert counts == {"c0": pytest.approx(200, abs=1), "c1": pytest.approx(100, abs=1)}


def test_a_fault_in_one_camera_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def look(
            self, frame: Frame, *, may_postpone: bool = False, greys: SmallGreys | None = None
        ) -> ViewReport:
            msg = "a bug"
            raise RuntimeError(msg)

        def catch_up(self) -> None:
            """Never comes so far."""

    box = ManualBox([20, 20], pass_s=0.01)
    assert set(box.run(1)) == {"c0", "c1"}
    box.units[0].pipeline.use_calibration(calibration("a"), Broken())
    counts = box.run(5)
    assert counts["c1"] == pytest.approx(100, abs=1)
    assert counts["c0"] <= 1
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
        return np.full((48, 64, 3), 90, np.uint8)


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
            pipeline = a_pipeline(f"c{index}", 1.0, detector, live_state, clock)
            feed = CameraFeed(
                f"c{index}",
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
    eventually(lambda: len(judged(live_state)) == 12, "every camera to have begun")
    begun = judged(live_state)  # they begin a few at a time, so the first are ahead
    eventually(
        lambda: (
            min(unit.feed.status().dropped for unit in units) >= 20
            and min((judged(live_state)[camera] - begun[camera]) for camera in begun) >= 8
        ),
        "what is not wanted to be dropped, and counted",
    )
    counts = judged(live_state)
    assert PacketCamera.most_at_work <= 2
    assert PacketCamera.decoded <= 2 * counts.total() + 5  # looked at, and once more for its pass
    gains = [counts[camera] - begun[camera] for camera in begun]
    assert max(gains) <= 2 * min(gains)
    status = units[0].feed.status()
    assert status.frames >= 5 * status.dropped  # each picture stood for five frames


def test_a_picture_that_cannot_be_decoded_is_no_frame() -> None:
    came = threading.Event()
    pictures: list[ImageBgr | None] = [None, np.full((4, 4, 3), 90, np.uint8)]

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
        eventually(feed.decode)
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
    eventually(lambda: scheduler.silent_s() >= 0.3)
    free.set()
    eventually(lambda: scheduler.silent_s() < 0.2)
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
    eventually(lambda: meter.most == 2 and min(judged(live_state).values(), default=0) > 5)
    for _ in range(20):
        scheduler.post(lambda: seen.append(meter.at_work))
        time.sleep(0.01)
    eventually(lambda: len(seen) == 20)
    assert set(seen) == {0}
    assert meter.most == 2
    idle = threading.Event()
    for unit in units:
        unit.feed.stop()
    scheduler.post_idle(idle.set)
    assert idle.wait(10)


def test_time_that_a_picture_waits_for_its_turn_is_not_held_against_its_camera() -> None:
    clock, bad = ManualClock(), [False]
    picture = np.full((4, 4, 3), 90, np.uint8)
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
