"""One camera's lanes: frames in, events and totals in the store, live state, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration import Calibration, Line, Lot
from edge_app.config import CameraConfig, CountingConfig
from edge_app.counting import CameraLanes, LaneOutlets
from edge_app.delivery import GatePassage, Store
from edge_app.live_state import LiveState
from telemetry import ManualClock, ModelError, UnknownReason, decode_event
from telemetry.cloudevents import GatePassedEvent
from telemetry.gates import PassageDirection, PassageMethod
from tests.networks import scripted_spec
from vision.input_size import InputPlan
from vision.types import Detections, Floats, Frame, ImageBgr, NetworkOutput, NetworkSpec
from vision.view_guard import ViewReport

WH = (640, 360)
T0 = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SPEC = scripted_spec(classes={0: "car", 1: "bus"}, vehicle_classes=frozenset({0, 1}))
MAIN = Line(id="main", points=((0.0, 0.5), (1.0, 0.5)), level="P1")
LEVELS = Lot(name="Market square", levels=("P1",))
CALIBRATION = Calibration(camera="ramp", image_wh=WH, lot=LEVELS, lines=(MAIN,), revision=4)


class Boxes:
    """A network that sees the boxes it is given, and keeps the sizes of its inputs."""

    def __init__(self) -> None:
        self.boxes: list[tuple[float, float, float, float]] = []
        self.inputs: list[tuple[int, int]] = []
        self.fault: ModelError | None = None

    @property
    def spec(self) -> NetworkSpec:
        return SPEC

    def detect(
        self, image_bgr: ImageBgr, bay_quads_norm: Floats, plan: InputPlan | None = None
    ) -> NetworkOutput:
        assert plan is not None
        assert bay_quads_norm.shape == (0, 4, 2)
        self.inputs.append(plan.input_wh)
        if self.fault is not None:
            raise self.fault
        count = len(self.boxes)
        found = Detections(
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.full(count, 0.8, np.float32),
            np.zeros(count, np.int64),
        )
        return NetworkOutput(found, None)


@dataclass
class Rig:
    path: Path
    calibration: Calibration = CALIBRATION
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=T0))
    network: Boxes = field(default_factory=Boxes)
    told: list[GatePassage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store.open(self.path, self.clock)
        self.live_state = LiveState()
        camera = CameraConfig(id="ramp", source="x", calibration_file=Path("x"))
        outlets = LaneOutlets(self.store, self.live_state, self.told.extend)
        self.lanes = CameraLanes(camera, CountingConfig(), outlets, self.clock)
        self.lanes.use_calibration(self.calibration)
        self.lanes.use_detector(self.network)

    def frame(self) -> Frame:
        image = np.zeros((WH[1], WH[0], 3), np.uint8)
        return Frame("ramp", image, self.clock.mono_s(), self.clock.utc(), 1)

    def drive(self, feet: Sequence[float], view: ViewReport | None = None) -> list[GatePassage]:
        """A car whose lower edge is at these heights of the picture, one each fifth of a second."""
        found: list[GatePassage] = []
        for foot in feet:
            self.network.boxes = [(290.0, foot - 60, 350.0, foot)]
            found += self.lanes.count(self.frame(), view or ViewReport())
            self.clock.advance(0.2)
        self.network.boxes = []
        for _ in range(10):  # it is out of sight before the next one comes
            found += self.lanes.count(self.frame(), view or ViewReport())
            self.clock.advance(0.2)
        return found

    def events(self) -> list[GatePassedEvent]:
        rows = self.store.pending(0, 1000)
        base = "pk/v1/north/edge-7"
        found = [decode_event(row.payload(self.store.epoch, base), "event") for row in rows]
        assert all(isinstance(each, GatePassedEvent) for each in found)
        return [each for each in found if isinstance(each, GatePassedEvent)]


UP = [340.0 - 20 * step for step in range(14)]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "store.db")


def test_passages_become_events_with_running_totals(rig: Rig) -> None:
    told = rig.told
    rig.drive(UP)
    rig.drive(UP)
    rig.drive(UP[::-1])
    events = rig.events()
    assert [event.subject for event in events] == ["main"] * 3
    ways = [event.data.direction for event in events]
    assert ways == [PassageDirection.IN, PassageDirection.IN, PassageDirection.OUT]
    assert [event.data.total for event in events] == [1, 2, 1]
    data = events[0].data
    assert (data.lot, data.level, data.camera) == ("Market-square", "P1", "ramp")
    assert (data.calibration, data.method, data.vehicle) == (4, PassageMethod.LINE, "car")
    assert data.conf == pytest.approx(0.8)
    assert events[0].time == pytest.approx(T0 + timedelta(seconds=1.6), abs=timedelta(seconds=0.2))
    assert [passage.direction for passage in told] == ways
    assert rig.network.inputs[0] == (320, 192)


def test_totals_survive_a_restart_and_vehicles_on_their_way_do_not(rig: Rig) -> None:
    rig.drive(UP)
    rig.drive(UP[:6])
    rig.store.close()
    again = Rig(rig.path, clock=rig.clock)
    assert again.store.gate_totals("main").total_in == 1
    again.drive(UP[9:])  # beyond the line: nobody saw it pass
    again.drive(UP)
    assert [event.data.total for event in again.events()] == [1, 2]
    (lane,) = again.live_state.lanes()
    assert (lane.gate, lane.total_in, lane.total_out, lane.today_in) == ("main", 2, 0, 2)


def test_today_begins_anew_and_the_total_goes_on(rig: Rig) -> None:
    rig.drive(UP)
    rig.clock.advance(36 * 3600.0)
    rig.lanes.check()
    (lane,) = rig.live_state.lanes("ramp")
    assert (lane.today_in, lane.total_in) == (0, 1)
    rig.drive(UP)
    (lane,) = rig.live_state.lanes("ramp")
    assert (lane.today_in, lane.total_in) == (1, 2)


def test_a_moved_view_counts_nothing_and_says_so(rig: Rig) -> None:
    moved = ViewReport(reason=UnknownReason.VIEW_MOVED)
    assert rig.drive(UP, moved) == []
    assert rig.live_state.lanes()[0].fault == "the view has moved"
    assert len(rig.drive(UP)) == 1
    assert rig.live_state.lanes()[0].fault == ""


def test_a_network_that_fails_is_told_and_heals(rig: Rig) -> None:
    rig.network.fault = ModelError("out of memory")
    assert rig.drive(UP) == []
    assert rig.live_state.lanes()[0].fault == "out of memory"
    rig.lanes.model_failed("no such file")
    rig.lanes.count(rig.frame(), ViewReport())
    assert rig.live_state.lanes()[0].fault == "no such file"
    rig.network.fault = None
    rig.lanes.use_detector(rig.network)
    assert len(rig.drive(UP)) == 1


def test_no_pictures_is_a_fault_and_a_gap_forgets_who_was_on_the_way(rig: Rig) -> None:
    rig.drive(UP[:7])
    rig.clock.advance(6.0)
    rig.lanes.check()
    assert rig.live_state.lanes()[0].fault == "no pictures come"
    assert rig.drive(UP[9:]) == []
    assert rig.live_state.lanes()[0].fault == ""


def test_bays_keep_their_own_rate(rig: Rig) -> None:
    due = []
    for _ in range(50):
        due.append(rig.lanes.bays_are_due(rig.frame()))
        rig.clock.advance(0.2)
    assert sum(due) == 10
    assert rig.lanes.interval_s == pytest.approx(0.2)
    assert rig.lanes.source_config().rate_hz == pytest.approx(5.0)


def test_without_lines_the_camera_is_read_as_before(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "store.db", Calibration(camera="ramp", image_wh=WH))
    assert not rig.lanes.is_counting
    assert rig.lanes.interval_s == 1.0
    assert rig.drive(UP) == []
    assert rig.network.inputs == []
    assert rig.live_state.lanes() == ()
    assert rig.lanes.bays_are_due(rig.frame())


def test_another_calibration_keeps_the_totals_of_the_gate(rig: Rig) -> None:
    rig.drive(UP)
    turned = MAIN.model_copy(update={"in_side": "right", "lot": "annexe"})
    rig.lanes.use_calibration(CALIBRATION.model_copy(update={"lines": (turned,), "revision": 5}))
    rig.drive(UP)
    last = rig.events()[-1].data
    assert (last.direction, last.total, last.lot) == (PassageDirection.OUT, 1, "annexe")
    assert rig.store.gate_totals("main").total_in == 1
