"""Layouts, watched files, log lines, alarms, checks, the HTTP server."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration import Bay, Calibration, Location, Lot, save_calibration
from calibration.reference_files import store_reference
from edge_app.alarms import Alarm, AlarmKind, Alarms, by_importance
from edge_app.checks import Level, check_cameras, check_machine, check_parts, worst
from edge_app.config import HttpConfig, LogConfig, LogFormat, LotsightConfig, parse_config
from edge_app.layouts import build_layout, lot_id
from edge_app.live import (
    CameraCondition,
    CameraStatus,
    LiveBoard,
    LiveView,
    RecentEvent,
)
from edge_app.logs import set_up_logging
from edge_app.reload import CalibrationKeeper, FileWatch
from edge_app.serving import HttpServer
from telemetry import BayState, CalibrationError, Cause, ConfigError, ManualClock, UnknownReason


def square(bay: str, left: float = 0.1) -> Bay:
    right = left + 0.2
    return Bay(id=bay, polygon=((left, 0.1), (right, 0.1), (right, 0.4), (left, 0.4)), zone="z1")


def calibration(camera: str, *bays: str) -> Calibration:
    drawn = tuple(square(bay, 0.02 + 0.25 * index) for index, bay in enumerate(bays))
    lot = Lot(name="P1 Nord (West)", location=Location(lat_deg=48.1, lon_deg=11.5))
    return Calibration(camera=camera, image_wh=(640, 480), lot=lot, bays=drawn)


# -- layout ----------------------------------------------------------------------------------------


def test_the_layout_is_cameras_then_bays() -> None:
    layout = build_layout([calibration("north", "a", "b"), calibration("south", "c")])
    assert [(bay.bay, bay.camera, bay.zone) for bay in layout.bays] == [
        ("a", "north", "z1"), ("b", "north", "z1"), ("c", "south", "z1"),
    ]  # fmt: skip
    assert [(lot.lot, lot.name) for lot in layout.lots] == [("P1-Nord-West", "P1 Nord (West)")]


def test_the_layout_tells_where_each_bay_is_in_the_picture() -> None:
    drawn = calibration("north", "a")
    beyond = Bay(id="b", polygon=((-0.001, 0.123456), (1.2, 0.2), (0.5, 0.9)))
    layout = build_layout([drawn.model_copy(update={"bays": (*drawn.bays, beyond)})])
    assert layout.bays[0].picture == ((0.02, 0.1), (0.22, 0.1), (0.22, 0.4), (0.02, 0.4))
    assert layout.bays[1].picture == ((0.0, 0.1235), (1.0, 0.2), (0.5, 0.9))


def test_a_layout_that_would_not_fit_with_pictures_goes_without() -> None:
    round_bays = tuple(
        Bay(id=f"bay-{n}", polygon=tuple((0.1 + k / 100, 0.1234) for k in range(64)))
        for n in range(1500)
    )
    one = calibration("n", "a").model_copy(update={"bays": round_bays})
    layout = build_layout([one])
    assert len(layout.bays) == 1500
    assert {bay.picture for bay in layout.bays} == {None}


def test_a_bay_of_two_cameras_is_refused() -> None:
    with pytest.raises(ConfigError, match="'b' stands in the calibrations of cameras 'n' and 's'"):
        build_layout([calibration("n", "a", "b"), calibration("s", "b")])


def test_more_than_one_box_can_publish_is_refused_by_name() -> None:
    many = [
        calibration(f"camera-{n}", *(f"a-rather-long-name-of-a-bay-{n}-{k}" for k in range(4)))
        for n in range(1100)
    ]
    with pytest.raises(ConfigError, match=r"at most 1000 cameras, .* give some of its cameras"):
        build_layout(many)
    levels = tuple(f"level-{n}" for n in range(201))
    lot = Lot(name="Tower", levels=levels)
    one = calibration("n", "a").model_copy(update={"lot": lot})
    with pytest.raises(ConfigError, match=r"lots|levels"):
        build_layout([one])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("P1 Nord (West)", "P1-Nord-West"), ("Größe", "Gr-e"), ("(?)", "lot"), ("x" * 90, "x" * 64)],
)
def test_lot_ids(name: str, expected: str) -> None:
    assert lot_id(name) == expected


# -- watched files ---------------------------------------------------------------------------------


def test_a_watch_tells_new_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    watch = FileWatch(path)
    assert not watch.changed()
    path.write_text("one")
    assert watch.changed()
    assert not watch.changed()
    os.utime(path, (1, 1))
    assert not watch.changed(), "touched, but the same"
    path.write_text("two")
    assert watch.changed()
    path.unlink()
    assert watch.changed()


def test_the_keeper_keeps_the_last_good_calibration(tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, calibration("north", "a"), author="test")
    keeper = CalibrationKeeper("north", path, tmp_path / "kept")
    assert keeper.last_good() is None
    assert keeper.load().bay_ids == ("a",)
    path.write_text("{")
    assert keeper.changed()
    with pytest.raises(CalibrationError, match=r"north\.json"):
        keeper.load()
    kept = CalibrationKeeper("north", path, tmp_path / "kept").last_good()
    assert kept is not None
    assert kept.bay_ids == ("a",)
    (tmp_path / "kept" / "north.json").write_text("{")
    assert keeper.last_good() is None


def test_the_calibration_of_another_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, calibration("south", "a"), author="test")
    keeper = CalibrationKeeper("north", path, tmp_path / "kept")
    with pytest.raises(CalibrationError, match="expected the calibration of camera 'north'"):
        keeper.load()


# -- log lines and alarms --------------------------------------------------------------------------


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize("form", list(LogFormat))
def test_log_lines_are_one_line_without_secrets(form: LogFormat) -> None:
    stream = io.StringIO()
    set_up_logging(LogConfig(format=form), stream)
    logger = logging.getLogger("edge_app.x")
    logger.debug("not shown")
    logger.warning('camera %s is "down"\nbadly', "rtsp://u:hunter2@cam/1?token=abc")
    try:
        raise ValueError("rtsp://u:hunter2@cam")  # noqa: EM101, TRY301
    except ValueError:
        logger.exception("fault")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "hunter2" not in stream.getvalue()
    assert "abc" not in stream.getvalue()
    if form is LogFormat.JSON:
        first, second = (json.loads(line) for line in lines)
        assert (first["level"], first["logger"]) == ("warning", "edge_app.x")
        assert first["msg"] == 'camera rtsp://u:***@cam/1?token=*** is "down"\nbadly'
        assert "ValueError" in second["trace"]
    else:
        assert " level=warning logger=edge_app.x msg=" in lines[0]
        assert "\\n" in lines[1]


def test_alarms_are_told_once_and_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    alarms = Alarms()
    lost = Alarm(AlarmKind.CAMERA, "camera b: lost", "no answer", "Look.", "b")
    assert [
        each.fault
        for each in by_importance(
            replace(lost, fault=word, camera=camera) for camera in "ab" for word in ("lost", "dark")
        )
    ] == ["dark", "dark", "lost", "lost"]
    for detail in ("no answer", "refused", "refused"):
        alarms.set(replace(lost, detail=detail))
    alarms.set(replace(lost, text="camera a: dark", camera="a"))
    assert [each.camera for each in alarms.standing()] == ["a", "b"]
    alarms.set(Alarm(AlarmKind.DISK, "the disk is full"))
    assert [each.line for each in alarms.standing()] == [
        "the disk is full", "camera a: dark: no answer", "camera b: lost: refused",
    ]  # fmt: skip
    for _ in range(2):
        alarms.clear(AlarmKind.CAMERA, "b")
    alarms.set(replace(lost, text="camera a: blind", camera="a"))
    assert [each.name for each in alarms.standing()] == ["disk", "camera-a"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "alarm camera-b: camera b: lost: no answer"),
        ("ERROR", "alarm camera-a: camera a: dark: no answer"),
        ("ERROR", "alarm disk: the disk is full"),
        ("INFO", "alarm camera-b has ended"),
        ("ERROR", "alarm camera-a: camera a: blind: no answer"),
    ]


def test_every_alarm_has_its_line_in_the_manual() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z]+)(?:-ID)?`", manual, re.MULTILINE)
    assert [AlarmKind(name) for name in dict.fromkeys(listed)] == list(AlarmKind)


# -- live board ------------------------------------------------------------------------------------


def test_the_board_wakes_who_waits_and_forgets_old_events() -> None:
    board = LiveBoard(event_limit=2)
    view = LiveView("north", None, None, (), CameraStatus())
    assert board.wait_newer("north", 0, 0.01) == (None, 0)
    board.publish(view)
    assert board.wait_newer("north", 0, 5.0) == (view, 1)
    assert board.wait_newer("north", 1, 0.01) == (view, 1)
    assert board.cameras() == ("north",)
    utc = ManualClock().utc()
    for bay in "abc":
        state = BayState(bay, None, UnknownReason.STARTING, 0.0, utc)
        board.add_events([RecentEvent("north", state, Cause.STARTUP, utc)])
    assert [event.state.bay for event in board.events()] == ["c", "b"]
    board.remove("north")
    assert board.latest("north") is None
    assert CameraStatus().condition is CameraCondition.STARTING


# -- checks ----------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, free_port: Callable[[], int]) -> LotsightConfig:
    image = np.random.default_rng(1).integers(40, 220, (480, 640, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    path = tmp_path / "north.json"
    drawn = calibration("north", "a").model_copy(update={"reference": store_reference(path, image)})
    save_calibration(path, drawn, author="test")
    text = (
        f'[edge]\nsite = "s"\nedge = "e"\nstate_dir = "state"\n[http]\nport = {free_port()}\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        '[[camera]]\nid = "north"\nsource = "a.png"\ncalibration_file = "north.json"\n'
    )
    return parse_config(text, tmp_path / "box.toml")


def test_a_good_box_passes(config: LotsightConfig) -> None:
    checks = check_parts(config) + check_cameras(config)
    assert {check.level for check in checks} == {Level.OK}
    assert [check.what for check in checks] == [
        "model", "calibration north", "layout", "camera north",
    ]  # fmt: skip


def test_the_doctor_finds_what_is_wrong_with_the_machine(config: LotsightConfig) -> None:
    found = {check.what: check for check in check_machine(config)}
    assert found["state folder"].level in {Level.OK, Level.WARNING}
    assert found["HTTP port"].level is Level.OK
    assert found["broker"].is_bad
    with socket.create_server(("127.0.0.1", config.http.port)):
        found = {check.what: check for check in check_machine(config)}
    assert found["HTTP port"].level is Level.WARNING
    config.edge.state_dir.rmdir()
    config.edge.state_dir.write_text("a file")
    assert worst(check_machine(config)).what == "state folder"


def test_a_picture_of_another_shape_is_told(config: LotsightConfig, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(40, 220, (480, 480, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), noise)
    (check,) = check_cameras(config)
    assert check.is_bad
    assert "480x480 px" in check.text
    assert "shaped like 640x480, on which the bays were drawn" in check.text
    (tmp_path / "a.png").unlink()
    (check,) = check_cameras(config)
    assert check.is_bad


def test_a_calibration_without_a_reference_picture_is_told(
    config: LotsightConfig, tmp_path: Path
) -> None:
    (tmp_path / "north.json").unlink()
    save_calibration(tmp_path / "north.json", calibration("north", "a"), author="test")
    [told] = [check for check in check_parts(config) if check.level is Level.WARNING]
    assert "no reference picture" in told.text
    assert "`lotsight calibration reference" in told.text


def test_parts_that_do_not_load(config: LotsightConfig, tmp_path: Path) -> None:
    (tmp_path / "north.json").write_text("[]")
    model = config.model.model_copy(update={"manifest_file": tmp_path / "gone.json"})
    bad = config.model_copy(update={"model": model})
    assert [check.what for check in check_parts(bad) if check.is_bad] == [
        "model", "calibration north",
    ]  # fmt: skip


# -- HTTP server -----------------------------------------------------------------------------------


async def hello(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
    """The least ASGI application."""
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[misc]


def test_the_server_serves_and_ends(free_port: Callable[[], int]) -> None:
    config = HttpConfig(port=free_port())
    server = HttpServer(hello, config)  # type: ignore[arg-type]
    server.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10) as answer:
        assert answer.read() == b"hello"
    with pytest.raises(ConfigError, match="cannot be taken: Address already in use"):
        HttpServer(hello, config)  # type: ignore[arg-type]
    server.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10)


def test_a_certificate_that_is_none(tmp_path: Path, free_port: Callable[[], int]) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    config = HttpConfig(port=free_port(), cert_file=tmp_path / "c.pem", key_file=tmp_path / "c.pem")
    with pytest.raises(ConfigError, match=r"certificate .*c\.pem cannot be loaded"):
        HttpServer(hello, config)  # type: ignore[arg-type]
