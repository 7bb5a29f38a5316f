"""Streams that lose packets on the way: no smeared picture is taken for one."""

from __future__ import annotations

from contextlib import suppress

import pytest

from edge_app.broken_frames import BrokenFrames
from edge_app.sources import StreamSettings, StreamSource
from edge_app.sources.packet_loss import PictureChain
from edge_app.sources.stream_settings import DecodeMode
from telemetry import CameraError, SystemClock
from tests.edge_app.lossy_rtsp import SMEARED, LossyCamera


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("over_udp", [False, True], ids=["tcp", "udp"])
@pytest.mark.parametrize(
    ("codec", "mode", "slices"),
    [
        ("libx264", DecodeMode.ALL, 1),
        ("libx264", DecodeMode.ALL, 4),
        ("libx264", DecodeMode.KEY, 1),
        ("libx265", DecodeMode.ALL, 1),
        ("libx265", DecodeMode.KEY, 1),
        ("mjpeg", DecodeMode.AUTO, 1),
    ],
)
def test_no_smeared_picture_is_accepted(
    codec: str, mode: DecodeMode, slices: int, over_udp: bool
) -> None:
    settings = StreamSettings(
        interval_s=0.04, frame_timeout_s=3, decode=mode, rtsp_over_udp=over_udp
    )
    smears, broken = [], 0
    with LossyCamera(codec, loss=0.005, frames=120, slices=slices) as camera:
        source = StreamSource(camera.url, settings, SystemClock(), is_file=False)
        source.open()
        # The stream may end, or be so broken that the source is to be opened again.
        with suppress(CameraError):
            while not camera.done.is_set():
                grab = source.read()
                assert grab is not None
                smears.append(camera.scene.smear(grab.image_bgr))
                broken += grab.broken
        source.close()
        assert camera.lost > 0
    assert smears, "some pictures came whole"
    assert max(smears) < SMEARED
    assert broken > 0 or len(smears) < 20


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", [DecodeMode.ALL, DecodeMode.KEY])
@pytest.mark.parametrize(
    ("codec", "cut_after"),
    # Every picture is a key frame, of 36 or 25 packets.
    [pytest.param("libx264", 750, id="libx264"), pytest.param("libx265", 500, id="libx265")],
)
def test_a_picture_that_the_connection_broke_off_is_none(
    codec: str, cut_after: int, mode: DecodeMode
) -> None:
    settings = StreamSettings(interval_s=0.04, frame_timeout_s=3, decode=mode)
    smears = []
    with LossyCamera(codec, loss=0, frames=40, gop=1) as camera:
        camera.cut_after = cut_after
        source = StreamSource(camera.url, settings, SystemClock(), is_file=False)
        source.open()
        with suppress(CameraError):
            while grab := source.read():
                smears.append(camera.scene.smear(grab.image_bgr))
        source.close()
        assert camera.sent > cut_after
    assert smears
    assert max(smears) < SMEARED


def test_after_a_loss_the_next_whole_key_frame_counts() -> None:
    chain = PictureChain()
    assert chain.admits(is_key=True)
    assert chain.admits(is_key=False)
    chain.lost()
    # The hole is in the picture that came out of this read, or in the next one.
    assert not chain.admits(is_key=True)
    assert not chain.admits(is_key=True)
    assert not chain.admits(is_key=False)
    assert chain.is_broken
    assert chain.admits(is_key=True)
    assert chain.admits(is_key=False)


def test_after_a_damaged_picture_none_counts_until_the_next_key_frame() -> None:
    chain = PictureChain()
    chain.broke()
    assert not chain.admits(is_key=False)
    assert chain.admits(is_key=True)


def test_a_stream_that_begins_in_the_middle_has_lost_nothing() -> None:
    chain = PictureChain()
    chain.begin()
    assert not chain.admits(is_key=False)
    assert not chain.is_broken
    assert chain.admits(is_key=True)
    assert chain.admits(is_key=False)


def test_broken_pictures_are_told_for_a_minute() -> None:
    broken = BrokenFrames()
    broken.count(0, 0.0)
    assert not broken.detail(0.0)
    broken.count(1, 10.0)
    assert broken.detail(10.0).startswith("1 frame was incomplete in the last minute")
    broken.count(4, 30.0)
    assert broken.detail(60.0).startswith("4 frames were incomplete")
    assert broken.detail(80.0).startswith("3 frames were incomplete")
    assert not broken.detail(95.0)
