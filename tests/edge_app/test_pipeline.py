"""One camera's pipeline and the scheduler of many, with scripted networks and a manual clock."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from calibration import Bay, Calibration
from edge_app.config import CameraConfig, EvidenceConfig
from edge_app.delivery.changes import BayChange
from edge_app.live import CameraCondition, LiveBoard
from edge_app.looks import Look
from edge_app.pipeline import CameraPipeline, Outlets
from edge_app.scheduler import CameraUnit, Scheduler
from edge_app.sources import CameraFeed, FeedSettings, FeedStatus, ReplaySource
from telemetry import Cause, Clock, ManualClock, ModelError, SystemClock, UnknownReason
from vision.input_size import InputPlan
from vision.types import (
    BoxLayout,
    Detections,
    Floats,
    Frame,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
)
from vision.view_guard import ViewReport

SPEC = NetworkSpec(
    name="scripted", version="1", sha256="0" * 64, input_wh=(640, 640), stride=32,
    dynamic_input=True, classes={0: "car"}, vehicle_classes=frozenset({0}),
    box_layout=BoxLayout.YOLO_RAW, has_bay_head=True,
)  # fmt: skip


class ScriptedDetector:
    """Gives the probability that was set, for every bay."""

    def __init__(
        self, prob: float = 0.01, takes_s: float = 0.0, clock: Clock | None = None
    ) -> None:
        self.prob = prob
        self.fault: ModelError | None = None
        self.quads: list[Floats] = []
        self._takes_s, self._clock = takes_s, clock

    @property
    def spec(self) -> NetworkSpec:
        return SPEC

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        assert plan is not None
        assert plan.image_wh == (image_bgr.shape[1], image_bgr.shape[0])
        if self._clock is not None:
            self._clock.sleep(self._takes_s)
        if self.fault is not None:
            raise self.fault
        self.quads.append(bay_quads_norm)
        prob = np.full(len(bay_quads_norm), self.prob, np.float32)
        return NetworkOutput(Detections.empty(), prob)


class ScriptedGuard:
    def __init__(self) -> None:
        self.report = ViewReport()

    def look(self, frame: Frame) -> ViewReport:
        return self.report


class ScriptedGate:
    def __init__(self) -> None:
        self.open = True

    def wants(self, frame: Frame, polygons_norm: Sequence[Floats], *, settling: bool) -> bool:
        return self.open or settling


def square(bay: str, left: float = 0.1) -> Bay:
    right = left + 0.2
    return Bay(id=bay, polygon=((left, 0.1), (right, 0.1), (right, 0.3), (left, 0.3)))


def calibration(*bays: str, camera: str = "cam", revision: int = 3) -> Calibration:
    drawn = tuple(square(bay, 0.02 + 0.25 * index) for index, bay in enumerate(bays))
    return Calibration(camera=camera, image_wh=(640, 480), bays=drawn, revision=revision)


@dataclass
class Rig:
    """A pipeline, its clock, and what it put out."""

    clock: ManualClock = field(default_factory=ManualClock)
    detector: ScriptedDetector = field(default_factory=ScriptedDetector)
    recorded: list[BayChange] = field(default_factory=list)
    board: LiveBoard = field(default_factory=LiveBoard)
    frames: int = 0

    def __post_init__(self) -> None:
        config = CameraConfig(id="cam", source="x", calibration_file=Path("x.json"))
        self.pipeline = CameraPipeline(
            config, EvidenceConfig(), Outlets(self.recorded.extend, self.board), self.clock
        )
        self.pipeline.use_detector(self.detector)
        self.pipeline.use_calibration(calibration("a", "b"))

    def run(self, seconds: float, prob: float | None = None) -> None:
        if prob is not None:
            self.detector.prob = prob
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            self.frames += 1
            self.pipeline.judge(self.frame())

    def frame(self) -> Frame:
        image = np.zeros((480, 640, 3), np.uint8)
        return Frame("cam", image, self.clock.mono_s(), self.clock.utc(), self.frames)

    def occ(self) -> list[bool | None]:
        return [state.occ for state in self.pipeline.states()]

    def reasons(self) -> set[UnknownReason | None]:
        return {state.reason for state in self.pipeline.states()}

    def condition(self) -> CameraCondition:
        view = self.board.latest("cam")
        assert view is not None
        return view.status.condition


def test_a_car_comes_and_goes() -> None:
    rig = Rig()
    assert rig.reasons() == {UnknownReason.STARTING}
    rig.run(5, prob=0.01)
    assert rig.occ() == [False, False]
    rig.run(10, prob=0.99)
    assert rig.occ() == [True, True]
    assert [(change.state.bay, change.state.occ) for change in rig.recorded] == [
        ("a", False), ("b", False), ("a", True), ("b", True),
    ]  # fmt: skip
    change = rig.recorded[-1]
    assert (change.cause, change.camera, change.method) == (Cause.DETECTION, "cam", "bay_head")
    assert change.model is not None
    assert change.model.sha256 == "0" * 64
    assert change.calibration_revision == 3
    assert [event.state.bay for event in rig.board.events(2)] == ["b", "a"]
    view = rig.board.latest("cam")
    assert view is not None
    assert view.status.judged == 15
    assert view.status.fps == pytest.approx(1.0, rel=0.1)
    assert view.bay_prob is not None
    assert len(view.polygons_norm) == 2


def test_a_lost_camera_makes_its_bays_unknown_after_a_time() -> None:
    rig = Rig()
    rig.run(5, prob=0.01)
    last_s = rig.clock.mono_s()
    rig.clock.advance(19.0)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s))
    assert rig.occ() == [False, False]
    rig.clock.advance(2.0)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s, error="refused", restarts=2))
    assert rig.reasons() == {UnknownReason.CAMERA_LOST}
    assert {change.cause for change in rig.recorded[-2:]} == {Cause.CAMERA_LOST}
    assert rig.condition() is CameraCondition.LOST
    view = rig.board.latest("cam")
    assert view is not None
    assert (view.status.detail, view.status.restarts) == ("refused", 2)
    count = len(rig.recorded)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s, error="refused"))
    assert len(rig.recorded) == count
    rig.run(3, prob=0.01)
    assert rig.occ() == [False, False]
    assert rig.condition() is CameraCondition.LIVE


def test_a_camera_that_never_came_is_lost_as_well() -> None:
    rig = Rig()
    rig.clock.advance(30)
    rig.pipeline.check(FeedStatus(error="no route to host"))
    assert rig.reasons() == {UnknownReason.CAMERA_LOST}


def test_a_network_that_fails_makes_bays_unknown_and_heals() -> None:
    rig = Rig()
    rig.run(5, prob=0.99)
    rig.detector.fault = ModelError("out of memory")
    rig.run(1)
    assert rig.reasons() == {UnknownReason.MODEL_ERROR}
    assert rig.condition() is CameraCondition.MODEL_ERROR
    rig.detector.fault = None
    rig.run(3)
    assert rig.occ() == [True, True]


def test_without_a_network_the_camera_still_shows_its_picture() -> None:
    rig = Rig()
    rig.pipeline.model_failed("model.onnx: expected sha256 1, but got 2")
    rig.run(1)
    view = rig.board.latest("cam")
    assert view is not None
    assert view.frame is not None
    assert "expected sha256" in view.status.detail
    assert rig.reasons() == {UnknownReason.MODEL_ERROR}
    rig.pipeline.use_detector(rig.detector)
    rig.run(3, prob=0.99)
    assert rig.occ() == [True, True]


@pytest.mark.parametrize(
    "reason", [UnknownReason.FROZEN, UnknownReason.BLIND, UnknownReason.DARK,
               UnknownReason.VIEW_MOVED]
)  # fmt: skip
def test_a_picture_that_cannot_be_trusted_is_not_judged(reason: UnknownReason) -> None:
    rig = Rig()
    guard = ScriptedGuard()
    rig.pipeline.use_calibration(calibration("a", "b"), guard)
    rig.run(5, prob=0.01)
    judged = len(rig.detector.quads)
    guard.report = ViewReport(reason, "half of the picture is covered", shift_px=40.0)
    rig.run(2, prob=0.99)
    assert rig.reasons() == {reason}
    assert len(rig.detector.quads) == judged
    assert rig.condition().value == reason.value
    guard.report = ViewReport()
    rig.run(3, prob=0.99)
    assert rig.occ() == [True, True]


def test_a_small_movement_moves_the_bays_that_the_network_sees() -> None:
    rig = Rig()
    guard = ScriptedGuard()
    rig.pipeline.use_calibration(calibration("a"), guard)
    rig.run(1)
    shift = np.eye(3, dtype=np.float32)
    shift[0, 2] = 0.05
    guard.report = ViewReport(homography=shift, shift_px=32.0)
    rig.run(1)
    np.testing.assert_allclose(
        rig.detector.quads[1], rig.detector.quads[0] + [0.05, 0.0], atol=1e-6
    )
    view = rig.board.latest("cam")
    assert view is not None
    assert view.status.shift_px == 32.0
    assert view.polygons_norm[0][0, 0] == pytest.approx(0.07)


def test_a_picture_under_suspicion_is_neither_judged_nor_held_against_the_bays() -> None:
    rig = Rig()
    guard = ScriptedGuard()
    rig.pipeline.use_calibration(calibration("a", "b"), guard)
    rig.run(5, prob=0.01)
    judged = len(rig.detector.quads)
    guard.report = ViewReport(is_usable=False)
    rig.run(3, prob=0.99)
    assert rig.occ() == [False, False]
    assert len(rig.detector.quads) == judged
    assert rig.condition() is CameraCondition.LIVE


def test_the_gate_saves_passes_but_not_while_a_bay_is_about_to_change() -> None:
    rig = Rig()
    gate = ScriptedGate()
    rig.pipeline.use_gate(gate)
    rig.run(5, prob=0.01)
    gate.open = False
    judged = len(rig.detector.quads)
    rig.run(10)
    assert len(rig.detector.quads) == judged
    gate.open = True
    rig.run(2, prob=0.99)
    gate.open = False
    rig.run(8)
    assert rig.occ() == [True, True]


def test_a_new_calibration_keeps_the_states_of_its_bays() -> None:
    rig = Rig()
    rig.run(5, prob=0.99)
    since = rig.pipeline.states()[1].since
    rig.pipeline.use_calibration(calibration("b", "c", revision=4))
    states = rig.pipeline.states()
    assert [(state.bay, state.occ) for state in states] == [("b", True), ("c", None)]
    assert states[0].since == since
    rig.run(3)
    assert rig.occ() == [True, True]
    assert rig.recorded[-1].calibration_revision == 4


def test_a_calibration_that_fails_is_shown_and_changes_nothing() -> None:
    rig = Rig()
    rig.run(5, prob=0.99)
    rig.pipeline.calibration_failed("bay a crosses itself")
    rig.run(1)
    view = rig.board.latest("cam")
    assert view is not None
    assert view.status.detail == "bay a crosses itself"
    assert rig.occ() == [True, True]


def test_a_new_network_keeps_the_states() -> None:
    rig = Rig()
    rig.run(5, prob=0.99)
    count = len(rig.recorded)
    rig.pipeline.use_detector(ScriptedDetector(0.99))
    rig.run(5)
    assert rig.occ() == [True, True]
    assert len(rig.recorded) == count


@pytest.mark.parametrize(("stale", "occ"), [(False, True), (True, None)])
def test_states_from_before_a_restart(stale: bool, occ: bool | None) -> None:
    before = Rig()
    before.run(5, prob=0.99)
    after = Rig()
    after.pipeline.restore(before.pipeline.states(), stale=stale)
    assert after.occ() == [occ, occ]
    assert [change.cause for change in after.recorded] == ([Cause.STARTUP] * 2 if stale else [])
    if not stale:
        assert after.pipeline.states()[0].since == before.pipeline.states()[0].since


# -- many cameras ----------------------------------------------------------------------------------


def endless(_: int = 0) -> ReplaySource:
    return ReplaySource(itertools.repeat(np.zeros((48, 64, 3), np.uint8)))


@pytest.fixture
def make_scheduler() -> object:
    started: list[Scheduler | CameraFeed] = []

    def make(
        rates_hz: Sequence[float], detector: ScriptedDetector, board: LiveBoard
    ) -> tuple[Scheduler, list[CameraUnit]]:
        clock = SystemClock()
        units: list[CameraUnit] = []
        scheduler = Scheduler([], clock)
        for index, rate_hz in enumerate(rates_hz):
            config = CameraConfig(
                id=f"c{index}", source="x", calibration_file=Path("x"), rate_hz=rate_hz
            )
            outlets = Outlets(lambda changes: None, board)
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


def judged(board: LiveBoard) -> Counter[str]:
    views = {camera: board.latest(camera) for camera in board.cameras()}
    return Counter({camera: view.status.judged for camera, view in views.items() if view})


def test_an_overloaded_box_gives_each_camera_the_same_share(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
) -> None:
    """Wanted 20 + 20 + 10 Hz, but one frame takes 50 ms: 20 Hz in all, 8 + 8 + 4."""
    board = LiveBoard()
    _, units = make_scheduler(
        [20, 20, 10], ScriptedDetector(takes_s=0.05, clock=SystemClock()), board
    )
    time.sleep(3.0)
    counts = judged(board)
    assert 20 <= counts.total() <= 62  # fewer when other programs use the machine
    assert counts["c0"] == pytest.approx(counts["c1"], rel=0.3, abs=4)
    assert counts["c0"] / counts["c2"] == pytest.approx(2.0, rel=0.45)
    dropped = [unit.feed.status().dropped for unit in units]
    assert dropped[0] > 10  # the newest frame won, and nothing piled up


def test_an_idle_box_keeps_every_rate(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
) -> None:
    board = LiveBoard()
    make_scheduler([10, 5], ScriptedDetector(), board)
    time.sleep(2.0)
    counts = judged(board)
    assert 8 <= counts["c0"] <= 23
    assert 4 <= counts["c1"] <= 12


def test_a_fault_in_one_camera_leaves_the_others(
    make_scheduler: Callable[..., tuple[Scheduler, list[CameraUnit]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = LiveBoard()
    scheduler, units = make_scheduler([20, 20], ScriptedDetector(), board)

    class Broken:
        def look(self, frame: Frame) -> ViewReport:
            msg = "a bug"
            raise RuntimeError(msg)

    done = threading.Event()

    def break_first() -> None:
        units[0].pipeline.use_calibration(calibration("a"), Broken())
        done.set()

    scheduler.post(break_first)
    assert done.wait(5)
    before = judged(board)
    time.sleep(1.0)
    after = judged(board)
    assert after["c1"] > before["c1"] + 3
    assert after["c0"] <= before["c0"] + 1
    assert "camera c0: unexpected fault" in caplog.text


class Witness:
    def __init__(self, fault: Exception | None = None) -> None:
        self.looks: list[Look] = []
        self.fault = fault

    def observe(self, look: Look) -> None:
        self.looks.append(look)
        if self.fault is not None:
            raise self.fault


def test_observers_see_every_judged_frame_and_their_faults_stop_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    broken, witness = Witness(RuntimeError("full")), Witness()
    rig.pipeline.add_observer(broken)
    rig.pipeline.add_observer(witness)
    rig.run(10, prob=0.99)
    assert len(witness.looks) == len(broken.looks) == 10
    assert [[bay.bay for bay in look.changed] for look in witness.looks if look.changed] == [
        ["a", "b"]
    ]
    last = witness.looks[-1]
    assert [state.occ for state in last.states] == [True, True]
    assert last.evidence.prob == pytest.approx([0.99, 0.99])
    assert rig.occ() == [True, True]
    assert "Witness failed" in caplog.text
