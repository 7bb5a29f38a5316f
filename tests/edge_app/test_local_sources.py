"""Sources that need no network: folders, USB cameras, replays, the simulator; addresses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from calibration import load_calibration
from edge_app.sources import (
    FrameSource,
    Login,
    ReplaySource,
    StreamSettings,
    make_source,
)
from edge_app.sources.sim import write_missing_calibration
from telemetry import CameraError, ConfigError, ManualClock, SystemClock
from vision.types import ImageBgr

if TYPE_CHECKING:
    pass


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


# -- folders, USB, addresses -----------------------------------------------------------------------


def test_a_folder_in_the_order_of_names_with_a_broken_picture(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "b.jpg").write_bytes(b"broken")
    for name, grey in (("c.jpg", 24), ("a.png", 16)):
        cv2.imwrite(str(tmp_path / name), np.full((64, 64, 3), grey, np.uint8))
    (tmp_path / "readme.txt").write_text("no picture")
    source = make_source(f"folder:{tmp_path}", StreamSettings(loop=False), ManualClock())
    source.open()
    assert [number for number, _ in grabs(source, 2)] == [0, 1]
    assert source.read() is None


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"expected images \(.*\.jpg.*\), but found none"):
        make_source(str(tmp_path), StreamSettings(), ManualClock()).open()
    (tmp_path / "a.jpg").write_bytes(b"broken")
    source = make_source(str(tmp_path), StreamSettings(), ManualClock())
    source.open()
    with pytest.raises(CameraError, match=r"cannot decode any image; .*a\.jpg"):
        source.read()


def test_one_picture_again_and_again(tmp_path: Path, jpeg: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    source = make_source(str(tmp_path / "a.jpg"), StreamSettings(), ManualClock())
    source.open()
    assert grabs(source, 3) == [(5, 1)] * 3


def test_a_usb_camera_that_is_not_there() -> None:
    with pytest.raises(CameraError, match="/dev/video97: expected a video device"):
        make_source("usb:97", StreamSettings(), SystemClock()).open()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        pytest.param("", "source is empty", id="empty"),
        pytest.param("ftp://u:secret@x/y", "unknown scheme ftp://", id="scheme"),
        pytest.param("usb:left", "usb:NUMBER", id="usb"),
        pytest.param("snapshot+rtsp://x", "requires http", id="snapshot"),
    ],
)
def test_addresses_that_name_nothing(address: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        make_source(address, StreamSettings(), ManualClock())
    assert "secret" not in str(caught.value)


def test_a_login_never_shows() -> None:
    assert "hunter2" not in repr(Login("me", "hunter2"))


def test_the_replay_source_plays_its_script() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    clock = ManualClock()
    source = ReplaySource(
        [picture, CameraError("glitch"), picture],
        interval_s=2.0,
        clock=clock,
        open_errors=[CameraError("down")],
    )
    with pytest.raises(CameraError, match="down"):
        source.open()
    source.open()
    assert source.read() is not None
    with pytest.raises(CameraError, match="glitch"):
        source.read()
    assert source.read() is not None
    assert source.read() is None
    assert clock.mono_s() == 8.0
    with pytest.raises(ValueError, match="needs a clock"):
        ReplaySource([], interval_s=1.0)


# -- simulation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["sim:storm", "sim:sun@x", "sim:/path"])
def test_a_simulation_that_there_is_not(address: str) -> None:
    with pytest.raises(ConfigError, match="expected sim:, sim:WEATHER or sim:WEATHER@SEED"):
        make_source(address, StreamSettings(), ManualClock())


def test_a_simulated_camera_brings_its_calibration(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    write_missing_calibration("sim:overcast@3", "north", path)
    calibration = load_calibration(path)
    assert calibration.camera == "north"
    assert len(calibration.bays) > 8
    assert calibration.bay_ids[0] == "north-A01", "another simulated camera has other bays"
    write_missing_calibration("sim:overcast@3", "north", path)
    assert load_calibration(path).revision == 1
    write_missing_calibration("rtsp://cam", "north", tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_a_simulated_lot_lives() -> None:
    clock = ManualClock()
    source = make_source("sim:", StreamSettings(), clock)
    source.open()
    first = source.read()
    clock.advance(300)
    second = source.read()
    assert first is not None
    assert second is not None
    assert first.image_bgr.shape == (720, 1280, 3)
    assert np.abs(first.image_bgr.astype(int) - second.image_bgr).mean() > 0.5
    source.close()
