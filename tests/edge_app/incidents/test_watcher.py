"""One camera's watcher: judged frames in, incidents in store, live state and snapshot out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration import Area, Bay, Calibration
from edge_app.config import IncidentsConfig
from edge_app.delivery import Store
from edge_app.incidents import IncidentOutlets, IncidentWatcher
from edge_app.layouts import build_layout
from edge_app.live_state import LiveState
from edge_app.observation import Observation
from telemetry import (
    BayKind,
    BayState,
    IncidentChangedEvent,
    IncidentEnd,
    IncidentKind,
    ManualClock,
    decode_event,
)
from tests.networks import scripted_spec
from vision.incidents import Moment
from vision.types import (
    BayEvidence,
    Detections,
    Floats,
    Frame,
    NetworkOutput,
)

T0 = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WH = (1000, 500)
SPEC = scripted_spec(classes={0: "car", 3: "truck"}, vehicle_classes=frozenset({0, 3}))
# Five bays side by side, each 100 x 200 px, seen from straight above; the lane lies below them.
BAYS = tuple(
    Bay(
        id=f"b{i}",
        polygon=tuple((x / 1000, y / 500) for x, y in [
            (100 * i + 100, 50), (100 * i + 200, 50), (100 * i + 200, 250), (100 * i + 100, 250),
        ]),
        kind=BayKind.LOADING if i == 4 else BayKind.STANDARD,
        zone="short" if i == 0 else None,
    )
    for i in range(5)
)  # fmt: skip
LANE = Area(name="lane", polygon=((0.05, 0.5), (0.95, 0.5), (0.95, 0.98), (0.05, 0.98)))
CALIBRATION = Calibration(camera="gate", image_wh=WH, bays=BAYS, areas=(LANE,), revision=3)

IN_B1 = (214.0, 62.0, 286.0, 238.0)
ON_LINE = (264.0, 62.0, 336.0, 238.0)
IN_LANE = (160.0, 270.0, 336.0, 342.0)


@dataclass
class Rig:
    """A watcher with a real store, and a clock that a test drives."""

    path: Path
    clock: ManualClock
    config: IncidentsConfig = field(default_factory=IncidentsConfig)
    calibration: Calibration = CALIBRATION
    polygons: tuple[Floats, ...] | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.store = Store.open(self.path, self.clock)
        self.store.set_layout(build_layout([self.calibration]))
        self.live_state = LiveState()
        ids = itertools.count(len(self.store.incidents()) + 1)
        outlets = IncidentOutlets(self.store, self.live_state)
        self.watcher = IncidentWatcher("gate", self.config, outlets, lambda: f"i-{next(ids)}")

    def look(self, boxes: list[tuple[float, ...]], occupied: set[int], kind: int = 0) -> None:
        utc = T0 + timedelta(seconds=self.seconds)
        image = np.zeros((WH[1], WH[0], 3), np.uint8)
        found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.full(len(boxes), 0.9, np.float32),
            np.full(len(boxes), kind, np.int64),
        )
        count = len(self.calibration.bays)
        prob = np.array([0.98 if i in occupied else 0.01 for i in range(count)], np.float32)
        states = tuple(
            BayState(bay.id, i in occupied, None, 0.9, T0)
            for i, bay in enumerate(self.calibration.bays)
        )
        polygons = self.polygons or tuple(self.calibration.polygons_norm())
        self.watcher.observe(
            Observation(
                frame=Frame("gate", image, 1000 + self.seconds, utc, 1),
                calibration=self.calibration,
                spec=SPEC,
                output=NetworkOutput(found, prob),
                polygons_norm=polygons,
                evidence=BayEvidence(prob, np.ones(count, np.float32)),
                states=states,
                changed=(),
            )
        )

    def watch(
        self, boxes: list[tuple[float, ...]], occupied: set[int], for_s: float, kind: int = 0
    ) -> None:
        """Look every 10 s."""
        for _ in range(int(for_s / 10)):
            self.look(boxes, occupied, kind)
            self.seconds += 10

    def events(self) -> list[IncidentChangedEvent]:
        rows = self.store.pending(0, 100)
        found = [decode_event(row.payload(1, "pk/v1/s/e"), "event") for row in rows]
        return [event for event in found if isinstance(event, IncidentChangedEvent)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "store.db", ManualClock())
    yield made
    made.store.close()


def test_a_car_in_its_bay_is_nothing(rig: Rig) -> None:
    rig.watch([IN_B1], {1}, 300)
    assert rig.events() == []


def test_a_car_over_two_bays_is_told_shown_and_ended(rig: Rig) -> None:
    rig.watch([ON_LINE], {1, 2}, 120)
    (begun,) = rig.events()
    assert begun.data.kind is IncidentKind.STRADDLING
    assert set(begun.data.bays) == {"b1", "b2"}
    assert (begun.data.began, begun.data.vehicle, begun.data.calibration) == (T0, "car", 3)
    assert [each.id for each in rig.live_state.incidents("gate")] == ["i-1"]
    assert rig.live_state.incident_counts() == {("gate", IncidentKind.STRADDLING): 1}
    rig.watch([], set(), 100)
    ended = rig.events()[-1]
    assert (ended.subject, ended.data.open, ended.data.end) == ("i-1", False, IncidentEnd.LEFT)
    assert rig.live_state.incidents() == ()
    assert rig.store.incidents() == ()


def test_a_car_in_the_lane_bars_the_bays_behind_it(rig: Rig) -> None:
    rig.watch([IN_LANE, IN_B1], {1}, 120)
    (begun,) = rig.events()
    assert (begun.data.kind, begun.data.area) == (IncidentKind.DOUBLE_PARKING, "lane")
    assert {"b1"} <= set(begun.data.bays) <= {"b0", "b1", "b2"}


def test_areas_follow_a_view_that_moved(rig: Rig) -> None:
    down = np.array([0.0, 0.2], np.float32)
    rig.polygons = tuple(polygon + down for polygon in CALIBRATION.polygons_norm())
    # 100 px lower than before, as are the bays: still in the lane, which only reaches so far when
    # it has moved along.
    rig.watch([(160.0, 425.0, 336.0, 497.0)], set(), 120)
    (begun,) = rig.events()
    assert begun.data.area == "lane"


def test_without_areas_the_ground_between_the_bays_is_watched_or_nothing(tmp_path: Path) -> None:
    two_rows = (
        BAYS[0],
        BAYS[4].model_copy(update={"polygon": ((0.5, 0.8), (0.6, 0.8), (0.6, 0.99), (0.5, 0.99))}),
    )
    for between, count in ((True, 1), (False, 0)):
        rig = Rig(
            tmp_path / f"{between}.db",
            ManualClock(),
            IncidentsConfig(between_bays=between),
            Calibration(camera="gate", image_wh=WH, bays=two_rows),
        )
        rig.watch([(250.0, 280.0, 426.0, 352.0)], set(), 120)
        assert len(rig.events()) == count
        rig.store.close()


def test_a_stay_over_its_limit_by_kind_or_zone(tmp_path: Path) -> None:
    config = IncidentsConfig(overstay_s={BayKind.LOADING: 100.0}, overstay_zone_s={"short": 50.0})
    rig = Rig(tmp_path / "store.db", ManualClock(), config)
    rig.watch([], {0, 1, 4}, 130)
    told = [(e.data.kind, e.data.bays, e.data.limit_s) for e in rig.events()]
    assert told == [
        (IncidentKind.OVERSTAY, ("b0",), 50.0),
        (IncidentKind.OVERSTAY, ("b4",), 100.0),
    ]
    rig.store.close()


def test_a_truck_where_only_cars_may_stand(tmp_path: Path) -> None:
    config = IncidentsConfig(allowed={BayKind.STANDARD: ("car",)})
    rig = Rig(tmp_path / "store.db", ManualClock(), config)
    in_loading = (514.0, 62.0, 586.0, 238.0)
    rig.watch([IN_B1, in_loading], {1, 4}, 120, kind=3)
    (begun,) = rig.events()
    assert (begun.data.kind, begun.data.bays, begun.data.vehicle) == (
        IncidentKind.WRONG_USE, ("b1",), "truck",
    )  # fmt: skip
    rig.store.close()


def test_incidents_and_stays_go_on_after_a_restart(tmp_path: Path) -> None:
    config = IncidentsConfig(overstay_s={BayKind.LOADING: 3600.0})
    first = Rig(tmp_path / "store.db", ManualClock(), config)
    first.watch([ON_LINE], {1, 2, 4}, 120)
    assert len(first.events()) == 1
    first.store.close()
    second = Rig(tmp_path / "store.db", ManualClock(), config, seconds=300.0)
    second.watcher.restore(Moment(1300.0, T0 + timedelta(seconds=300)), stale=False)
    assert [each.id for each in second.live_state.incidents()] == ["i-1"]
    second.watch([ON_LINE], {1, 2, 4}, 60)
    assert len(second.events()) == 1
    second.seconds = 3600.0
    second.watch([], {4}, 20)
    told = [(e.subject, e.data.kind, e.data.open) for e in second.events()[1:]]
    assert told == [
        ("i-1", IncidentKind.STRADDLING, False),
        ("i-2", IncidentKind.OVERSTAY, True),
    ]
    assert second.events()[-1].data.began == T0
    second.store.close()


def test_after_a_long_absence_what_was_open_is_over(tmp_path: Path) -> None:
    first = Rig(tmp_path / "store.db", ManualClock())
    first.watch([ON_LINE], {1, 2}, 120)
    first.store.close()
    second = Rig(tmp_path / "store.db", ManualClock())
    second.watcher.restore(Moment(9000.0, T0 + timedelta(hours=8)), stale=True)
    assert second.events()[-1].data.end is IncidentEnd.RESTART
    assert second.store.incidents() == ()
    second.store.close()


def test_another_calibration_ends_incidents_of_bays_that_are_gone(rig: Rig) -> None:
    rig.watch([ON_LINE], {1, 2}, 120)
    rig.calibration = CALIBRATION.model_copy(update={"bays": BAYS[:2], "revision": 4})
    rig.look([], set())
    assert rig.events()[-1].data.end is IncidentEnd.CONFIG


def test_kinds_may_be_switched_off(tmp_path: Path) -> None:
    config = IncidentsConfig(kinds=(IncidentKind.OVERSTAY,))
    rig = Rig(tmp_path / "store.db", ManualClock(), config)
    rig.watch([ON_LINE, shifted(IN_LANE)], {1, 2}, 200)
    assert rig.events() == []
    rig.store.close()


def shifted(box: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(side + 200 if i % 2 == 0 else side for i, side in enumerate(box))


def test_stays_are_kept_when_they_begin_and_end(rig: Rig) -> None:
    rig.watch([], {0}, 20)
    assert rig.store.documents.get("stays/gate") == '{"b0":"2026-05-04T12:00:00Z"}'
    rig.watch([], set(), 10)
    assert rig.store.documents.get("stays/gate") == "{}"
