"""Gates at the box: passages once, counts within bounds, over wraps, resets and restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from edge_app.alarms import AlarmKind
from edge_app.config import SignConfig
from edge_app.delivery import GatePassage
from edge_app.lot_devices import sign_figures
from edge_app.outputs import LotFigures
from sensors.errors import SensorError
from telemetry import ConfigError, GatePassedEvent, LotCountEvent, PassageDirection
from tests.edge_app.sensing.conftest import Box, MakeBox

GARAGE = (
    '[[vehicle_gate]]\nid = "in"\nlot = "garage"\nwiring = "in"\nmodulus = 65536\n'
    '[[vehicle_gate]]\nid = "both"\nlot = "garage"\nperiod_s = 600\n'
    '[[counted_lot]]\nid = "garage"\ncapacity = 20\ntold_every_s = 60\nzero_at = "03:30"\n'
)
NORTH = '[[vehicle_gate]]\nid = "side"\nlot = "north"\n[[counted_lot]]\nid = "north"\n'


def send(box: Box, **fields: object) -> int:
    return box.sensing.intake("gates", "", json.dumps(fields).encode())


def passages(box: Box) -> list[tuple[str, str, int, int | None]]:
    return [
        (e.subject, e.data.direction, e.data.count, e.data.total)
        for e in box.events()
        if isinstance(e, GatePassedEvent)
    ]


def counts(box: Box) -> list[tuple[int, str, int | None]]:
    return [
        (e.data.count, e.data.cause, e.data.drift)
        for e in box.events()
        if isinstance(e, LotCountEvent)
    ]


def test_pulses_are_counted_once_over_a_restart(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    box.clock.advance(1)
    assert send(box, gate="both", direction="in", id="1") == 1
    assert send(box, gate="both", direction="in", id="1") == 0
    assert send(box, gate="in", count=3, id="7") == 3
    box = make_box(GARAGE)
    assert send(box, gate="both", direction="in", id="1") == 0
    assert send(box, gate="both", direction="out", id="2") == 1
    assert passages(box) == [
        ("both", "in", 1, None), ("in", "in", 3, None), ("both", "out", 1, None),
    ]  # fmt: skip
    (count,) = box.sensing.report().counts
    assert (count.count, count.true_at) == (None, None), "nobody ever looked how many there were"
    box.sensing.look()
    assert counts(box) == [], "an unknown count is not told"


def test_running_totals_wrap_reset_and_are_not_believed_beyond_reason(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    for total, passed in ((65_530, 0), (65_534, 4), (65_534, 0), (3, 5), (9, 6), (2, 2)):
        box.clock.advance(60)
        assert send(box, gate="in", totals={"in": total}) == passed, total
    box.clock.advance(60)
    assert send(box, gate="in", totals={"in": 60_000}) == 0
    assert "more than can have passed" in (box.sensing.report().last_fault or "")
    assert passages(box)[0] == ("in", "in", 4, 65_534)


def test_a_count_set_by_hand_is_kept_within_its_bounds_and_told(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    box.sensing.gates.set_count("garage", None, 19)
    for number in range(4):
        box.clock.advance(1)
        send(box, gate="both", direction="in", id=str(number))
    assert box.sensing.report().counts[0].count == 20
    box.clock.advance(61)
    box.sensing.look()
    assert counts(box) == [(19, "corrected", None), (20, "counted", None)]
    box = make_box(GARAGE)
    assert box.sensing.report().counts[0].count == 20
    box.clock.advance(1)
    box.sensing.gates.set_count("garage", None, 5)
    assert counts(box)[-1] == (5, "corrected", 18)
    for number in range(9):
        box.clock.advance(1)
        send(box, gate="both", direction="out", id=f"o{number}")
    assert box.sensing.report().counts[0].count == 0
    with pytest.raises(SensorError, match=r"expected a counted lot \(garage\), but got p9"):
        box.sensing.gates.set_count("p9", None, 5)
    with pytest.raises(SensorError, match="expected 0 to 20, but got 21"):
        box.sensing.gates.set_count("garage", None, 21)


def test_the_lot_is_empty_at_night_if_its_gates_are_heard(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    send(box, gate="both", direction="in", id="1")
    night = box.clock.utc().replace(hour=3, minute=31, second=0) + timedelta(days=1)
    box.clock.advance((night - box.clock.utc()).total_seconds())
    box.sensing.look()
    assert [each.kind for each in box.alarms.standing()] == [AlarmKind.GATE]
    assert counts(box) == [], "a gate that is silent may have missed somebody"
    send(box, gate="both")
    box.sensing.look()
    box.sensing.look()
    assert counts(box) == [(0, "zeroed", None)]
    assert box.alarms.standing() == ()


def test_unknown_gates_and_directions_are_refused(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    with pytest.raises(SensorError, match="expected one of the gates in, both, but got west"):
        send(box, gate="west", direction="in", id="1")
    assert send(box, gate="both", count=2, id="2") == 0
    assert "no direction is told; set its wiring" in (box.sensing.report().last_fault or "")
    assert passages(box) == []


LEVELS = (
    '[[vehicle_gate]]\nid = "street"\nlot = "deck"\n'
    '[[vehicle_gate]]\nid = "ramp"\nlot = "deck"\nlevel = "1"\nlevel_from = "0"\n'
    '[[vehicle_gate]]\nid = "door-0"\nlot = "deck"\nlevel = "0"\n'
    '[[counted_lot]]\nid = "deck"\ncapacity = 20\n'
    '[[counted_lot]]\nid = "deck"\nlevel = "0"\ncapacity = 10\n'
    '[[counted_lot]]\nid = "deck"\nlevel = "1"\ncapacity = 10\n'
)


def test_a_ramp_moves_vehicles_from_one_level_to_another_and_none_into_the_lot(
    make_box: MakeBox,
) -> None:
    box = make_box(LEVELS)
    for level in (None, "0", "1"):
        box.sensing.gates.set_count("deck", level, 0)
    box.clock.advance(1)
    for gate, way, count in (
        ("street", "in", 5), ("door-0", "in", 5), ("ramp", "in", 3), ("ramp", "out", 1),
    ):  # fmt: skip
        send(box, gate=gate, direction=way, count=count, id=f"{gate}-{way}")
    found = {each.level: each.count for each in box.sensing.report().counts}
    assert found == {None: 5, "0": 3, "1": 2}
    told = [e.data for e in box.events() if isinstance(e, GatePassedEvent) and e.subject == "ramp"]
    assert {(each.level, each.level_from) for each in told} == {("1", "0")}


@pytest.mark.parametrize("levels", ['level_from = "0"', 'level = "0"\nlevel_from = "0"'])
def test_a_gate_between_levels_names_two(make_box: MakeBox, levels: str) -> None:
    with pytest.raises(ConfigError, match="expected another level than level_from"):
        make_box(f'[[vehicle_gate]]\nid = "ramp"\nlot = "deck"\n{levels}\n')


def test_lines_in_pictures_count_too(make_box: MakeBox) -> None:
    box = make_box(GARAGE)
    box.sensing.gates.set_count("garage", None, 5)
    box.clock.advance(10)
    way_in, way_out = PassageDirection.IN, PassageDirection.OUT
    for way in (way_in, way_in, way_out, way_in):
        box.clock.advance(1)
        now = box.clock.utc()
        line = GatePassage("ramp", "garage", None, way, now, "car", 0.9, "cam", 1)
        elsewhere = replace(line, lot="other")
        box.sensing.gates.count_line([line, elsewhere])
    assert box.sensing.report().counts[0].count == 7
    assert passages(box) == [], "their events are the counter's own"
    box = make_box(GARAGE)
    assert box.sensing.report().counts[0].count == 7


def lane(box: Box, way: PassageDirection, level: str | None = None) -> None:
    """A vehicle over a counted line."""
    box.clock.advance(1)
    now = box.clock.utc()
    passage = GatePassage("ramp", "north", level, way, now, "car", 0.9, "cam", 1)
    box.sensing.gates.count_line([passage])


def test_the_bays_of_a_lot_correct_what_its_lanes_count(make_box: MakeBox) -> None:
    """The lane misses one; once nobody drives about, its bays say how many there are."""
    box = make_box(NORTH + "capacity = 3\ntold_every_s = 1\n", "abc")
    (unknown,) = box.sensing.report().counts
    assert (unknown.count, unknown.source) == (None, "gates"), "unknown bays are no truth"
    for bay, occ in (("a", True), ("b", False), ("c", False)):
        box.camera(bay, occ)
    (by_bays,) = box.sensing.report().counts
    assert (by_bays.count, by_bays.source, by_bays.true_at) == (1, "bays", None)
    box.sensing.look()
    assert counts(box) == [(1, "corrected", None)]
    lane(box, PassageDirection.IN)
    for bay in "bc":
        box.camera(bay, True)
    box.camera("a", None)
    (held,) = box.sensing.report().counts
    assert (held.count, held.source) == (2, "gates"), "one was missed, nobody knows that yet"
    box.camera("a", True)
    box.sensing.look()
    assert counts(box)[-1] == (3, "counted", None), "too soon to set it: somebody may drive about"
    box.clock.advance(301)
    box.sensing.look()
    assert counts(box)[-1] == (3, "corrected", -1)
    box.sensing.look()
    assert len(counts(box)) == 3
    box = make_box(NORTH + "capacity = 3\n", "abc")
    assert box.sensing.report().counts[0].true_at is not None


def test_bays_of_a_part_of_a_lot_hold_its_count_within_bounds(make_box: MakeBox) -> None:
    box = make_box(NORTH + "capacity = 10\n", "abc")
    box.sensing.gates.set_count("north", None, 0)
    for bay, occ in (("a", True), ("b", True), ("c", False)):
        box.camera(bay, occ)
    (count,) = box.sensing.report().counts
    assert (count.count, count.source) == (2, "both"), "two are seen, whatever the lane says"
    box.clock.advance(1)
    box.sensing.gates.set_count("north", None, 10)
    assert box.sensing.report().counts[0].count == 9, "one is seen to be free"
    box.clock.advance(3600)
    box.sensing.look()
    assert [cause for _, cause, _ in counts(box)] == ["corrected"] * 2, "they do not set it"


def test_a_sign_shows_the_bays_of_a_counted_lot_once(make_box: MakeBox) -> None:
    box = make_box(NORTH + "capacity = 10\n", "abc")
    box.sensing.gates.set_count("north", None, 4)
    box.store.set_closed("c", True)

    def shown(**scope: str) -> LotFigures:
        sign = SignConfig(id="entry", mqtt={"topic": "signs/entry"}, **scope)
        return sign_figures(box.store, box.sensing.gates.counts, sign)

    assert shown() == shown(lot="north") == LotFigures(free=5, occupied=4, closed=1)
