"""A login that a camera refuses: tried once, then rarely, told, and taken up again by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_app.alarm_texts import camera_alarm
from edge_app.live_state import CameraCondition
from edge_app.sources import (
    CameraFeed,
    FeedSettings,
    FeedStatus,
    Login,
    LoginRejected,
    ReplaySource,
    StreamSettings,
    make_source,
)
from telemetry import CameraError, SystemClock
from tests.edge_app.login_camera import LoginCamera
from tests.edge_app.pipeline_kit import Rig
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.edge_app.conftest import CameraServer, RtspServer

# Of a refused login much longer than of any other failure, and short for a test.
PACED = FeedSettings(
    interval_s=0.02, retry_first_s=0.01, retry_longest_s=0.02, login_first_s=0.4, login_longest_s=2
)


@pytest.fixture
def camera(jpeg: bytes) -> Iterator[LoginCamera]:
    made = LoginCamera(jpeg, offers=['Digest realm="camera", nonce="{nonce}", qop="auth"'])
    with made.running():
        yield made


@pytest.fixture
def feed_of() -> Iterator[Callable[..., CameraFeed]]:
    with ExitStack() as stack:

        def make(address: str, login: Login, settings: FeedSettings = PACED) -> CameraFeed:
            clock, how = SystemClock(), StreamSettings(interval_s=0.02, open_timeout_s=5)
            feed = CameraFeed(
                "north", lambda: make_source(address, how, clock, login), settings, clock
            )
            feed.start()
            stack.callback(feed.stop)
            return feed

        yield make


def test_a_snapshot_camera_that_rejects_comes_back_by_itself(
    camera: LoginCamera, feed_of: Callable[..., CameraFeed]
) -> None:
    right, camera.password = camera.password, "changed"
    feed = feed_of("snapshot+" + camera.url(), Login(camera.username, right))
    eventually(lambda: feed.status().login_rejected)
    assert "rejects the username or password" in feed.status().error
    time.sleep(0.2)
    assert camera.wrong == 1, "one wrong login is one attempt"
    eventually(lambda: camera.wrong == 2)
    time.sleep(0.4)
    assert camera.wrong == 2, "the second wait is longer"
    camera.password = right
    eventually(lambda: feed.status().frames > 3)
    assert not feed.status().login_rejected
    assert feed.status().error == ""
    camera.password = "changed again"
    eventually(lambda: feed.status().login_rejected)
    assert camera.wrong == 3, "while it was right, nothing else was tried"


def test_an_rtsp_camera_that_rejects_comes_back_by_itself(
    rtsp_server: Callable[..., RtspServer], feed_of: Callable[..., CameraFeed]
) -> None:
    server = rtsp_server(password="changed")
    feed = feed_of(server.url(), Login("viewer", "s3cret"))
    eventually(lambda: feed.status().login_rejected)
    time.sleep(0.2)
    assert server.wrong_logins == 1
    assert "rejects the username or password (401)" in feed.status().error
    assert "s3cret" not in feed.status().error
    server.password = "s3cret"
    eventually(lambda: feed.status().frames > 3)
    assert not feed.status().login_rejected
    assert server.wrong_logins <= 2


def test_a_stream_over_http_that_rejects(
    camera_server: CameraServer, feed_of: Callable[..., CameraFeed]
) -> None:
    camera_server.login = "Basic bm90aGluZw=="
    feed = feed_of(camera_server.url("/mjpeg"), Login("viewer", "s3cret"))
    eventually(lambda: feed.status().login_rejected)
    before = camera_server.requests
    time.sleep(0.2)
    assert camera_server.requests == before
    assert "rejects the username or password" in feed.status().error


def test_an_rtsp_camera_that_asks_for_a_login_says_so(
    rtsp_server: Callable[..., RtspServer],
) -> None:
    source = make_source(rtsp_server(password="x").url(), StreamSettings(), SystemClock())
    with pytest.raises(LoginRejected, match="login required"):
        source.open()


def test_the_pauses_stay_below_what_locks_a_camera() -> None:
    settings = FeedSettings()
    tries, at_s = 0, 0.0
    for refusals in range(1, 20):
        if at_s <= 30 * 60:
            tries += 1
        at_s += settings.pause_s(refusals, refusals)
        assert settings.pause_s(refusals, refusals) <= 1.2 * 900
    assert tries <= 6, "in the first half hour"
    assert settings.pause_s(5, 0) <= 30


def test_a_camera_that_is_away_between_two_refusals_is_still_tried_rarely() -> None:
    script = [LoginRejected("no"), CameraError("away"), LoginRejected("no")]
    source = ReplaySource([np.zeros((4, 4, 3), np.uint8)], open_errors=script)
    feed = CameraFeed("north", lambda: source, PACED, SystemClock())
    began_s = time.monotonic()
    feed.start()
    eventually(lambda: feed.status().frames > 0)
    feed.stop()
    assert time.monotonic() - began_s >= 0.4 + 1.2


def test_the_condition_and_the_alarm_say_that_the_login_is_refused() -> None:
    rig = Rig()
    rig.pipeline.check(FeedStatus(error="camera source x: rejects", login_rejected=True))
    assert rig.condition() is CameraCondition.LOGIN_REJECTED
    view = rig.live_state.latest("cam")
    assert view is not None
    alarm = camera_alarm(view, has_model=True)
    assert alarm is not None
    assert alarm.text == "camera cam: login rejected"
    assert "Correct the username and password" in alarm.remedy
