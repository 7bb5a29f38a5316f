"""One camera's pipeline, with scripted networks and a manual clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge_app.live_state import CameraCondition
from edge_app.observation import Observation
from edge_app.schedule import PassRequest, Urgency
from edge_app.sources import FeedStatus
from telemetry import Cause, ModelError, UnknownReason
from tests.edge_app.pipeline_kit import (
    Rig,
    ScriptedDetector,
    ScriptedGate,
    ScriptedGuard,
    calibration,
)
from vision.background import BackgroundModel
from vision.view_guard import ViewReport


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
    assert [event.state.bay for event in rig.live_state.events(2)] == ["b", "a"]
    view = rig.live_state.latest("cam")
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
    view = rig.live_state.latest("cam")
    assert view is not None
    assert (view.status.detail, view.status.restarts) == ("refused", 2)
    count = len(rig.recorded)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s, error="refused"))
    assert len(rig.recorded) == count
    rig.run(3, prob=0.01)
    assert rig.occ() == [False, False]
    assert rig.condition() is CameraCondition.LIVE


def test_each_try_for_a_lost_camera_is_counted_where_it_is_shown() -> None:
    rig = Rig()
    rig.clock.advance(60)
    for restarts in range(3):
        rig.pipeline.check(FeedStatus(error="no route to host", restarts=restarts))
        assert rig.condition() is CameraCondition.LOST
        assert rig.view().status.restarts == restarts
    version = rig.live_state.version("cam")
    rig.pipeline.check(FeedStatus(error="no route to host", restarts=2))
    assert rig.live_state.version("cam") == version, "nothing new is shown anew"


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
    view = rig.live_state.latest("cam")
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
    view = rig.live_state.latest("cam")
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


def test_what_moves_is_known_of_every_picture_that_may_be_shown() -> None:
    """Also of one that the gate or the guard keeps from the network."""
    rig, witness = Rig(), Witness()
    guard, gate = ScriptedGuard(), ScriptedGate()
    rig.pipeline.use_calibration(calibration("a", "b"), guard)
    rig.pipeline.use_gate(gate)
    rig.pipeline.add_observer(witness)
    rig.run(1)
    assert rig.view().moving is None, "nobody asked"
    rig.pipeline.use_scene(BackgroundModel())
    rig.run(20, prob=0.01)
    assert (moving := witness.looks[-1].moving) is not None
    assert not moving.people.any()
    gate.open = False
    for reason in (None, UnknownReason.BLIND):
        guard.report = ViewReport(reason)
        rig.clock.advance(1.0)
        frame = rig.frame()
        frame.image_bgr[200:280, 400:430] = 200
        rig.pipeline.judge(frame)
        view = rig.view()
        assert view.frame is frame
        assert view.moving is not None
        people = view.moving.people
        height, width = people.shape
        rows, columns = slice(210 * height // 480, 270 * height // 480), 415 * width // 640
        assert (people[rows, columns] == 255).all()


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
    view = rig.live_state.latest("cam")
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


class Witness:
    def __init__(self, fault: Exception | None = None) -> None:
        self.looks: list[Observation] = []
        self.fault = fault

    def observe(self, observation: Observation) -> None:
        self.looks.append(observation)
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
    assert [
        [bay.bay for bay in observation.changed]
        for observation in witness.looks
        if observation.changed
    ] == [["a", "b"]]
    last = witness.looks[-1]
    assert [state.occ for state in last.states] == [True, True]
    assert last.evidence.prob == pytest.approx([0.99, 0.99])
    assert rig.occ() == [True, True]
    assert "Witness failed" in caplog.text


def test_a_look_runs_no_network_and_the_newest_picture_is_the_one_that_is_judged() -> None:
    rig = Rig()
    rig.run(5, prob=0.01)
    judged, first, second = len(rig.detector.quads), rig.frame(), rig.frame()
    assert rig.pipeline.run_pass() is None, "no picture waits"
    assert rig.pipeline.look(first) == PassRequest(Urgency.EVERY)
    rig.clock.advance(1)
    assert rig.pipeline.look(second) == rig.pipeline.request == PassRequest(Urgency.EVERY)
    assert len(rig.detector.quads) == judged
    assert rig.view().frame is second, "while passes are late the picture is shown all the same"
    assert rig.pipeline.run_pass() == PassRequest(Urgency.EVERY, has_picture=False)
    assert len(rig.detector.quads) == judged + 1
    assert rig.view().frame is second
    assert (rig.view().status.judged, rig.view().status.dropped) == (6, 1)


def test_a_picture_that_waits_is_not_judged_once_its_view_or_its_bays_are_others() -> None:
    rig, guard = Rig(), ScriptedGuard()
    rig.pipeline.use_calibration(calibration("a", "b"), guard)
    rig.run(5, prob=0.01)
    judged = len(rig.detector.quads)
    changes: list[Callable[[], None]] = [
        lambda: rig.pipeline.use_calibration(calibration("c"), guard),
        lambda: rig.pipeline.check(FeedStatus(frames=5, last_frame_s=-100.0)),
    ]
    for change in changes:
        rig.pipeline.look(rig.frame())
        change()
        assert rig.pipeline.request is None
        assert rig.pipeline.run_pass() is None
    assert len(rig.detector.quads) == judged


def test_a_camera_whose_pictures_wait_for_the_box_is_not_lost() -> None:
    rig = Rig()
    rig.run(5, prob=0.01)
    last_s = rig.clock.mono_s()
    rig.clock.advance(300)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s, starved_s=290.0))
    assert rig.occ() == [False, False]
    rig.clock.advance(15)
    rig.pipeline.check(FeedStatus(frames=5, last_frame_s=last_s, starved_s=290.0))
    assert rig.reasons() == {UnknownReason.CAMERA_LOST}, "what it sent then was no picture"
