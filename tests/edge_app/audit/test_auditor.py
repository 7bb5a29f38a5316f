"""The audit of a camera by hand: a scripted network, a manual clock, idle work done when told."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from calibration import Bay, Calibration
from edge_app.alarms import Alarms
from edge_app.audit import Auditor
from edge_app.config import AuditConfig
from edge_app.looks import Look
from telemetry import BayState, ManualClock, UnknownReason
from vision.input_size import InputPlan
from vision.types import (
    BayEvidence,
    BoxLayout,
    Detections,
    Floats,
    Frame,
    ImageBgr,
    NetworkOutput,
    NetworkSpec,
    as_floats,
)

SPEC = NetworkSpec(
    name="scripted", version="1", sha256="0" * 64, input_wh=(640, 480), stride=32,
    dynamic_input=True, classes={0: "car"}, vehicle_classes=frozenset({0}),
    box_layout=BoxLayout.YOLO_RAW, has_bay_head=True,
)  # fmt: skip
BAYS = (
    Bay(id="a", polygon=((0.1, 0.2), (0.3, 0.2), (0.3, 0.8), (0.1, 0.8))),
    Bay(id="b", polygon=((0.5, 0.2), (0.7, 0.2), (0.7, 0.8), (0.5, 0.8))),
)
CALIBRATION = Calibration(camera="north", image_wh=(640, 480), bays=BAYS)


class SecondNetwork:
    """Says what it was told; a car in bay `a` has a box where the mirrored picture shows it."""

    def __init__(self, clock: ManualClock) -> None:
        self.spec = SPEC
        self.prob = [0.99, 0.01]
        self.clock = clock
        self.takes_s = 0.0
        self.plans: list[InputPlan | None] = []
        self.quads: list[Floats] = []

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        self.clock.advance(self.takes_s)
        self.plans.append(plan)
        self.quads.append(bay_quads_norm)
        box = as_floats([[448, 96, 576, 384]])
        return NetworkOutput(Detections(box, as_floats([0.9]), np.array([0])), as_floats(self.prob))


class Bench:
    """A camera whose bays `a` and `b` have the states that were set."""

    def __init__(self, **settings: object) -> None:
        self.clock = ManualClock()
        self.alarms = Alarms()
        self.network = SecondNetwork(self.clock)
        self.idle: deque[Callable[[], None]] = deque()
        config = AuditConfig.model_validate({"every_s": 100.0, "settle_s": 10.0, **settings})
        self.auditor = Auditor(
            config, self.clock, self.idle.append, lambda: self.network, self.alarms
        )
        self.images: list[weakref.ref[ImageBgr]] = []
        self.since = self.clock.utc() - timedelta(hours=1)
        self.states: tuple[BayState, ...] = (
            BayState("a", True, None, 0.98, self.since),
            BayState("b", False, None, 0.98, self.since),
        )

    def look(self) -> None:
        image = np.zeros((480, 640, 3), np.uint8)
        self.images.append(weakref.ref(image))
        frame = Frame("north", image, self.clock.mono_s(), self.clock.utc(), 1)
        box = as_floats([[64, 96, 192, 384]])
        detections = Detections(box, as_floats([0.9]), np.array([0]))
        self.auditor.observe(
            Look(
                frame=frame,
                calibration=CALIBRATION,
                spec=self.network.spec,
                output=NetworkOutput(detections, as_floats([0.98, 0.02])),
                polygons_norm=tuple(CALIBRATION.polygons_norm()),
                evidence=BayEvidence(as_floats([0.98, 0.02]), as_floats([1, 1])),
                states=self.states,
                changed=(),
            )
        )

    def watch(self, seconds_s: float) -> None:
        """Judge a frame a second, do idle work after each."""
        for _ in range(round(seconds_s)):
            self.clock.advance(1.0)
            self.look()
            while self.idle:
                self.idle.popleft()()


def _unknown(bay: str, since: datetime) -> BayState:
    return BayState(bay, None, UnknownReason.OCCLUDED, 0.0, since)


def test_states_that_all_opinions_share_are_confirmed() -> None:
    bench = Bench()
    bench.watch(1000)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert 6 <= found.looks <= 11, "one in 100 s, at random moments"
    assert found.bays == 2 * found.looks
    assert found.accuracy == found.high == 1.0
    assert found.low < 0.9, "few looks prove little"
    assert bench.alarms.texts() == ()
    since = bench.auditor.since("north")
    assert since is not None
    assert since > bench.since


def test_the_second_look_is_enlarged_and_mirrored() -> None:
    bench = Bench()
    bench.watch(200)
    plan = bench.network.plans[0]
    assert plan is not None
    assert plan.input_wh == (864, 640)
    x = bench.network.quads[0][..., 0]
    assert sorted(x[0].tolist()) == pytest.approx([0.7, 0.7, 0.9, 0.9])


def test_states_that_all_others_contradict_raise_an_alarm_that_ends() -> None:
    bench = Bench(window_s=3000.0)
    wrong = tuple(replace(state, occ=not state.occ) for state in bench.states)
    right, bench.states = bench.states, wrong
    bench.watch(1500)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.accuracy == 0
    [text] = bench.alarms.texts()
    assert "camera north" in text
    assert "95 %" in text
    bench.states = right
    bench.watch(6000)
    assert bench.alarms.texts() == (), "old looks fall out of the window"


def test_a_bay_that_changes_after_the_look_does_not_count() -> None:
    bench = Bench()
    for _ in range(400):
        bench.watch(1)
        free = BayState("a", not bench.states[0].occ, None, 0.98, bench.clock.utc())
        bench.states = (free, bench.states[1])
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.bays == found.looks, "only b counts"


def test_unknown_bays_make_no_claim() -> None:
    bench = Bench()
    bench.states = (bench.states[0], _unknown("b", bench.since))
    bench.watch(500)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.bays == found.looks


def test_a_busy_box_is_not_audited_and_queues_one_look_only() -> None:
    bench = Bench()
    for _ in range(500):
        bench.clock.advance(1.0)
        bench.look()
    assert len(bench.idle) == 1
    assert bench.auditor.estimate("north") is None


def test_no_picture_is_kept_but_the_newest_while_the_box_is_busy_and_none_afterwards() -> None:
    bench = Bench()
    for _ in range(500):
        bench.clock.advance(1.0)
        bench.look()
    assert [number for number, image in enumerate(bench.images) if image() is not None] == [499]
    bench.idle.popleft()()
    assert len(bench.network.plans) == 1, "a second opinion waits for what its bays do next"
    assert all(image() is None for image in bench.images)


def test_costly_looks_are_spaced_by_the_budget() -> None:
    bench = Bench(budget_share=0.01)
    bench.network.takes_s = 5.0
    bench.watch(2600)
    assert len(bench.network.plans) <= 6, "5 s each, 1 % of the time"


def test_the_same_seed_looks_at_the_same_moments() -> None:
    def moments(seed: int) -> list[float]:
        bench, found = Bench(seed=seed), []
        for _ in range(600):
            before = len(bench.network.plans)
            bench.watch(1)
            if len(bench.network.plans) > before:
                found.append(bench.clock.mono_s())
        return found

    assert moments(1) == moments(1) != moments(2)


def test_another_network_starts_anew() -> None:
    bench = Bench()
    bench.watch(600)
    assert bench.auditor.estimate("north") is not None
    bench.network.spec = replace(SPEC, sha256="1" * 64)
    bench.watch(1)
    assert bench.auditor.estimate("north") is None


def test_a_camera_that_was_away_meanwhile_is_not_counted() -> None:
    bench = Bench()
    while not bench.network.plans:
        bench.watch(1)
    bench.clock.advance(500.0)
    bench.watch(1)
    assert bench.auditor.estimate("north") is None
