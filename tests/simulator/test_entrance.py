"""Rendered entrances: the truth is what the picture shows, and nothing touches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulator.entrance import EntranceScene, SimulatedEntrance, scenes_of
from simulator.light import Weather
from simulator.passing import Flow
from telemetry.gates import PassageDirection

WH = (320, 180)
IN, OUT = PassageDirection.IN, PassageDirection.OUT


def entrance(flow: Flow, passing: int = 6, seed: int = 3) -> SimulatedEntrance:
    return SimulatedEntrance(EntranceScene(flow=flow, passing=passing, image_wh=WH), seed)


@pytest.mark.parametrize("flow", list(Flow))
def test_no_car_touches_the_one_before_it_and_each_passage_is_known(flow: Flow) -> None:
    made = entrance(flow, passing=8)
    for y in {drive.y_m for drive in made.drives}:
        lane = [drive for drive in made.drives if drive.y_m == y]
        for first, second in pairwise(lane):
            for time_s in np.arange(second.begins_s, min(first.ends_s, second.ends_s), 1.0):
                room = (first.car.length_m + second.car.length_m) / 2
                assert abs(first.x_at(time_s) - second.x_at(time_s)) > room + 0.5
    crossings = made.crossings()
    assert [each.time_s for each in crossings] == sorted(each.time_s for each in crossings)
    for each in crossings:
        assert each.touches_s[0] < each.time_s < each.touches_s[1]
    if flow is not Flow.REVERSES:
        assert len(crossings) == 8, "each car passes once"


def test_flows_are_what_they_are_called() -> None:
    ways = [each.direction for each in entrance(Flow.ABREAST).crossings()]
    assert ways == [IN] * 6
    times = [each.time_s for each in entrance(Flow.ABREAST).crossings()]
    assert all(second - first < 1.5 for first, second in zip(times[::2], times[1::2], strict=True))
    back = [drive.crossings() for drive in entrance(Flow.REVERSES, 20).drives]
    assert any(len(found) == 2 for found in back), "one that goes in and out again"
    assert any(len(found) == 0 for found in back), "one that turns back before the line"
    longest = max(b - a for a, b in (c.touches_s for c in entrance(Flow.STANDS, 12).crossings()))
    assert longest > 5


def test_the_picture_shows_the_car_where_the_truth_says_left_of_the_line_is_in() -> None:
    made = entrance(Flow.FREE, passing=3)
    empty, first = made.frame(0.0), made.crossings()[0]
    shown = np.abs(made.frame(first.time_s).astype(int) - empty).max(2) > 60
    middle = made.line_norm.mean(0) * WH
    near = shown[int(middle[1]) - 25 : int(middle[1]) + 25]
    assert near.sum() > 200, "something large is on the line"
    start, end = made.line_norm
    inside, _ = made.camera.project(np.array([[3.0, 0.0, 0.0]]))
    to = made.camera.to_norm(inside)[0] - start
    along = end - start
    assert along[1] * to[0] - along[0] * to[1] > 0


def test_the_same_seed_gives_the_same_picture_and_every_flow_is_measured_in_each_weather() -> None:
    first, second = (entrance(Flow.STANDS) for _ in range(2))
    second.frame(9.0)
    assert np.array_equal(first.frame(4.0), second.frame(4.0))
    conditions = {(scene.flow, scene.weather) for scene in scenes_of(5)}
    assert len(conditions) == 25
    assert (Flow.QUEUE, Weather.NIGHT) in conditions


@pytest.mark.parametrize("flow", list(Flow))
def test_no_car_leaps_when_the_one_before_it_is_gone(flow: Flow) -> None:
    for seed in range(4):
        for drive in entrance(flow, passing=14, seed=seed).drives:
            # Steps of 1/20 s: nobody is faster here than 14 m/s.
            assert np.abs(np.diff(drive.x_m)).max() < 0.7
