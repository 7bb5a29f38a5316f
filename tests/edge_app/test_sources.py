"""Sources against real files and real protocol traffic on loopback."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_app.sources import (
    DecodeMode,
    FrameSource,
    Login,
    StreamSettings,
    StreamSource,
    make_source,
)
from edge_app.sources.base import Undecoded
from edge_app.sources.key_frames import KeyFrameMeter, LagMeter
from telemetry import CameraError, ManualClock, SystemClock
from vision.types import ImageBgr

if TYPE_CHECKING:
    from tests.edge_app.conftest import CameraServer, RtspServer


def number_of(image: ImageBgr) -> int:
    """Which picture of the clip this is (modulo 28)."""
    return round((float(np.median(image)) - 16) / 8)


def grabs(source: FrameSource, count: int) -> list[tuple[int, int]]:
    """Picture numbers and frame counts of the next `count` grabs."""
    out = []
    for _ in range(count):
        grab = source.read()
        assert grab is not None
        out.append((number_of(grab.image_bgr), grab.frames))
    return out


@pytest.mark.parametrize(
    ("mode", "interval_s", "numbers"),
    [
        pytest.param(DecodeMode.ALL, 0.25, [0, 6, 12, 18, 24, 2, 8, 14], id="all-at-4-hz"),
        pytest.param(DecodeMode.KEY, 0.5, [0, 12, 24, 8], id="key-frames-at-2-hz"),
        pytest.param(DecodeMode.KEY, 1.0, [0, 24], id="key-frames-at-1-hz"),
        pytest.param(DecodeMode.KEY, 0.1, [0, 12, 24, 8], id="key-frames-are-rarer-than-wanted"),
    ],
)
def test_a_file_is_played_at_its_own_speed_and_the_wanted_rate(
    clip: Path, mode: DecodeMode, interval_s: float, numbers: list[int]
) -> None:
    clock = ManualClock()
    settings = StreamSettings(interval_s=interval_s, decode=mode, loop=False)
    source = StreamSource(str(clip), settings, clock, is_file=True)
    source.open()
    got = grabs(source, len(numbers))
    assert [number for number, _ in got] == numbers
    assert source.read() is None
    assert sum(frames for _, frames in got) <= 48
    assert clock.mono_s() == pytest.approx(47 / 24, abs=0.5)
    source.close()


def test_key_frames_alone_are_decoded_once_they_come_often_enough(clip: Path) -> None:
    source = StreamSource(str(clip), StreamSettings(interval_s=0.5), ManualClock(), is_file=True)
    source.open()
    assert not source.key_frames_only
    grabs(source, 3)
    assert source.key_frames_only
    source.close()


def test_rare_key_frames_keep_everything_decoded(clip: Path) -> None:
    source = StreamSource(str(clip), StreamSettings(interval_s=0.2), ManualClock(), is_file=True)
    source.open()
    grabs(source, 8)
    assert not source.key_frames_only
    source.close()


def test_key_frames_that_stop_coming_end_key_frame_decoding() -> None:
    meter = KeyFrameMeter()
    assert meter.every_s() == float("inf")
    for time_s in (0.0, 1.0, 2.0):
        meter.saw(time_s, is_key=True)
    assert meter.every_s() == 1.0
    meter.saw(9.0, is_key=False)
    assert meter.every_s() == 7.0


def test_key_frames_are_handed_on_as_they_came(clip: Path) -> None:
    settings = StreamSettings(interval_s=0.5, decode=DecodeMode.KEY)
    source = StreamSource(str(clip), settings, ManualClock(), is_file=True)
    source.open()
    later = [source.read_undecoded() for _ in range(3)]
    pictures = [each.decode() for each in later if isinstance(each, Undecoded)]
    assert [number_of(each) for each in pictures if each is not None] == [0, 12, 24]
    last = source.read_undecoded()
    assert isinstance(last, Undecoded)
    source.close()
    assert last.decode() is None, "its stream was closed"


def test_a_stream_that_is_read_too_slowly_is_behind() -> None:
    meter = LagMeter()
    assert meter.lag_s(10.0, 100.3) == 0.0
    assert meter.lag_s(11.0, 101.0) == 0.0  # came sooner after its time than any before
    assert meter.lag_s(12.0, 103.5) == pytest.approx(1.5)
    assert meter.lag_s(None, 104.0) == 0.0
    meter.reset()
    assert meter.lag_s(13.0, 106.0) == 0.0


def test_a_file_begins_again_at_its_end(clip: Path) -> None:
    clock = ManualClock()
    settings = StreamSettings(interval_s=1.0, decode=DecodeMode.ALL)
    source = StreamSource(str(clip), settings, clock, is_file=True)
    source.open()
    numbers = [number for number, _ in grabs(source, 6)]
    assert numbers[0] == 0
    assert 20 <= numbers[1] <= 24
    assert clock.mono_s() == pytest.approx(5, abs=0.2)  # three passes of two seconds
    source.close()


def test_wide_pictures_are_scaled_down_while_they_are_converted(clip: Path) -> None:
    settings = StreamSettings(max_width_px=160)
    source = StreamSource(str(clip), settings, ManualClock(), is_file=True)
    source.open()
    grab = source.read()
    assert grab is not None
    assert grab.image_bgr.shape == (96, 160, 3)
    source.close()


def test_a_truncated_clip_plays_what_is_left(
    tmp_path: Path, make_clip: Callable[..., Path]
) -> None:
    whole = make_clip(tmp_path / "whole.ts")
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    settings = StreamSettings(interval_s=0.04, decode=DecodeMode.ALL, loop=False)
    source = StreamSource(str(cut), settings, ManualClock(), is_file=True)
    source.open()
    good = list(itertools.takewhile(lambda grab: grab is not None, iter(source.read, "never")))
    assert 5 < len(good) < 48
    source.close()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"", "Invalid data", id="empty"),
        pytest.param(b"not a video at all" * 100, "cannot open", id="garbage"),
    ],
)
def test_a_file_that_is_no_video_says_so(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "broken.mp4"
    if content is not None:
        path.write_bytes(content)
    source = make_source(str(path), StreamSettings(), ManualClock())
    with pytest.raises(CameraError, match=text) as caught:
        source.open()
    assert str(path) in str(caught.value)


def test_a_clip_without_its_index_cannot_be_opened(clip: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(CameraError, match=r"cut\.mp4: cannot open"):
        make_source(str(cut), StreamSettings(), ManualClock()).open()


def test_a_sound_file_is_no_camera(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(CameraError, match="expected a video stream, but got none"):
        make_source(str(tmp_path / "a.wav"), StreamSettings(), ManualClock()).open()


def test_a_stream_whose_size_changes_goes_on(
    tmp_path: Path, make_clip: Callable[..., Path]
) -> None:
    small, large = make_clip(tmp_path / "s.ts"), make_clip(tmp_path / "l.ts", width=640)
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    settings = StreamSettings(interval_s=0.04, decode=DecodeMode.ALL, loop=False)
    source = StreamSource(str(both), settings, ManualClock(), is_file=True)
    source.open()
    widths = []
    while (grab := source.read()) is not None:
        widths.append(grab.image_bgr.shape[1])
    assert set(widths) == {320, 640}
    source.close()


# -- network ---------------------------------------------------------------------------------------


def test_rtsp_gives_pictures_and_settles_on_key_frames(
    rtsp_server: Callable[..., RtspServer],
) -> None:
    server = rtsp_server(fps=20, gop=10)
    source = make_source(server.url("user:p%40ss@"), StreamSettings(interval_s=0.5), SystemClock())
    assert isinstance(source, StreamSource)
    source.open()
    got = grabs(source, 4)
    assert source.key_frames_only
    assert sum(frames for _, frames in got) >= 8  # those passed over are counted
    source.close()


def test_rtsp_that_falls_silent_is_a_fault_though_the_connection_stands(
    rtsp_server: Callable[..., RtspServer],
) -> None:
    server = rtsp_server()
    settings = StreamSettings(interval_s=0.2, frame_timeout_s=1.0)
    source = make_source(server.url("user:secret@"), settings, SystemClock())
    source.open()
    grabs(source, 1)
    server.freeze.set()
    with pytest.raises(CameraError, match="timed out") as caught:
        grabs(source, 50)
    assert "secret" not in str(caught.value)
    source.close()


def test_rtsp_that_hangs_up_is_a_fault(rtsp_server: Callable[..., RtspServer]) -> None:
    server = rtsp_server()
    source = make_source(server.url(), StreamSettings(interval_s=0.05), SystemClock())
    source.open()
    grabs(source, 1)
    server.hang_up()
    with pytest.raises(CameraError, match=r"ended|read"):
        grabs(source, 100)
    source.close()


def test_an_mjpeg_stream_over_http(camera_server: CameraServer) -> None:
    source = make_source(camera_server.url("/mjpeg"), StreamSettings(interval_s=0.1), SystemClock())
    source.open()
    assert [number for number, _ in grabs(source, 3)] == [5, 5, 5]
    source.close()


def test_a_still_picture_read_as_a_stream_says_how_to_name_it(camera_server: CameraServer) -> None:
    source = make_source(camera_server.url(), StreamSettings(interval_s=0.1), SystemClock())
    with pytest.raises(CameraError, match=r"snapshot\+http"):  # noqa: PT012
        source.open()
        source.read()
        source.read()


def test_snapshots_with_a_login(camera_server: CameraServer) -> None:
    camera_server.login = "Basic " + base64.b64encode(b"me:p@ss/w").decode()
    address = "snapshot+" + camera_server.url()
    with pytest.raises(CameraError, match="HTTP 401"):
        make_source(address, StreamSettings(), SystemClock()).open()
    source = make_source(address, StreamSettings(), SystemClock(), Login("me", "p@ss/w"))
    source.open()
    assert grabs(source, 2) == [(5, 1), (5, 1)]
    source.close()


def test_snapshots_that_fail_say_why(camera_server: CameraServer) -> None:
    source = make_source(
        "snapshot+" + camera_server.url().replace("//", "//u:secret@"),
        StreamSettings(frame_timeout_s=0.3),
        SystemClock(),
    )
    camera_server.status = 503
    with pytest.raises(CameraError, match="expected an image, but got HTTP 503"):
        source.read()
    camera_server.status, camera_server.picture = 200, b"<html>login</html>"
    with pytest.raises(
        CameraError, match="expected a whole image, but got something else: 18 bytes"
    ):
        source.read()
    camera_server.stall_s = 1.0
    with pytest.raises(CameraError, match="timed out") as caught:
        source.read()
    assert "secret" not in str(caught.value)
