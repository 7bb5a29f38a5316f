"""A feed keeps its camera alive: newest frame, pauses, a watchdog on frames."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_app.sources import (
    CameraFeed,
    FeedSettings,
    FrameSource,
    Grab,
    ReplaySource,
    StreamSettings,
    make_source,
)
from telemetry import CameraError, SystemClock
from tests.kit.waiting import eventually
from vision.types import ImageBgr

if TYPE_CHECKING:
    from tests.edge_app.conftest import RtspServer

QUICK = FeedSettings(interval_s=0.01, stuck_s=0.3, retry_first_s=0.02, retry_longest_s=0.05)


def picture(grey: int = 0) -> ImageBgr:
    return np.full((4, 4, 3), grey, np.uint8)


@pytest.fixture
def start_feed() -> Iterator[Callable[..., CameraFeed]]:
    feeds: list[CameraFeed] = []

    def start(
        make: Callable[[], FrameSource], settings: FeedSettings = QUICK, **more: object
    ) -> CameraFeed:
        feeds.append(CameraFeed("cam", make, settings, SystemClock(), **more))  # type: ignore[arg-type]
        feeds[-1].start()
        return feeds[-1]

    yield start
    for feed in feeds:
        feed.stop()


def test_the_newest_frame_wins_and_the_others_are_counted(
    start_feed: Callable[..., CameraFeed],
) -> None:
    feed = start_feed(lambda: ReplaySource([picture(grey) for grey in range(5)]))
    eventually(lambda: feed.status().ended)
    frame = feed.take()
    assert frame is not None
    assert frame.number == 5
    assert frame.image_bgr[0, 0, 0] == 4
    assert frame.captured_utc.tzinfo is not None
    assert feed.take() is None
    assert (feed.status().frames, feed.status().dropped) == (5, 4)
    assert feed.status().restarts == 0


def test_a_camera_that_is_down_at_first_comes_when_it_comes(
    start_feed: Callable[..., CameraFeed],
) -> None:
    down = [CameraError("rtsp://a:secret@cam refused")] * 3
    source = ReplaySource(itertools.repeat(picture()), open_errors=down)
    feed = start_feed(lambda: source)
    eventually(lambda: "refused" in feed.status().error)
    assert "secret" not in feed.status().error
    eventually(lambda: feed.status().frames > 3)
    assert feed.status().error == ""
    assert feed.status().restarts == 3


def test_a_camera_that_fails_midway_is_opened_again(start_feed: Callable[..., CameraFeed]) -> None:
    class Buggy(ReplaySource):
        def read(self) -> Grab | None:
            grab = super().read()
            if grab is not None and grab.image_bgr[0, 0, 0] == 66:
                msg = "a library's own fault"
                raise RuntimeError(msg)
            return grab

    source = Buggy([picture(), CameraError("gone"), picture(), picture(66), picture()])
    feed = start_feed(lambda: source)
    eventually(lambda: feed.status().ended)
    assert feed.status().frames == 3
    assert feed.status().restarts == 2
    assert source.closed == source.opened == 3


def test_pauses_grow_to_their_limit(start_feed: Callable[..., CameraFeed]) -> None:
    opened_s: list[float] = []

    class Down(ReplaySource):
        def open(self) -> None:
            opened_s.append(time.monotonic())
            msg = "down"
            raise CameraError(msg)

    settings = FeedSettings(retry_first_s=0.04, retry_longest_s=0.2)
    start_feed(lambda: Down([]), settings)
    eventually(lambda: len(opened_s) >= 6)
    gaps_s = np.diff(opened_s[:6])
    assert gaps_s[0] >= 0.02
    assert gaps_s[-1] >= 0.1
    assert gaps_s.sum() >= 0.5 * (0.04 + 0.08 + 0.16 + 0.2 + 0.2)


def test_a_reader_that_hangs_is_left_behind(start_feed: Callable[..., CameraFeed]) -> None:
    """A driver that never comes back must not end the camera; its late frame is not taken."""
    hang = threading.Event()

    class Stuck(ReplaySource):
        def read(self) -> Grab:
            hang.wait(20)
            return Grab(picture(99))

    stuck: list[FrameSource] = [Stuck([])]

    def make() -> FrameSource:
        return stuck.pop() if stuck else ReplaySource(itertools.repeat(picture(7)))

    feed = start_feed(make)
    feed.watch()
    assert feed.status().restarts == 0

    def has_recovered() -> bool:
        feed.watch()
        return feed.status().frames > 2

    eventually(has_recovered)
    assert feed.status().restarts >= 1
    hang.set()
    for _ in range(20):
        frame = feed.take()
        assert frame is None or frame.image_bgr[0, 0, 0] == 7
        time.sleep(0.01)


def test_the_pace_of_a_source_without_its_own(start_feed: Callable[..., CameraFeed]) -> None:
    came_s: list[float] = []
    start_feed(
        lambda: ReplaySource(itertools.repeat(picture())),
        FeedSettings(interval_s=0.1),
        on_frame=lambda: came_s.append(time.monotonic()),
    )
    eventually(lambda: len(came_s) >= 6)
    assert came_s[5] - came_s[0] >= 0.45, "five intervals"


def test_each_frame_is_announced(start_feed: Callable[..., CameraFeed]) -> None:
    announced = threading.Semaphore(0)
    feed = start_feed(lambda: ReplaySource([picture()] * 3), on_frame=announced.release)
    for _ in range(3):
        assert announced.acquire(timeout=5)
    eventually(lambda: feed.status().ended)
    assert not announced.acquire(blocking=False)


def test_stop_ends_the_thread(start_feed: Callable[..., CameraFeed]) -> None:
    source = ReplaySource(itertools.repeat(picture()))
    feed = start_feed(lambda: source)
    eventually(lambda: feed.status().frames > 1)
    feed.stop()
    frames = feed.status().frames
    time.sleep(0.1)
    assert feed.status().frames == frames
    assert source.closed >= 1
    feed.stop()


def test_rtsp_that_dies_and_comes_back(
    start_feed: Callable[..., CameraFeed], rtsp_server: Callable[..., RtspServer]
) -> None:
    server = rtsp_server()
    settings = StreamSettings(interval_s=0.2, frame_timeout_s=1.0)
    feed = start_feed(
        lambda: make_source(server.url(), settings, SystemClock()),
        FeedSettings(retry_first_s=0.05, retry_longest_s=0.2),
    )
    eventually(lambda: feed.status().frames > 2)
    server.freeze.set()
    eventually(lambda: feed.status().error != "")
    server.freeze.clear()
    frames = feed.status().frames
    eventually(lambda: feed.status().frames > frames and feed.status().error == "")
    server.hang_up()
    frames = feed.status().frames
    eventually(lambda: feed.status().frames > frames + 5)
    assert feed.status().restarts >= 1
