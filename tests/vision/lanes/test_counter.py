"""Vehicles over a line, as boxes: noise, gaps, queues, reversing, two abreast, odd intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from telemetry.gates import PassageDirection
from vision.lanes import CountedLine, LaneCounter, LinePassage, LineSide
from vision.types import Detections

WH = (640, 360)
CLASSES = {0: "car", 1: "bicycle", 2: "bus", 3: "motorcycle"}
# Drawn from left to right across the picture: who drives down the picture passes to its right.
LINE = CountedLine("gate", np.array([(0.0, 0.5), (1.0, 0.5)], np.float32), LineSide.RIGHT)
IN, OUT = PassageDirection.IN, PassageDirection.OUT
Way = Callable[[float], tuple[float, float] | None]
"""Foot of a vehicle at a time, pixels; None while it is hidden or not there."""


@dataclass(frozen=True)
class Vehicle:
    way: Way
    size: tuple[float, float] = (60.0, 50.0)
    kind: int = 0
    confidence: float = 0.8


def boxes(vehicles: Sequence[Vehicle], time_s: float, rng: np.random.Generator) -> Detections:
    rows, sure, kinds = [], [], []
    for vehicle in vehicles:
        foot = vehicle.way(time_s)
        if foot is None:
            continue
        width, height = vehicle.size
        corners = np.array((foot[0] - width / 2, foot[1] - height, foot[0] + width / 2, foot[1]))
        rows.append(corners + rng.normal(0, 0.02 * height, 4))
        sure.append(vehicle.confidence)
        kinds.append(vehicle.kind)
    return Detections(
        np.array(rows, np.float32).reshape(-1, 4),
        np.array(sure, np.float32),
        np.array(kinds, np.int64),
    )


def count(
    *vehicles: Vehicle,
    line: CountedLine = LINE,
    until_s: float = 20.0,
    rate_hz: float = 5.0,
    lost: float = 0.0,
) -> list[LinePassage]:
    """Count at irregular intervals, with frames lost at random."""
    rng = np.random.default_rng(7)
    counter, found, time_s = LaneCounter([line]), [], 100.0
    while time_s < 100.0 + until_s:
        if rng.random() >= lost:
            seen = boxes(vehicles, time_s - 100.0, rng)
            found += counter.update(seen, CLASSES, WH, time_s)
        time_s += rng.uniform(0.6, 1.4) / rate_hz
    return found


def down(start_s: float = 0.0, x: float = 320.0, speed: float = 60.0) -> Way:
    """From the top of the picture to its foot; the line lies at y = 180."""

    def at(time_s: float) -> tuple[float, float] | None:
        y = 60.0 + speed * (time_s - start_s)
        return (x, y) if 60.0 <= y <= 350.0 else None

    return at


def path(
    *stops: tuple[float, float], x: float = 320.0, hidden: tuple[float, float] = (0, 0)
) -> Way:
    """Straight from (time, y) to (time, y); not seen while hidden."""
    times, ys = zip(*stops, strict=True)

    def at(time_s: float) -> tuple[float, float] | None:
        if not times[0] <= time_s <= times[-1] or hidden[0] < time_s < hidden[1]:
            return None
        return x, float(np.interp(time_s, times, ys))

    return at


def ways(found: Sequence[LinePassage]) -> list[PassageDirection]:
    return [passage.direction for passage in found]


@pytest.mark.parametrize("rate_hz", [2.5, 5.0, 12.0, 30.0])
@pytest.mark.parametrize("speed", [15.0, 60.0, 110.0])
def test_one_that_passes_counts_once_at_any_rate(rate_hz: float, speed: float) -> None:
    (passage,) = count(Vehicle(down(1.0, speed=speed)), rate_hz=rate_hz)
    assert passage.direction is IN
    assert passage.vehicle == "car"
    assert passage.confidence == pytest.approx(0.8, abs=0.01)
    assert passage.time_s == pytest.approx(101.0 + 120.0 / speed, abs=0.15)


def test_upwards_is_out_and_the_other_side_turns_both() -> None:
    up = Vehicle(path((1, 340), (5, 80)))
    assert ways(count(up)) == [OUT]
    turned = CountedLine("gate", LINE.points_norm, LineSide.LEFT)
    assert ways(count(up, Vehicle(down(8.0)), line=turned)) == [IN, OUT]


def test_two_abreast_are_two_and_opposite_ones_one_each_way() -> None:
    assert ways(count(Vehicle(down(1, 250)), Vehicle(down(1, 330)))) == [IN, IN]
    pair = Vehicle(down(1, 250)), Vehicle(path((1, 340), (5, 80), x=330))
    assert sorted(ways(count(*pair))) == [IN, OUT]


def test_a_queue_counts_each_once() -> None:
    """Bumper to bumper, stop and go; in the picture each box covers half of the one behind it."""

    def creep(time_s: float) -> float:
        return 40.0 * (time_s // 4) + 40.0 * min((time_s % 4) / 2, 1.0)

    def member(number: int) -> Way:
        def at(time_s: float) -> tuple[float, float] | None:
            y = 60.0 - 42.0 * number + creep(time_s)
            return (320.0, y) if 60.0 <= y <= 350.0 else None

        return at

    queue = [Vehicle(member(number), (64.0, 70.0)) for number in range(6)]
    assert ways(count(*queue, until_s=90.0)) == [IN] * 6


@pytest.mark.parametrize("sure", [0.45, 0.9])
def test_boxes_round_several_cars_of_a_queue_count_nothing(sure: float) -> None:
    """As the network draws them at night: round a car and the one behind it, now and then."""

    def queue_y(time_s: float) -> float:
        return float(np.interp(time_s, (2.0, 4.0, 12.0, 16.0), (90.0, 215.0, 215.0, 340.0)))

    def is_joined(time_s: float) -> bool:
        return 5.0 < time_s < 9.0 and time_s % 2 < 1.2

    def joined(time_s: float) -> tuple[float, float] | None:
        return (321.0, queue_y(time_s)) if is_joined(time_s) else None

    def second(time_s: float) -> tuple[float, float] | None:
        y = queue_y(time_s) - 45.0
        return None if y < 60.0 or is_joined(time_s) else (320.0, y)

    cars = [Vehicle(way, (60.0, 60.0)) for way in (lambda t: (320.0, queue_y(t)), second)]
    passed = count(*cars, Vehicle(joined, (66.0, 105.0), confidence=sure), until_s=15.9)
    assert ways(passed) == [IN, IN]


def test_a_box_that_reaches_now_round_the_car_behind_stays_the_same_cars() -> None:
    """As a car stops on the line: the upper edge of its box jumps, its foot does not."""
    way = path((1, 60), (4, 175), (9, 205), (12, 330))

    def high(time_s: float) -> tuple[float, float] | None:
        return way(time_s) if time_s % 1.2 < 0.6 and time_s > 3.5 else None

    def low(time_s: float) -> tuple[float, float] | None:
        return None if high(time_s) else way(time_s)

    for height in (70.0, 100.0, 160.0):
        cars = Vehicle(low, (60.0, 45.0)), Vehicle(high, (60.0, height))
        assert ways(count(*cars)) == [IN]


def test_a_faint_upright_box_is_a_person_and_no_car() -> None:
    walks = path((1, 100), (15, 300))
    assert count(Vehicle(walks, (20.0, 55.0), confidence=0.45)) == []
    assert ways(count(Vehicle(walks, (20.0, 55.0), confidence=0.8))) == [IN], "seen from above"
    assert ways(count(Vehicle(walks, (60.0, 55.0), confidence=0.45))) == [IN], "a faint car"
    assert ways(count(Vehicle(walks, (20.0, 55.0), kind=3, confidence=0.45))) == [IN], "motorcycle"


def test_one_that_stands_on_the_line_counts_once() -> None:
    stands = Vehicle(path((0, 70), (3, 181), (30, 181), (33, 340)))
    assert ways(count(stands, until_s=40, rate_hz=10)) == [IN]


def test_one_that_reverses_counts_back_and_one_that_only_noses_over_not_at_all() -> None:
    assert ways(count(Vehicle(path((0, 70), (3, 260), (5, 260), (9, 70))))) == [IN, OUT]
    assert count(Vehicle(path((0, 70), (3, 184), (5, 184), (9, 70)))) == []
    assert count(Vehicle(path((0, 70), (3, 160), (5, 160), (9, 70)))) == []


@pytest.mark.parametrize("hidden", [(2.2, 3.2), (1.6, 2.4)])
def test_one_that_is_hidden_on_the_line_counts_once(hidden: tuple[float, float]) -> None:
    assert ways(count(Vehicle(path((0, 70), (5, 340), hidden=hidden)))) == [IN]


def test_a_third_of_the_frames_may_be_lost() -> None:
    cars = [Vehicle(down(2.0 * number, 200 + 40 * number)) for number in range(6)]
    assert ways(count(*cars, lost=0.33)) == [IN] * 6


def test_a_faint_box_goes_on_with_a_track_and_begins_none() -> None:
    assert count(Vehicle(down(1.0), confidence=0.2)) == []
    rng = np.random.default_rng(3)
    counter, found = LaneCounter([LINE]), []
    for step in range(40):
        car = Vehicle(down(), confidence=0.8 if step < 5 else 0.2)
        seen = boxes([car], step * 0.2, rng)
        found += counter.update(seen, CLASSES, WH, step * 0.2)
    assert ways(found) == [IN]


def test_the_class_is_what_most_boxes_say() -> None:
    rng = np.random.default_rng(3)
    counter, found = LaneCounter([LINE]), []
    for step in range(40):
        seen = boxes([Vehicle(down(), kind=0 if step % 4 == 0 else 2)], step * 0.2, rng)
        found += counter.update(seen, CLASSES, WH, step * 0.2)
    assert [passage.vehicle for passage in found] == ["bus"]


def test_bicycles_are_counted_only_where_asked() -> None:
    bicycle = Vehicle(down(1.0), kind=1)
    assert count(bicycle) == []
    asked = CountedLine("gate", LINE.points_norm, LineSide.RIGHT, frozenset({"bicycle"}))
    assert ways(count(bicycle, Vehicle(down(6.0)), line=asked)) == [IN]


def test_round_the_end_and_born_beyond_are_no_passages() -> None:
    short = CountedLine("gate", np.array([(0.0, 0.5), (0.3, 0.5)], np.float32), LineSide.RIGHT)
    assert count(Vehicle(down(1.0)), line=short) == []
    assert count(Vehicle(path((0, 230), (4, 340)))) == []


def test_a_frame_that_comes_twice_or_late_changes_nothing() -> None:
    counter, rng, found = LaneCounter([LINE]), np.random.default_rng(3), []
    for step in range(30):
        for time_s in (step * 0.2, step * 0.2, step * 0.2 - 1.0):
            seen = boxes([Vehicle(down())], step * 0.2, rng)
            found += counter.update(seen, CLASSES, WH, time_s)
    assert ways(found) == [IN]


def test_the_line_goes_with_the_view() -> None:
    """The camera turned by 60 px: boxes and line lie lower, and the car stops short of the line."""
    turned = np.array([(1, 0, 0), (0, 1, 60 / 360), (0, 0, 1)], np.float32)
    stops = Vehicle(path((0, 70), (3, 210), (15, 210)))
    for homography, expected in ((None, 1), (turned, 0)):
        rng, counter, found = np.random.default_rng(1), LaneCounter([LINE]), []
        for step in range(60):
            seen = boxes([stops], step * 0.2, rng)
            found += counter.update(seen, CLASSES, WH, step * 0.2, homography)
        assert len(found) == expected


def test_two_lines_count_apart_and_clear_forgets() -> None:
    low = CountedLine("low", np.array([(0.0, 0.8), (1.0, 0.8)], np.float32), LineSide.RIGHT)
    rng, counter, found = np.random.default_rng(1), LaneCounter([LINE, low]), []
    for step in range(30):
        if step == 14:  # between the two lines
            counter.clear()
            assert counter.tracks == ()
        found += counter.update(boxes([Vehicle(down())], step * 0.2, rng), CLASSES, WH, step * 0.2)
    assert [passage.line for passage in found] == ["gate", "low"]
    assert found[0].track != found[1].track


def test_a_vehicle_keeps_its_own_box_when_one_lies_round_it_and_another() -> None:
    """At night the network sees a third box round two cars of a queue, and some at random.

    If as many tracks as can be were given any box, the far car would take the large one, and its
    foot would jump back over the line.
    """
    far, near, both = (273, 76, 315, 117), (245, 104, 305, 160), (248, 77, 316, 156)
    stray = (262, 50, 304, 100)
    line = CountedLine("gate", np.array([(0.26, 0.37), (0.5, 0.42)], np.float32), LineSide.LEFT)
    counter, found = LaneCounter([line]), []
    for frame in range(24):
        there = [far, near, stray] if frame in {20, 21} else [far, near]
        if frame > 21:
            there = [far, near, both]
        seen = Detections(
            np.array(there, np.float32),
            np.array([0.57, 0.79, 0.6][: len(there)], np.float32),
            np.zeros(len(there), np.int64),
        )
        found += counter.update(seen, CLASSES, WH, 10 + frame / 5)
        assert {far, near} <= {tuple(track.box.tolist()) for track in counter.tracks}
    assert found == []
